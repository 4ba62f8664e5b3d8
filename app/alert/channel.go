package alert

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Channel brings messages to people. An error has the message sent again later; see [RefusedError].
type Channel interface {
	// Name tells channels apart, in the database too: it must stay the same. 1 to 50 of a-z, 0-9
	// and dash.
	Name() string
	// Send brings m to the channel, or returns why it could not before ctx ends. It may be called
	// again with a message it has sent, when the process died before that was recorded:
	// m.ID is then the same.
	Send(ctx context.Context, m Message) error
}

// RefusedError is an answer of a channel that says more than that it failed.
type RefusedError struct {
	Err   error
	After time.Duration // not before; 0: as usual
	Setup bool          // the channel is set up wrongly: trying again soon is of no use
}

func (e *RefusedError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *RefusedError) Unwrap() error { return e.Err }

var own struct {
	sync.Mutex
	channels []Channel
}

// Use adds a channel of your own; call it from init. In Send, app.Config(ctx) and app.DB(ctx) give
// what it needs, as in a job.
//
//	func init() { alert.Use(pager{}) }
func Use(c Channel) {
	own.Lock()
	defer own.Unlock()
	own.channels = append(own.channels, c)
}

// Own returns the channels that were added by [Use].
func Own() []Channel {
	own.Lock()
	defer own.Unlock()
	return slices.Clone(own.channels)
}

// TestResult is what came of a test message.
type TestResult struct {
	Channel string `json:"channel"`
	Sent    bool   `json:"sent"`
	Error   string `json:"error,omitempty"`
	TookMS  int64  `json:"took_ms"`
}

// Test sends a message that says it is a test through every channel, at once and once, past the
// database, silences and limits.
func (a *Alerter) Test(ctx context.Context) []TestResult {
	out := make([]TestResult, len(a.o.Channels))
	var all sync.WaitGroup
	for i, c := range a.o.Channels {
		all.Go(func() {
			began := time.Now()
			sending, cancel := context.WithTimeout(a.o.Context(ctx), sendFor)
			defer cancel()
			err := send(sending, c, a.testMessage())
			out[i] = TestResult{Channel: c.Name(), Sent: err == nil, TookMS: time.Since(began).Milliseconds()}
			if err != nil {
				out[i].Error = brief(err.Error())
			}
		})
	}
	all.Wait()
	return out
}

// check says what is wrong with the channels.
func check(channels []Channel) error {
	seen := map[string]bool{}
	for i, c := range channels {
		if c == nil {
			return fmt.Errorf("alert channel %d is nil", i+1)
		}
		name := c.Name()
		if !channelName(name) {
			return fmt.Errorf("alert channel %q: a name has 1 to 50 of a-z, 0-9 and dash", name)
		}
		if seen[name] {
			return fmt.Errorf("two alert channels have the name %q", name)
		}
		seen[name] = true
	}
	return nil
}

func channelName(name string) bool {
	if name == "" || len(name) > 50 {
		return false
	}
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return true
}

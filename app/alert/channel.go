package alert

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Channel sends messages to people. After an error, the message is sent again later; see [RefusedError].
type Channel interface {
	// Name identifies the channel, in the database too, so it must not change. 1 to 50 of a-z, 0-9 and dash.
	Name() string
	// Send sends m, or returns an error before ctx ends. A message may be sent twice if the process died before
	// recording it; m.ID is then the same.
	Send(ctx context.Context, m Message) error
}

// RefusedError is a channel's error with instructions for the retry.
type RefusedError struct {
	Err   error
	After time.Duration // minimum delay; 0: default
	Setup bool          // the channel is misconfigured: an early retry is useless
}

func (e *RefusedError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *RefusedError) Unwrap() error { return e.Err }

var own struct {
	sync.Mutex
	channels []Channel
}

// Use adds your own channel; call it from init. In Send, as in a job, app.Config(ctx) and app.DB(ctx) return settings
// and database.
//
//	func init() { alert.Use(pager{}) }
func Use(c Channel) {
	own.Lock()
	defer own.Unlock()
	own.channels = append(own.channels, c)
}

// Own returns the channels added by [Use].
func Own() []Channel {
	own.Lock()
	defer own.Unlock()
	return slices.Clone(own.channels)
}

// TestResult is the result of a test message.
type TestResult struct {
	Channel string `json:"channel"`
	Sent    bool   `json:"sent"`
	Error   string `json:"error,omitempty"`
	TookMS  int64  `json:"took_ms"`
}

// check returns the first problem with the channels.
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

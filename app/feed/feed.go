package feed

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/ops"
)

// The stream of changes comes from the store alone, so it is the same on every process. The hub
// looks at it once a second, and at once when this process has done something itself; what it sees
// is compared with what it saw before (changes.go), and the difference is kept in a ring from which
// the subscribers read. There is one hub in a process, and only while somebody is subscribed.

const (
	lookEvery   = time.Second
	lookRest    = 25 * time.Millisecond // between two looks at least, so that a burst is told together
	linger      = time.Minute           // how long the hub lives on without a subscriber, who may come back
	ringEvents  = 4096
	ringBytes   = 8 << 20
	takeEvents  = 256 // by one Next
	lookTimeout = 10 * time.Second
)

// Feed is the stream of what happens. It looks at the store only while somebody is subscribed.
type Feed struct {
	crons  ops.Crons
	mu     sync.Mutex // of who comes and goes
	hub    *hub
	closed bool
}

// hub is the process's end of the stream.
type hub struct {
	f    *Feed
	ctx  context.Context
	stop context.CancelFunc
	done chan struct{}
	view picture // the loop's alone

	subscribers int       // under Feed.mu
	left        time.Time // when the last one went; under Feed.mu

	mu    sync.Mutex
	epoch string
	ring  []Change
	last  int64 // number of the newest change
	size  int   // bytes in the ring
	grown chan struct{}
	ended bool
}

// New returns the stream of what happens to the jobs of crons.
func New(crons ops.Crons) *Feed { return &Feed{crons: crons} }

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Change is something that happened in any of the processes that share a store.
type Change struct {
	// ID is a place in a stream; see [Feed.Subscribe].
	ID   string
	Kind contract.EventKind
	Job  string
	// Data is the run ([cron.Record]) or the job ([ops.JobView]) as it stood then, in JSON.
	Data json.RawMessage
}

// Subscription is one reader of the stream. It is not safe for concurrent use.
type Subscription struct {
	h    *hub
	next int64
	lost bool // a place was asked for that is not there
	once sync.Once
}

// Subscribe opens the stream of what happens, in whichever process, from now on: after the place with
// the ID after, if it is not empty. When that place is too far back, or was another process's, the
// stream begins with [contract.EventsMissed].
//
// A run that waits is told as queued, each attempt as started, the end as ended, in this order;
// between two looks at the store, a second apart at most, several progresses become one, and a run
// that waited for less than that is not told as queued.
func (f *Feed) Subscribe(ctx context.Context, after string) (*Subscription, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || isClosed(f.crons.Stopping()) {
		return nil, errors.New("the scheduler has stopped")
	}
	h := f.hub
	if h == nil {
		h = &hub{f: f, grown: make(chan struct{}), done: make(chan struct{}), epoch: rand.Text()[:8]}
		h.view.crons = f.crons
		if err := h.view.begin(ctx); err != nil {
			return nil, err
		}
		h.ctx, h.stop = context.WithCancel(context.Background())
		f.hub = h
		go h.run()
	}
	h.subscribers++
	sub := &Subscription{h: h}
	h.mu.Lock()
	defer h.mu.Unlock()
	sub.next = h.last + 1
	if at, ok := h.place(after); ok {
		sub.next = at + 1
	} else {
		sub.lost = after != ""
	}
	return sub, nil
}

// place is the number of an ID that the ring still reaches back to. h.mu is held.
func (h *hub) place(id string) (int64, bool) {
	epoch, number, _ := strings.Cut(id, "-")
	n, err := strconv.ParseInt(number, 10, 64)
	return n, err == nil && epoch == h.epoch && n >= h.last-int64(len(h.ring)) && n <= h.last
}

func (h *hub) id(n int64) string { return h.epoch + "-" + strconv.FormatInt(n, 10) }

// At is the ID of the place before the next change.
func (sub *Subscription) At() string { return sub.h.id(sub.next - 1) }

// Next waits for changes and returns those that there are, oldest first. Whoever comes too late for
// some of them gets [contract.EventsMissed] in their place, and nothing else is left out. It returns ctx's
// error, or io.EOF when the scheduler has stopped.
func (sub *Subscription) Next(ctx context.Context) ([]Change, error) {
	h := sub.h
	for {
		h.mu.Lock()
		grown, ended := h.grown, h.ended
		if sub.lost || sub.next <= h.last-int64(len(h.ring)) {
			sub.lost, sub.next = false, h.last+1
			id := h.id(h.last)
			h.mu.Unlock()
			return []Change{missed(id)}, nil
		}
		if n := int(h.last - sub.next + 1); n > 0 {
			some := h.ring[len(h.ring)-n:]
			some = append([]Change(nil), some[:min(n, takeEvents)]...)
			h.mu.Unlock()
			sub.next += int64(len(some))
			return some, nil
		}
		h.mu.Unlock()
		if ended {
			return nil, io.EOF
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-grown:
		}
	}
}

func missed(id string) Change {
	return Change{ID: id, Kind: contract.EventsMissed, Data: json.RawMessage(`{"detail":"changes were missed; load jobs and runs again"}`)}
}

// Close ends the subscription.
func (sub *Subscription) Close() {
	sub.once.Do(func() {
		f := sub.h.f
		f.mu.Lock()
		defer f.mu.Unlock()
		sub.h.subscribers--
		sub.h.left = time.Now()
	})
}

// Close ends the stream for good, and all subscriptions.
func (f *Feed) Close() {
	f.mu.Lock()
	f.closed = true
	h := f.hub
	f.mu.Unlock()
	if h != nil {
		h.stop()
		<-h.done
	}
}

// run is the hub's life.
func (h *hub) run() {
	defer close(h.done)
	defer h.end()
	second := time.NewTicker(lookEvery)
	defer second.Stop()
	failing, notified := false, h.f.crons.Notified()
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-second.C:
			if h.deserted() {
				return
			}
		case <-h.f.crons.Stopping():
			return
		case <-h.f.crons.Changed():
		case <-notified:
		}
		begin := time.Now()
		ctx, cancel := context.WithTimeout(h.ctx, lookTimeout)
		changes, err := h.view.look(ctx)
		cancel()
		switch {
		case h.ctx.Err() != nil:
			return
		case err == nil:
			failing = false
			h.publish(changes)
		case !failing:
			failing = true
			h.f.crons.Log().Error("the store does not tell what changes; streams of events wait for it", "error", err)
		}
		// What a look costs decides how often there is one.
		rest := time.NewTimer(max(lookRest, 4*time.Since(begin)))
		select {
		case <-h.ctx.Done():
		case <-h.f.crons.Stopping():
		case <-rest.C:
		}
		rest.Stop()
	}
}

// deserted says whether nobody has been here for some time; then the hub is none any more.
func (h *hub) deserted() bool {
	f := h.f
	f.mu.Lock()
	defer f.mu.Unlock()
	if h.subscribers > 0 || time.Since(h.left) < linger {
		return false
	}
	if f.hub == h {
		f.hub = nil
	}
	return true
}

func (h *hub) end() {
	h.stop()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = true
	close(h.grown)
	h.grown = make(chan struct{})
}

// publish puts changes into the ring and lets the oldest fall out.
func (h *hub) publish(changes []Change) {
	if len(changes) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range changes {
		h.last++
		c.ID = h.id(h.last)
		h.ring = append(h.ring, c)
		h.size += len(c.Data)
	}
	drop := 0
	for len(h.ring)-drop > ringEvents || h.size > ringBytes {
		h.size -= len(h.ring[drop].Data)
		drop++
	}
	if drop > 0 {
		h.ring = append(h.ring[:0:0], h.ring[drop:]...)
	}
	close(h.grown)
	h.grown = make(chan struct{})
}

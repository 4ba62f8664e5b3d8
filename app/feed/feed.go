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

// The hub polls the store once a second, and at once after a change in this process. It compares the result with the
// last one (changes.go) and puts the changes into a ring buffer that the subscribers read. A process has at most one
// hub.

const (
	pollEvery   = time.Second
	pollGap     = 25 * time.Millisecond // minimum between two polls, to batch bursts
	idleTimeout = time.Minute           // how long the hub runs without subscribers, so that they can resume
	ringEvents  = 4096
	ringBytes   = 8 << 20
	takeEvents  = 256 // by one Next
	pollTimeout = 10 * time.Second
)

// Feed is the stream of changes. It polls the store only while there are subscribers.
type Feed struct {
	crons  ops.Crons
	mu     sync.Mutex // guards hub, closed and the hub's subscribers and left
	hub    *hub
	closed bool
}

// hub serves the stream in this process.
type hub struct {
	f    *Feed
	ctx  context.Context
	stop context.CancelFunc
	done chan struct{}
	view snapshot // used only by run

	subscribers int       // under Feed.mu
	left        time.Time // when the last subscriber left; under Feed.mu

	mu    sync.Mutex
	epoch string
	ring  []Change
	last  int64 // number of the newest change
	size  int   // bytes in the ring
	grown chan struct{}
	ended bool
}

// New returns the stream of changes to the jobs of crons.
func New(crons ops.Crons) *Feed { return &Feed{crons: crons} }

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Change is a change in any of the processes that share a store.
type Change struct {
	// ID is a position in a stream; see [Feed.Subscribe].
	ID   string
	Kind contract.EventKind
	Job  string
	// Data is the run ([cron.Record]) or the job ([ops.JobView]) after the change, in JSON.
	Data json.RawMessage
}

// Subscription is a reader of the stream. It is not safe for concurrent use.
type Subscription struct {
	h    *hub
	next int64
	lost bool // the requested position is not available
	once sync.Once
}

// Subscribe returns the changes of all processes from now on, or after the ID after if it is not empty. If that ID is
// too old or from another process, the stream begins with [contract.EventsMissed].
//
// A waiting run is reported as queued, each attempt as started and the end as ended, in this order. Polls are at most a
// second apart. Several progress reports between two polls are merged, and a run that waits for less than that is not
// reported as queued. A deferred run is reported as queued at once, and perhaps again when its time has come; if it is
// cancelled before, its end is known from the audit log.
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
	if at, ok := h.position(after); ok {
		sub.next = at + 1
	} else {
		sub.lost = after != ""
	}
	return sub, nil
}

// position returns the number of an ID that is still in the ring. h.mu is held.
func (h *hub) position(id string) (int64, bool) {
	epoch, number, _ := strings.Cut(id, "-")
	n, err := strconv.ParseInt(number, 10, 64)
	return n, err == nil && epoch == h.epoch && n >= h.last-int64(len(h.ring)) && n <= h.last
}

func (h *hub) id(n int64) string { return h.epoch + "-" + strconv.FormatInt(n, 10) }

// At returns the ID of the position before the next change.
func (sub *Subscription) At() string { return sub.h.id(sub.next - 1) }

// Next waits for changes and returns them, oldest first. If the reader was too slow for some of them, it returns
// [contract.EventsMissed] instead of all that it has not read. It returns ctx's error, or io.EOF when the scheduler has
// stopped.
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

// Close ends the stream permanently, with all subscriptions.
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

// run polls until the hub is closed or idle.
func (h *hub) run() {
	defer close(h.done)
	defer h.end()
	second := time.NewTicker(pollEvery)
	defer second.Stop()
	failing, notified := false, h.f.crons.Notified()
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-second.C:
			if h.idle() {
				return
			}
		case <-h.f.crons.Stopping():
			return
		case <-h.f.crons.Changed():
		case <-notified:
		}
		begin := time.Now()
		ctx, cancel := context.WithTimeout(h.ctx, pollTimeout)
		changes, err := h.view.poll(ctx)
		cancel()
		switch {
		case h.ctx.Err() != nil:
			return
		case err == nil:
			failing = false
			h.publish(changes)
		case !failing:
			failing = true
			h.f.crons.Log().Error("failed to poll the store for changes; event streams are delayed until it answers", "error", err)
		}
		// Slow polls are made less often.
		rest := time.NewTimer(max(pollGap, 4*time.Since(begin)))
		select {
		case <-h.ctx.Done():
		case <-h.f.crons.Stopping():
		case <-rest.C:
		}
		rest.Stop()
	}
}

// idle removes the hub and returns true if there was no subscriber for idleTimeout.
func (h *hub) idle() bool {
	f := h.f
	f.mu.Lock()
	defer f.mu.Unlock()
	if h.subscribers > 0 || time.Since(h.left) < idleTimeout {
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

// publish adds changes to the ring and drops the oldest.
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

package scheduler

import (
	"sync"
	"time"

	"fibercrons/app/clock"
)

// ticks is the pending ticks of the clock and of timers. A lost tick delays a slot by a second.
type ticks struct {
	sign chan struct{} // there are pending ticks

	mu     sync.Mutex
	groups []*clock.Group[*entry]
	jobs   []*entry
	rung   bool  // a stored schedule is due
	at     int64 // the latest slot among the groups, in ms
}

// add is called by the clock for each tick.
func (t *ticks) add(g *clock.Group[*entry], slot time.Time) {
	t.mu.Lock()
	t.groups = append(t.groups, g)
	t.at = max(t.at, slot.UnixMilli())
	t.mu.Unlock()
	t.tell()
}

// after adds a tick of the job after d.
func (t *ticks) after(d time.Duration, e *entry) {
	time.AfterFunc(d, func() {
		t.mu.Lock()
		t.jobs = append(t.jobs, e)
		t.mu.Unlock()
		t.tell()
	})
}

// ring is called by the clock when a stored schedule is due.
func (t *ticks) ring() {
	t.mu.Lock()
	t.rung = true
	t.mu.Unlock()
	t.tell()
}

func (t *ticks) tell() {
	select {
	case t.sign <- struct{}{}:
	default:
	}
}

// take returns the ticks since the last call, and the instant, in ms, at which they are due.
func (t *ticks) take() (groups []*clock.Group[*entry], jobs []*entry, rung bool, now int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	groups, jobs, rung, now = t.groups, t.jobs, t.rung, max(time.Now().UnixMilli(), t.at)
	t.groups, t.jobs, t.rung, t.at = nil, nil, false, 0
	return groups, jobs, rung, now
}

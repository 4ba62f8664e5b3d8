package scheduler

import (
	"sync"
	"time"

	"fibercrons/app/clock"
)

// ticks is what the clock, and timers, say is due. A tick is a hint: one that is lost costs a second.
type ticks struct {
	sign chan struct{} // there are some

	mu     sync.Mutex
	groups []*clock.Group[*entry]
	jobs   []*entry
	at     int64 // the latest slot among the groups, in ms
}

// add takes a tick from the clock's loop.
func (t *ticks) add(g *clock.Group[*entry], slot time.Time) {
	t.mu.Lock()
	t.groups = append(t.groups, g)
	t.at = max(t.at, slot.UnixMilli())
	t.mu.Unlock()
	t.tell()
}

// after has a job looked at in a while.
func (t *ticks) after(d time.Duration, e *entry) {
	time.AfterFunc(d, func() {
		t.mu.Lock()
		t.jobs = append(t.jobs, e)
		t.mu.Unlock()
		t.tell()
	})
}

func (t *ticks) tell() {
	select {
	case t.sign <- struct{}{}:
	default:
	}
}

// take returns what has come since the last call, and the instant, in ms, at which it is due.
func (t *ticks) take() (groups []*clock.Group[*entry], jobs []*entry, now int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	groups, jobs, now = t.groups, t.jobs, max(time.Now().UnixMilli(), t.at)
	t.groups, t.jobs, t.at = nil, nil, 0
	return groups, jobs, now
}

package store

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// SQLite has no queue for the write lock: a writer that releases it and takes it again at once comes before all others.
// So a busy writer leaves the others a pause, as long as it takes them to check the lock.
const (
	turnTime  = 100 * time.Millisecond
	turnPause = 3 * time.Millisecond
)

// ErrClosed is the error of calls after Close.
var ErrClosed = errors.New("the store is closed")

// Commit describes a group of writes that shared one commit.
type Commit struct {
	Calls int // that were in the group
	Took  time.Duration
	Err   error // of the first call that the database refused
}

// writer commits ops in groups. What gathers while a group is committed is the next group, so an op alone commits at
// once, and many share one fsync.
type writer struct {
	committer
	committed func(Commit) // is called after every group; may be nil
	mu        sync.Mutex
	queue     []*op
	claims    []*op
	closed    bool
	turns     bool // others write to the same file, and get a pause
	wake      chan struct{}
	ended     chan struct{}
}

func startWriter(c committer, committed func(Commit)) *writer {
	w := &writer{committer: c, committed: committed, wake: make(chan struct{}, 1), ended: make(chan struct{}), turns: c.db.Statements().Locks == nil}
	go w.loop()
	return w
}

// do has the op committed. When ctx ends first the op may still be carried out.
func (w *writer) do(ctx context.Context, o *op) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	o.ctx, o.done = ctx, make(chan struct{})
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return ErrClosed
	}
	switch {
	case o.kind == "claim" && !o.begins():
		w.claims = append(w.claims, o)
	case o.kind == "beat": // leases would end behind a long queue
		w.queue = slices.Insert(w.queue, 0, o)
	default:
		w.queue = append(w.queue, o)
	}
	w.mu.Unlock()
	w.rouse()
	select {
	case <-o.done:
		return o.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *writer) rouse() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// close commits what is waiting, and refuses the rest.
func (w *writer) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.rouse()
	<-w.ended
}

func (w *writer) loop() {
	defer close(w.ended)
	for range w.wake {
		began := time.Now()
		for {
			group, last := w.next()
			if len(group) == 0 {
				if last {
					return
				}
				break
			}
			w.measured(group)
			w.answer(group)
			if w.turns && time.Since(began) > turnTime {
				time.Sleep(turnPause)
				began = time.Now()
			}
		}
	}
}

// answer wakes the callers, except those whose ops were put off. These come first the next time, after a
// rest if there is nothing else.
func (w *writer) answer(group []*op) {
	var later []*op
	for _, o := range group {
		if o.later {
			o.tries++
			later = append(later, o)
		} else {
			close(o.done)
		}
	}
	if len(later) == 0 {
		return
	}
	w.mu.Lock()
	alone := len(w.queue) == 0
	w.claims = append(later, w.claims...)
	w.mu.Unlock()
	if alone {
		rest(later, time.Duration(later[0].tries)*2*time.Millisecond)
	}
}

// next takes a group off the queue, without ops that nobody waits for any more. Starts and
// ends come before claims whose runs will wait for a worker, and leave room for few of those: a burst of slots must not
// hold up the workers that it needs.
func (w *writer) next() (group []*op, closed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	rows := 0
	take := func(lane []*op, most int) []*op {
		n := 0
		for _, o := range lane {
			if rows >= most {
				break
			}
			if n++; o.ctx.Err() == nil {
				group = append(group, o)
				rows += o.rows
			} else {
				o.err = o.ctx.Err()
				close(o.done)
			}
		}
		return append(lane[:0], lane[n:]...)
	}
	w.queue = take(w.queue, groupRows)
	most := groupRows
	if len(group) > 0 {
		most = rows + besideRows
	}
	w.claims = take(w.claims, most)
	return group, w.closed
}

// measured is commit, and reports it.
func (w *writer) measured(group []*op) {
	if w.committed == nil {
		w.commit(group)
		return
	}
	began := time.Now()
	w.commit(group)
	c := Commit{Calls: len(group), Took: time.Since(began)}
	for _, o := range group {
		if c.Err == nil && o.refused {
			c.Err = o.err
		}
	}
	w.committed(c)
}

// queued is how many calls wait to be written.
func (w *writer) queued() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.queue) + len(w.claims)
}

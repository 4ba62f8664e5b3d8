package store

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// On one file there is no queue for the write lock: who releases it and takes it again at once is the
// first who comes. A writer that never comes to rest leaves the others a pause, which is as long as it
// takes them to look.
const (
	turnTime  = 100 * time.Millisecond
	turnPause = 3 * time.Millisecond
)

// ErrClosed is the answer to whatever is asked after Close.
var ErrClosed = errors.New("the store is closed")

// Commit is how a group of writes went that shared one commit.
type Commit struct {
	Calls int // that were in the group
	Took  time.Duration
	Err   error // of the first call that the database refused
}

// writer commits ops in groups: whatever has gathered while the last group was being committed
// is the next one, so an op alone commits at once, and many share one fsync.
type writer struct {
	committer
	committed func(Commit) // is told of every group; may be nil
	mu        sync.Mutex
	queue     []*op
	claims    []*op
	closed    bool
	turns     bool // others write to the same file, and there is no queue for its lock
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
	case o.kind == "beat": // a lease ends, however much else there is to write
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

// answer tells the callers, but for those whose ops were put off: these go first the next time, after a
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

// next takes a group off the queue, without those that nobody waits for any more. Starts and
// ends go before claims whose runs are to stand in line, and leave room for few of those: runs that
// go on are not to wait, or a burst of slots would hold up the very workers it needs.
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

// measured is commit, and tells how it went.
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

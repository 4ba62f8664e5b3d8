package store

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"gorm.io/gorm"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// groupRows bounds a group: about so many rows are written between two commits, so that what
// comes next waits for a few ten milliseconds at most.
const (
	groupRows = 1000
	// besideRows bounds the claims in a group that has starts or ends.
	besideRows = 100
)

// On one file there is no queue for the write lock: who releases it and takes it again at once is the
// first who comes. A writer that never comes to rest leaves the others a pause, which is as long as it
// takes them to look.
const (
	turnTime  = 100 * time.Millisecond
	turnPause = 3 * time.Millisecond
)

// op is one call that writes. It is carried out inside a transaction together with others, and
// may be carried out again from the start when that transaction did not commit.
type op struct {
	kind string
	rows int
	ctx  context.Context
	need func(*needs)     // names what it wants to look at; optional
	run  func(*txn) error // decides, and tells the txn what to write
	err  error
	// refused says that err is the database's, and not an answer such as a lost fence.
	refused bool
	done    chan struct{}

	finish  *contract.Finish // it is nothing but this
	start   *contract.Start  // the same
	outcome contract.StartOutcome

	claims []contract.Claim // of a claim
	later  bool             // it was put off; see putOff
	tries  int              // and how often
}

// writer commits ops in groups: whatever has gathered while the last group was being committed
// is the next one, so an op alone commits at once, and many share one fsync.
type writer struct {
	store  *Store
	mu     sync.Mutex
	queue  []*op
	claims []*op
	closed bool
	turns  bool // others write to the same file
	wake   chan struct{}
	ended  chan struct{}
}

func startWriter(s *Store) *writer {
	w := &writer{store: s, wake: make(chan struct{}, 1), ended: make(chan struct{}), turns: s.db.sql().locks == nil}
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

// begins says whether a worker waits for one of the claims, to begin its run.
func (o *op) begins() bool {
	return slices.ContainsFunc(o.claims, func(c contract.Claim) bool { return c.Status == cron.Running })
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

// commit carries the group out, again and again while the reason for failing may pass.
func (w *writer) commit(group []*op) {
	var (
		s        = w.store
		deadline = time.Now().Add(s.opts.RetryFor)
		pause    = 5 * time.Millisecond
		careful  = 0 // times that another process was first
		quick    = true
	)
	for {
		err := s.attempt(group, careful > 0, quick)
		if err == nil {
			return
		}
		if quick && errors.Is(err, errLook) {
			quick = false
			continue
		}
		again := false
		class := s.classOf(err)
		switch class {
		case locked:
			s.tracker.Blocked()
			if time.Now().Before(deadline) && awaited(group) {
				continue
			}
		case transient:
			again = time.Now().Before(deadline) && awaited(group)
		case duplicate:
			// Another process was first. Careful looks before it inserts, and so does not
			// meet the same again, but may meet another.
			careful++
			again, pause = careful <= carefulMost, 0
		}
		if again {
			rest(group, pause)
			pause = min(2*max(pause, 5*time.Millisecond), 250*time.Millisecond)
			continue
		}
		if (class == other || class == duplicate) && len(group) > 1 && awaited(group) {
			// One op is to blame and the others are not.
			for _, o := range group {
				w.commit([]*op{o})
			}
			return
		}
		err = s.db.explain(s.tracker.Explain(err))
		for _, o := range group {
			o.err, o.refused, o.later = err, true, false
		}
		return
	}
}

// carefulMost is how often a group is carried out again because another process was first.
const carefulMost = 5

// classOf is the dialect's class, also of what gorm has translated.
func (s *Store) classOf(err error) class {
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return duplicate
	}
	return s.db.class(err)
}

// awaited says whether anyone still waits for one of the ops.
func awaited(group []*op) bool {
	for _, o := range group {
		if o.ctx.Err() == nil {
			return true
		}
	}
	return false
}

func rest(group []*op, d time.Duration) {
	if d == 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	if len(group) == 1 {
		select {
		case <-t.C:
		case <-group[0].ctx.Done():
		}
		return
	}
	<-t.C
}

// attempt carries the group out in one transaction.
func (s *Store) attempt(group []*op, careful, quick bool) error {
	if err := s.at("begin", group); err != nil {
		return err
	}
	ctx, cancel := s.db.patience(context.Background()) // a group is not one caller's to break off
	defer cancel()
	tx, err := s.writes.BeginTx(ctx, s.db.sql().begin)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it only says so
	t, err := newTxn(ctx, s, tx, group, careful, quick)
	if err != nil {
		return err
	}
	for _, o := range group {
		if t.done[o] {
			o.later = false
			continue
		}
		if o.later = t.putOff(o); o.later {
			continue
		}
		o.err = o.run(t) // the caller's own, such as a lost fence; the group goes on
		if t.err != nil {
			return t.err
		}
	}
	if err := t.flush(); err != nil {
		return err
	}
	if err := s.at("commit", group); err != nil {
		return err
	}
	if t.idle() {
		return nil // rolled back, which waits for no disk
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	return s.at("committed", group)
}

func (s *Store) at(point string, group []*op) error {
	if s.tamper == nil {
		return nil
	}
	return s.tamper(point, group)
}

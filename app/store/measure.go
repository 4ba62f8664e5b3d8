package store

import "time"

// Commit is how a group of writes went that shared one commit.
type Commit struct {
	Calls int // that were in the group
	Took  time.Duration
	Err   error // of the first call that the database refused
}

// Queued is how many calls wait to be written.
func (s *Store) Queued() int {
	w := s.writer
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.queue) + len(w.claims)
}

// measured is commit, and tells how it went.
func (w *writer) measured(group []*op) {
	told := w.store.opts.Committed
	if told == nil {
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
	told(c)
}

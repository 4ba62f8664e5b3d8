package scheduler

import "iter"

// roster is the runs that this process holds: linked through the runs themselves, in all and by
// job, since a burst of slots brings thousands at once and lets them go again. The zero roster
// is empty. Scheduler.mu guards it.
type activeRuns struct {
	first *run
	n     int
}

// place is a run's place in a roster and among the runs of its job.
type place struct {
	prev, next   *run
	older, newer *run // of its job
}

func (l *activeRuns) add(r *run) {
	r.next = l.first
	if l.first != nil {
		l.first.prev = r
	}
	l.first = r
	l.n++

	e := r.entry
	r.older = e.newest
	if e.newest != nil {
		e.newest.newer = r
	}
	e.newest = r
}

func (l *activeRuns) remove(r *run) {
	if r.prev != nil {
		r.prev.next = r.next
	} else {
		l.first = r.next
	}
	if r.next != nil {
		r.next.prev = r.prev
	}
	l.n--

	if r.newer != nil {
		r.newer.older = r.older
	} else {
		r.entry.newest = r.older
	}
	if r.older != nil {
		r.older.newer = r.newer
	}
	r.place = place{}
}

// all yields every run. A run may be removed while it is the current one.
func (l *activeRuns) all() iter.Seq[*run] {
	return func(yield func(*run) bool) {
		for r := l.first; r != nil; {
			next := r.next
			if !yield(r) {
				return
			}
			r = next
		}
	}
}

// find returns the run with an ID, or nil. It looks at each.
func (l *activeRuns) find(id string) *run {
	for r := l.first; r != nil; r = r.next {
		if r.ID() == id {
			return r
		}
	}
	return nil
}

// byID is for those who look for many.
func (l *activeRuns) byID() map[string]*run {
	m := make(map[string]*run, l.n)
	for r := range l.all() {
		m[r.ID()] = r
	}
	return m
}

// run returns the job's run with an ID, or nil. A nil entry has none.
func (e *entry) run(id string) *run {
	if e == nil {
		return nil
	}
	for r := range e.runs() {
		if r.ID() == id {
			return r
		}
	}
	return nil
}

// runs yields the job's runs in this process, the newest first.
func (e *entry) runs() iter.Seq[*run] {
	return func(yield func(*run) bool) {
		for r := e.newest; r != nil; {
			older := r.older
			if !yield(r) {
				return
			}
			r = older
		}
	}
}

package runner

import (
	"iter"
	"sync/atomic"

	"fibercrons/app/cron"
)

// Lane is the runs of one job, or of one of its stored schedules, in this process. The creator sets the exported fields.
type Lane struct {
	Job      *cron.Job
	Schedule string // ID of the stored schedule; empty: the job itself
	Of       *Lane  // with a Schedule: the lane of its job
	Serial   bool   // one run at a time: overlap Queue and Replace

	active atomic.Int32
	ended  atomic.Bool

	newest *Run   // of all runs
	turn   *Run   // the run that may run, if only one may; keeps the turn between its attempts
	queued []*Run // runs in the queue that wait for each other; only the first has a ticket
}

// Active reports whether a run of the lane waits or runs in this process.
func (l *Lane) Active() bool { return l.active.Load() > 0 }

// NoteEnd records that a run of the lane has ended or a slot was skipped, which the job's lane hears of too.
func (l *Lane) NoteEnd() {
	l.ended.Store(true)
	if l.Of != nil {
		l.Of.ended.Store(true)
	}
}

// TakeEnded reports whether there was an end since the last call.
func (l *Lane) TakeEnded() bool { return l.ended.Swap(false) }

// find returns the job's run with an ID, or nil. A nil Lane has none.
func (l *Lane) find(id string) *Run {
	if l == nil {
		return nil
	}
	for r := range l.runs() {
		if r.ID() == id {
			return r
		}
	}
	return nil
}

// runs yields the job's runs, the newest first. A run may be removed while it is the current one.
func (l *Lane) runs() iter.Seq[*Run] {
	return func(yield func(*Run) bool) {
		for r := l.newest; r != nil; {
			older := r.older
			if !yield(r) {
				return
			}
			r = older
		}
	}
}

// pass gives up the job's turn, if r has it.
func (l *Lane) pass(r *Run) {
	if l.turn == r {
		l.turn = nil
	}
}

// activeRuns is the runs of this process, in linked lists of all and by job, so that a burst of slots adds and removes
// thousands cheaply. The zero activeRuns is empty.
type activeRuns struct {
	first *Run
	n     int
}

// links are a run's neighbours in both lists.
type links struct {
	prev, next   *Run
	older, newer *Run // of its job
}

func (a *activeRuns) add(r *Run) {
	r.next = a.first
	if a.first != nil {
		a.first.prev = r
	}
	a.first = r
	a.n++

	l := r.lane
	r.older = l.newest
	if l.newest != nil {
		l.newest.newer = r
	}
	l.newest = r
	l.active.Add(1)
}

func (a *activeRuns) remove(r *Run) {
	if r.prev != nil {
		r.prev.next = r.next
	} else {
		a.first = r.next
	}
	if r.next != nil {
		r.next.prev = r.prev
	}
	a.n--

	if r.newer != nil {
		r.newer.older = r.older
	} else {
		r.lane.newest = r.older
	}
	if r.older != nil {
		r.older.newer = r.newer
	}
	r.links = links{}
	r.lane.active.Add(-1)
}

// all yields every run. A run may be removed while it is the current one.
func (a *activeRuns) all() iter.Seq[*Run] {
	return func(yield func(*Run) bool) {
		for r := a.first; r != nil; {
			next := r.next
			if !yield(r) {
				return
			}
			r = next
		}
	}
}

// find returns the run with an ID, or nil, in linear time.
func (a *activeRuns) find(id string) *Run {
	for r := range a.all() {
		if r.ID() == id {
			return r
		}
	}
	return nil
}

// byID returns a map, for many lookups.
func (a *activeRuns) byID() map[string]*Run {
	m := make(map[string]*Run, a.n)
	for r := range a.all() {
		m[r.ID()] = r
	}
	return m
}

package scheduler

import (
	"sync"

	"fibercrons/app/runner"
)

// lanes has the lanes of stored schedules that are due soon or have runs here. Its lock is a leaf: the runner asks with
// its own held.
type lanes struct {
	mu  sync.Mutex
	all map[string]*runner.Lane // by ID
}

// of returns the lane of a stored schedule of the job.
func (l *lanes) of(id string, job *runner.Lane) *runner.Lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known := l.all[id]; known != nil && known.Of == job {
		return known
	}
	if l.all == nil {
		l.all = make(map[string]*runner.Lane)
	}
	made := &runner.Lane{Job: job.Job, Schedule: id, Of: job, Serial: job.Serial}
	l.all[id] = made
	return made
}

// ended returns up to most lanes in which a run has ended since the last call, in no order, and forgets the lanes that
// have no runs here and are not in the window.
func (l *lanes) ended(most int, window map[string]bool) (some []*runner.Lane) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, lane := range l.all {
		if lane.TakeEnded() && len(some) < most {
			some = append(some, lane)
		}
		if !lane.Active() && !window[id] {
			delete(l.all, id)
		}
	}
	return some
}

// laneOf returns the lane of a job, or of a stored schedule of it; nil: the job is not in this program.
func (s *shared) laneOf(job, schedule string) *runner.Lane {
	e := s.byName[job]
	switch {
	case e == nil:
		return nil
	case schedule == "":
		return e.lane
	}
	return s.lanes.of(schedule, e.lane)
}

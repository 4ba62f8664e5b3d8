package scheduler

import (
	"fibercrons/app/cron"

	"fibercrons/app/plan"
)

// line is the runs that could start at once if a worker were free, in order of arrival.
type readyQueue struct {
	runs []*run
	head int
}

func (l *readyQueue) len() int { return len(l.runs) - l.head }

func (l *readyQueue) push(r *run) { l.runs = append(l.runs, r) }

func (l *readyQueue) pop() *run {
	if l.len() == 0 {
		return nil
	}
	r := l.runs[l.head]
	l.runs[l.head] = nil
	l.head++
	if l.head > 1024 && l.head > len(l.runs)/2 {
		l.runs = append(l.runs[:0:0], l.runs[l.head:]...)
		l.head = 0
	}
	return r
}

// work is what a worker does next: a run, or a batch of claims, of which it begins one. The zero work is
// none.
type work struct {
	run   *run
	batch *batch
}

// pump sees to it that a free worker comes for what is in line or due. It wakes one, which wakes the
// next before it begins: a burst of short runs is done by as many as there is something to do
// for, and not by all of them in each other's way. s.mu is held.
func (s *Scheduler) pump() {
	if s.free > 0 && !s.waking && (s.ready.len() > 0 || s.pullable()) {
		s.waking = true
		s.free--
		s.wg.Go(s.awaken)
	}
}

// awaken is a worker that was free.
func (s *Scheduler) awaken() {
	s.mu.Lock()
	s.waking = false
	w := s.another()
	s.mu.Unlock()
	s.labour(w)
}

// labour is a worker: it takes runs to their end, or to their next wait, until there is no work.
func (s *Scheduler) labour(w work) {
	for {
		r := w.run
		switch {
		case w.batch != nil:
			w = work{run: s.claim(w.batch)}
			continue
		case r == nil:
			return
		case r.status == cron.Running || s.start(r):
			w = s.invoke(r)
			continue
		}
		s.mu.Lock()
		w = s.another()
		s.mu.Unlock()
	}
}

// another returns what a worker does next, or sets it free. s.mu is held.
func (s *Scheduler) another() (w work) {
	if w.run = s.next(); w.run == nil {
		if w.batch = s.pull(); w.batch == nil {
			s.free++
		}
	}
	s.pump()
	return w
}

// next takes the first run from the line that may start now. A run that has to wait for
// another of its job or group steps aside and takes no worker. s.mu is held.
func (s *Scheduler) next() *run {
	for {
		r := s.ready.pop()
		switch {
		case r == nil:
			return nil
		case r.gone: // it has ended while it waited
		case r.status == cron.Running: // its start was committed with its claim
			s.grant(r)
			return r
		case s.phase >= draining:
			s.wg.Go(func() { s.giveBack(r) })
		case r.late():
			r.begun = true
			f := s.unstarted(r, cron.Skipped, cron.ReasonLate, plan.LateDetail(r.Definition().Policies.StartWithin))
			s.wg.Go(func() { s.end(r, f) })
		case r.serial && s.behind(r):
			s.block(r)
		default:
			s.grant(r)
			return r
		}
	}
}

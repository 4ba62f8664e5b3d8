package scheduler

import (
	"context"
	"log/slog"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// Record returns one run, or [cron.ErrNotFound].
func (s *Scheduler) Record(ctx context.Context, id string) (cron.Record, error) {
	rec, err := s.store.Run(ctx, id)
	if err != nil {
		return rec, err
	}
	s.Overlay(&rec, time.Now())
	return rec, nil
}

// Overlay adds to the record of a run that goes on what the store does not know yet.
func (s *Scheduler) Overlay(rec *cron.Record, now time.Time) {
	if rec.Status != cron.Skipped {
		rec.TraceID = s.traceOf(rec.ID)
	}
	if rec.Status != cron.Running {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.byName[rec.Job]
	if r := e.run(rec.ID); r != nil && r.status == cron.Running {
		fresh := r.record()
		rec.Attempts, rec.Progress, rec.Result = fresh.Attempts, fresh.Progress, fresh.Result
		rec.Overdue = r.overdue(now)
		return
	}
	began, known := rec.AttemptStarted()
	switch {
	case rec.Cancel != nil:
		rec.Overdue = now.Sub(*rec.Cancel) > 5*time.Second
	case e != nil && e.job.Policies.Timeout > 0 && known:
		rec.Overdue = now.Sub(began) > e.job.Policies.Timeout+time.Second
	}
}

// Store is what the scheduler keeps its runs in.
func (s *Scheduler) Store() contract.Store { return s.store }

// Definitions returns the jobs, by name.
func (s *Scheduler) Definitions() []*cron.Job { return s.jobs }

// Definition returns a job, or [*cron.NoJobError].
func (s *Scheduler) Definition(name string) (*cron.Job, error) {
	e, err := s.entry(name)
	if err != nil {
		return nil, err
	}
	return e.job, nil
}

// ClockOff says whether runs begin by hand only.
func (s *Scheduler) ClockOff() bool { return s.cfg.Disabled }

// Log is the program's log.
func (s *Scheduler) Log() *slog.Logger { return s.log }

// Changed receives after something has changed in this process; several changes may be told as one.
func (s *Scheduler) Changed() <-chan struct{} { return s.changed }

// Stopping is closed when nothing more is to change in this process.
func (s *Scheduler) Stopping() <-chan struct{} { return s.stopping }

// Notified receives after another process has changed something; nil: none says so.
func (s *Scheduler) Notified() <-chan struct{} {
	if n := s.cfg.Peers.Notifier; n != nil {
		return n.Notified()
	}
	return nil
}

// tell calls the observer. It must not block: s.mu is held.
func (s *Scheduler) tell(e contract.Event) {
	if s.observe != nil {
		s.observe(e)
	}
	s.hint()
}

// hint says that something has changed here. It costs next to nothing when nobody wants to know.
func (s *Scheduler) hint() {
	if n := s.cfg.Peers.Notifier; n != nil {
		n.Notify()
	}
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

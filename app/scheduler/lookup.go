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
	rec, err := s.cfg.Store.Run(ctx, id)
	if err != nil {
		return rec, err
	}
	s.Overlay(&rec, time.Now())
	return rec, nil
}

// Overlay adds to the record of an active run what the store does not have.
func (s *Scheduler) Overlay(rec *cron.Record, now time.Time) {
	if rec.Status != cron.Skipped {
		rec.TraceID = s.cfg.TraceID(rec.ID)
	}
	if rec.Status != cron.Running {
		return
	}
	if s.runner.Overlay(rec, now) {
		return
	}
	e := s.byName[rec.Job]
	began, known := rec.AttemptStarted()
	switch {
	case rec.Cancel != nil:
		rec.Overdue = now.Sub(*rec.Cancel) > 5*time.Second
	case e != nil && e.job.Policies.Timeout > 0 && known:
		rec.Overdue = now.Sub(began) > e.job.Policies.Timeout+time.Second
	}
}

// Store returns the scheduler's store.
func (s *Scheduler) Store() contract.Store { return s.cfg.Store }

// Definitions returns the jobs, by name.
func (s *Scheduler) Definitions() []*cron.Job { return s.cfg.Jobs }

// Definition returns a job, or [*cron.NoJobError].
func (s *Scheduler) Definition(name string) (*cron.Job, error) {
	e, err := s.entry(name)
	if err != nil {
		return nil, err
	}
	return e.job, nil
}

// ClockOff reports whether only manual runs begin.
func (s *Scheduler) ClockOff() bool { return s.cfg.Disabled }

// Log returns the program's log.
func (s *Scheduler) Log() *slog.Logger { return s.log }

// Changed receives after a change in this process; several may be merged.
func (s *Scheduler) Changed() <-chan struct{} { return s.changed }

// Stopping is closed when nothing changes in this process any more.
func (s *Scheduler) Stopping() <-chan struct{} { return s.stopping }

// Notified receives after a change in another process; nil: no [contract.Notifier].
func (s *Scheduler) Notified() <-chan struct{} {
	if n := s.cfg.Peers.Notifier; n != nil {
		return n.Notified()
	}
	return nil
}

// Superseded reports whether a newer version has changed or removed the job.
func (s *Scheduler) Superseded(job string) bool {
	e := s.byName[job]
	return e != nil && s.claimer.superseded(e)
}

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

// Overlay adds to the record of an active run what the store does not know yet.
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

// Store is what the scheduler keeps its runs in.
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

// ClockOff says whether runs begin by hand only.
func (s *Scheduler) ClockOff() bool { return s.cfg.Disabled }

// Log is the program's log.
func (s *Scheduler) Log() *slog.Logger { return s.log }

// Changed receives after something has changed in this process; several changes may be one.
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

// Superseded says whether a newer version has the job.
func (s *Scheduler) Superseded(job string) bool {
	e := s.byName[job]
	return e != nil && s.claimer.superseded(e)
}

package scheduler

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
)

// afterGrace is how long cancelled runs are waited for at the end.
const afterGrace = 5 * time.Second

// Close ends everything that goes on: it waits for runs as long as the grace and ctx allow,
// cancels and records the rest, and gives up the leases. Run calls it; a program that only
// asks for runs by hand calls it itself. Only the first call does something.
func (s *Scheduler) Close(ctx context.Context) error {
	var err error
	s.closing.Do(func() { err = s.drain(ctx) })
	return err
}

func (s *Scheduler) drain(ctx context.Context) error {
	began := time.Now()
	s.mu.Lock()
	s.phase = draining
	s.stopTaking()
	var waiting []*run
	for r := range s.runs.all() {
		if r.status == cron.Queued && !r.begun {
			waiting = append(waiting, r)
		}
	}
	running := s.runs.n - len(waiting)
	s.mu.Unlock()
	if running > 0 && s.cfg.Grace > 0 {
		s.log.Info("waiting for runs to finish", "running", running, "grace", s.cfg.Grace)
	}
	for _, r := range waiting {
		s.wg.Go(func() { s.giveBack(r) })
	}

	ended := make(chan struct{})
	go func() { s.wg.Wait(); close(ended) }()
	if !waitFor(ctx, ended, s.cfg.Grace) {
		s.mu.Lock()
		for r := range s.runs.all() {
			r.stop(cron.ReasonShutdown, "")
		}
		s.mu.Unlock()
		waitFor(context.WithoutCancel(ctx), ended, afterGrace)
	}
	left := s.abandon()
	s.hooks.close(ctx, s.cfg.Grace-time.Since(began))
	select {
	case <-s.stopKeep:
	default:
		close(s.stopKeep)
	}
	s.keeper.Wait()
	close(s.stopping)
	err := s.signOff()
	s.stopWork()
	if left == 0 {
		<-ended
	}
	s.takers.Wait()
	s.mu.Lock()
	s.phase = stopped
	s.mu.Unlock()
	return err
}

// signOff tells the store that this instance is gone.
func (s *Scheduler) signOff() error {
	if !s.kept.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(s.work, afterGrace)
	defer cancel()
	if _, err := s.store.Beat(ctx, contract.Beat{Instance: s.instance, At: millis.Now(), Gone: true}); err != nil {
		return fmt.Errorf("sign off: %w", err)
	}
	return nil
}

// giveBack releases a run that has not started, so that another process, or this one's
// successor, takes it at once.
func (s *Scheduler) giveBack(r *run) {
	s.mu.Lock()
	if r.gone || r.status != cron.Queued || r.begun {
		s.mu.Unlock()
		return
	}
	if r.timer != nil {
		r.timer.Stop()
	}
	f := s.unstarted(r, cron.Queued, "", "")
	f.NextAt, f.Release = r.nextAt.UTC(), true
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(s.work, afterGrace)
	defer cancel()
	err := s.store.Finish(ctx, f)
	if err != nil && !errors.Is(err, contract.ErrFenced) {
		s.log.Error("a waiting run could not be given back; it is taken over when its lease expires", "job", r.Job(), "run", r.ID(), "error", err)
	}
	s.forget(r)
}

// abandon records runs that ignore their context, since the process is about to end. A run whose function
// has returned keeps the end it came to, which is tried to be recorded until the very last. It returns how
// many functions are left behind.
func (s *Scheduler) abandon() (left int) {
	s.mu.Lock()
	type leftBehind struct {
		run *run
		end contract.Finish
	}
	var stuck []leftBehind
	for r := range s.runs.all() {
		if r.ending {
			continue
		}
		r.lost = true
		if r.going != nil {
			left++
		}
		f := s.unstarted(r, cron.Interrupted, cron.ReasonShutdown, "the function ignored its context and was still running when the process ended")
		if r.status == cron.Queued { // it waits for the store to begin
			f.Status, f.Reason, f.Error, f.Release = cron.Queued, "", "", true
		}
		f.Lines = r.Lines(true, f.At)
		stuck = append(stuck, leftBehind{r, f})
	}
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(s.work, afterGrace)
	defer cancel()
	for i := range stuck {
		f := &stuck[i].end
		if f.Status.Ended() {
			s.log.Error("a run ignores its context and is left behind", "job", f.Job, "run", f.ID)
		}
		err := s.store.Finish(ctx, *f)
		switch {
		case err != nil && !errors.Is(err, contract.ErrFenced):
			s.log.Error("the end of a run could not be recorded", "job", f.Job, "run", f.ID, "error", err)
		case err == nil && f.Status.Ended() && s.observe != nil:
			s.mu.Lock()
			s.tell(contract.Event{Kind: contract.RunEnded, Job: f.Job, Record: stuck[i].run.endRecord(f)})
			s.mu.Unlock()
		}
	}
	return left
}

// waitFor waits for done, at most d and at most until ctx ends.
func waitFor(ctx context.Context, done <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
		return true
	default:
	}
	select {
	case <-done:
		return true
	case <-ctx.Done():
	case <-timer.C:
	}
	return false
}

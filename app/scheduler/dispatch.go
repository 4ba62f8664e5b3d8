package scheduler

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
)

// late says whether the deadline for the start of a run has passed.
func (r *run) late() bool {
	within := r.Definition().Policies.StartWithin
	return within > 0 && r.Attempt() == 0 && r.Claimed() != 0 && time.Since(r.Claimed().UTC()) > within
}

// grant reserves a worker's attention for r, and its job's turn if only one run may have it.
// s.mu is held.
func (s *Scheduler) grant(r *run) {
	r.begun = true
	if r.serial {
		r.entry.turn = r
	}
}

// behind says whether r has to let another run of its job go first: one that has the turn, or
// one that waits for it and came earlier. s.mu is held.
func (s *Scheduler) behind(r *run) bool {
	if turn := r.entry.turn; turn != nil && turn != r {
		return true
	}
	if len(s.blocked) == 0 {
		return false
	}
	for _, other := range s.blocked[blockKey(r)] {
		if other.entry == r.entry && other.seq < r.seq {
			return true
		}
	}
	return false
}

// start commits the start of the next attempt, before the function is called: after a crash a
// run that says queued has certainly not begun. It returns false when the run did not start.
func (s *Scheduler) start(r *run) bool {
	if !s.enterGroup(r) {
		return false
	}
	out, err := s.ask(r)
	if err == nil && out.Started {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil:
		r.lost = r.lost || fenced(err)
		s.drop(r) // without a store at shutdown: the lease will expire, and the run is still queued
		s.unblock(r)
	case out.Blocked:
		s.leaveGroup(r)
		r.begun = false
		r.entry.pass(r)
		s.block(r)
		s.waitElsewhere(r, &out)
	case out.Cancelled:
		r.stop(out.Reason, "")
		f := s.unstarted(r, cron.Cancelled, r.stopped.reason, r.stopped.Error())
		s.wg.Go(func() { s.end(r, f) })
	}
	return false
}

// ask asks the store for the start of the next attempt, until it has answered.
func (s *Scheduler) ask(r *run) (contract.StartOutcome, error) {
	p := &r.Definition().Policies
	ask := contract.Start{
		Fence: r.fence(), Job: r.Job(), At: millis.Now(), Lease: s.cfg.Lease,
		Serial: r.serial, Group: p.Group, GroupLimit: p.GroupLimit,
	}
	if s.cfg.Executor != nil {
		ask.Instance, ask.Attempt = s.instance.ID, r.Attempt()+1
	} else if r.serial || p.Group != "" {
		s.mu.Lock()
		ask.InTurn, ask.Passed = true, s.elsewhereOf(r).passed
		s.mu.Unlock()
	}
	out, err := s.store.Start(s.work, ask)
	if err != nil && !fenced(err) {
		err = s.repeat(s.work, fenced, func() (err error) {
			out, err = s.store.Start(s.work, ask)
			return err
		})
	}
	return out, err
}

// unstarted ends a run between attempts. s.mu is held.
func (s *Scheduler) unstarted(r *run, status cron.Status, reason cron.Reason, text string) contract.Finish {
	r.ending = true
	f := contract.Finish{
		Fence: r.fence(), Job: r.Job(), Slot: r.Claimed().UTC(), Status: status, Reason: reason, Error: text,
		Attempts: r.allAttempts(), Started: r.startedAt.UTC(), At: millis.Now(),
	}
	if s.cfg.Executor != nil && r.status == cron.Queued { // another process may start it at this moment
		f.Attempt = r.Attempt() + 1
	}
	return f
}

// invoke calls the function and sees to whatever comes of it, also when it ends its goroutine.
// It returns what the worker does next.
func (s *Scheduler) invoke(r *run) (next work) {
	s.mu.Lock()
	if !s.enter(r, millis.Now()) {
		defer s.mu.Unlock()
		return s.another()
	}
	ctx := r.going
	s.mu.Unlock()
	err, ended := cron.ErrGoexit, false
	defer func() {
		next = s.returned(ctx, r, err)
		if !ended { // this goroutine ends here
			follow := next
			s.wg.Go(func() { s.labour(follow) })
		}
	}()
	err = r.Definition().Call(ctx)
	ended = true
	return work{}
}

// enter notes that an attempt begins, and opens its scope. It is false for a run that was given
// up meanwhile. s.mu is held.
func (s *Scheduler) enter(r *run, now time.Time) bool {
	if r.lost {
		s.drop(r)
		return false
	}
	if r.status != cron.Running {
		r.status = cron.Running
		r.NextAttempt()
	}
	r.open()
	r.attemptAt, r.unheeding = millis.Of(now), false
	if r.startedAt == 0 {
		r.startedAt = r.attemptAt
	}
	if r.stopped != nil {
		r.going.cancel(r.stopped)
	}
	if s.observe != nil {
		s.tell(contract.Event{Kind: contract.RunStarted, Job: r.Job(), Record: r.record()})
	}
	s.hint()
	return true
}

// returned is called when the function has returned. The worker goes on to the next run, whose
// start may share the commit of this one's end.
func (s *Scheduler) returned(ctx *scope, r *run, err error) (next work) {
	now := millis.Now()
	ctx.close()
	s.mu.Lock()
	lost := r.lost
	r.going = nil
	f := r.finish(ctx, err, now, s.phase >= draining)
	next = s.another()
	s.mu.Unlock()
	if lost {
		s.log.Warn("run ended after its lease was lost; the outcome is not recorded", "job", r.Job(), "run", r.ID(), "error", err)
		s.forget(r)
		return next
	}
	s.endLater(r, f)
	return next
}

func (s *Scheduler) endLater(r *run, f contract.Finish) { s.wg.Go(func() { s.end(r, f) }) }

// end commits the end of a run, or of an attempt, and wakes what waited for it.
func (s *Scheduler) end(r *run, f contract.Finish) {
	f.Lines = r.Lines(f.Status.Ended(), f.At)
	err := s.store.Finish(s.work, f)
	if err != nil && !fenced(err) {
		err = s.endAgain(f)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended(r, &f, err)
	s.pump()
}

// ended is called when the end of a run, or of an attempt, was committed, or could not be.
// s.mu is held.
func (s *Scheduler) ended(r *run, f *contract.Finish, err error) {
	if fenced(err) && r.posted { // some process has started it meanwhile, and sees to it
		s.drop(r)
		return
	}
	if err != nil {
		s.log.Error("the end of a run could not be recorded", "job", r.Job(), "run", r.ID(), "status", f.Status, "error", err)
		s.drop(r)
		s.unblock(r)
		return
	}
	r.tellQueue(contract.Answer{Status: f.Status, Error: f.Error})
	switch {
	case f.Status != cron.Queued || f.Release:
		s.drop(r)
	default:
		s.delay(r, *f)
	}
	if s.observe != nil {
		s.tell(contract.Event{Kind: contract.RunEnded, Job: r.Job(), Record: r.endRecord(f), Exit: exitStatus(f.Cause)})
	}
	s.hooks.ended(r, f)
	s.hint()
	s.unblock(r)
}

func (s *Scheduler) endAgain(f contract.Finish) error {
	return s.repeat(s.work, fenced, func() error { return s.store.Finish(s.work, f) })
}

// forget drops a run that is no longer ours.
func (s *Scheduler) forget(r *run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(r)
	s.unblock(r)
	s.pump()
}

func fenced(err error) bool { return errors.Is(err, contract.ErrFenced) }

// delay puts a run back in line when its next attempt is due. s.mu is held.
func (s *Scheduler) delay(r *run, f contract.Finish) {
	r.status, r.nextAt, r.begun, r.ending = cron.Queued, millis.Of(f.NextAt), false, false
	s.leaveGroup(r)
	if s.phase >= draining {
		s.wg.Go(func() { s.giveBack(r) })
		return
	}
	if s.cfg.Executor != nil && time.Until(f.NextAt) > shortWait {
		s.post(r)
		return
	}
	r.timer = time.AfterFunc(time.Until(f.NextAt), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if r.gone || s.phase >= draining {
			return
		}
		r.nextAt = 0
		s.enlist(r)
		s.pump()
	})
}

// block sets a run aside until something of its job or group has ended. s.mu is held.
func (s *Scheduler) block(r *run) {
	if s.phase >= draining {
		s.wg.Go(func() { s.giveBack(r) })
		return
	}
	key := blockKey(r)
	waiting := s.blocked[key]
	i, _ := slices.BinarySearchFunc(waiting, r, func(a, b *run) int { return cmp.Compare(a.seq, b.seq) })
	s.blocked[key] = slices.Insert(waiting, i, r)
	s.hint()
}

// pass gives up the turn of r's job, if r has it.
func (e *entry) pass(r *run) {
	if e.turn == r {
		e.turn = nil
	}
}

// blockKey names what a run may wait for: its group's limit, and within it its job's turn.
func blockKey(r *run) string {
	if g := r.Definition().Policies.Group; g != "" {
		return "group " + g
	}
	return "job " + r.Job()
}

// unblock lets the first of those that waited for r try again. s.mu is held.
func (s *Scheduler) unblock(r *run) {
	if len(s.blocked) > 0 {
		s.wake(blockKey(r), r.Definition().Policies.Group != "")
	}
}

// wake puts the first that waits under key back in line; with every, all of them, since those
// of one group also wait for runs of their own jobs. s.mu is held.
func (s *Scheduler) wake(key string, every bool) {
	waiting := s.blocked[key]
	n := min(1, len(waiting))
	if every {
		n = len(waiting)
	}
	for _, r := range waiting[:n] {
		s.ready.push(r)
	}
	if n == len(waiting) {
		delete(s.blocked, key)
		return
	}
	s.blocked[key] = waiting[n:]
}

func (r *run) String() string { return fmt.Sprintf("%s/%s", r.Job(), r.ID()) }

// exitStatus is the status a program ended with that err is about, as [os/exec.ExitError] has it; 0:
// there is none.
func exitStatus(err error) int {
	var program interface {
		error
		ExitCode() int
	}
	if errors.As(err, &program) {
		return max(program.ExitCode(), 0) // -1: ended by a signal
	}
	return 0
}

package scheduler

import (
	"context"
	"errors"
	"slices"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
)

// The keeper gives signs of life, notices what other processes ask of this one's runs, writes
// down what runs tell, and takes over what dead processes have left.

const (
	pruneEvery = 30 * time.Second
	pruneStep  = 200 // rows deleted in one commit, so that claims never wait long
	sweepStep  = 100

	followEvery = 3 // seconds until a schedule that another process was told to use is used here at the latest; see [contract.Claim]
)

// keepOn starts the keeper, once.
func (s *Scheduler) keepOn() {
	s.keeping.Do(func() {
		s.keeper.Go(s.beating)
		s.keeper.Go(s.listening)
		s.keeper.Go(s.pruning)
		if s.cfg.Executor != nil {
			s.keeper.Go(s.posting)
		}
	})
}

// beating extends the leases every third of their length.
func (s *Scheduler) beating() {
	ticker := time.NewTicker(max(s.cfg.Lease/3, 10*time.Millisecond))
	defer ticker.Stop()
	for turn := 0; ; turn++ {
		s.renewPlaces()
		if s.beat() { // else our own leases may be the ones that have expired
			s.sweep()
			if turn%compareEvery == 0 {
				s.compareZones()
			}
		}
		select {
		case <-s.stopKeep:
			return
		case <-ticker.C:
		}
	}
}

// listening looks once a second for requests to cancel, writes notes, and lets waiting runs
// try again, since what they wait for may be another process's.
func (s *Scheduler) listening() {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for turn := 1; ; turn++ {
		select {
		case <-s.stopKeep:
			return
		case <-ticker.C:
			s.listen()
			s.remind(millis.Now())
			s.note()
			if turn%followEvery == 0 {
				s.followOverrides()
				s.followVersions()
			}
			s.mu.Lock()
			for key := range s.blocked {
				s.wake(key, key[0] == 'g')
			}
			s.pump()
			s.mu.Unlock()
		}
	}
}

// beat gives a sign of life, and says whether it was heard.
func (s *Scheduler) beat() bool {
	s.mu.Lock()
	before := s.runs.byID()
	quiet := s.claiming == 0
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(s.work, s.cfg.Lease)
	defer cancel()
	held, err := s.store.Beat(ctx, contract.Beat{Instance: s.instance, At: millis.Now(), Lease: s.cfg.Lease})
	if err != nil {
		if !s.silent {
			s.log.Error("heartbeat failed; when the leases expire, other processes may take over", "error", err)
		}
		s.silent = true
		return false
	}
	if s.silent {
		s.log.Info("heartbeats succeed again")
		s.silent = false
	}
	s.kept.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.obey(held)
	runs := s.runs.byID()
	inStore := make(map[string]bool, len(held))
	var lostTrack []contract.LeasedRun
	for _, h := range held {
		inStore[h.ID] = true
		_, taking := s.outbox.taking[h.ID]
		if runs[h.ID] != nil || taking || !quiet || s.claiming > 0 || s.phase >= draining {
			delete(s.orphans, h.ID)
			continue
		}
		if s.orphans[h.ID]++; s.orphans[h.ID] > 2 {
			lostTrack = append(lostTrack, h)
		}
	}
	for id := range s.orphans {
		if !inStore[id] {
			delete(s.orphans, id)
		}
	}
	for id, r := range before {
		if !r.gone && !inStore[id] && !r.lost && !r.ending {
			s.lose(r)
		}
	}
	for _, h := range lostTrack {
		s.wg.Go(func() { s.disown(h) })
	}
	return true
}

// lose ends a run whose lease another process has ended. s.mu is held.
func (s *Scheduler) lose(r *run) {
	if r.posted { // some process has started it
		if !r.begun {
			s.drop(r)
		}
		return
	}
	r.lost = true
	r.noteStop()
	s.log.Warn("the lease of a run was lost", "job", r.Job(), "run", r.ID())
	if r.going != nil {
		r.going.cancel(errLost)
		return
	}
	if !r.begun {
		s.drop(r)
	}
}

// disown gives back a run that the store holds to be ours, and that we do not know: the answer to its
// claim, or to its being taken over, was lost for good. It has not begun here. An attempt that the
// store has counted is told of, and ends the run where the job's author wants no second one.
func (s *Scheduler) disown(h contract.LeasedRun) {
	err := s.repudiate(h)
	if err != nil && !errors.Is(err, contract.ErrFenced) && !errors.Is(err, cron.ErrNotFound) {
		s.log.Error("a run without an owner could not be given back", "run", h.ID, "error", err)
	}
}

func (s *Scheduler) repudiate(h contract.LeasedRun) error {
	rec, err := s.store.Run(s.work, h.ID)
	if err != nil {
		return err
	}
	now := millis.Now()
	f := finishOf(&rec, h.Fence, now)
	f.Status, f.Release = cron.Queued, true
	if h.Status == cron.Running {
		const unstarted = "the claim of this run was not confirmed in time; it was not started"
		at, _ := rec.AttemptStarted()
		f.Attempts = append(f.Attempts, cron.Attempt{Number: rec.Attempt, Instance: s.instance.ID, StartedAt: at, EndedAt: &now, Error: unstarted})
		if e := s.byName[rec.Job]; e == nil || e.job.Policies.OnCrash != cron.Rerun {
			f.Status, f.Reason, f.Error, f.Release = cron.Interrupted, cron.ReasonCrash, unstarted, false
		}
	}
	return s.store.Finish(s.work, f)
}

// listen looks for requests to cancel.
func (s *Scheduler) listen() {
	s.mu.Lock()
	idle := s.runs.n == 0
	waiting := s.outstanding()
	s.mu.Unlock()
	if idle {
		return
	}
	ctx, cancel := context.WithTimeout(s.work, s.cfg.Lease)
	defer cancel()
	held, err := s.store.Beat(ctx, contract.Beat{Instance: s.instance, At: millis.Now(), Lease: s.cfg.Lease, Quick: true})
	if err != nil {
		return // beat reports it
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.obey(held)
	s.started(waiting, held)
}

// obey cancels runs whose end was asked for. s.mu is held.
func (s *Scheduler) obey(held []contract.LeasedRun) {
	var runs map[string]*run
	for _, h := range held {
		if !h.Cancel {
			continue
		}
		if runs == nil {
			runs = s.runs.byID()
		}
		if r := runs[h.ID]; r != nil {
			s.cancel(r, h.Reason, h.CancelBy)
		}
	}
}

// cancel ends a run that waits, or asks the function of one that does not. s.mu is held.
func (s *Scheduler) cancel(r *run, reason cron.Reason, by string) {
	if reason == "" {
		reason = cron.ReasonRequested
	}
	if r.stopped != nil {
		return
	}
	r.stop(reason, by)
	if r.begun || r.status != cron.Queued || s.phase >= draining {
		return
	}
	r.begun = true
	if r.timer != nil {
		r.timer.Stop()
	}
	s.unlist(r)
	f := s.unstarted(r, cron.Cancelled, r.stopped.reason, r.stopped.Error())
	s.wg.Go(func() { s.end(r, f) })
}

// unlist takes r out of those that wait. s.mu is held.
func (s *Scheduler) unlist(r *run) {
	key := blockKey(r)
	if i := slices.Index(s.blocked[key], r); i >= 0 {
		s.blocked[key] = slices.Concat(s.blocked[key][:i], s.blocked[key][i+1:])
	}
	for i := s.ready.head; i < len(s.ready.runs); i++ {
		if s.ready.runs[i] == r {
			s.ready.runs = append(s.ready.runs[:i:i], s.ready.runs[i+1:]...)
			break
		}
	}
}

// note writes down what runs have told since the last time.
func (s *Scheduler) note() {
	s.mu.Lock()
	var notes []contract.Note
	var from []*run
	for r := range s.runs.all() {
		if r.status != cron.Running || r.going == nil {
			continue
		}
		if lines, progress := r.News(); len(lines) > 0 || progress != nil {
			notes, from = append(notes, contract.Note{Fence: r.fence(), Lines: lines, Progress: progress}), append(from, r)
		}
	}
	s.mu.Unlock()
	if len(notes) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(s.work, s.cfg.Lease)
	defer cancel()
	if err := s.store.Note(ctx, notes); err != nil {
		for i, r := range from { // they are told again, at the latest when the run ends
			r.Restore(notes[i].Lines, notes[i].Progress != nil)
		}
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range from {
		if s.observe != nil && !r.gone {
			s.tell(contract.Event{Kind: contract.RunProgress, Job: r.Job(), Record: r.record()})
		}
	}
	s.hint()
}

// pruning keeps histories within their bounds.
func (s *Scheduler) pruning() {
	ticker := time.NewTicker(pruneEvery)
	defer ticker.Stop()
	for {
		select {
		case <-s.stopKeep:
			return
		case <-ticker.C:
			s.prune(time.Now())
		}
	}
}

// prune looks at jobs of which a run has ended since, and once an hour at all of them.
func (s *Scheduler) prune(now time.Time) {
	if !s.awake() {
		return
	}
	s.mu.Lock()
	var some []*entry
	for _, j := range s.jobs {
		e := s.byName[j.Name]
		if e.dirty || now.Sub(e.pruned) >= time.Hour {
			e.dirty, e.pruned = false, now
			some = append(some, e)
		}
	}
	s.mu.Unlock()
	for _, e := range some {
		p := &e.job.Policies
		var cutoff time.Time
		if p.KeepFor > 0 {
			cutoff = now.Add(-p.KeepFor)
		}
		for n := pruneStep; n == pruneStep; {
			select {
			case <-s.stopKeep:
				return
			default:
			}
			var err error
			if n, err = s.store.Prune(s.work, e.job.Name, p.KeepRuns, cutoff, pruneStep); err != nil {
				s.log.Error("old runs could not be deleted", "job", e.job.Name, "error", err)
				return
			}
		}
	}
}

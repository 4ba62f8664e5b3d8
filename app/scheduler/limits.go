package scheduler

import (
	"context"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// Where processes have stores of their own, a run of a group takes a place among all of them before
// its start is committed, and holds it for as long as its function may be running.

// enterGroup takes a place for r, or sets r aside until there may be one. While nobody can be asked
// there is none.
func (s *Scheduler) enterGroup(r *run) bool {
	p := &r.Definition().Policies
	if s.cfg.Peers.Limits == nil || p.Group == "" || p.GroupLimit <= 0 {
		return true
	}
	ctx, cancel := context.WithTimeout(s.work, gatePatience)
	ok, err := s.cfg.Peers.Limits.Enter(ctx, s.placeOf(r), p.GroupLimit)
	cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil && ok:
		r.placed = true
		return true
	case r.stopped != nil:
		f := s.unstarted(r, cron.Cancelled, r.stopped.reason, r.stopped.Error())
		s.wg.Go(func() { s.end(r, f) })
	default:
		r.begun = false
		r.entry.pass(r)
		s.block(r)
	}
	return false
}

func (s *Scheduler) placeOf(r *run) contract.Place {
	return contract.Place{Group: r.Definition().Policies.Group, Run: r.ID(), Lease: s.cfg.Lease}
}

// leaveGroup gives r's place up, and lets those that wait for one try. s.mu is held.
func (s *Scheduler) leaveGroup(r *run) {
	if !r.placed {
		return
	}
	r.placed = false
	s.wg.Go(func() {
		s.placing.RLock()
		ctx, cancel := context.WithTimeout(s.work, gatePatience)
		_ = s.cfg.Peers.Limits.Leave(ctx, s.placeOf(r)) // else its lease ends
		cancel()
		s.placing.RUnlock()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.wake(blockKey(r), true)
		s.pump()
	})
}

// renewPlaces extends the leases of all places. Nobody leaves meanwhile: his place would come back.
func (s *Scheduler) renewPlaces() {
	if s.cfg.Peers.Limits == nil {
		return
	}
	s.placing.Lock()
	defer s.placing.Unlock()
	var places []contract.Place
	s.mu.Lock()
	for r := range s.runs.all() {
		if r.placed {
			places = append(places, s.placeOf(r))
		}
	}
	s.mu.Unlock()
	if len(places) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(s.work, gatePatience)
	defer cancel()
	_ = s.cfg.Peers.Limits.Renew(ctx, places) // it is tried again; when the leases end, others may enter
}

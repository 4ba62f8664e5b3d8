package scheduler

import (
	"context"
	"fibercrons/app/contract"
	"slices"
	"time"
)

const (
	// shortWait is waited out here before a ticket is sent: queues look for what is due now and then
	// only, and would make a retry after one second one after several.
	shortWait   = 5 * time.Second
	postStep    = 1000 // tickets in one call
	postTimeout = 10 * time.Second
	// resendMost bounds, in leases, how long it takes until a ticket that the queue has lost is sent
	// again: the time doubles from two leases on, since most tickets are not lost but wait.
	resendMost = 16
)

// outbox is what is on its way to the queue. Scheduler.mu guards it.
type outbox struct {
	out    []*run
	sign   chan struct{}
	err    error                      // of the last call of Enqueue
	taking map[string]contract.Ticket // the one of a run that is looked at, while the run is not yet ours
	work   error                      // of the last call of Work
}

// enlist puts a run that may start in line: for a worker of this process, or in the queue. s.mu is held.
func (s *Scheduler) enlist(r *run) {
	switch {
	case s.cfg.Executor != nil:
		s.post(r)
	case r.serial && s.behind(r): // else one that came earlier would be woken behind it
		s.block(r)
	default:
		s.ready.push(r)
	}
}

// post makes a ticket of a run. The run stays this process's, which extends its lease and sends the ticket
// until the run starts somewhere. Of those of one job that wait for each other only the first has a
// ticket, so that they keep their order; it stays the first between its attempts. s.mu is held.
func (s *Scheduler) post(r *run) {
	if s.phase >= draining {
		s.wg.Go(func() { s.giveBack(r) })
		return
	}
	r.posted, r.sent = true, &sent{}
	if e := r.entry; r.serial && r.Attempt() == 0 {
		e.file = append(e.file, r)
		if e.file[0] != r {
			return
		}
	}
	s.send(r)
}

func (s *Scheduler) send(r *run) {
	s.outbox.out = append(s.outbox.out, r)
	select {
	case s.outbox.sign <- struct{}{}:
	default:
	}
}

// unfile lets the next of a job's runs have its ticket. s.mu is held.
func (s *Scheduler) unfile(r *run) {
	e := r.entry
	i := slices.Index(e.file, r)
	if i < 0 {
		return
	}
	e.file = slices.Delete(e.file, i, i+1)
	if i == 0 && len(e.file) > 0 && s.phase != draining {
		s.send(e.file[0])
	}
}

// posting sends tickets until the keeper stops.
func (s *Scheduler) posting() {
	ticker := time.NewTicker(max(s.cfg.Lease/3, 10*time.Millisecond))
	defer ticker.Stop()
	for {
		select {
		case <-s.stopKeep:
			return
		case <-s.outbox.sign:
		case <-ticker.C:
			s.resend(time.Now())
		}
		for wait := 50 * time.Millisecond; !s.sent(); wait = min(2*wait, 2*time.Second) {
			select {
			case <-s.stopKeep:
				return
			case <-time.After(wait):
			}
		}
	}
}

// sent sends what is to be sent, and says whether that went well.
func (s *Scheduler) sent() bool {
	for {
		s.mu.Lock()
		n := min(postStep, len(s.outbox.out))
		runs := make([]*run, 0, n)
		tickets := make([]contract.Ticket, 0, n)
		for _, r := range s.outbox.out[:n] {
			if r.posted && !r.gone && !r.begun {
				runs = append(runs, r)
				tickets = append(tickets, r.ticket())
			}
		}
		s.mu.Unlock()
		if n == 0 {
			return true
		}
		var err error
		if len(tickets) > 0 {
			ctx, cancel := context.WithTimeout(s.work, postTimeout)
			err = s.cfg.Executor.Enqueue(ctx, tickets)
			cancel()
		}
		if !s.posted(runs, n, err) {
			return false
		}
	}
}

// posted notes what became of the first n that were to be sent.
func (s *Scheduler) posted(runs []*run, n int, err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		if s.outbox.err == nil {
			s.log.Error("runs cannot be handed to the queue; they are kept and handed over when it answers", "runs", len(s.outbox.out), "error", err)
		}
		s.outbox.err = err
		return false
	}
	if s.outbox.err != nil {
		s.log.Info("runs are handed to the queue again")
		s.outbox.err = nil
	}
	now := time.Now()
	for _, r := range runs {
		r.sent.wait = min(max(2*r.sent.wait, 2*s.cfg.Lease), resendMost*s.cfg.Lease)
		r.sent.at = now.Add(r.sent.wait)
		if next := r.nextAt.UTC(); next.After(now) {
			r.sent.at = next.Add(r.sent.wait)
		}
	}
	s.outbox.out = slices.Delete(s.outbox.out, 0, n)
	return true
}

// resend sends tickets anew that no process has taken for long: most wait in the queue, which then
// drops them; what the queue has lost comes back this way.
func (s *Scheduler) resend(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for r := range s.runs.all() {
		if r.posted && !r.begun && !r.ending && !r.sent.at.IsZero() && now.After(r.sent.at) {
			r.sent.at = time.Time{}
			s.outbox.out = append(s.outbox.out, r)
		}
	}
}

// ticket asks for the next attempt of r. s.mu is held.
func (r *run) ticket() contract.Ticket {
	return contract.Ticket{Run: r.ID(), Job: r.Job(), Token: r.token, Attempt: r.Attempt() + 1, NotBefore: r.nextAt.UTC()}
}

// started lets go of runs that were posted and are no longer this process's: some process has started
// them. Known are those that were posted before the store was asked what is ours. s.mu is held.
func (s *Scheduler) started(known map[string]*run, held []contract.LeasedRun) {
	if len(known) == 0 {
		return
	}
	ours := make(map[string]bool, len(held))
	for _, h := range held {
		ours[h.ID] = true
	}
	for id, r := range known {
		if !r.gone && !ours[id] && !r.ending {
			s.lose(r)
		}
	}
}

// outstanding is the runs that wait in the queue. s.mu is held.
func (s *Scheduler) outstanding() map[string]*run {
	if s.cfg.Executor == nil {
		return nil
	}
	ids := make(map[string]*run)
	for r := range s.runs.all() {
		if r.posted && !r.begun {
			ids[r.ID()] = r
		}
	}
	return ids
}

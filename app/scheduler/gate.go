package scheduler

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/plan"
)

// With a shared store the gate only spares it claims that would be lost. A process that is refused
// leaves its slot unsettled, asks the store a second later where the job stands, and claims what is
// not settled then without asking the gate: a process that was admitted and died costs the slot that
// second, and never the slot. So does a gate that answers nonsense; one that does not answer costs
// nothing at all.
//
// With separate stores the gate decides. A slot that another store has is recorded as run elsewhere;
// while the gate does not answer, slots stay unsettled and become missed ones.

const (
	gatePatience = 250 * time.Millisecond // for one answer of the gate
	gateBids     = 1000                   // in one question
	// gateFresh is the age at which the store is asked without the gate, and gateRest how long who
	// was refused waits: by then no slot is young enough to be refused again. Together they stay
	// well below plan.MissedLive.
	gateFresh  = time.Second
	gateRest   = time.Second
	gateJitter = 300 * time.Millisecond

	bidShared   = time.Minute    // how long a bid is kept that only spares work
	bidSeparate = 24 * time.Hour // beyond the catch-up window: for clocks that are wrong by as much
)

// admit asks the gate about the slots of a batch, and takes out of it what must not be claimed now.
func (s *Scheduler) admit(b *batch) {
	switch p := &s.cfg.Peers; {
	case p.Gate == nil:
	case p.Separate:
		s.elect(b)
	default:
		s.spare(b)
	}
}

// spare asks about one slot of each job, the first that is fresh: who has it claims the rest as well.
func (s *Scheduler) spare(b *batch) {
	var bids []contract.SlotRequest
	var at, of []int // the claim, counted within its part, and the part
	i := 0
	for k := range b.parts {
		p := &b.parts[k]
		for j, c := range b.claims[i : i+p.n] {
			if p.entry.hurries() || b.at-c.Slot.UnixMilli() >= gateFresh.Milliseconds() || p.entry.doubts(c.Slot) {
				continue
			}
			bids, at, of = append(bids, contract.SlotRequest{Job: c.Job, Slot: c.Slot, Keep: bidShared}), append(at, j), append(of, k)
			break
		}
		i += p.n
	}
	admitted, err := s.bid(bids)
	if err != nil {
		return // the store decides, as it does anyway
	}
	keep := b.whole()
	for t, ok := range admitted {
		if !ok {
			keep[of[t]] = at[t]
		}
	}
	b.cut(keep)
}

// hurries says whether a second's delay may be too much for the job.
func (e *entry) hurries() bool {
	within := e.job.Policies.StartWithin
	return within > 0 && within < plan.MissedLive*time.Millisecond
}

// doubts says whether a claim for the slot was made and not answered: it may be ours already.
func (e *entry) doubts(slot time.Time) bool {
	_, ok := e.doubt[slot.UnixMilli()]
	return ok
}

// elect asks about every slot that is to run.
func (s *Scheduler) elect(b *batch) {
	var bids []contract.SlotRequest
	var of []int // the claim
	i := 0
	for _, p := range b.parts {
		keep := p.entry.job.Policies.CatchUpFor + bidSeparate
		for j, c := range b.claims[i : i+p.n] {
			if c.Status != cron.Skipped && !p.entry.doubts(c.Slot) {
				bids, of = append(bids, contract.SlotRequest{Job: c.Job, Slot: c.Slot, Keep: keep}), append(of, i+j)
			}
		}
		i += p.n
	}
	answered := 0
	for some := range slices.Chunk(bids, gateBids) {
		admitted, err := s.bid(some)
		if err != nil {
			break
		}
		for t, ok := range admitted {
			if !ok {
				b.elsewhere(of[answered+t])
			}
		}
		answered += len(some)
	}
	if answered < len(bids) {
		b.cut(b.until(of, answered))
	}
}

func (s *Scheduler) bid(bids []contract.SlotRequest) ([]bool, error) {
	if len(bids) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(s.work, gatePatience)
	defer cancel()
	return s.cfg.Peers.Gate.Admit(ctx, bids)
}

// elsewhere makes of a claim the record that another store runs its slot.
func (b *batch) elsewhere(i int) {
	c := &b.claims[i]
	c.Status, c.Reason, c.Detail, c.Args = cron.Skipped, cron.ReasonElsewhere, "another replica, with a database of its own, has this slot", nil
	b.release(i)
}

// release gives up the worker that was meant for a claim.
func (b *batch) release(i int) {
	if b.direct[i] {
		b.direct[i] = false
		b.permit++
	}
}

// whole is the cut that takes nothing away.
func (b *batch) whole() []int {
	keep := make([]int, len(b.parts))
	for k := range b.parts {
		keep[k] = b.parts[k].n
	}
	return keep
}

// until is the cut that keeps what is decided when the gate has answered only so many of the bids,
// which stand for the claims of. What else a plan holds is left for a plan that knows more.
func (b *batch) until(of []int, answered int) []int {
	keep := b.whole()
	i, t := 0, 0
	for k, p := range b.parts {
		decided := 0
		for j, c := range b.claims[i : i+p.n] {
			bid := t < len(of) && of[t] == i+j
			if bid && t >= answered {
				keep[k] = decided
				break
			}
			if bid || p.entry.doubts(c.Slot) {
				decided = j + 1
			}
			if bid {
				t++
			}
		}
		for i += p.n; t < len(of) && of[t] < i; t++ {
		}
	}
	return keep
}

// cut leaves of each part its first keep claims, if that is not all of them; the job is asked for
// again later, from the first slot that was cut off.
func (b *batch) cut(keep []int) {
	i, n := 0, 0
	for k := range b.parts {
		p := &b.parts[k]
		last := i + keep[k]
		if keep[k] < p.n {
			first := b.claims[last].Slot
			p.next, p.waits = first.UnixMilli(), true
			if keep[k] > 0 {
				// One row may stand for many slots: all before the cut are settled with it.
				b.claims[last-1].Watermark = first.Add(-time.Millisecond)
			}
			for j := last; j < i+p.n; j++ {
				b.release(j)
			}
		}
		copy(b.claims[n:], b.claims[i:last])
		copy(b.direct[n:], b.direct[i:last])
		i += p.n
		n += keep[k]
		p.n = keep[k]
	}
	clear(b.claims[n:])
	b.claims, b.direct = b.claims[:n], b.direct[:n]
}

// askLater looks at jobs again that have to wait. s.mu is held.
func (s *Scheduler) askLater(entries []*entry) {
	if len(entries) == 0 {
		return
	}
	time.AfterFunc(gateRest+rand.N(gateJitter), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.phase == ticking {
			s.wg.Go(func() { s.askAgain(entries) })
		}
	})
}

// askAgain claims what nobody has settled meanwhile.
func (s *Scheduler) askAgain(entries []*entry) {
	var states map[string]contract.State
	switch p := &s.cfg.Peers; {
	case p.Separate && p.Gate.Err() != nil: // the plan may have become long: it is made when there is an answer
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.phase == ticking {
			s.askLater(entries)
		}
		return
	case !p.Separate:
		names := make([]string, len(entries))
		for i, e := range entries {
			names[i] = e.job.Name
		}
		ctx, cancel := context.WithTimeout(s.work, gateRest)
		states, _ = s.store.States(ctx, names...) // without them the claims are made, and lost
		cancel()
	}
	s.mu.Lock()
	for _, e := range entries {
		e.waits = false
		// A slot in doubt may be ours and has to be asked for, settled or not.
		if st, ok := states[e.job.Name]; ok && len(e.doubt) == 0 {
			e.next = max(e.next, e.after(st.Watermark.UnixMilli()))
		}
	}
	s.mu.Unlock()
	s.settle(entries, time.Now().UnixMilli())
}

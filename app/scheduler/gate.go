package scheduler

import (
	"context"
	"slices"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/plan"
)

// gate asks the other processes about the slots of a batch before they are claimed, and takes out of it what must not be
// claimed now.
//
// With a shared store the gate only spares it claims that would be lost. A process that is refused
// leaves its slot unsettled, asks the store a second later where the job stands, and claims what is
// not settled then without asking the gate: a process that was admitted and died costs the slot that
// second, and never the slot. So does a gate that answers nonsense; one that does not answer costs
// nothing at all.
//
// With separate stores the gate decides. A slot that another store has is recorded as run elsewhere;
// while the gate does not answer, slots stay unsettled and become missed ones.
type gate struct {
	peers *contract.Peers
	calls context.Context
}

const (
	gatePatience = 250 * time.Millisecond // for one answer of the gate
	gateBids     = 1000                   // slots in one question
	// gateFresh is the age at which the store is asked without the gate, and gateRest how long a process that
	// was refused waits: by then no slot is young enough to be refused again. Together they stay
	// well below plan.MissedLive.
	gateFresh  = time.Second
	gateRest   = time.Second
	gateJitter = 300 * time.Millisecond

	bidShared   = time.Minute    // how long an answer is kept that only spares work
	bidSeparate = 24 * time.Hour // beyond the catch-up window: for clocks that are wrong by as much
)

// admit cuts from a batch what is another process's.
func (g *gate) admit(b *batch) {
	switch {
	case g.peers.Gate == nil:
	case g.peers.Separate:
		g.elect(b)
	default:
		g.spare(b)
	}
}

// spare asks about one slot of each job, the first that is fresh: the process that has it claims the rest as well.
func (g *gate) spare(b *batch) {
	var requests []contract.SlotRequest
	var at, of []int // the claim, counted within its part, and the part
	i := 0
	for k := range b.parts {
		p := &b.parts[k]
		for j, c := range b.claims[i : i+p.n] {
			if p.entry.hurries() || b.at-c.Slot.UnixMilli() >= gateFresh.Milliseconds() || p.entry.doubts(c.Slot) {
				continue
			}
			requests, at, of = append(requests, contract.SlotRequest{Job: c.Job, Slot: c.Slot, Keep: bidShared}), append(at, j), append(of, k)
			break
		}
		i += p.n
	}
	admitted, err := g.ask(requests)
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

// elect asks about every slot that is to run.
func (g *gate) elect(b *batch) {
	var requests []contract.SlotRequest
	var of []int // the claim
	i := 0
	for _, p := range b.parts {
		keep := p.entry.job.Policies.CatchUpFor + bidSeparate
		for j, c := range b.claims[i : i+p.n] {
			if c.Status != cron.Skipped && !p.entry.doubts(c.Slot) {
				requests, of = append(requests, contract.SlotRequest{Job: c.Job, Slot: c.Slot, Keep: keep}), append(of, i+j)
			}
		}
		i += p.n
	}
	answered := 0
	for some := range slices.Chunk(requests, gateBids) {
		admitted, err := g.ask(some)
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
	if answered < len(requests) {
		b.cut(b.until(of, answered))
	}
}

func (g *gate) ask(requests []contract.SlotRequest) ([]bool, error) {
	if len(requests) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(g.calls, gatePatience)
	defer cancel()
	return g.peers.Gate.Admit(ctx, requests)
}

// hurries says whether a second's delay may be too much for the job.
func (e *entry) hurries() bool {
	within := e.job.Policies.StartWithin
	return within > 0 && within < plan.MissedLive*time.Millisecond
}

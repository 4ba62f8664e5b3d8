package scheduler

import (
	"context"
	"slices"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/plan"
)

// gate asks the other processes before slots are claimed, and removes refused slots from a batch.
//
// With a shared store the gate only avoids claims that would be lost. A refused process leaves its slot unsettled. A
// second later it reads the job's watermark and claims unsettled slots without the gate. So a dead winner or a wrong
// answer delays a slot by that second, but never loses it. A gate that does not answer delays nothing.
//
// With separate stores the gate decides. A slot of another store is recorded as run elsewhere. Without an answer, slots
// stay unsettled and become misfires.
type gate struct {
	peers *contract.Peers
	calls context.Context
}

const (
	gateTimeout = 250 * time.Millisecond // for one answer of the gate
	gateBids    = 1000                   // slots in one request
	// gateFresh is the age from which slots are claimed without the gate. gateRest is how long a refused process waits,
	// so that its slots have that age. Together they are well below plan.MissedLive.
	gateFresh  = time.Second
	gateRest   = time.Second
	gateJitter = 300 * time.Millisecond

	bidShared   = time.Minute    // how long an answer is kept with a shared store
	bidSeparate = 24 * time.Hour // longer than the catch-up window, for clocks wrong by as much
)

// admit removes refused slots from a batch.
func (g *gate) admit(b *batch) {
	switch {
	case g.peers.Gate == nil:
	case g.peers.Separate:
		g.elect(b)
	default:
		g.spare(b)
	}
}

// spare asks about one slot of each job, the first fresh one: its winner claims the rest as well.
func (g *gate) spare(b *batch) {
	var requests []contract.SlotRequest
	var at, of []int // the claim's index in its part, and the part
	i := 0
	for k := range b.parts {
		p := &b.parts[k]
		for j, c := range b.claims[i : i+p.n] {
			if p.entry.urgent() || b.at-c.Slot.UnixMilli() >= gateFresh.Milliseconds() || p.entry.unconfirmedAt(c.Slot) {
				continue
			}
			requests, at, of = append(requests, contract.SlotRequest{Job: c.Job, Schedule: c.Schedule, Slot: c.Slot, Keep: bidShared}), append(at, j), append(of, k)
			break
		}
		i += p.n
	}
	admitted, err := g.ask(requests)
	if err != nil {
		return // the store decides
	}
	keep := b.whole()
	for t, ok := range admitted {
		if !ok {
			keep[of[t]] = at[t]
		}
	}
	b.cut(keep)
}

// elect asks about every slot that would run.
func (g *gate) elect(b *batch) {
	var requests []contract.SlotRequest
	var of []int // the claim's index
	i := 0
	for _, p := range b.parts {
		keep := p.entry.job.Policies.CatchUpFor + bidSeparate
		for j, c := range b.claims[i : i+p.n] {
			if c.Status != cron.Skipped && !p.entry.unconfirmedAt(c.Slot) {
				requests, of = append(requests, contract.SlotRequest{Job: c.Job, Schedule: c.Schedule, Slot: c.Slot, Keep: keep}), append(of, i+j)
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
	ctx, cancel := context.WithTimeout(g.calls, gateTimeout)
	defer cancel()
	return g.peers.Gate.Admit(ctx, requests)
}

// urgent reports whether a delay of a second may exceed the job's start deadline.
func (e *entry) urgent() bool {
	within := e.job.Policies.StartWithin
	return within > 0 && within < plan.MissedLive*time.Millisecond
}

// elsewhere turns a claim into a skipped slot that another store runs.
func (b *batch) elsewhere(i int) {
	c := &b.claims[i]
	c.Status, c.Reason, c.Detail, c.Args = cron.Skipped, cron.ReasonElsewhere, "another replica, with a database of its own, has this slot", nil
	b.release(i)
}

// release frees the worker of a claim.
func (b *batch) release(i int) {
	if b.wins[i].Worker {
		b.wins[i].Worker = false
		b.permit++
	}
}

// whole is the cut that keeps all claims.
func (b *batch) whole() []int {
	keep := make([]int, len(b.parts))
	for k := range b.parts {
		keep[k] = b.parts[k].n
	}
	return keep
}

// until is the cut after the first answered requests, which are for the claims of. It keeps what is decided: answered
// requests and unconfirmed claims, with the claims before them.
func (b *batch) until(of []int, answered int) []int {
	keep := b.whole()
	i, t := 0, 0
	for k, p := range b.parts {
		decided := 0
		for j, c := range b.claims[i : i+p.n] {
			asked := t < len(of) && of[t] == i+j
			if asked && t >= answered {
				keep[k] = decided
				break
			}
			if asked || p.entry.unconfirmedAt(c.Slot) {
				decided = j + 1
			}
			if asked {
				t++
			}
		}
		for i += p.n; t < len(of) && of[t] < i; t++ {
		}
	}
	return keep
}

// cut keeps the first keep claims of each part. A job that loses claims is due again later, from the first removed
// slot.
func (b *batch) cut(keep []int) {
	i, n := 0, 0
	for k := range b.parts {
		p := &b.parts[k]
		last := i + keep[k]
		if keep[k] < p.n {
			first := b.claims[last].Slot
			p.next, p.waits = first.UnixMilli(), true
			if keep[k] > 0 {
				// One row may stand for many slots: it settles all before the cut.
				b.claims[last-1].Watermark, b.claims[last-1].Next = first.Add(-time.Millisecond), first
			}
			for j := last; j < i+p.n; j++ {
				b.release(j)
			}
		}
		copy(b.claims[n:], b.claims[i:last])
		copy(b.wins[n:], b.wins[i:last])
		i += p.n
		n += keep[k]
		p.n = keep[k]
	}
	clear(b.claims[n:])
	clear(b.wins[n:])
	b.claims, b.wins = b.claims[:n], b.wins[:n]
}

// unconfirmedAt reports whether a claim for the slot was sent without an answer, so it may have succeeded.
func (e *entry) unconfirmedAt(slot time.Time) bool {
	_, ok := e.unconfirmed[slot.UnixMilli()]
	return ok
}

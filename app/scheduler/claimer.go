package scheduler

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"fibercrons/app/clock"
	"fibercrons/app/contract"
	"fibercrons/app/plan"
	"fibercrons/app/runner"
)

// claimer finds slots that are due and claims them.
//
// A slot that is due is claimed by the worker that is to begin its run, when there is one: the claim and the
// start are one commit then, a burst goes to all processes that have workers free, and what a process
// has claimed it also begins. Until then its job is in the backlog, unsettled.
//
// Some slots are claimed without a worker:
//
//   - With overlap Skip or Replace, while a run of the job is active here: that decides what becomes of the slot, at the
//     moment when it is due.
//   - With runs that wait for each other or for their group: they are enlisted in the order of their slots, by a process
//     that has a free worker, since no other process can start a run in line.
//   - After a second without a worker: the run then waits in line, where all can see it. Younger slots of its job are left
//     even then, since another process may have claimed the old one long ago.
type claimer struct {
	cfg      *Config
	log      *slog.Logger
	instance contract.InstanceInfo
	calls    context.Context
	tasks    *sync.WaitGroup
	events   *runner.Events
	runner   *runner.Runner
	ticks    *ticks
	gate     gate
	byName   map[string]*entry
	entries  []*entry // those that tick
	pressing bool     // there is one of them; see entry

	keepLeases func() // begins to, if that has not begun

	named    atomic.Uint32 // runs given a name
	claiming atomic.Int64  // calls of Claim under way

	mu    sync.Mutex
	clock *clock.Clock[*entry] // nil: it does not tick
	slots slots
}

// settle claims the slots of entries that are due at now, or puts them into the backlog.
func (c *claimer) settle(entries []*entry, now int64) {
	wait := false
	if !c.pressing && c.runner.Active() == 0 { // none of them has to be looked at
		c.mu.Lock()
		wait = c.slots.calm()
		c.mu.Unlock()
	}
	if !wait {
		wait = c.settlePressing(entries, now)
	}
	if wait {
		c.mu.Lock()
		c.slots.backlog.push(entries, now)
		c.mu.Unlock()
		c.runner.Pump()
	}
}

// settleAll looks at every job, if one may be due. What has been in the backlog for long is found again, or
// has been settled.
func (c *claimer) settleAll(now int64) {
	c.mu.Lock()
	c.slots.backlog.forget(now - 2*heldBack)
	idle := now < c.slots.soonest
	if !idle {
		c.slots.soonest = plan.Never // until they are looked at
	}
	c.mu.Unlock()
	if idle || !c.settlePressing(c.entries, now) {
		return
	}
	c.mu.Lock()
	if c.slots.backlog.empty() {
		c.slots.backlog.push(c.entries, now)
	}
	c.mu.Unlock()
	c.runner.Pump()
}

// settlePressing claims the slots that are due and cannot wait, and says whether there are others.
func (c *claimer) settlePressing(entries []*entry, now int64) (others bool) {
	for len(entries) > 0 {
		b, rest, some := c.gather(entries, now)
		entries, others = rest, others || some
		if b != nil {
			b.permit = c.runner.Reserve(len(b.parts))
			c.tasks.Go(func() { c.claim(b) })
		}
	}
	return others
}

// gather takes the next jobs whose slots are due and cannot wait into a batch; see slots.pressing.
func (c *claimer) gather(entries []*entry, now int64) (b *batch, rest []*entry, others bool) {
	free := c.runner.Free() > 0
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.slots.ticking {
		return nil, nil, false
	}
	b, rest, others = c.slots.pressing(entries, now, c.cfg.Executor != nil, free)
	if b != nil {
		b.at = now
		c.claiming.Add(1)
	}
	return b, rest, others
}

// Due implements [runner.Source].
func (c *claimer) Due() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.slots.pullable()
}

// Pull implements [runner.Source].
func (c *claimer) Pull(n int) (claim func() *runner.Run, used int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.slots.pull(time.Now().UnixMilli(), n)
	if b == nil {
		return nil, 0
	}
	c.claiming.Add(1)
	return func() *runner.Run { return c.claim(b) }, b.permit
}

// askLater looks at jobs again that the gate has refused.
func (c *claimer) askLater(entries []*entry) {
	if len(entries) == 0 {
		return
	}
	time.AfterFunc(gateRest+rand.N(gateJitter), func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.slots.ticking {
			c.tasks.Go(func() { c.askAgain(entries) })
		}
	})
}

// askAgain claims what nobody has settled meanwhile.
func (c *claimer) askAgain(entries []*entry) {
	var states map[string]contract.State
	switch p := c.gate.peers; {
	case p.Separate && p.Gate.Err() != nil: // the plan may have become long: it is made when there is an answer
		c.askLater(entries)
		return
	case !p.Separate:
		names := make([]string, len(entries))
		for i, e := range entries {
			names[i] = e.job.Name
		}
		ctx, cancel := context.WithTimeout(c.calls, gateRest)
		states, _ = c.cfg.Store.States(ctx, names...) // without them the claims are made, and lost
		cancel()
	}
	c.mu.Lock()
	for _, e := range entries {
		e.waits = false
		// A slot in doubt may be ours and has to be asked for, settled or not.
		if st, ok := states[e.job.Name]; ok && len(e.doubt) == 0 {
			e.next = max(e.next, e.after(st.Watermark.UnixMilli()))
		}
	}
	c.mu.Unlock()
	c.settle(entries, time.Now().UnixMilli())
}

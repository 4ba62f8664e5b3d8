package scheduler

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"fibercrons/app/clock"
	"fibercrons/app/contract"
	"fibercrons/app/plan"
	"fibercrons/app/runner"
)

// claimer finds due slots and claims them.
//
// Usually the worker that begins the run also claims its slot. So claim and start are one commit, all processes with
// free workers share a burst, and a process begins what it claims. Until then the job waits in the backlog, unsettled.
//
// Some slots are claimed without a worker:
//
//   - With overlap Skip or Replace, while a run of the job is active here: that run decides about the slot when it is
//     due.
//   - If runs wait for each other or for their group: a process with a free worker queues them in the order of their
//     slots, because no other process can start a waiting run.
//   - After a second without a worker: the run then waits where all processes see it. Newer slots of the job are not
//     claimed with it, because another process may have claimed the old one long ago.
type claimer struct {
	*shared
	ticks    *ticks
	gate     gate
	entries  []*entry // those with a clock
	pressing bool     // one of them is pressing; see entry

	keepLeases func() // starts the heartbeats, if necessary

	named    atomic.Uint32 // counter of new IDs
	claiming atomic.Int64  // active calls of Claim

	mu     sync.Mutex
	clock  *clock.Clock[*entry] // nil: no ticks
	slots  slots
	window window
}

// settle claims the slots of entries that are due at now, or adds them to the backlog.
func (c *claimer) settle(entries []*entry, now int64) {
	wait := false
	if !c.pressing && c.runner.Active() == 0 { // none of them needs a check
		c.mu.Lock()
		wait = c.slots.claimable()
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

// settleAll checks every job if any may be due. It drops old arrivals from the backlog; jobs still due are found again.
func (c *claimer) settleAll(now int64) {
	c.mu.Lock()
	c.slots.backlog.forget(now - 2*heldBack)
	var entries []*entry
	if now >= c.slots.soonest {
		c.slots.soonest = plan.Never // until they are checked
		entries = c.entries
	}
	late := c.window.overdue(now)
	c.mu.Unlock()
	for _, some := range [][]*entry{entries, late} {
		if len(some) > 0 && c.settlePressing(some, now) {
			c.offer(some, now)
		}
	}
	c.settleStored(now)
}

// offer adds entries that may be due to the backlog, unless that has some.
func (c *claimer) offer(entries []*entry, now int64) {
	c.mu.Lock()
	if c.slots.backlog.empty() {
		c.slots.backlog.push(entries, now)
	}
	c.mu.Unlock()
	c.runner.Pump()
}

// settlePressing claims the due slots that cannot wait for a worker, and reports whether there are others.
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

// gather makes a batch of the next jobs whose due slots cannot wait; see slots.pressing.
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

// retryLater schedules a retry of jobs that the gate has refused.
func (c *claimer) retryLater(entries []*entry) {
	if len(entries) == 0 {
		return
	}
	time.AfterFunc(gateRest+rand.N(gateJitter), func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.slots.ticking {
			c.tasks.Go(func() { c.retryRefused(entries) })
		}
	})
}

// retryRefused claims the slots that no process has settled meanwhile.
func (c *claimer) retryRefused(entries []*entry) {
	var states map[string]contract.State
	switch p := c.gate.peers; {
	case p.Separate && p.Gate.Err() != nil: // the number of slots may grow, so they are planned when the gate answers
		c.retryLater(entries)
		return
	case !p.Separate:
		names := make([]string, 0, len(entries))
		for _, e := range entries {
			if e.stored == nil {
				names = append(names, e.job.Name)
			}
		}
		if len(names) > 0 {
			ctx, cancel := context.WithTimeout(c.calls, gateRest)
			states, _ = c.cfg.Store.States(ctx, names...) // without states the claims are made and lost
			cancel()
		}
	}
	c.mu.Lock()
	for _, e := range entries {
		e.waits = false
		// An unconfirmed claim may have succeeded, so it is repeated even below the watermark.
		if st, ok := states[e.job.Name]; ok && e.stored == nil && len(e.unconfirmed) == 0 {
			e.next = max(e.next, e.after(st.Watermark.UnixMilli()))
		}
	}
	c.mu.Unlock()
	c.settle(entries, time.Now().UnixMilli())
}

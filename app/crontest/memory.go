package crontest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// Memory is a [contract.Store] in memory. It has the contract of the database stores and passes the same tests. Leases
// use the clock of time.Now. It is safe for concurrent use. The zero value is not usable; see [NewMemory].
type Memory struct {
	mu        sync.Mutex
	jobs      map[string]*memJob
	runs      map[string]*memRun
	groups    map[string]int // running now
	instances map[string]contract.InstanceInfo

	generations  map[string]int64 // of programs, by fingerprint
	generationOf map[string]int64 // of instances

	active memRun // head of the ring of active runs, in order of claim
	slab   []memRun
	keep   int
	stamp  int64
	newest int64 // number of the latest run
	audits []contract.AuditEntry
}

var _ contract.Store = (*Memory)(nil)

// NewMemory returns an empty store that keeps the active runs and the newest 1000 runs of each job.
func NewMemory() *Memory {
	m := &Memory{
		jobs:      make(map[string]*memJob),
		runs:      make(map[string]*memRun),
		groups:    make(map[string]int),
		instances: make(map[string]contract.InstanceInfo),

		generations:  make(map[string]int64),
		generationOf: make(map[string]int64),

		keep: 1000,
	}
	m.active.next, m.active.prev = &m.active, &m.active
	return m
}

type memJob struct {
	state   contract.State
	runs    []*memRun // in order of claim
	slots   []*memRun // by slot
	keys    map[string]*memRun
	queued  int
	running int
	full    int // number of ended runs that triggers pruning

	generation int64 // of the version that defined or removed it
}

func (m *Memory) job(name string, now time.Time) *memJob {
	j := m.jobs[name]
	if j == nil {
		j = &memJob{state: contract.State{Name: name, FirstSeen: instant(now)}}
		m.jobs[name] = j
	}
	return j
}

// slot returns the index of the slot, or its insertion point, and whether it exists.
func (j *memJob) slot(at int64) (int, bool) {
	if n := len(j.slots); n == 0 || j.slots[n-1].slot < at {
		return n, false
	}
	return slices.BinarySearchFunc(j.slots, at, func(r *memRun, at int64) int {
		switch {
		case r.slot < at:
			return -1
		case r.slot > at:
			return 1
		}
		return 0
	})
}

// Sync implements [contract.Claims].
func (m *Memory) Sync(_ context.Context, p contract.Program) (contract.Synced, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	defs, now := p.Definitions, p.At
	own, newer := m.version(&p)
	here := make(map[string]bool, len(defs))
	out := make([]contract.State, len(defs))
	for i, d := range defs {
		here[d.Name] = true
		j := m.job(d.Name, now)
		same := j.state.Definition == d.Definition && j.state.RemovedAt.IsZero()
		if newer && !same && j.generation > own {
			out[i] = j.view()
			out[i].Superseded = true
			continue
		}
		if !same {
			j.generation = own
		}
		if j.state.Watermark.After(now.Add(contract.WrongClock)) {
			j.state.Watermark = instant(now)
		}
		if j.state.Definition != d.Definition || j.state.Watermark.IsZero() {
			j.state.Definition = d.Definition
			j.advance(now)
		}
		j.state.RemovedAt = time.Time{}
		out[i] = j.view()
	}
	for name, j := range m.jobs {
		if !here[name] && j.state.RemovedAt.IsZero() && !(newer && j.generation > own) {
			j.state.RemovedAt, j.generation = instant(now), own
		}
	}
	return contract.Synced{States: out, Generation: own}, nil
}

// version registers the program and its instance. It returns the program's generation, and whether an instance of a
// newer one is alive.
func (m *Memory) version(p *contract.Program) (own int64, newer bool) {
	if p.Print == "" {
		return 0, false
	}
	alive := time.Now().Add(-2 * p.Lease)
	var last int64
	for _, g := range m.generations {
		last = max(last, g)
	}
	own = m.generations[p.Print]
	for _, in := range m.instances {
		if in.StoppedAt.IsZero() && in.SeenAt.After(alive) && m.generationOf[in.ID] > own {
			newer = own != 0
		}
	}
	if own == 0 || own < last && !newer {
		own = last + 1
		m.generations[p.Print] = own
	}
	if p.Instance.ID != "" {
		in := p.Instance
		in.StartedAt, in.SeenAt = instant(in.StartedAt), instant(p.At)
		m.instances[in.ID], m.generationOf[in.ID] = in, own
	}
	return own, newer
}

// advance moves the watermark forward only.
func (j *memJob) advance(to time.Time) {
	if to = instant(to); to.After(j.state.Watermark) {
		j.state.Watermark = to
	}
}

func (j *memJob) view() contract.State {
	s := j.state
	s.Active = j.queued + j.running
	return s
}

// Claim implements [contract.Claims].
func (m *Memory) Claim(_ context.Context, claims []contract.Claim) ([]contract.Claimed, error) {
	for i := range claims {
		if err := validClaim(&claims[i]); err != nil {
			return nil, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	out := make([]contract.Claimed, len(claims))
	jobs := make([]*memJob, len(claims))
	for i := range claims {
		c := &claims[i]
		jobs[i] = m.job(c.Job, c.At)
		out[i] = m.claim(c, jobs[i], now)
	}
	for i := range claims {
		// A batch is settled against the watermarks before it.
		if c := &claims[i]; !c.Watermark.IsZero() && !out[i].Superseded && !out[i].Rescheduled {
			jobs[i].advance(c.Watermark)
		}
		m.bound(jobs[i])
	}
	return out, nil
}

func validClaim(c *contract.Claim) error {
	switch {
	case c.ID == "" || c.Job == "":
		return fmt.Errorf("claim of job %q: it needs a job and an ID", c.Job)
	case c.Status != cron.Running && c.Status != cron.Queued && c.Status != cron.Skipped:
		return fmt.Errorf("claim of job %q: status %q cannot be claimed", c.Job, c.Status)
	}
	return nil
}

func (m *Memory) claim(c *contract.Claim, j *memJob, now time.Time) contract.Claimed {
	hand := c.Slot.IsZero()
	at := 0
	if hand {
		if r := m.runs[c.ID]; r != nil {
			return r.claimed(c.ID)
		}
	} else {
		var found bool
		if at, found = j.slot(c.Slot.UnixMilli()); found {
			return j.slots[at].claimed(c.ID)
		}
		if !instant(c.Slot).After(j.state.Watermark) {
			return contract.Claimed{}
		}
		if c.Generation != 0 && j.generation > c.Generation {
			return contract.Claimed{Superseded: true}
		}
		if o := j.state.Override; !o.At.IsZero() && !o.At.Equal(instant(c.Since)) {
			return contract.Claimed{Rescheduled: true}
		}
	}
	if c.Key != "" {
		if r := j.keys[c.Key]; r != nil {
			return r.claimed(c.ID)
		}
	}

	status, reason := m.verdict(c, j)
	if hand && status == cron.Skipped {
		return contract.Claimed{Refused: reason}
	}
	r := m.insert(c, j, status, reason, now)
	if !hand {
		j.slots = slices.Insert(j.slots, at, r)
	}
	return r.claimed(c.ID)
}

// verdict decides the status of a new claim's run.
func (m *Memory) verdict(c *contract.Claim, j *memJob) (cron.Status, cron.Reason) {
	switch {
	case c.Status == cron.Skipped:
		return cron.Skipped, c.Reason
	case c.Force:
		return c.Status, ""
	case j.state.PausedNow(c.At):
		return cron.Skipped, cron.ReasonPaused
	case j.queued+j.running == 0 || c.Overlap == cron.Allow:
		return c.Status, ""
	case c.Overlap == cron.Queue:
		if j.queued >= c.QueueCap {
			return cron.Skipped, cron.ReasonQueueFull
		}
		return cron.Queued, ""
	case c.Overlap == cron.Replace:
		for r := m.active.next; r != &m.active; r = r.next {
			if r.job == j {
				r.cancel(c.At, cron.ReasonReplaced, c.Actor)
			}
		}
		return cron.Queued, ""
	}
	return cron.Skipped, cron.ReasonOverlap
}

func (m *Memory) insert(c *contract.Claim, j *memJob, status cron.Status, reason cron.Reason, now time.Time) *memRun {
	if len(m.slab) == 0 {
		m.slab = make([]memRun, 256)
	}
	r := &m.slab[0]
	m.slab = m.slab[1:]
	*r = memRun{
		id: c.ID, token: c.Token, job: j, trigger: c.Trigger, status: status, reason: reason,
		hand: c.Slot.IsZero(), group: c.Group, instance: c.Instance, queuedAt: c.At.UnixMilli(),
	}
	if !r.hand {
		r.slot = c.Slot.UnixMilli()
	}
	if !c.DataSlot.IsZero() || len(c.Args) > 0 || c.Key != "" || c.Actor != "" || c.Detail != "" {
		x := r.rest()
		x.dataSlot, x.args, x.key, x.actor = instant(c.DataSlot), slices.Clone(c.Args), c.Key, c.Actor
		if status == cron.Skipped {
			x.err = c.Detail
		}
	}
	if c.Key != "" {
		if j.keys == nil {
			j.keys = make(map[string]*memRun)
		}
		j.keys[c.Key] = r
	}
	m.newest++
	r.number = m.newest
	m.runs[c.ID] = r
	j.runs = append(j.runs, r)

	if status == cron.Skipped {
		r.endedAt = r.queuedAt
		j.settled(r)
		return r
	}
	r.leaseUntil = now.Add(c.Lease).UnixMilli()
	r.prev, r.next = m.active.prev, &m.active
	r.prev.next, r.next.prev = r, r
	if status == cron.Running {
		r.attempt, r.startedAt = 1, r.queuedAt
	}
	m.count(r, 1)
	return r
}

// count updates the numbers of queued and running runs.
func (m *Memory) count(r *memRun, by int) {
	switch r.status {
	case cron.Queued:
		r.job.queued += by
	case cron.Running:
		r.job.running += by
		if r.group != "" {
			m.groups[r.group] += by
		}
	}
}

// bound removes a job's oldest ended runs when there are twice as many as are kept.
func (m *Memory) bound(j *memJob) {
	if ended := len(j.runs) - j.queued - j.running; ended > max(j.full, 2*m.keep) {
		j.full = ended - m.prune(j, m.keep, time.Time{}, ended) + m.keep
	}
}

// instant rounds t as a store does.
func instant(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.UnixMilli(t.UnixMilli()).UTC()
}

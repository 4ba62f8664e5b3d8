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

	schedules map[string]*contract.Schedule
	deferred  map[string]*memRun // by ID
	revision  int64              // the latest of a schedule

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

// NewMemory returns an empty store that keeps the active runs and the newest 1000 runs of each job
// and stored schedule.
func NewMemory() *Memory {
	m := &Memory{
		jobs:      make(map[string]*memJob),
		runs:      make(map[string]*memRun),
		groups:    make(map[string]int),
		instances: make(map[string]contract.InstanceInfo),

		schedules: make(map[string]*contract.Schedule),
		deferred:  make(map[string]*memRun),

		generations:  make(map[string]int64),
		generationOf: make(map[string]int64),

		keep: 1000,
	}
	m.active.next, m.active.prev = &m.active, &m.active
	return m
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
	lines := make([]*memLine, len(claims))
	for i := range claims {
		c := &claims[i]
		lines[i] = m.job(c.Job, c.At).line(c.Schedule)
		out[i] = m.claim(c, lines[i], now)
	}
	for i := range claims {
		// A batch is settled against the watermarks before it.
		switch c := &claims[i]; {
		case c.Watermark.IsZero() || out[i].Superseded || out[i].Rescheduled:
		case c.Schedule == "":
			lines[i].job.advance(c.Watermark)
		default:
			m.advance(c)
		}
		m.bound(lines[i])
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

func (m *Memory) claim(c *contract.Claim, l *memLine, now time.Time) contract.Claimed {
	hand := c.Slot.IsZero()
	at := 0
	if hand {
		if r := m.runs[c.ID]; r != nil {
			return r.claimed(c.ID)
		}
	} else {
		var found bool
		if at, found = l.slot(c.Slot.UnixMilli()); found {
			return l.slots[at].claimed(c.ID)
		}
		if refused, ok := m.due(c, l.job); !ok {
			return refused
		}
	}
	if c.Key != "" {
		if r := l.job.keys[c.Key]; r != nil {
			return r.claimed(c.ID)
		}
	}

	status, reason := m.verdict(c, l)
	if hand && status == cron.Skipped {
		return contract.Claimed{Refused: reason}
	}
	r := m.insert(c, l, status, reason, now)
	if !hand {
		l.slots = slices.Insert(l.slots, at, r)
		m.ran(r)
	}
	return r.claimed(c.ID)
}

// due reports whether a slot without a row can be claimed, by the job or its stored schedule.
func (m *Memory) due(c *contract.Claim, j *memJob) (refused contract.Claimed, ok bool) {
	o := j.state.Override
	watermark, moved, over := j.state.Watermark, !o.At.IsZero() && !o.At.Equal(instant(c.Since)), false
	if c.Schedule != "" {
		watermark, moved = time.Time{}, true
		if g := m.schedules[c.Schedule]; g != nil {
			watermark, moved, over = g.Watermark, g.Revision != c.Revision, spent(g)
		}
	}
	switch {
	case !instant(c.Slot).After(watermark):
	case c.Generation != 0 && j.generation > c.Generation:
		refused.Superseded = true
	case moved:
		refused.Rescheduled = true
	case over:
	default:
		return refused, true
	}
	return refused, false
}

// verdict decides the status of a new claim's run.
func (m *Memory) verdict(c *contract.Claim, l *memLine) (cron.Status, cron.Reason) {
	switch g := m.schedules[c.Schedule]; {
	case defers(c):
		return cron.Queued, ""
	case c.Status == cron.Skipped:
		return cron.Skipped, c.Reason
	case c.Force:
		return c.Status, ""
	case l.job.state.PausedNow(c.At) || g != nil && g.PausedNow(c.At):
		return cron.Skipped, cron.ReasonPaused
	case l.queued+l.running == 0 || c.Overlap == cron.Allow:
		return c.Status, ""
	case c.Overlap == cron.Queue:
		if l.queued >= c.QueueCap {
			return cron.Skipped, cron.ReasonQueueFull
		}
		return cron.Queued, ""
	case c.Overlap == cron.Replace:
		for r := m.active.next; r != &m.active; r = r.next {
			if r.line == l {
				r.cancel(c.At, cron.ReasonReplaced, c.Actor)
			}
		}
		return cron.Queued, ""
	}
	return cron.Skipped, cron.ReasonOverlap
}

func (m *Memory) insert(c *contract.Claim, l *memLine, status cron.Status, reason cron.Reason, now time.Time) *memRun {
	if len(m.slab) == 0 {
		m.slab = make([]memRun, 256)
	}
	r := &m.slab[0]
	m.slab = m.slab[1:]
	*r = memRun{
		id: c.ID, token: c.Token, line: l, trigger: c.Trigger, status: status, reason: reason,
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
		if l.job.keys == nil {
			l.job.keys = make(map[string]*memRun)
		}
		l.job.keys[c.Key] = r
	}
	m.newest++
	r.number = m.newest
	m.runs[c.ID] = r
	l.runs = append(l.runs, r)

	switch status {
	case cron.Skipped:
		r.endedAt = r.queuedAt
		m.settled(r)
		return r
	case cron.Running:
		r.attempt, r.startedAt = 1, r.queuedAt
	}
	r.leaseUntil = now.Add(c.Lease).UnixMilli()
	if defers(c) {
		r.dueAt, r.instance = c.NotBefore.UnixMilli(), ""
		r.leaseUntil = r.dueAt
	}
	m.enter(r)
	return r
}

// enter counts a run that has not ended, and lists it with the active or the deferred ones.
func (m *Memory) enter(r *memRun) {
	m.count(r, 1)
	if r.deferred() {
		m.deferred[r.id] = r
		return
	}
	r.prev, r.next = m.active.prev, &m.active
	r.prev.next, r.next.prev = r, r
}

// leave is the opposite of enter.
func (m *Memory) leave(r *memRun) {
	m.count(r, -1)
	if r.deferred() {
		delete(m.deferred, r.id)
		return
	}
	r.prev.next, r.next.prev = r.next, r.prev
	r.prev, r.next = nil, nil
}

// become changes the status of a run that has not ended, which is not deferred any more.
func (m *Memory) become(r *memRun, status cron.Status) {
	if r.active() && !status.Ended() { // it keeps its place among the active runs
		m.count(r, -1)
		r.status = status
		m.count(r, 1)
		return
	}
	m.leave(r)
	r.status, r.dueAt = status, 0
	if !status.Ended() {
		m.enter(r)
	}
}

// instant rounds t as a store does.
func instant(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.UnixMilli(t.UnixMilli()).UTC()
}

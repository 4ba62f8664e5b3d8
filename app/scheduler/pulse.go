package scheduler

import (
	"context"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/plan"
)

// Pulse is how the scheduler of this process stands. It costs no query.
type Pulse struct {
	Workers int // how many runs may go on at one time
	Busy    int // workers that have one
	Running int // runs whose function is being called
	Waiting int // runs that wait: for a worker, their turn, their group or their next attempt; and jobs whose slot does
	Overdue int // runs that go on past their timeout or the request to end
	// TickedAt is when the clock was last looked at; zero: it is off, or has not begun.
	TickedAt time.Time
	Jobs     []JobPulse
}

// JobPulse is where a job stands in its schedule.
type JobPulse struct {
	Name    string
	Enabled bool          // it is to run in this environment, and the clock is on
	Next    time.Time     // the first slot that is not settled; zero: none is to come, or the clock is off
	Gap     time.Duration // the longest between two of the slots to come; 0: there are fewer than two
}

// gap is the longest stretch between slots, as it was found.
type gap struct {
	table   *plan.Table
	longest time.Duration
	found   time.Time
}

const (
	gapSlots = 10        // how many slots ahead are looked at
	gapHolds = time.Hour // and for how long the answer is good
)

// Pulse returns how things stand now.
func (s *Scheduler) Pulse() Pulse {
	now := time.Now()
	p := Pulse{Workers: s.cfg.Workers, Jobs: make([]JobPulse, len(s.jobs))}
	tables := make([]*plan.Table, len(s.jobs))
	s.mu.Lock()
	p.Busy = p.Workers - s.free
	if s.phase == ticking {
		p.TickedAt = s.tickedAt
	}
	for r := range s.runs.all() {
		switch {
		case r.status == cron.Running:
			p.Running++
			if r.overdue(now) {
				p.Overdue++
			}
		default:
			p.Waiting++
		}
	}
	for i, j := range s.jobs {
		e := s.byName[j.Name]
		if s.phase == ticking && j.Disabled == "" && !e.busy && e.due(now.UnixMilli()) {
			p.Waiting++
		}
		p.Jobs[i].Name, p.Jobs[i].Enabled = j.Name, j.Disabled == "" && !s.cfg.Disabled
		if s.phase == ticking && j.Disabled == "" && e.next != plan.Never {
			p.Jobs[i].Next, tables[i] = time.UnixMilli(e.next).UTC(), e.table
		}
	}
	s.mu.Unlock()
	s.gapMu.Lock()
	defer s.gapMu.Unlock()
	for i := range p.Jobs {
		if tables[i] != nil {
			p.Jobs[i].Gap = s.gap(p.Jobs[i].Name, tables[i], now)
		}
	}
	return p
}

// gap looks ahead as far as a few slots go. gapMu is held.
func (s *Scheduler) gap(job string, table *plan.Table, now time.Time) time.Duration {
	if g, ok := s.gaps[job]; ok && g.table == table && now.Sub(g.found).Abs() < gapHolds {
		return g.longest
	}
	g := gap{table: table, found: now}
	slot, ok := table.Next(now)
	for range gapSlots {
		var next time.Time
		if !ok {
			break
		}
		if next, ok = table.Next(slot); ok {
			g.longest = max(g.longest, next.Sub(slot))
			slot = next
		}
	}
	if s.gaps == nil {
		s.gaps = make(map[string]gap, len(s.jobs))
	}
	s.gaps[job] = g
	return g.longest
}

// States returns what the store keeps about every job.
func (s *Scheduler) States(ctx context.Context) (map[string]State, error) {
	return s.store.States(ctx)
}

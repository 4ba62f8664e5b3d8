package scheduler

import (
	"context"
	"sync"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/plan"
)

// Stats is how the scheduler of this process stands. It costs no query.
type Stats struct {
	Workers int // how many functions this process calls at one time
	Busy    int // workers that have one
	Running int // runs whose function is being called
	Waiting int // runs that wait: for a worker, their turn, their group or their next attempt; and jobs whose slot does
	Overdue int // runs past their timeout or the request to end
	// TickedAt is when the clock was last looked at; zero: it is off, or has not begun.
	TickedAt time.Time
	Jobs     []JobStats
}

// JobStats is where a job stands in its schedule.
type JobStats struct {
	Name    string
	Enabled bool          // it is to run in this environment, and the clock is on
	Next    time.Time     // the first slot that is not settled; zero: none is to come, or the clock is off
	Gap     time.Duration // the longest between two of the slots to come; 0: there are fewer than two
}

// gaps are the longest stretches between slots, by job, as they were found.
type gaps struct {
	mu    sync.Mutex
	byJob map[string]gap
}

type gap struct {
	table   *plan.Table
	longest time.Duration
	found   time.Time
}

const (
	gapSlots = 10        // how many slots ahead are looked at
	gapHolds = time.Hour // and for how long the answer is good
)

// Stats returns how things stand now.
func (s *Scheduler) Stats() Stats {
	now := time.Now()
	runs := s.runner.Counts(now)
	p := Stats{Workers: s.cfg.Workers, Busy: runs.Busy, Running: runs.Running, Waiting: runs.Waiting, Overdue: runs.Overdue}
	if s.phase.get() == ticking {
		p.TickedAt = s.ticked()
	}
	p.Jobs = make([]JobStats, len(s.cfg.Jobs))
	for i, at := range s.claimer.standings(now.UnixMilli()) {
		j := s.cfg.Jobs[i]
		p.Jobs[i] = JobStats{Name: j.Name, Enabled: j.Disabled == "" && !s.cfg.Disabled}
		if at.due {
			p.Waiting++
		}
		if at.next != plan.Never {
			p.Jobs[i].Next, p.Jobs[i].Gap = time.UnixMilli(at.next).UTC(), s.gaps.longest(j.Name, at.table, now)
		}
	}
	return p
}

// longest looks ahead as far as a few slots go.
func (g *gaps) longest(job string, table *plan.Table, now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if known, ok := g.byJob[job]; ok && known.table == table && now.Sub(known.found).Abs() < gapHolds {
		return known.longest
	}
	found := gap{table: table, found: now}
	slot, ok := table.Next(now)
	for range gapSlots {
		var next time.Time
		if !ok {
			break
		}
		if next, ok = table.Next(slot); ok {
			found.longest = max(found.longest, next.Sub(slot))
			slot = next
		}
	}
	if g.byJob == nil {
		g.byJob = make(map[string]gap)
	}
	g.byJob[job] = found
	return found.longest
}

// States returns what the store keeps about every job.
func (s *Scheduler) States(ctx context.Context) (map[string]contract.State, error) {
	return s.cfg.Store.States(ctx)
}

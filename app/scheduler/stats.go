package scheduler

import (
	"context"
	"sync"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/plan"
)

// gaps caches the longest gap between slots of each job.
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
	gapSlots = 10        // number of slots ahead
	gapHolds = time.Hour // lifetime of an entry
)

// Stats returns the current state.
func (s *Scheduler) Stats() contract.Stats {
	now := time.Now()
	runs := s.runner.Counts(now)
	p := contract.Stats{Workers: s.cfg.Workers, Busy: runs.Busy, Running: runs.Running, Waiting: runs.Waiting, Overdue: runs.Overdue}
	if s.phase.get() == ticking {
		p.TickedAt = s.ticked()
	}
	p.Jobs = make([]contract.JobStats, len(s.cfg.Jobs))
	for i, at := range s.claimer.standings(now.UnixMilli()) {
		j := s.cfg.Jobs[i]
		p.Jobs[i] = contract.JobStats{Name: j.Name, Enabled: j.Disabled == "" && !s.cfg.Disabled}
		if at.due {
			p.Waiting++
		}
		if at.next != plan.Never {
			p.Jobs[i].Next, p.Jobs[i].Gap = time.UnixMilli(at.next).UTC(), s.gaps.longest(j.Name, at.table, now)
		}
	}
	return p
}

// longest returns the longest gap between the next slots.
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

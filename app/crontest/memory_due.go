package crontest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// StoredSchedules implements [contract.ScheduleReader].
func (m *Memory) StoredSchedules(_ context.Context, q contract.ScheduleQuery) ([]contract.Schedule, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if q.Limit <= 0 {
		q.Limit = 50
	}
	now := time.Now()
	found := m.pick(func(g *contract.Schedule) bool {
		return g.ID > q.After && (len(q.IDs) == 0 || slices.Contains(q.IDs, g.ID)) && (q.Job == "" || g.Job == q.Job) &&
			searched(g, q.Search) && hasMeta(g, q.Meta) && (q.Paused == nil || g.PausedNow(now) == *q.Paused) &&
			(q.DueAfter.IsZero() || !g.Next.Before(q.DueAfter)) &&
			(q.DueBefore.IsZero() || !g.Next.IsZero() && g.Next.Before(q.DueBefore))
	})
	slices.SortFunc(found, byID)
	return copies(found, q.Limit), nil
}

func searched(g *contract.Schedule, text string) bool {
	text = strings.ToLower(text)
	if strings.Contains(strings.ToLower(g.ID), text) {
		return true
	}
	for _, value := range g.Meta {
		if strings.Contains(strings.ToLower(value), text) {
			return true
		}
	}
	return false
}

func hasMeta(g *contract.Schedule, meta map[string]string) bool {
	for key, want := range meta {
		if value, ok := g.Meta[key]; !ok || value != want {
			return false
		}
	}
	return true
}

// Upcoming implements [contract.ScheduleReader].
func (m *Memory) Upcoming(context.Context) (up contract.Upcoming, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	earliest := func(a, b time.Time) time.Time {
		if a.IsZero() || !b.IsZero() && b.Before(a) {
			return b
		}
		return a
	}
	for _, g := range m.schedules {
		up.Schedule = earliest(up.Schedule, g.Next)
	}
	for _, r := range m.deferred {
		up.Run = earliest(up.Run, millis(r.dueAt))
	}
	return up, nil
}

// DueSchedules implements [contract.ScheduleReader].
func (m *Memory) DueSchedules(_ context.Context, until time.Time, except []string, limit int) ([]contract.Schedule, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	due := m.pick(func(g *contract.Schedule) bool {
		return !g.Next.IsZero() && !g.Next.After(until) && !slices.Contains(except, g.Job)
	})
	slices.SortFunc(due, func(a, b *contract.Schedule) int { return cmp.Or(a.Next.Compare(b.Next), byID(a, b)) })
	return copies(due, limit), nil
}

// DueRuns implements [contract.ScheduleReader].
func (m *Memory) DueRuns(_ context.Context, until time.Time, except []string, limit int) ([]cron.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	var due []*memRun
	for _, r := range m.deferred {
		if s := &r.line.job.state; r.dueAt <= until.UnixMilli() && !s.PausedNow(now) && !slices.Contains(except, s.Name) {
			due = append(due, r)
		}
	}
	slices.SortFunc(due, func(a, b *memRun) int { return cmp.Or(cmp.Compare(a.dueAt, b.dueAt), cmp.Compare(a.id, b.id)) })
	return records(due, limit), nil
}

// defers reports whether the claim is that of a deferred run.
func defers(c *contract.Claim) bool { return c.Slot.IsZero() && !c.NotBefore.IsZero() }

func (m *Memory) pick(wanted func(*contract.Schedule) bool) (found []*contract.Schedule) {
	for _, g := range m.schedules {
		if wanted(g) {
			found = append(found, g)
		}
	}
	return found
}

func copies(found []*contract.Schedule, limit int) []contract.Schedule {
	out := make([]contract.Schedule, min(len(found), limit))
	for i := range out {
		out[i] = *copied(found[i])
	}
	return out
}

func byID(a, b *contract.Schedule) int { return strings.Compare(a.ID, b.ID) }

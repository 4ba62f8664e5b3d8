package crontest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// PutSchedules implements [contract.Schedules].
func (m *Memory) PutSchedules(_ context.Context, puts []contract.PutSchedule) ([]contract.PutResult, error) {
	for i := range puts {
		if p := &puts[i]; p.ID == "" || p.Job == "" || p.After == nil {
			return nil, errors.New("put schedules: a schedule needs an ID, a job and slots")
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]contract.PutResult, len(puts))
	for i := range puts {
		out[i] = m.put(&puts[i])
	}
	return out, nil
}

func (m *Memory) put(p *contract.PutSchedule) contract.PutResult {
	was := m.schedules[p.ID]
	if !matches(was, p.Match) {
		return contract.PutResult{Outcome: contract.PutConflict, Before: copied(was)}
	}
	at := instant(p.At)
	out := contract.PutResult{Outcome: contract.PutChanged, Before: copied(was)}
	g := copied(was)
	if g == nil {
		out.Outcome = contract.PutCreated
		g = &contract.Schedule{ID: p.ID, CreatedAt: at}
	}
	g.Job, g.Expr, g.Zone, g.Args = p.Job, p.Expr, p.Zone, slices.Clone(p.Args)
	g.From, g.Until, g.MaxRuns, g.Meta = instant(p.From), instant(p.Until), p.MaxRuns, maps.Clone(p.Meta)
	retimed := was == nil || g.Job != was.Job || g.Expr != was.Expr || g.Zone != was.Zone || g.From != was.From || g.Until != was.Until || g.MaxRuns != was.MaxRuns
	paused := g.PausedNow(at)
	if !retimed && paused == p.Paused && bytes.Equal(g.Args, was.Args) && maps.Equal(g.Meta, was.Meta) {
		out.Outcome, out.After = contract.PutUnchanged, copied(was)
		return out
	}
	switch {
	case p.Paused && !paused:
		pause(g, &contract.PauseSchedule{Actor: p.UpdatedBy, At: p.At})
	case paused && !p.Paused:
		pause(g, &contract.PauseSchedule{Resume: true})
	}
	if retimed || paused && !p.Paused && !p.KeepPaused {
		restart(g, at)
	}
	out.After = m.store(g, at, p.UpdatedBy, p.After, p.KeepPaused)
	return out
}

// DeleteSchedule implements [contract.Schedules].
func (m *Memory) DeleteSchedule(_ context.Context, id string, match int64) (contract.PutResult, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	g := m.schedules[id]
	switch {
	case g == nil:
		return contract.PutResult{}, noSchedule(id)
	case !matches(g, match):
		return contract.PutResult{Outcome: contract.PutConflict, Before: copied(g)}, nil
	}
	delete(m.schedules, id)
	return contract.PutResult{Outcome: contract.PutChanged, Before: g}, nil
}

// PauseSchedule implements [contract.Schedules].
func (m *Memory) PauseSchedule(_ context.Context, p contract.PauseSchedule) (contract.PutResult, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	g := m.schedules[p.ID]
	if g == nil {
		return contract.PutResult{}, noSchedule(p.ID)
	}
	out := contract.PutResult{Outcome: contract.PutChanged, Before: copied(g)}
	if !matches(g, p.Match) {
		out.Outcome = contract.PutConflict
		return out, nil
	}
	at := instant(p.At)
	paused := g.PausedNow(at)
	if p.Resume && !paused || !p.Resume && paused && g.PausedUntil.Equal(instant(p.Until)) && g.PausedReason == p.Reason {
		out.Outcome, out.After = contract.PutUnchanged, copied(g)
		return out, nil
	}
	g = copied(g)
	pause(g, &p)
	if paused && !p.Resume {
		g.PausedAt = out.Before.PausedAt
	}
	if p.Resume && !p.KeepPaused {
		restart(g, at)
	}
	out.After = m.store(g, at, p.Actor, p.After, p.KeepPaused)
	return out, nil
}

// store keeps a changed schedule, with a new revision, and returns a copy.
func (m *Memory) store(g *contract.Schedule, at time.Time, by string, after func(time.Time) time.Time, keepPaused bool) *contract.Schedule {
	m.revision++
	g.Revision, g.UpdatedAt, g.UpdatedBy = m.revision, at, by
	g.Next = next(g, after, keepPaused)
	m.schedules[g.ID] = g
	return copied(g)
}

// next returns the first slot that is not settled. Slots of a pause are left out if they are not recorded.
func next(g *contract.Schedule, after func(time.Time) time.Time, keepPaused bool) time.Time {
	from := g.Watermark
	if g.Paused && !keepPaused {
		if g.PausedUntil.IsZero() {
			return time.Time{}
		}
		if end := g.PausedUntil.Add(-time.Millisecond); end.After(from) {
			from = end
		}
	}
	if spent(g) {
		return time.Time{}
	}
	return instant(after(from))
}

// restart moves the watermark to now, never back, and up to the first slot that may be.
func restart(g *contract.Schedule, now time.Time) {
	if now.After(g.Watermark) {
		g.Watermark = now
	}
	if begin := g.From.Add(-time.Millisecond); !g.From.IsZero() && begin.After(g.Watermark) {
		g.Watermark = begin
	}
}

func pause(g *contract.Schedule, p *contract.PauseSchedule) {
	if p.Resume {
		g.Paused, g.PausedAt, g.PausedUntil, g.PausedBy, g.PausedReason = false, time.Time{}, time.Time{}, "", ""
		return
	}
	g.Paused, g.PausedAt, g.PausedUntil, g.PausedBy, g.PausedReason = true, instant(p.At), instant(p.Until), p.Actor, p.Reason
}

// ran counts the won slot of a stored schedule.
func (m *Memory) ran(r *memRun) {
	g := m.schedules[r.line.schedule]
	if g == nil || r.status == cron.Skipped {
		return
	}
	if g.Runs++; spent(g) {
		g.Next = time.Time{}
	}
}

// advance moves the watermark of the stored schedule of a claim forward only, if the claim knows it as it is.
func (m *Memory) advance(c *contract.Claim) {
	g := m.schedules[c.Schedule]
	if to := instant(c.Watermark); g != nil && g.Revision == c.Revision && to.After(g.Watermark) {
		g.Watermark, g.Next = to, instant(c.Next)
		if spent(g) {
			g.Next = time.Time{}
		}
	}
}

// spent reports whether the schedule has had all its runs.
func spent(g *contract.Schedule) bool { return g.MaxRuns > 0 && g.Runs >= g.MaxRuns }

// matches reports whether the schedule, or none, has the revision of a request.
func matches(g *contract.Schedule, match int64) bool {
	switch {
	case match == 0:
		return true
	case g == nil:
		return match == contract.NoRevision
	}
	return match == g.Revision
}

// copied returns a copy that shares no memory.
func copied(g *contract.Schedule) *contract.Schedule {
	if g == nil {
		return nil
	}
	c := *g
	c.Args, c.Meta = slices.Clone(g.Args), maps.Clone(g.Meta)
	return &c
}

func noSchedule(id string) error { return fmt.Errorf("schedule %q: %w", id, cron.ErrNotFound) }

package crontest

import (
	"context"
	"encoding/json"
	"time"

	"fibercrons/app/contract"
)

// Stamp implements [contract.Watch]: it counts its calls.
func (m *Memory) Stamp(context.Context) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stamp++
	return m.stamp, nil
}

// Summarize implements [contract.Watch].
func (m *Memory) Summarize(_ context.Context, after contract.Position, limit int) (contract.Summary, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var g contract.Summary
	horizon := time.Now().Add(contract.SoonDue).UnixMilli()
	inserted, marked := 0, after.Number == 0
	for _, r := range m.runs {
		if r.number > g.Newest.Number {
			g.Newest = contract.Position{Number: r.number, ID: r.id}
		}
		marked = marked || r.number == after.Number && r.id == after.ID
		if r.number > after.Number {
			inserted++
		}
		deferred := r.deferred() && !r.status.Ended()
		if deferred && r.dueAt > horizon && (g.NextDue.IsZero() || millis(r.dueAt).Before(g.NextDue)) {
			g.NextDue = millis(r.dueAt)
		}
		if deferred && r.dueAt <= horizon {
			g.Soon = append(g.Soon, r.id)
		}
		if r.number > after.Number || r.active() {
			g.Runs = append(g.Runs, r.sight())
		}
	}
	g.Missed = !marked || inserted > limit
	for name, j := range m.jobs {
		if s := &j.state; s.Paused || !s.Override.At.IsZero() {
			g.Jobs = append(g.Jobs, contract.JobSetting{
				Job: name, Paused: s.Paused, PausedAt: s.PausedAt, PausedUntil: s.PausedUntil, OverrideAt: s.Override.At,
			})
		}
	}
	g.Newest.Audit = int64(len(m.audits))
	for _, e := range m.audits {
		if e.ID > after.Audit && (e.Action == "pause" || e.Action == "resume") {
			g.Told = append(g.Told, contract.PauseChange{Job: e.Target, Paused: e.Action == "pause"})
		}
		if e.ID > after.Audit && e.Action == "cancel" {
			g.Cancelled = append(g.Cancelled, e.Target)
		}
	}
	return g, nil
}

func (r *memRun) sight() contract.RunSummary {
	s := contract.RunSummary{ID: r.id, Status: r.status, Attempt: r.attempt, Cancelled: r.cancelled(), Deferred: r.deferred() && !r.status.Ended()}
	if x := r.more; x != nil && r.active() {
		if n := len(x.lines); n > 0 {
			s.LastLine = x.lines[n-1].Seq
		}
		if progress, err := json.Marshal(x.progress); err == nil && x.progress != nil {
			s.Progress = string(progress)
		}
	}
	return s
}

// Audit implements [contract.AuditLog].
func (m *Memory) Audit(_ context.Context, e contract.AuditEntry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	e.ID = int64(len(m.audits) + 1)
	m.audits = append(m.audits, e)
	return nil
}

// Audits returns the recorded changes, newest first.
func (m *Memory) Audits(_ context.Context, target string, before int64, limit int) ([]contract.AuditEntry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []contract.AuditEntry
	for i := len(m.audits) - 1; i >= 0 && len(out) < limit; i-- {
		if e := m.audits[i]; (target == "" || e.Target == target) && (before == 0 || e.ID < before) {
			out = append(out, e)
		}
	}
	return out, nil
}

// Outline implements [contract.Admin].
func (m *Memory) Outline(ctx context.Context) (map[string]contract.State, error) {
	return m.States(ctx)
}

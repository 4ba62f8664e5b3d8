package crontest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// States implements [contract.Admin].
func (m *Memory) States(_ context.Context, names ...string) (map[string]contract.State, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(names) == 0 {
		out := make(map[string]contract.State, len(m.jobs))
		for name, j := range m.jobs {
			out[name] = j.view()
		}
		return out, nil
	}
	out := make(map[string]contract.State, len(names))
	for _, name := range names {
		if j := m.jobs[name]; j != nil {
			out[name] = j.view()
		}
	}
	return out, nil
}

// Runs implements [contract.Admin].
func (m *Memory) Runs(_ context.Context, q contract.Query) ([]cron.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if q.Limit <= 0 {
		q.Limit = 50
	}
	before := m.runs[q.Before]
	var found []*memRun
	pick := func(r *memRun) {
		switch {
		case q.Schedule != "" && r.line.schedule != q.Schedule,
			q.Unscheduled && r.line.schedule != "",
			len(q.Statuses) > 0 && !slices.Contains(q.Statuses, r.status),
			len(q.IDs) > 0 && !slices.Contains(q.IDs, r.id),
			q.Instance != "" && r.instance != q.Instance,
			!q.Since.IsZero() && r.queuedAt < q.Since.UnixMilli(),
			!q.Until.IsZero() && r.queuedAt >= q.Until.UnixMilli(),
			before != nil && newestFirst(r, before) <= 0,
			before == nil && q.Before != "" && r.id >= q.Before: // pruned meanwhile
			return
		}
		found = append(found, r)
	}
	if q.Job != "" {
		if j := m.jobs[q.Job]; j != nil {
			for _, r := range j.runs() {
				pick(r)
			}
		}
	} else {
		for _, r := range m.runs {
			pick(r)
		}
	}
	slices.SortFunc(found, newestFirst)
	return records(found, q.Limit), nil
}

// Run implements [contract.Admin].
func (m *Memory) Run(_ context.Context, id string) (cron.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.runs[id]
	if r == nil {
		return cron.Record{}, fmt.Errorf("run %s: %w", id, cron.ErrNotFound)
	}
	return r.record(), nil
}

// Logs implements [contract.Admin].
func (m *Memory) Logs(_ context.Context, id string, after int64, limit int) ([]cron.LogLine, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.runs[id]
	if r == nil || r.more == nil {
		return nil, nil
	}
	var out []cron.LogLine
	for _, l := range r.more.lines {
		if l.Seq > after && len(out) < limit {
			out = append(out, l)
		}
	}
	return out, nil
}

// Pause implements [contract.Admin].
func (m *Memory) Pause(_ context.Context, p contract.Pause) (contract.State, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	j := m.jobs[p.Job]
	if j == nil {
		return contract.State{}, fmt.Errorf("job %q: %w", p.Job, cron.ErrNotFound)
	}
	s := &j.state
	if p.Resume {
		s.Paused, s.PausedAt, s.PausedUntil, s.PausedBy, s.PausedReason = false, time.Time{}, time.Time{}, "", ""
	} else {
		s.Paused, s.PausedAt, s.PausedUntil = true, instant(p.At), instant(p.Until)
		s.PausedBy, s.PausedReason = p.Actor, p.Reason
	}
	return j.view(), nil
}

// Cancel implements [contract.Admin].
func (m *Memory) Cancel(_ context.Context, id string, reason cron.Reason, actor string) (cron.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.runs[id]
	if r == nil {
		return cron.Record{}, fmt.Errorf("run %s: %w", id, cron.ErrNotFound)
	}
	if r.status.Ended() {
		return r.record(), nil
	}
	now := time.Now()
	r.cancel(now, reason, actor)
	if r.deferred() {
		m.apply(r, &contract.Finish{Status: cron.Cancelled, Reason: reason, At: now})
	}
	return r.record(), nil
}

// Ping implements [contract.Admin].
func (m *Memory) Ping(ctx context.Context) error { return ctx.Err() }

// Instances returns every process that has sent a heartbeat, by ID.
func (m *Memory) Instances(context.Context) ([]contract.InstanceInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]contract.InstanceInfo, 0, len(m.instances))
	for _, in := range m.instances {
		out = append(out, in)
	}
	slices.SortFunc(out, func(a, b contract.InstanceInfo) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

// Prune implements [contract.Journal].
func (m *Memory) Prune(_ context.Context, p contract.Prune) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	j := m.jobs[p.Job]
	switch {
	case j == nil:
		return 0, nil
	case p.Schedule != "":
		l := j.line(p.Schedule)
		defer j.tidy(l)
		return m.prune(l, p.Keep, time.Time{}, p.Limit), nil
	}
	n := m.prune(&j.code, p.Keep, p.Cutoff, p.Limit)
	for _, l := range j.lines {
		n += m.prune(l, 0, p.Cutoff, p.Limit-n)
		j.tidy(l)
	}
	return n, nil
}

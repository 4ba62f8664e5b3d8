package crontest

import (
	"context"
	"fmt"

	"fibercrons/app/cron"
	"fibercrons/app/scheduler"
)

// Override implements [scheduler.Desk].
func (m *Memory) Override(_ context.Context, o scheduler.Override) (scheduler.State, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	j := m.jobs[o.Job]
	if j == nil {
		return scheduler.State{}, fmt.Errorf("job %q: %w", o.Job, cron.ErrNotFound)
	}
	o.At = instant(o.At)
	j.state.Override = o
	if o.At.After(j.state.Watermark) {
		j.state.Watermark = o.At
	}
	return j.view(), nil
}

// Overrides implements [scheduler.Desk].
func (m *Memory) Overrides(context.Context) ([]scheduler.Override, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []scheduler.Override
	for _, j := range m.jobs {
		if !j.state.Override.At.IsZero() {
			out = append(out, j.state.Override)
		}
	}
	return out, nil
}

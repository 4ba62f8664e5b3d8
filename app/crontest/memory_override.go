package crontest

import (
	"context"
	"fmt"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/plan"
)

// Override implements [contract.Admin].
func (m *Memory) Override(_ context.Context, o plan.Override) (contract.State, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	j := m.jobs[o.Job]
	if j == nil {
		return contract.State{}, fmt.Errorf("job %q: %w", o.Job, cron.ErrNotFound)
	}
	o.At = instant(o.At)
	j.state.Override = o
	if o.At.After(j.state.Watermark) {
		j.state.Watermark = o.At
	}
	return j.view(), nil
}

// Overrides implements [contract.Admin].
func (m *Memory) Overrides(context.Context) ([]plan.Override, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []plan.Override
	for _, j := range m.jobs {
		if !j.state.Override.At.IsZero() {
			out = append(out, j.state.Override)
		}
	}
	return out, nil
}

package cron_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"fibercrons/app/cron"
)

func alertPolicy(t *testing.T, defaults cron.AlertPolicy, options ...cron.Option) (cron.AlertPolicy, error) {
	t.Helper()
	r := cron.NewRegistry()
	r.Register("job", "@daily", func(context.Context) error { return nil }, options...)
	jobs, err := r.Jobs(cron.Defaults{Alerts: defaults, KeepRuns: 50})
	if err != nil {
		return cron.AlertPolicy{}, err
	}
	return jobs[0].Policies.Alerts, nil
}

// What the option does not name stays as the environment has it.
func TestAlert(t *testing.T) {
	env := cron.AlertPolicy{Failed: 1, Recovered: true, Late: 5 * time.Minute, Missed: true, OverdueFactor: 3}
	for name, c := range map[string]struct {
		rules []cron.AlertRule
		want  []string
	}{
		"none": {nil, []string{"failed", "recovered", "not started 5m after its slot", "missed", "running longer than 3 times its p95"}},
		"some": {
			[]cron.AlertRule{cron.OnFailed(3), cron.OnLate(time.Hour), cron.NoAlerts(cron.AlertMissed)},
			[]string{"failed 3 times in a row", "recovered", "not started 1h after its slot", "running longer than 3 times its p95"},
		},
		"a limit in place of a factor": {
			[]cron.AlertRule{cron.OnOverdue(90 * time.Second), cron.NoAlerts(cron.AlertFailed, cron.AlertLate, cron.AlertMissed)},
			[]string{"running longer than 1m30s"},
		},
		"a limit and a factor": {
			[]cron.AlertRule{cron.OnOverdue(time.Hour), cron.OverdueFactor(2), cron.NoAlerts(cron.AlertFailed, cron.AlertLate, cron.AlertMissed)},
			[]string{"running longer than 1h or 2 times its p95"},
		},
		"nothing": {[]cron.AlertRule{cron.NoAlerts()}, []string{}},
	} {
		var options []cron.Option
		if c.rules != nil {
			options = append(options, cron.Alert(c.rules...))
		}
		p, err := alertPolicy(t, env, options...)
		if err != nil || !slices.Equal(p.Lines(), c.want) {
			t.Errorf("%s: %q, error %v, want %q", name, p.Lines(), err, c.want)
		}
	}
	p, err := alertPolicy(t, cron.AlertPolicy{}, cron.Alert(cron.OnFailed(2), cron.OnRecovered(), cron.OnMissed()))
	if err != nil || p != (cron.AlertPolicy{Failed: 2, Recovered: true, Missed: true}) {
		t.Errorf("without defaults: %+v, error %v", p, err)
	}
}

func TestAlertMistakes(t *testing.T) {
	for want, option := range map[string]cron.Option{
		"Alert needs a rule":                       cron.Alert(),
		"alert rule 1 is nil":                      cron.Alert(nil),
		"0 failures is out of range":               cron.Alert(cron.OnFailed(0)),
		"0s after the slot is out of range":        cron.Alert(cron.OnLate(0)),
		"48h0m0s after the slot is out":            cron.Alert(cron.OnLate(48 * time.Hour)),
		"give a limit above 0":                     cron.Alert(cron.OnOverdue(0)),
		"overdue factor of 1 is out of range":      cron.Alert(cron.OverdueFactor(1)),
		"two alert rules are about failed":         cron.Alert(cron.OnFailed(1), cron.OnFailed(2)),
		"two alert rules are about missed":         cron.Alert(cron.OnMissed(), cron.NoAlerts(cron.AlertMissed)),
		"rules are about the overdue factor":       cron.Alert(cron.NoAlerts(cron.AlertOverdue), cron.OverdueFactor(2)),
		"NoAlerts() contradicts the other":         cron.Alert(cron.OnMissed(), cron.NoAlerts()),
		`the kind "odd" are unknown`:               cron.Alert(cron.NoAlerts("odd")),
		"recovery needs one about failure":         cron.Alert(cron.OnRecovered()),
		"a history of as many runs; Keep holds 50": cron.Alert(cron.OnFailed(60)),
	} {
		if _, err := alertPolicy(t, cron.AlertPolicy{}, option); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

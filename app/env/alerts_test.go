package env_test

import (
	"strings"
	"testing"
	"time"

	"fibercrons/app/env"
)

func TestAlerts(t *testing.T) {
	c, _, err := load(map[string]string{})
	if err != nil || c.Alerts.On.String() != "failed,recovered" || c.Alerts.LateAfter != 5*time.Minute || c.Alerts.OverdueFactor != 3 {
		t.Errorf("defaults %v %s %g, error %v", c.Alerts.On, c.Alerts.LateAfter, c.Alerts.OverdueFactor, err)
	}
	c, _, err = load(map[string]string{
		"ALERT_ON": "Late, missed,late", "ALERT_WEBHOOK_URL": "https://h.example/secret", "ALERT_WEBHOOK_SECRET": "0123456789abcdef",
		"ALERT_EMAIL_TO": "a@b.c, d@e.f", "ALERT_EMAIL_FROM": "Crons <a@b.c>", "SMTP_URL": "smtps://u:pw@h.example",
		"ALERT_LINK": "https://crons.example/",
	})
	if err != nil {
		t.Fatal(err)
	}
	a := c.Alerts
	if a.On.String() != "late,missed" || a.On.Has("failed") || a.Link != "https://crons.example" {
		t.Errorf("alerts %+v", a)
	}
	if c, _, err := load(map[string]string{"ALERT_ON": "none"}); err != nil || len(c.Alerts.On) != 0 {
		t.Errorf("none: %v, error %v", c.Alerts.On, err)
	}
}

func TestAlertMistakes(t *testing.T) {
	for _, c := range []struct {
		want string
		env  map[string]string
	}{
		{"ALERT_ON", map[string]string{"ALERT_ON": "failed,none"}},
		{"ALERT_ON", map[string]string{"ALERT_ON": "broken"}},
		{"ALERT_LATE_AFTER", map[string]string{"ALERT_LATE_AFTER": "0"}},
		{"ALERT_OVERDUE_FACTOR", map[string]string{"ALERT_OVERDUE_FACTOR": "1"}},
		{"ALERT_OVERDUE_FACTOR", map[string]string{"ALERT_OVERDUE_FACTOR": "NaN"}},
		{"ALERT_WEBHOOK_URL", map[string]string{"ALERT_WEBHOOK_URL": "ftp://s3cret"}},
		{"ALERT_WEBHOOK_SECRET", map[string]string{"ALERT_WEBHOOK_URL": "https://h.example", "ALERT_WEBHOOK_SECRET": "s3cret"}},
		{"ALERT_WEBHOOK_SECRET", map[string]string{"ALERT_WEBHOOK_SECRET": "s3cret-s3cret-s3cret"}},
		{"ALERT_SLACK_URL", map[string]string{"ALERT_SLACK_URL": "s3cret"}},
		{"ALERT_EMAIL_TO", map[string]string{"ALERT_EMAIL_TO": "a@b.c", "ALERT_EMAIL_FROM": "a@b.c"}},
		{"ALERT_EMAIL_TO", map[string]string{"ALERT_EMAIL_TO": "a@b.c", "SMTP_URL": "smtp://h"}},
		{"ALERT_EMAIL_FROM", map[string]string{"ALERT_EMAIL_FROM": "nobody"}},
		{"SMTP_URL", map[string]string{"SMTP_URL": "http://s3cret"}},
		{"SMTP_URL", map[string]string{"SMTP_URL": "smtp://u:s3cret@h?tls=none"}},
		{"SMTP_URL", map[string]string{"SMTP_URL": "smtp://u:s3cret@h:%zz"}},
		{"ALERT_LINK", map[string]string{"ALERT_LINK": "crons.example"}},
	} {
		_, _, err := load(c.env)
		found := env.Error{}
		if e, ok := err.(*env.Error); ok { //nolint:errorlint // Load says that it is one
			found = *e
		}
		if len(found.Mistakes) != 1 || found.Mistakes[0].Variable != c.want || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%v: %v", c.env, err)
		}
	}
}

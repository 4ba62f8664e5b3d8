package env_test

import (
	"strings"
	"testing"

	"fibercrons/app/env"
)

func TestSettingsShowWhatIsInForceAndNoSecret(t *testing.T) {
	const secret = "a-token-nobody-may-see"
	c, _, err := env.Load(env.File(""), env.Env(map[string]string{
		"CRON_OPERATOR_TOKEN": secret, "CRON_TIMEZONE": "Europe/Berlin", "CRON_KEEP_FOR": "30d", "PORT": "4000",
		"DATABASE_URL": "sqlite://somewhere-" + secret + ".db",
	}))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range c.Settings() {
		got[s.Name] = s.Value
		if strings.Contains(s.Value, secret) {
			t.Errorf("%s shows the secret: %s", s.Name, s.Value)
		}
	}
	for name, want := range map[string]string{
		"CRON_TIMEZONE": "Europe/Berlin", "CRON_KEEP_FOR": "720h", "PORT": "4000", "CRON_ENABLED": "true", "LOG_LEVEL": "info",
		"CRON_OPERATOR_TOKEN": "set, [hidden]", "CRON_VIEWER_TOKEN": "not set", "CRON_DEFAULT_TIMEOUT": "0s",
	} {
		if got[name] != want {
			t.Errorf("%s = %q, want %q", name, got[name], want)
		}
	}
	if len(got) != len(env.Variables(new(env.Config))) {
		t.Errorf("%d settings, %d variables", len(got), len(env.Variables(new(env.Config))))
	}
}

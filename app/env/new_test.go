package env_test

import (
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"fibercrons/app/env"
)

func loaded(t *testing.T, m map[string]string) env.Config {
	t.Helper()
	c, _, err := env.Load(env.Env(m), env.File(""))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNewHasTheDefaultsOfLoad(t *testing.T) {
	t.Setenv("CRON_WORKERS", "7") // it does not read the environment
	c, warnings, err := env.New(env.Config{})
	if err != nil || len(warnings) > 0 {
		t.Fatal(warnings, err)
	}
	if want := loaded(t, map[string]string{}); !reflect.DeepEqual(c, want) {
		t.Errorf("New makes\n%+v\nand Load\n%+v", c, want)
	}
}

// A Config that Load has made is one that New makes again, whatever is set.
func TestNewKeepsWhatLoadHasRead(t *testing.T) {
	set := map[string]string{
		"APP_ENV": "production", "HOST": "0.0.0.0", "PORT": "8080", "DATABASE_URL": "postgres://u:p%40ss@db:5432/n?sslmode=disable", "REDIS_URL": "redis://:secret@r:6379/1",
		"REDIS_PREFIX": "mine", "CRON_BASE_PATH": "/ops/", "CRON_TIMEZONE": "Europe/Berlin", "CRON_WORKERS": "3", "CRON_EXECUTOR": "asynq", "CRON_ROLE": "worker", "CRON_DEFAULT_TIMEOUT": "1m30.5s",
		"CRON_DEFAULT_RETRIES": "2", "CRON_DEFAULT_RETRY_DELAY": "1500ms", "CRON_MAX_RETRY_DELAY": "1d", "CRON_CATCH_UP_WINDOW": "30d", "CRON_LEASE": "1m", "CRON_SHUTDOWN_GRACE": "3s",
		"CRON_KEEP_RUNS": "5", "CRON_KEEP_FOR": "1h", "CRON_MAX_RUN_LOG": "1234567", "CRON_OPERATOR_TOKEN": "0123456789abcdef", "CRON_VIEWER_TOKEN": "fedcba9876543210", "CRON_AUTH": "off",
		"CRON_ALLOWED_HOSTS": "a.example, B.example", "CRON_TRUSTED_PROXIES": "10.0.0.0/8,127.0.0.1", "ALERT_ALLOWED_HOSTS": "hooks.internal:8080", "HTTPS_PROXY": "http://p:3128", "NO_PROXY": ".internal",
		"LOG_LEVEL": "warn", "LOG_FORMAT": "json", "ALERT_ON": "late,overdue", "ALERT_LATE_AFTER": "7m", "ALERT_OVERDUE_FACTOR": "2.5", "ALERT_WEBHOOK_URL": "https://h/x",
		"ALERT_WEBHOOK_SECRET": "0123456789abcdef", "ALERT_SLACK_URL": "https://s/y", "ALERT_EMAIL_TO": "a@example.com", "ALERT_EMAIL_FROM": "b@example.com", "SMTP_URL": "smtp://u:p@m:587", "ALERT_LINK": "https://c.example",
		"REQUEST_METHOD": "GET",
	}
	none := map[string]string{
		"PORT": "0", "CRON_ENABLED": "false", "CRON_DEFAULT_RETRY_DELAY": "0", "CRON_MAX_RETRY_DELAY": "0", "CRON_CATCH_UP_WINDOW": "0", "CRON_SHUTDOWN_GRACE": "0", "CRON_MAX_RUN_LOG": "0", "ALERT_ON": "none",
	}
	for _, test := range []struct {
		set  map[string]string
		zero []string
	}{{set, nil}, {none, []string{"Port", "Enabled", "DefaultRetryDelay", "MaxRetryDelay", "CatchUpWindow", "ShutdownGrace", "MaxRunLog", "On"}}} {
		want := loaded(t, test.set)
		c, _, err := env.New(want, test.zero...)
		if err != nil || !reflect.DeepEqual(c, want) {
			t.Errorf("New makes\n%+v\nof\n%+v (%v)", c, want, err)
		}
	}
	if c, _, err := env.New(env.Config{Alerts: env.Alerts{On: env.AlertKinds{}}}); err != nil || len(c.Alerts.On) != 0 {
		t.Errorf("%v, %v", c.Alerts.On, err)
	}
}

// What Load refuses, New refuses, too, and names the field.
func TestNewChecksWhatLoadChecks(t *testing.T) {
	token := env.Secret("0123456789abcdef")
	tests := map[string]struct {
		c     env.Config
		field string
	}{
		"APP_ENV":                  {env.Config{AppEnv: "Prod uction"}, "AppEnv"},
		"HOST":                     {env.Config{Host: "0.0.0.0"}, "Host"},
		"PORT":                     {env.Config{Port: 70000}, "Port"},
		"CRON_BASE_PATH":           {env.Config{BasePath: "ops"}, "BasePath"},
		"DATABASE_URL":             {env.Config{Database: env.Database{Driver: env.Postgres, Host: "h", Name: "n"}}, "Database"},
		"REDIS_URL":                {env.Config{Redis: "http://hunter2"}, "Redis"},
		"REDIS_PREFIX":             {env.Config{RedisPrefix: "a b"}, "RedisPrefix"},
		"CRON_TIMEZONE":            {env.Config{Timezone: time.Local}, "Timezone"},
		"CRON_TZDATA":              {env.Config{TZData: "mine"}, "TZData"},
		"CRON_WORKERS":             {env.Config{Workers: -1}, "Workers"},
		"CRON_EXECUTOR":            {env.Config{Executor: env.ExecutorRiver}, "Executor"},
		"CRON_ROLE":                {env.Config{Role: env.RoleWorker}, "Role"},
		"CRON_DEFAULT_TIMEOUT":     {env.Config{DefaultTimeout: -1}, "DefaultTimeout"},
		"CRON_DEFAULT_RETRIES":     {env.Config{DefaultRetries: -1}, "DefaultRetries"},
		"CRON_DEFAULT_RETRY_DELAY": {env.Config{DefaultRetryDelay: -1}, "DefaultRetryDelay"},
		"CRON_MAX_RETRY_DELAY":     {env.Config{MaxRetryDelay: time.Millisecond}, "MaxRetryDelay"},
		"CRON_CATCH_UP_WINDOW":     {env.Config{CatchUpWindow: -1}, "CatchUpWindow"},
		"CRON_LEASE":               {env.Config{Lease: time.Millisecond}, "Lease"},
		"CRON_SHUTDOWN_GRACE":      {env.Config{ShutdownGrace: -1}, "ShutdownGrace"},
		"CRON_KEEP_RUNS":           {env.Config{KeepRuns: -1}, "KeepRuns"},
		"CRON_KEEP_FOR":            {env.Config{KeepFor: time.Second}, "KeepFor"},
		"CRON_MAX_RUN_LOG":         {env.Config{MaxRunLog: 1 << 40}, "MaxRunLog"},
		"CRON_OPERATOR_TOKEN":      {env.Config{OperatorToken: "hunter2"}, "OperatorToken"},
		"CRON_VIEWER_TOKEN":        {env.Config{OperatorToken: token, ViewerToken: token}, "ViewerToken"},
		"CRON_AUTH":                {env.Config{Auth: "none"}, "Auth"},
		"CRON_ALLOWED_HOSTS":       {env.Config{AllowedHosts: []string{"https://x"}}, "AllowedHosts"},
		"CRON_TRUSTED_PROXIES":     {env.Config{TrustedProxies: []string{"10.0.0.0/99"}}, "TrustedProxies"},
		"ALERT_ALLOWED_HOSTS":      {env.Config{AlertAllowedHosts: []string{"a b"}}, "AlertAllowedHosts"},
		"HTTPS_PROXY":              {env.Config{Proxy: env.Proxy{HTTPS: "ftp://x"}}, "HTTPS"},
		"HTTP_PROXY":               {env.Config{Proxy: env.Proxy{HTTP: "ftp://x"}}, "HTTP"},
		"LOG_FORMAT":               {env.Config{LogFormat: "xml"}, "LogFormat"},
		"ALERT_ON":                 {env.Config{Alerts: env.Alerts{On: env.AlertKinds{"sometimes"}}}, "On"},
		"ALERT_LATE_AFTER":         {env.Config{Alerts: env.Alerts{LateAfter: -1}}, "LateAfter"},
		"ALERT_OVERDUE_FACTOR":     {env.Config{Alerts: env.Alerts{OverdueFactor: 0.5}}, "OverdueFactor"},
		"ALERT_WEBHOOK_URL":        {env.Config{Alerts: env.Alerts{WebhookURL: "x"}}, "WebhookURL"},
		"ALERT_WEBHOOK_SECRET":     {env.Config{Alerts: env.Alerts{WebhookSecret: token}}, "WebhookSecret"},
		"ALERT_SLACK_URL":          {env.Config{Alerts: env.Alerts{SlackURL: "x"}}, "SlackURL"},
		"ALERT_EMAIL_TO":           {env.Config{Alerts: env.Alerts{EmailTo: "a@example.com"}}, "EmailTo"},
		"ALERT_EMAIL_FROM":         {env.Config{Alerts: env.Alerts{EmailFrom: "nobody"}}, "EmailFrom"},
		"SMTP_URL":                 {env.Config{Alerts: env.Alerts{SMTP: "x"}}, "SMTP"},
		"ALERT_LINK":               {env.Config{Alerts: env.Alerts{Link: "x"}}, "Link"},
	}
	for name, test := range tests {
		_, _, err := env.New(test.c)
		wrong, ok := errors.AsType[*env.Error](err)
		if !ok || !slices.ContainsFunc(wrong.Mistakes, func(m env.Mistake) bool { return m.Variable == test.field+" ("+name+")" && m.Remedy != "" }) {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s shows a secret: %v", name, err)
		}
	}
	// Whatever is refused somewhere in this package has a row above.
	refused := regexp.MustCompile(`k\.refuse\([^\n]*?, "([A-Z_]+)"`)
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	checked := map[string]bool{}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range refused.FindAllStringSubmatch(string(text), -1) {
			checked[m[1]] = true
		}
	}
	if len(checked) < 25 {
		t.Errorf("%d variables are refused: the test sees nothing", len(checked))
	}
	for _, name := range slices.Sorted(maps.Keys(checked)) {
		if _, ok := tests[name]; !ok {
			t.Errorf("no row for %s", name)
		}
	}
}

func TestNewReportsAllMistakesAndWarnings(t *testing.T) {
	_, _, err := env.New(env.Config{Port: -1, Workers: -2, LogLevel: slog.LevelWarn}, "Enabled", "Timezone", "Enabld")
	for _, want := range []string{"4 mistakes", `Port (PORT)="-1": not a port`, `Workers (CRON_WORKERS)="-2": below 1`, "Timezone: means nothing by its zero value", "Enabld: is not a field"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
	if _, warnings, err := env.New(env.Config{Auth: env.AuthOff, OperatorToken: "0123456789abcdef"}); err != nil || len(warnings) != 1 {
		t.Errorf("%v, %v", warnings, err)
	}
}

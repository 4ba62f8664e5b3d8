package app_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fibercrons/app"
	"fibercrons/app/alert"
	"fibercrons/app/assembly"
	"fibercrons/app/cron"
	"fibercrons/app/env"
	"fibercrons/app/scheduler"
	_ "fibercrons/app/trace"
)

// Alerts, pings, traces and the requests of jobs take the proxy that .env names, which the process's own environment
// does not hold.
func TestProxiesOfDotEnv(t *testing.T) {
	asked := make(chan string, 100)
	proxy := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.RequestURI }))
	defer proxy.Close()
	dir := t.TempDir()
	file := filepath.Join(dir, ".env")
	if err := os.WriteFile(file, []byte("http_proxy="+proxy.URL+"\nno_proxy=direct.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, _, err := env.Load(env.File(file), env.Env(map[string]string{
		"DATABASE_URL": "sqlite://" + filepath.Join(dir, "crons.db"), "ALERT_WEBHOOK_URL": "http://hooks.example/alert",
		"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector.example:4318",
	}))
	if err != nil {
		t.Fatal(err)
	}
	channels, err := assembly.Channels(cfg)
	if err != nil || len(channels) != 1 {
		t.Fatalf("channels %v (%v)", channels, err)
	}
	if err := channels[0].Send(t.Context(), alert.Message{}); err != nil {
		t.Error(err)
	}
	registry := cron.NewRegistry()
	registry.Register("job", "@yearly", func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://api.example/job", http.NoBody)
		if err != nil {
			return err
		}
		resp, err := app.HTTP(ctx).Do(req)
		if err != nil {
			return err
		}
		return resp.Body.Close()
	}, cron.Ping("http://pings.example/x"))
	a, err := app.New(t.Context(), cfg, registry, app.Log(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	run, err := a.Crons.Trigger(t.Context(), "job", scheduler.Request{})
	if err == nil {
		run, err = a.Crons.Await(t.Context(), run.ID)
	}
	if err != nil || run.Status != cron.Succeeded {
		t.Errorf("the run %s: %s (%v)", run.Status, run.Error, err)
	}
	if err := a.Crons.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	seen := make(map[string]bool)
	for len(asked) > 0 {
		target, _, _ := strings.Cut(<-asked, "?")
		seen[target] = true
	}
	for _, want := range []string{"http://hooks.example/alert", "http://pings.example/x", "http://collector.example:4318/v1/traces", "http://api.example/job"} {
		if !seen[want] {
			t.Errorf("the proxy was not asked for %s, but for %v", want, seen)
		}
	}
}

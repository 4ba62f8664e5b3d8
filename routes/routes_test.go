package routes_test

import (
	"context"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"fibercrons/app"
	"fibercrons/app/cron"
	"fibercrons/app/env"
	_ "fibercrons/app/parts"
	"fibercrons/app/web/site"
	"fibercrons/routes"
)

// serve serves an application without jobs, and returns its address.
func serve(t *testing.T) (url string) {
	t.Helper()
	cfg, _, err := env.Load(env.File(""), env.Env(map[string]string{
		"PORT": "0", "DATABASE_URL": "sqlite://" + filepath.Join(t.TempDir(), "crons.db"), "LOG_LEVEL": "error",
	}))
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(t.Context(), cfg, cron.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	server := site.New(a, site.Limits{}, routes.Mount)
	if err := server.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return server.URL()
}

func get(t *testing.T, url, accept string) (status int, contentType, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", accept)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Content-Type"), string(text)
}

func TestGreeting(t *testing.T) {
	url := serve(t)
	for accept, want := range map[string]string{
		"application/json":                "application/json",
		"text/html,application/xhtml+xml": "text/html; charset=utf-8",
		"*/*":                             "application/json",
	} {
		status, kind, body := get(t, url+"/", accept)
		if status != http.StatusOK || kind != want || !strings.Contains(body, "crons/dashboard") {
			t.Errorf("for %s: %d %s %s", accept, status, kind, body)
		}
	}
}

// What the greeting points to is served.
func TestMounted(t *testing.T) {
	url := serve(t)
	for _, path := range []string{"/crons", "/crons/dashboard", "/crons/docs", "/livez", "/metrics"} {
		if status, _, body := get(t, url+path, "*/*"); status != http.StatusOK {
			t.Errorf("GET %s: %d %s", path, status, body)
		}
	}
}

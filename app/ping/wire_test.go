package ping_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/outgoing"
	"fibercrons/app/ping"
)

// Over the network, to an address with a query and an escape of its own.
func TestOnTheWire(t *testing.T) {
	type request struct{ line, kind, body string }
	got := make(chan request, 10)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- request{r.Method + " " + r.RequestURI, r.Header.Get("Content-Type"), string(body)}
	}))
	defer server.Close()
	for _, test := range []struct{ path, start, end string }{
		{"/0a1b", "POST /0a1b/start?rid=r", "POST /0a1b?rid=r"},
		{"/0a1b/", "POST /0a1b/start?rid=r", "POST /0a1b/?rid=r"},
		{"/key/my%2Fslug?create=1", "POST /key/my%2Fslug/start?create=1&rid=r", "POST /key/my%2Fslug?create=1&rid=r"},
	} {
		registry := cron.NewRegistry()
		registry.Register("job", "@yearly", nothing, cron.Ping(server.URL+test.path))
		jobs, err := registry.Jobs(cron.Defaults{})
		if err != nil {
			t.Fatal(err)
		}
		p := ping.New(ping.Options{Jobs: jobs, Client: outgoing.Client(outgoing.Options{Allow: []string{"127.0.0.1"}, Timeout: time.Minute})})
		p.Observe(started("job"))
		p.Observe(ended("job", cron.Succeeded))
		p.Close(t.Context())
		if first := <-got; first.line != test.start || first.body != "" {
			t.Errorf("first %+v, want %s", first, test.start)
		}
		if second := <-got; second.line != test.end || second.kind != "text/plain; charset=utf-8" || !strings.HasPrefix(second.body, "job: succeeded") {
			t.Errorf("then %+v, want %s", second, test.end)
		}
	}
}

// The rule about addresses holds for pings, and what is said about it holds no secret.
func TestPingsToPrivateAddressesAreRefused(t *testing.T) {
	called := make(chan struct{}, 10)
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called <- struct{}{} }))
	defer server.Close()
	registry := cron.NewRegistry()
	registry.Register("job", "@yearly", nothing, cron.Ping(server.URL+"/"+secret))
	jobs, err := registry.Jobs(cron.Defaults{})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	p := ping.New(ping.Options{Jobs: jobs, Client: outgoing.Client(outgoing.Options{Timeout: time.Minute}), Log: slog.New(slog.NewTextHandler(&log, nil))})
	p.Observe(ended("job", cron.Succeeded))
	p.Close(t.Context())
	if len(called) != 0 || !strings.Contains(log.String(), "add 127.0.0.1 to ALERT_ALLOWED_HOSTS") || strings.Contains(log.String(), secret) {
		t.Errorf("called %d times, logged %s", len(called), &log)
	}
}

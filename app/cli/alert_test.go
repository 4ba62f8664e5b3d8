package cli

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"fibercrons/app/alert"
)

func TestAlertTest(t *testing.T) {
	f := newFixture(t)
	if r := f.run("alert", "test"); r.status != exitUsage || !strings.Contains(r.err, "ALERT_WEBHOOK_URL") {
		t.Errorf("without a channel: %+v", r)
	}
	var answer atomic.Int64
	answer.Store(http.StatusOK)
	got := make(chan alert.Payload, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var p alert.Payload
		_ = json.Unmarshal(body, &p)
		got <- p
		w.WriteHeader(int(answer.Load()))
	}))
	defer server.Close()
	f.env["ALERT_WEBHOOK_URL"], f.env["ALERT_ALLOWED_HOSTS"] = server.URL+"/secret-path", "127.0.0.1"
	r := f.run("alert", "test", "-o", "json")
	var results []alert.TestResult
	if err := json.Unmarshal([]byte(r.out), &results); err != nil || r.status != exitDone || len(results) != 1 || !results[0].Sent {
		t.Errorf("%+v, error %v", r, err)
	}
	if p := <-got; p.Event != "test" || p.Environment != "development" || p.Total != 0 {
		t.Errorf("payload %+v", p)
	}
	answer.Store(http.StatusForbidden)
	r = f.run("alert", "test")
	if r.status != exitFailed || !strings.Contains(r.out, "403") || strings.Contains(r.out+r.err, "secret-path") {
		t.Errorf("%+v", r)
	}
}

func TestSilences(t *testing.T) {
	f := newFixture(t)
	f.registry.Register("quick", "@daily", func(context.Context) error { return nil })
	for _, args := range [][]string{
		{"alert", "silence"}, {"alert", "silence", "quick", "--all", "--for", "2h"}, {"alert", "silence", "quick"},
		{"alert", "silence", "quick", "--for", "soon"}, {"alert", "list", "--status", "odd"}, {"alert", "list", "-n", "0"},
	} {
		if r := f.run(args...); r.status != exitUsage {
			t.Errorf("%q: %+v", args, r)
		}
	}
	if r := f.run("alert", "silence", "quik", "--for", "2h"); r.status != exitNotFound || !strings.Contains(r.err, `"quick"`) {
		t.Errorf("unknown job: %+v", r)
	}
	if r := f.run("alert", "silences"); r.status != exitDone || !strings.Contains(r.err, "no silences") {
		t.Errorf("%+v", r)
	}
	var s alert.Silence
	r := f.run("alert", "silence", "quick", "--for", "2h", "--reason", "partner is down", "-o", "json")
	if err := json.Unmarshal([]byte(r.out), &s); err != nil || s.Job != "quick" || s.Reason != "partner is down" || !strings.HasPrefix(s.By, "cli") {
		t.Errorf("%+v, error %v", r, err)
	}
	if r := f.run("alert", "silence", "--all", "--for", "1d"); r.status != exitDone || !strings.HasPrefix(r.out, "alerts of all jobs are silenced until ") {
		t.Errorf("%+v", r)
	}
	if r := f.run("alert", "silences", "-o", "csv"); strings.Count(r.out, "\n") != 3 || !strings.Contains(r.out, s.ID+",quick,") {
		t.Errorf("%+v", r)
	}
	if r := f.run("alert", "unsilence", "quick"); r.status != exitDone || r.out != "the silence of job quick has ended\n" {
		t.Errorf("%+v", r)
	}
	if r := f.run("alert", "unsilence", "quick"); r.status != exitNotFound {
		t.Errorf("%+v", r)
	}
	if r := f.run("alert", "silences", "--all"); !strings.Contains(r.out, "partner is down") {
		t.Errorf("%+v", r)
	}
	if r := f.run("alert", "list"); r.status != exitDone || !strings.Contains(r.err, "no alerts") {
		t.Errorf("%+v", r)
	}
}

// A name that a script left empty is no --all.
func TestSilenceOfNoJob(t *testing.T) {
	f := newFixture(t)
	if r := f.run("alert", "silence", "", "--for", "2h"); r.status != exitNotFound {
		t.Errorf("%+v", r)
	}
}

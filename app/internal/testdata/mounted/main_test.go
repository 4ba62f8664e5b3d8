package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"fibercrons/app/cron"
)

// The whole of it: mount, log in by its own rule, run a job, read the dashboard, shut down.
func TestMounted(t *testing.T) {
	t.Setenv("DATABASE_URL", "sqlite://"+filepath.ToSlash(filepath.Join(t.TempDir(), "crons.db")))
	t.Chdir(t.TempDir()) // no .env
	slog.SetDefault(slog.New(cron.LogHandler(slog.DiscardHandler)))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, slog.Default(), ln) }()
	at := "http://" + ln.Addr().String()

	guest, ada := browser(t), browser(t)
	expect(t, guest, "GET", at+"/admin/crons", "", 401, "not logged in")
	expect(t, guest, "GET", at+"/nowhere", "", 200, "ours: /nowhere")
	expect(t, guest, "POST", at+"/login", "user=ada&password=wrong", 418, "ours: no such user")
	expect(t, guest, "POST", at+"/login", "user=guest&password=guest", 200, "Overview") // follows to the dashboard
	expect(t, guest, "POST", at+"/admin/crons/invoices/run", "{}", 403, "a viewer may read only")
	expect(t, ada, "POST", at+"/login", "user=ada&password=lovelace", 200, "Overview")

	var run struct{ ID, Status, Actor string }
	if err := json.Unmarshal([]byte(expect(t, ada, "POST", at+"/admin/crons/invoices/run?wait=4m", "{}", 200, "")), &run); err != nil || run.Status != "succeeded" || run.Actor != "ada" {
		t.Errorf("%+v %v", run, err)
	}
	expect(t, guest, "GET", at+"/admin/crons/runs/"+run.ID+"/logs", "", 200, `"message":"sent"`)
	page := expect(t, guest, "GET", at+"/admin/crons/dashboard/runs/"+run.ID, "", 200, "invoices")
	if strings.Contains(page, `"/crons`) || strings.Contains(page, "/crons/login") {
		t.Error("a link of the dashboard leads outside of /admin")
	}
	events, err := ada.Get(at + "/admin/crons/events")
	if err != nil || events.StatusCode != http.StatusOK {
		t.Fatal(events, err)
	}
	defer events.Body.Close()
	stop()
	if err := <-ended; err != nil { // it does not wait for the stream
		t.Error(err)
	}
}

func browser(t *testing.T) *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

func expect(t *testing.T, c *http.Client, method, address, body string, status int, text string) string {
	t.Helper()
	req, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if _, err := url.ParseQuery(body); err == nil && strings.Contains(body, "=") {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status || !strings.Contains(string(got), text) {
		t.Errorf("%s %s: %d %.300s %v, want %d and %q", method, address, resp.StatusCode, got, err, status, text)
	}
	return string(got)
}

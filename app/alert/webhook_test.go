package alert_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"fibercrons/app/alert"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/scheduler"
)

const secret = "0123456789abcdef"

// received is a request as a server got it.
type received struct {
	header http.Header
	body   []byte
	at     time.Time
}

// receiver answers with the statuses given, and then with 200; 0 answers never.
type receiver struct {
	*httptest.Server
	after   string        // Retry-After
	pause   time.Duration // before it answers
	mu      sync.Mutex
	answers []int
	got     []received
}

func receive(t *testing.T, answers ...int) *receiver {
	r, gone := &receiver{answers: answers}, make(chan struct{})
	r.Server = httptest.NewServer(r.handler(gone))
	t.Cleanup(func() { close(gone); r.Close() })
	return r
}

func (r *receiver) handler(gone <-chan struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		r.got = append(r.got, received{req.Header, body, time.Now()})
		pause, after := time.After(r.pause), r.after
		answer := http.StatusOK
		if len(r.answers) > 0 {
			answer, r.answers = r.answers[0], r.answers[1:]
		}
		r.mu.Unlock()
		if answer == 0 {
			select {
			case <-gone:
			case <-req.Context().Done():
			}
			return
		}
		<-pause
		if after != "" {
			w.Header().Set("Retry-After", after)
		}
		w.WriteHeader(answer)
		_, _ = io.WriteString(w, strings.Repeat("token=abc ", 100_000))
	}
}

// direct is an HTTP transport without a network, so that time can be fake.
type direct struct{ http.Handler }

func (d direct) RoundTrip(req *http.Request) (*http.Response, error) {
	answer, served := httptest.NewRecorder(), make(chan struct{})
	go func() { defer close(served); d.ServeHTTP(answer, req) }()
	<-served
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	return answer.Result(), nil
}

// set changes how it answers.
func (r *receiver) set(after string, pause time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.after, r.pause = after, pause
}

func (r *receiver) requests() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received(nil), r.got...)
}

func sample() alert.Message {
	slot := time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)
	return alert.Message{
		ID: "0197f5c0-0000-7000-8000-000000000001", Environment: "production", At: slot.Add(time.Minute),
		Title: "[production] billing failed after 3 attempts",
		Alerts: []alert.Alert{{
			ID: "a1", Job: "billing", Kind: cron.AlertFailed, Run: "r1", Slot: &slot, At: slot.Add(30 * time.Second),
			Detail: "failed after 3 attempts", Error: "<!channel> & <https://evil.example|click>```x", Number: 1,
		}},
		Total: 1, Kinds: map[cron.AlertKind]int{cron.AlertFailed: 1},
	}
}

func TestWebhook(t *testing.T) {
	server := receive(t)
	c, err := alert.Webhook(server.URL+"/hook/path-secret?key=query-secret", secret, server.Client())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Send(t.Context(), sample()); err != nil {
		t.Fatal(err)
	}
	r := server.requests()[0]
	if err := alert.Verify(r.header, r.body, secret, time.Now(), time.Minute); err != nil {
		t.Errorf("its own signature: %v", err)
	}
	if r.header.Get(alert.HeaderDelivery) != sample().ID || !strings.HasPrefix(r.header.Get("Content-Type"), "application/json") {
		t.Errorf("headers %v", r.header)
	}
	want := `{"version":1,"id":"0197f5c0-0000-7000-8000-000000000001","event":"alert","environment":"production","at":"2026-03-01T02:01:00Z",` +
		`"title":"[production] billing failed after 3 attempts","total":1,"kinds":{"failed":1},"alerts":[{"id":"a1","job":"billing","kind":"failed",` +
		`"run":"r1","slot":"2026-03-01T02:00:00Z","at":"2026-03-01T02:00:30Z","detail":"failed after 3 attempts",` +
		`"error":"\u003c!channel\u003e \u0026 \u003chttps://evil.example|click\u003e` + "```x" + `","number":1}]}`
	if string(r.body) != want {
		t.Errorf("body\n%s\nwant\n%s", r.body, want)
	}
}

func TestVerifyRefuses(t *testing.T) {
	server := receive(t)
	c, err := alert.Webhook(server.URL, secret, server.Client())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Send(t.Context(), sample()); err != nil {
		t.Fatal(err)
	}
	good := server.requests()[0]
	for name, change := range map[string]func(h http.Header, body *[]byte, secret *string, now *time.Time){
		"nothing":       func(http.Header, *[]byte, *string, *time.Time) {},
		"the body":      func(_ http.Header, b *[]byte, _ *string, _ *time.Time) { *b = append((*b)[:1:1], (*b)[2:]...) },
		"the secret":    func(_ http.Header, _ *[]byte, s *string, _ *time.Time) { *s = "fedcba9876543210" },
		"no secret":     func(_ http.Header, _ *[]byte, s *string, _ *time.Time) { *s = "" },
		"the timestamp": func(h http.Header, _ *[]byte, _ *string, _ *time.Time) { h.Set(alert.HeaderTimestamp, "1") },
		"no timestamp":  func(h http.Header, _ *[]byte, _ *string, _ *time.Time) { h.Del(alert.HeaderTimestamp) },
		"a replay":      func(_ http.Header, _ *[]byte, _ *string, now *time.Time) { *now = now.Add(6 * time.Minute) },
		"no signature":  func(h http.Header, _ *[]byte, _ *string, _ *time.Time) { h.Del(alert.HeaderSignature) },
		"an empty one":  func(h http.Header, _ *[]byte, _ *string, _ *time.Time) { h.Set(alert.HeaderSignature, "sha256=") },
		"another scheme": func(h http.Header, _ *[]byte, _ *string, _ *time.Time) {
			h.Set(alert.HeaderSignature, "sha512="+h.Get(alert.HeaderSignature)[7:])
		},
		"one of nonsense": func(h http.Header, _ *[]byte, _ *string, _ *time.Time) { h.Set(alert.HeaderSignature, "sha256=zz") },
		"one that is short": func(h http.Header, _ *[]byte, _ *string, _ *time.Time) {
			h.Set(alert.HeaderSignature, h.Get(alert.HeaderSignature)[:20])
		},
	} {
		header, body, key, now := good.header.Clone(), append([]byte(nil), good.body...), secret, time.Now()
		change(header, &body, &key, &now)
		if err := alert.Verify(header, body, key, now, 5*time.Minute); (err == nil) != (name == "nothing") {
			t.Errorf("changed: %s; error %v", name, err)
		}
	}
}

// Errors of webhooks name the host: paths and queries are secrets, and so is what comes back.
func TestWebhookErrors(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		gone := make(chan struct{})
		defer close(gone)
		server := &receiver{answers: []int{500, 404, 429, 408, 0, 200}, after: "90"}
		c, err := alert.Webhook("http://hooks.example.com/hook/path-secret?key=query-secret", secret, &http.Client{Transport: direct{server.handler(gone)}, Timeout: 2 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []struct {
			says  string
			setup bool
			after time.Duration
		}{
			{"answered 500 Internal Server Error", false, 90 * time.Second},
			{"answered 404 Not Found", true, 90 * time.Second},
			{"answered 429 Too Many Requests", false, 90 * time.Second},
			{"answered 408 Request Timeout", false, 90 * time.Second},
			{"did not respond in time", false, 0},
		} {
			err := c.Send(t.Context(), sample())
			if err == nil || !strings.Contains(err.Error(), want.says) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "token") {
				t.Errorf("%v, want %s", err, want.says)
			}
			refused, is := errors.AsType[*alert.RefusedError](err)
			if is != (want.after > 0) || is && (refused.Setup != want.setup || refused.After != want.after) {
				t.Errorf("%+v, want %+v", refused, want)
			}
		}
		if err := c.Send(t.Context(), sample()); err != nil {
			t.Error(err)
		}
	})
	server := httptest.NewServer(http.NotFoundHandler())
	c, err := alert.Webhook(server.URL+"/hook/path-secret?key=query-secret", secret, server.Client())
	if err != nil {
		t.Fatal(err)
	}
	server.Close()
	if err := c.Send(t.Context(), sample()); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("a server that is not there: %v", err)
	}
	if _, err := alert.Webhook("https://%zz-secret", "", nil); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("no URL: %v", err)
	}
}

// The whole way: a job fails, the server of the webhook answers 500 and then not in time, and gets
// the alert in the end, always under one ID.
func TestWebhookIsRetried(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		server := &receiver{answers: []int{500, 0}}
		c, err := alert.Webhook("http://hooks.example.com", secret, &http.Client{Transport: direct{server.handler(nil)}, Timeout: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		jobs := jobsOf(t, failing, func(r *cron.Registry) { r.Register("job", "@yearly", outcomes("f")) })
		var log strings.Builder
		p := begin(t, file(t), jobs, alert.Options{Channels: []alert.Channel{c}, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if _, err := p.crons.Trigger(t.Context(), "job", scheduler.Request{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		p.end()
		got := server.requests()
		if len(got) != 3 {
			t.Fatalf("%d requests; log:\n%s", len(got), log.String())
		}
		for _, r := range got {
			var body alert.Payload
			if err := json.Unmarshal(r.body, &body); err != nil || body.ID != r.header.Get(alert.HeaderDelivery) || body.ID != got[0].header.Get(alert.HeaderDelivery) {
				t.Errorf("body %s, error %v", r.body, err)
			}
			if err := alert.Verify(r.header, r.body, secret, r.at, time.Minute); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestSlack(t *testing.T) {
	server := receive(t)
	c, err := alert.Slack(server.URL+"/services/T0/B0/secret", server.Client())
	if err != nil {
		t.Fatal(err)
	}
	m := sample()
	m.Total = 30
	if err := c.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	r := server.requests()[0]
	var body struct {
		Text   string
		Blocks []struct {
			Type string
			Text struct{ Type, Text string }
		}
	}
	if err := json.Unmarshal(r.body, &body); err != nil {
		t.Fatal(err)
	}
	if body.Text != m.Title || len(body.Blocks) != 3 || body.Blocks[2].Text.Text != "and 29 more" {
		t.Errorf("body %+v", body)
	}
	line := body.Blocks[1].Text.Text
	if want := "• *billing* failed after 3 attempts, 2026-03-01 02:00:30 UTC\n```&lt;!channel&gt; &amp; &lt;https://evil.example|click&gt;'''x```\n"; line != want {
		t.Errorf("line %q, want %q", line, want)
	}
	for _, b := range body.Blocks {
		if b.Type != "section" || b.Text.Type != "mrkdwn" {
			t.Errorf("block %+v", b)
		}
	}
}

// Slack refuses blocks of more than 3000 characters and messages of more than 50 blocks.
func TestSlackIsBounded(t *testing.T) {
	server := receive(t)
	c, err := alert.Slack(server.URL, server.Client())
	if err != nil {
		t.Fatal(err)
	}
	m := sample()
	one := m.Alerts[0]
	one.Error, one.Detail, one.Job = strings.Repeat("<", 5000), strings.Repeat("&", 5000), strings.Repeat("j", 100)
	m.Alerts, m.Total, m.Title = nil, 20, strings.Repeat("t", 5000)
	for range 20 {
		m.Alerts = append(m.Alerts, one)
	}
	if err := c.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	var body struct {
		Blocks []struct{ Text struct{ Text string } }
	}
	if err := json.Unmarshal(server.requests()[0].body, &body); err != nil || len(body.Blocks) > 50 {
		t.Fatalf("%d blocks, error %v", len(body.Blocks), err)
	}
	for _, b := range body.Blocks {
		if n := len([]rune(b.Text.Text)); n > 3000 {
			t.Errorf("a block of %d characters", n)
		}
	}
}

// A receiver checks the signature before it believes anything, and remembers the ID so that it acts
// once.
func ExampleVerify() {
	seen := map[string]bool{}
	hook := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err == nil {
			err = alert.Verify(r.Header, body, "the secret in ALERT_WEBHOOK_SECRET", time.Now(), 5*time.Minute)
		}
		if err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var p alert.Payload
		if id := r.Header.Get(alert.HeaderDelivery); json.Unmarshal(body, &p) == nil && !seen[id] {
			seen[id] = true
			fmt.Println(p.Event, p.Total)
		}
	}
	server := httptest.NewServer(http.HandlerFunc(hook))
	defer server.Close()

	channel, err := alert.Webhook(server.URL, "the secret in ALERT_WEBHOOK_SECRET", server.Client())
	if err != nil {
		fmt.Println(err)
		return
	}
	message := alert.Message{ID: "1", Total: 1, Alerts: []alert.Alert{{Job: "billing"}}}
	fmt.Println(channel.Send(context.Background(), message))
	fmt.Println(channel.Send(context.Background(), message)) // again: it is known
	// Output:
	// alert 1
	// <nil>
	// <nil>
}

// A message names the stored schedule of an alert; those of a job's many schedules are one line of it.
func TestMessagesNameSchedules(t *testing.T) {
	at := time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)
	long := strings.Repeat("x", 200)
	m := alert.Message{
		ID: "m", At: at, Title: "5 alerts", Total: 42,
		Alerts: []alert.Alert{
			{ID: "1", Job: "billing", Schedule: "tenant-7/<daily>", Kind: cron.AlertFailed, At: at, Detail: "failed"},
			{ID: "2", Job: "send-report", Schedule: "a", Kind: cron.AlertFailed, At: at.Add(time.Minute), Detail: "failed"},
			{ID: "3", Job: "send-report", Schedule: "b", Kind: cron.AlertFailed, At: at.Add(time.Minute), Detail: "failed"},
		},
		Groups: []alert.Group{
			{Job: "billing", Kind: cron.AlertFailed, Total: 1, Schedules: []string{"tenant-7/<daily>"}, At: at, Alerts: 1},
			{Job: "send-report", Kind: cron.AlertFailed, Total: 37, Schedules: []string{"a", "b", long}, At: at.Add(time.Minute), Error: "boom", Alerts: 38},
			{Job: "sync", Kind: cron.AlertLate, Total: 2, Schedules: []string{}, At: at.Add(2 * time.Minute), Alerts: 2},
		},
	}
	text := m.Text()
	for _, want := range []string{
		"2026-03-01 02:00:00 UTC  billing (tenant-7/<daily>) failed\n", "send-report: 37 schedules failed: a, b, xxx", " and 34 more\n  boom\n",
		"sync: 2 further schedules did not start in time\n", "and 1 more",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, long) || strings.Contains(text, "send-report (a)") {
		t.Errorf("names too much:\n%s", text)
	}
	server := receive(t)
	hook, err := alert.Webhook(server.URL, "", server.Client())
	if err != nil {
		t.Fatal(err)
	}
	slack, err := alert.Slack(server.URL, server.Client())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(hook.Send(t.Context(), m), slack.Send(t.Context(), m)); err != nil {
		t.Fatal(err)
	}
	var p alert.Payload
	if err := json.Unmarshal(server.requests()[0].body, &p); err != nil || p.Alerts[0].Schedule != "tenant-7/<daily>" || p.Groups[1].Total != 37 || len(p.Alerts) != 3 {
		t.Errorf("payload %+v, %v", p, err)
	}
	var body struct {
		Blocks []struct{ Text struct{ Text string } }
	}
	if err := json.Unmarshal(server.requests()[1].body, &body); err != nil || len(body.Blocks) < 2 ||
		!strings.Contains(body.Blocks[1].Text.Text, "*billing (tenant-7/&lt;daily&gt;)* failed") || !strings.Contains(body.Blocks[1].Text.Text, "*send-report*: 37 schedules failed: a, b, ") {
		t.Errorf("slack %+v, %v", body, err)
	}
}

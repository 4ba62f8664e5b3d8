package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"fibercrons/app/cron"
	"fibercrons/app/internal/webtest"
	"fibercrons/app/ops"
)

// active is what must not stand raw in an answer: markup, and what a terminal obeys.
var active = regexp.MustCompile("[<>\x00-\x08\x0b-\x1f\x7f\u0080-\u009f\u2028]")

func TestHostileTextIsInert(t *testing.T) {
	p := webtest.Start(t, func(set *webtest.Setup) {
		set.Registry = cron.NewRegistry()
		set.Registry.Register("hostile", "@yearly", func(ctx context.Context) error {
			slog.InfoContext(ctx, webtest.Hostile, "key"+webtest.Hostile, webtest.Hostile)
			return errors.New(webtest.Hostile)
		}, cron.Describe(webtest.Hostile), cron.Meta("key"+webtest.Hostile, webtest.Hostile), cron.Tags("<script>alert(1)</script>"))
	})
	sent := strings.ReplaceAll(webtest.Hostile, "\x00", "") // a NUL is refused
	text, err := json.Marshal(sent)
	if err != nil {
		t.Fatal(err)
	}
	p.Write("/crons/hostile/pause", `{"reason":`+string(text)+`}`).Want(t, 200)
	p.Write("/crons/hostile/run", "").Want(t, 409)
	paused := p.Read("/crons/hostile").Want(t, 200)
	p.Write("/crons/hostile/resume", "").Want(t, 200)
	run := webtest.Decode[cron.Record](t, p.Write("/crons/hostile/run?wait=4m", `{"key":`+string(text)+`}`).Want(t, 200))
	escaped := url.QueryEscape(webtest.Hostile)

	answers := map[string]webtest.Answer{
		"paused job":      paused,
		"list":            p.Read("/crons").Want(t, 200),
		"job":             p.Read("/crons/hostile").Want(t, 200),
		"runs":            p.Read("/crons/runs").Want(t, 200),
		"run":             p.Read("/crons/runs/"+run.ID).Want(t, 200),
		"logs":            p.Read("/crons/runs/"+run.ID+"/logs").Want(t, 200),
		"audit":           p.Read("/crons/audit").Want(t, 200),
		"search":          p.Read("/crons?q="+escaped).Want(t, 200),
		"unknown job":     p.Read("/crons/"+url.PathEscape(webtest.Hostile)).Want(t, 404),
		"unknown filter":  p.Read("/crons?"+escaped+"=1").Want(t, 400),
		"bad filter":      p.Read("/crons?status="+escaped).Want(t, 400),
		"unknown cursor":  p.Read("/crons/runs?before=" + url.QueryEscape("<b>\x1b[31m")),
		"unknown member":  p.Write("/crons/hostile/run", `{`+string(text)+`:1}`).Want(t, 400),
		"unknown args":    p.Write("/crons/hostile/run", `{"args":{`+string(text)+`:1}}`).Want(t, 400),
		"audit of a name": p.Read("/crons/audit?limit=1&target="+url.QueryEscape("<b>")).Want(t, 200),
	}
	for name, a := range answers {
		if found := active.FindString(strings.TrimSuffix(a.Body, "\n")); found != "" {
			t.Errorf("%s: %q stands raw in %s", name, found, a.Body)
		}
		if a.Header.Get("X-Evil") != "" {
			t.Errorf("%s: a header was made up", name)
		}
	}
	// Inert, and still there: the text comes back as it was, but for the NUL, which not every database
	// can hold.
	kept := strings.ReplaceAll(webtest.Hostile, "\x00", "\uFFFD")
	if lines := webtest.Decode[[]cron.LogLine](t, answers["logs"]); len(lines) != 1 || lines[0].Message != kept {
		t.Errorf("%+v", lines)
	}
	if got := webtest.Decode[cron.Record](t, answers["run"]); got.Error != kept || got.Key != sent {
		t.Errorf("%+v", got)
	}
	if pause := webtest.Decode[ops.JobDetail](t, paused).Pause; pause == nil || pause.Reason != sent {
		t.Errorf("%+v", pause)
	}

	page := p.Do("GET", "/crons/login?next="+escaped, "").Want(t, 200)
	if strings.Contains(page.Body, "alert(1)") || strings.Contains(page.Body, "\x1b") {
		t.Error(page.Body)
	}

	// A line of the log is a line, whatever the request holds.
	p.Do("GET", "/crons/"+url.PathEscape(webtest.Hostile), "", "X-Request-ID: <b>"+strings.Repeat("x", 100), "User-Agent: <b>\x80", "X-Forwarded-For: <b>\x80\u009b").Want(t, 401)
	for line := range strings.Lines(p.Log.String()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Errorf("not one line of JSON: %q", line)
			continue
		}
		if entry["msg"] != "request" {
			continue
		}
		for key, value := range entry {
			text, _ := value.(string)
			if strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsPrint(r) }) {
				t.Errorf("%s is logged as %q", key, text)
			}
		}
	}
}

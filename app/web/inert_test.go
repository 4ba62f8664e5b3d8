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
	"fibercrons/app/ops"
)

// hostile is text that does something wherever it is not taken as text.
const hostile = "<script>alert(1)</script>\"'`&\r\nX-Evil: 1\x1b[31m\x1b]0;owned\x07\x00\x7f\u009b31m\u2028{{.}}${x}%s"

// active is what must not stand raw in an answer: markup, and what a terminal obeys.
var active = regexp.MustCompile("[<>\x00-\x08\x0b-\x1f\x7f\u0080-\u009f\u2028]")

func TestHostileTextIsInert(t *testing.T) {
	p := start(t, func(set *setup) {
		set.registry = cron.NewRegistry()
		set.registry.Register("hostile", "@yearly", func(ctx context.Context) error {
			slog.InfoContext(ctx, hostile, "key"+hostile, hostile)
			return errors.New(hostile)
		}, cron.Describe(hostile), cron.Meta("key"+hostile, hostile), cron.Tags("<script>alert(1)</script>"))
	})
	sent := strings.ReplaceAll(hostile, "\x00", "") // a NUL is refused
	text, err := json.Marshal(sent)
	if err != nil {
		t.Fatal(err)
	}
	p.write("/crons/hostile/pause", `{"reason":`+string(text)+`}`).want(t, 200)
	p.write("/crons/hostile/run", "").want(t, 409)
	paused := p.read("/crons/hostile").want(t, 200)
	p.write("/crons/hostile/resume", "").want(t, 200)
	run := decode[cron.Record](t, p.write("/crons/hostile/run?wait=4m", `{"key":`+string(text)+`}`).want(t, 200))
	escaped := url.QueryEscape(hostile)

	answers := map[string]answer{
		"paused job":      paused,
		"list":            p.read("/crons").want(t, 200),
		"job":             p.read("/crons/hostile").want(t, 200),
		"runs":            p.read("/crons/runs").want(t, 200),
		"run":             p.read("/crons/runs/"+run.ID).want(t, 200),
		"logs":            p.read("/crons/runs/"+run.ID+"/logs").want(t, 200),
		"audit":           p.read("/crons/audit").want(t, 200),
		"search":          p.read("/crons?q="+escaped).want(t, 200),
		"unknown job":     p.read("/crons/"+url.PathEscape(hostile)).want(t, 404),
		"unknown filter":  p.read("/crons?"+escaped+"=1").want(t, 400),
		"bad filter":      p.read("/crons?status="+escaped).want(t, 400),
		"unknown cursor":  p.read("/crons/runs?before=" + url.QueryEscape("<b>\x1b[31m")),
		"unknown member":  p.write("/crons/hostile/run", `{`+string(text)+`:1}`).want(t, 400),
		"unknown args":    p.write("/crons/hostile/run", `{"args":{`+string(text)+`:1}}`).want(t, 400),
		"audit of a name": p.read("/crons/audit?limit=1&target="+url.QueryEscape("<b>")).want(t, 200),
	}
	for name, a := range answers {
		if found := active.FindString(strings.TrimSuffix(a.body, "\n")); found != "" {
			t.Errorf("%s: %q stands raw in %s", name, found, a.body)
		}
		if a.header.Get("X-Evil") != "" {
			t.Errorf("%s: a header was made up", name)
		}
	}
	// Inert, and still there: the text comes back as it was, but for the NUL, which not every database
	// can hold.
	kept := strings.ReplaceAll(hostile, "\x00", "\uFFFD")
	if lines := decode[[]cron.LogLine](t, answers["logs"]); len(lines) != 1 || lines[0].Message != kept {
		t.Errorf("%+v", lines)
	}
	if got := decode[cron.Record](t, answers["run"]); got.Error != kept || got.Key != sent {
		t.Errorf("%+v", got)
	}
	if pause := decode[ops.JobDetail](t, paused).Pause; pause == nil || pause.Reason != sent {
		t.Errorf("%+v", pause)
	}

	page := p.do("GET", "/crons/login?next="+escaped, "").want(t, 200)
	if strings.Contains(page.body, "alert(1)") || strings.Contains(page.body, "\x1b") {
		t.Error(page.body)
	}

	// A line of the log is a line, whatever the request holds.
	p.do("GET", "/crons/"+url.PathEscape(hostile), "", "X-Request-ID: <b>"+strings.Repeat("x", 100), "User-Agent: <b>\x80", "X-Forwarded-For: <b>\x80\u009b").want(t, 401)
	for line := range strings.Lines(p.log.String()) {
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

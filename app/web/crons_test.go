package web_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/ops"
)

type pages struct {
	Pages int    `json:"pages"`
	Title string `json:"title"`
}

func someJobs(set *setup) {
	set.registry = cron.NewRegistry()
	set.registry.Register("backup", "0 3 * * *", succeed, cron.Tags("nightly", "db"), cron.Describe("copies the database"))
	set.registry.Register("report", "0 4 * * *", broken, cron.Tags("nightly"), cron.Meta("owner", "billing"))
	set.registry.Register("print", "@yearly", succeed, cron.Args(pages{Pages: 1, Title: "none"}))
	set.registry.Register("stay", "@yearly", untilCancelled)
	set.registry.Register("talk", "@yearly", func(ctx context.Context) error {
		for i := range 5 {
			slog.InfoContext(ctx, "line", "i", i)
		}
		return nil
	})
	set.registry.Register("abroad", "@yearly", succeed, cron.Only("production"))
}

func TestListJobs(t *testing.T) {
	p := start(t, someJobs)
	p.write("/crons/backup/pause", "").want(t, http.StatusOK)
	tests := []struct {
		query, names, total string
	}{
		{"", "abroad backup print report stay talk", "6"},
		{"?tag=nightly", "backup report", "2"},
		{"?tag=db&tag=", "", ""},
		{"?status=paused", "backup", "1"},
		{"?status=disabled", "abroad", "1"},
		{"?tag=nightly&status=scheduled", "report", "1"},
		{"?q=DATABASE", "backup", "1"},
		{"?q=nothing-is-called-so", "", "0"},
		{"?limit=2", "abroad backup", "6"},
		{"?limit=2&offset=2", "print report", "6"},
		{"?offset=5", "talk", "6"},
		{"?offset=600", "", "6"},
	}
	for _, test := range tests {
		a := p.read("/crons" + test.query)
		if test.total == "" {
			a.want(t, http.StatusBadRequest)
			continue
		}
		a.want(t, http.StatusOK)
		var names []string
		for _, job := range decode[[]ops.JobView](t, a) {
			names = append(names, job.Name)
		}
		if got := strings.Join(names, " "); got != test.names || a.header.Get("X-Total-Count") != test.total {
			t.Errorf("GET /crons%s: %q of %s, want %q of %s", test.query, got, a.header.Get("X-Total-Count"), test.names, test.total)
		}
		if !strings.HasPrefix(a.body, "[") {
			t.Errorf("GET /crons%s: not an array: %s", test.query, a.body)
		}
	}
}

func TestBadQueries(t *testing.T) {
	p := start(t, someJobs)
	tests := []struct {
		path   string
		fields string // the wrong ones
	}{
		{"/crons?sort=id;drop", "sort"},
		{"/crons?sort=id%3Bdrop%20table", "sort"},
		{"/crons?limit=0&offset=-1", "limit offset"},
		{"/crons?limit=1e3", "limit"},
		{"/crons?limit=99999999999999999999", "limit"},
		{"/crons?limit=1&limit=2", "limit"},
		{"/crons?status=sleeping&Tag=x", "Tag status"},
		{"/crons?q=%ff", "q"},
		{"/crons?q=" + strings.Repeat("x", 201), "q"},
		{"/crons/backup?tag=x", "tag"},
		{"/crons/runs?status=failed,slow", "status"},
		{"/crons/runs?since=yesterday&until=1", "since until"},
		{"/crons/backup/runs?limit=501", "limit"},
		{"/crons/runs/none?x=", "x"},
		{"/crons/runs/none/logs?after=-1", "after"},
		{"/crons?%3Cscript%3E=1", "<script>"},
	}
	for _, test := range tests {
		a := p.read(test.path).want(t, http.StatusBadRequest)
		var fields []string
		for _, e := range decode[problem](t, a).Errors {
			if e.In != "query" || e.Detail == "" {
				t.Errorf("%s: %+v", test.path, e)
			}
			fields = append(fields, e.Field)
		}
		if got := strings.Join(fields, " "); got != test.fields {
			t.Errorf("%s: wrong are %q, want %q", test.path, got, test.fields)
		}
		if strings.Contains(a.body, "<script>") {
			t.Errorf("%s: not inert: %s", test.path, a.body)
		}
	}
}

func TestNotFoundAndNotAllowed(t *testing.T) {
	p := start(t, someJobs)
	tests := []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/nowhere", 404, ""},
		{"GET", "/crons/x%20OR%201=1", 404, ""},
		{"GET", "/crons/%2e%2e/", 404, ""},
		{"GET", "/crons/%2e%2e/livez", 404, ""},
		{"GET", "/crons/..%2f..%2fetc%2fpasswd", 404, ""},
		{"GET", "/crons/bakup", 404, ""},
		{"GET", "/crons/" + strings.Repeat("x", 5000), 404, ""},
		{"GET", "/crons/%00", 404, ""},
		{"GET", "/CRONS", 404, ""},
		{"GET", "/crons/runs/none", 404, ""},
		{"GET", "/crons/runs/none/logs", 404, ""},
		{"GET", "/crons/runs/' OR ''='", 404, ""},
		{"GET", "/crons/none/runs", 404, ""},
		{"POST", "/crons/none/run", 404, ""},
		{"POST", "/crons/runs/run", 404, ""},
		{"POST", "/crons/login/run", 404, ""},
		{"POST", "/crons/none/pause", 404, ""},
		{"POST", "/crons/runs/none/cancel", 404, ""},
		{"POST", "/crons/runs/none/retry", 404, ""},
		{"GET", "/crons/backup/run", 405, "OPTIONS, POST"},
		{"GET", "/crons/backup/pause", 405, "OPTIONS, POST"},
		{"GET", "/crons/runs/none/cancel", 405, "OPTIONS, POST"},
		{"HEAD", "/crons/backup/run", 405, "OPTIONS, POST"},
		{"DELETE", "/crons/backup", 405, "GET, HEAD, OPTIONS"},
		{"POST", "/crons", 405, "GET, HEAD, OPTIONS"},
		{"PATCH", "/crons/runs", 405, "GET, HEAD, OPTIONS"},
		{"OPTIONS", "/crons", 204, "GET, HEAD, OPTIONS"},
		{"OPTIONS", "/crons/backup/run", 204, "OPTIONS, POST"},
		{"OPTIONS", "/crons/dashboard", 204, "GET, HEAD, OPTIONS"},
		{"OPTIONS", "/metrics", 204, "GET, HEAD, OPTIONS"},
		{"PUT", "/livez", 405, "GET, HEAD"},
		{"BREW", "/crons", 501, ""},
	}
	for _, test := range tests {
		a := p.do(test.method, strings.ReplaceAll(test.path, " ", "%20"), "", asOperator).want(t, test.status)
		if allow := a.header.Get("Allow"); allow != test.allow {
			t.Errorf("%s %s: Allow %q, want %q", test.method, test.path, allow, test.allow)
		}
	}
	if detail := decode[problem](t, p.read("/crons/bakup")).Detail; detail != `no job "bakup"; did you mean "backup"?` {
		t.Error(detail)
	}
}

func TestHeadIsGetWithoutBody(t *testing.T) {
	p := start(t, someJobs)
	for _, path := range []string{"/livez", "/readyz", "/crons", "/crons/backup", "/crons/runs", "/crons/openapi.json", "/crons/docs", "/crons/login"} {
		get, head := p.read(path).want(t, 200), p.do(http.MethodHead, path, "", asOperator).want(t, 200)
		if head.body != "" || head.header.Get("Content-Length") != get.header.Get("Content-Length") || head.header.Get("Content-Type") != get.header.Get("Content-Type") {
			t.Errorf("HEAD %s: %v, GET has %v", path, head.header, get.header)
		}
	}
}

func TestETag(t *testing.T) {
	p := start(t, someJobs)
	for _, path := range []string{"/crons", "/crons?tag=db", "/crons/backup", "/crons/runs", "/crons/backup/runs", "/crons/openapi.json"} {
		tag := p.read(path).want(t, 200).header.Get("ETag")
		for _, known := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
			if a := p.read(path, "If-None-Match: "+known).want(t, http.StatusNotModified); a.body != "" || a.header.Get("ETag") != tag {
				t.Errorf("%s with %s: %v", path, known, a)
			}
		}
		p.read(path, `If-None-Match: "other"`).want(t, 200)
	}
	before := p.read("/crons").header.Get("ETag")
	p.write("/crons/backup/pause", "").want(t, 200)
	if a := p.read("/crons", "If-None-Match: "+before).want(t, 200); a.header.Get("ETag") == before {
		t.Error("a change did not change the ETag")
	}
}

func TestShowJob(t *testing.T) {
	p := start(t, someJobs)
	job := decode[ops.JobDetail](t, p.read("/crons/report").want(t, 200))
	if job.Name != "report" || len(job.NextSlots) != 10 || job.Metadata["owner"] != "billing" || job.Policies.Overlap != "skip" {
		t.Errorf("%+v", job)
	}
}

func TestRunJob(t *testing.T) {
	p := start(t, someJobs)
	a := p.write("/crons/backup/run", `{"args":{},"key":""}`)
	run := decode[cron.Record](t, a)
	if a.status != 202 && a.status != 200 || a.header.Get("Location") != "/crons/runs/"+run.ID || run.Job != "backup" || run.Trigger != cron.ByHand || run.Actor != "operator" {
		t.Fatalf("%d %s %s", a.status, a.header.Get("Location"), a.body)
	}
	p.eventually(func() bool {
		return decode[cron.Record](t, p.read(a.header.Get("Location")).want(t, 200)).Status == cron.Succeeded
	})

	a = p.write("/crons/report/run?wait=4m", "").want(t, http.StatusOK)
	if run := decode[cron.Record](t, a); run.Status != cron.Failed || run.Error != "out of paper" {
		t.Errorf("waited for %s", a.body)
	}

	a = p.write("/crons/stay/run?wait=10ms", "").want(t, http.StatusAccepted)
	stay := decode[cron.Record](t, a)
	if stay.Status != cron.Running {
		t.Errorf("waited too short for %s", a.body)
	}
	a = p.write("/crons/stay/run", "").want(t, http.StatusConflict)
	if reason := decode[problem](t, a).Reason; reason != "overlap" {
		t.Errorf("refused for %q", reason)
	}
	p.write("/crons/stay/run", `{"force":true}`).want(t, http.StatusAccepted)
	if n := len(decode[[]cron.Record](t, p.read("/crons/stay/runs?status=running"))); n != 2 {
		t.Errorf("%d runs, want 2", n)
	}
}

func TestRunArgs(t *testing.T) {
	p := start(t, someJobs)
	a := p.write("/crons/print/run?wait=4m", `{"args":{"pages":7}}`).want(t, 200)
	if got := string(decode[cron.Record](t, a).Args); got != `{"pages":7,"title":"none"}` {
		t.Errorf("args %s", got)
	}
	for body, field := range map[string]string{
		`{"args":{"pages":"many"}}`: "/args/pages",
		`{"args":{"paegs":1}}`:      "/args/paegs",
		`{"args":[1]}`:              "/args",
		`{"args":"x"}`:              "/args",
		`{"args":7}`:                "/args",
	} {
		a := p.write("/crons/print/run", body).want(t, 400)
		if e := decode[problem](t, a).Errors; len(e) != 1 || e[0].In != "body" || e[0].Field != field {
			t.Errorf("%s: %s", body, a.body)
		}
	}
	p.write("/crons/backup/run", `{"args":{"pages":1}}`).want(t, 400)
}

func TestRunKeyIsIdempotent(t *testing.T) {
	p := start(t, someJobs)
	first := decode[cron.Record](t, p.write("/crons/backup/run?wait=4m", `{"key":"invoice-4711"}`).want(t, 200))
	again := decode[cron.Record](t, p.write("/crons/backup/run?wait=4m", `{"key":"invoice-4711"}`).want(t, 200))
	unawaited := decode[cron.Record](t, p.write("/crons/backup/run", `{"key":"invoice-4711"}`).want(t, 202))
	other := decode[cron.Record](t, p.write("/crons/backup/run?wait=4m", `{"key":"invoice-4712"}`).want(t, 200))
	if first.ID != again.ID || first.ID != unawaited.ID || first.ID == other.ID {
		t.Errorf("runs %s, %s, %s and %s", first.ID, again.ID, unawaited.ID, other.ID)
	}
}

func TestBadBodies(t *testing.T) {
	p := start(t, someJobs)
	tests := []struct {
		path, body string
		fields     string
	}{
		{"/crons/backup/run", `{`, ""},
		{"/crons/backup/run", `[]`, ""},
		{"/crons/backup/run", `"x"`, ""},
		{"/crons/backup/run", `{} {}`, ""},
		{"/crons/backup/run", `{"key":"a",}`, ""},
		{"/crons/backup/run", "{\"key\":\"\xff\"}", ""},
		{"/crons/backup/run", `{"key":7,"force":"yes","x":1}`, "/force /key /x"},
		{"/crons/backup/run", `{"key":"a","key":"b"}`, "/key"},
		{"/crons/backup/run", `{"Key":"a"}`, "/Key"},
		{"/crons/backup/run", `{"a/b~c":1}`, "/a~1b~0c"},
		{"/crons/backup/run", `{"key":"` + strings.Repeat("x", 201) + `"}`, "/key"},
		{"/crons/backup/run", `{"key":"a\u0000b"}`, "/key"},
		{"/crons/backup/pause", `{"until":"tomorrow"}`, "/until"},
		{"/crons/backup/pause", `{"until":"2001-01-01T00:00:00Z"}`, "/until"},
		{"/crons/backup/pause", `{"reason":"` + strings.Repeat("x", 501) + `"}`, "/reason"},
		{"/crons/backup/resume", `{"reason":"x"}`, "/reason"},
		{"/crons/backup/backfill", ``, "/from /to"},
		{"/crons/backup/backfill", `{"from":"2026-01-01T00:00:00Z"}`, "/to"},
		{"/crons/backup/backfill", `{"from":"2026-01-02T00:00:00Z","to":"2026-01-01T00:00:00Z"}`, "/to"},
		{"/crons/runs/none/cancel", `{"x":1}`, "/x"},
	}
	for _, test := range tests {
		a := p.write(test.path, test.body).want(t, http.StatusBadRequest)
		fields := map[string]bool{}
		for _, e := range decode[problem](t, a).Errors {
			if e.In != "body" || e.Detail == "" {
				t.Errorf("%s: %+v", test.path, e)
			}
			fields[e.Field] = true
		}
		for _, field := range strings.Fields(test.fields) {
			if !fields[field] {
				t.Errorf("%s %s: %s is not among %s", test.path, test.body, field, a.body)
			}
		}
	}
	p.write("/crons/backup/run?wait=soon", "").want(t, http.StatusBadRequest)
	p.write("/crons/backup/run?wait=11m", "").want(t, http.StatusBadRequest)
	if runs := p.read("/crons/runs").body; strings.TrimSpace(runs) != "[]" {
		t.Errorf("a bad request started %s", runs)
	}
}

func TestPauseAndResume(t *testing.T) {
	p := start(t, someJobs)
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	a := p.write("/crons/backup/pause", `{"reason":"moving <house>","until":"`+until.Format(time.RFC3339)+`"}`).want(t, 200)
	if job := decode[ops.JobView](t, a); !job.Paused || job.Status != contract.JobPaused {
		t.Errorf("%s", a.body)
	}
	pause := decode[ops.JobDetail](t, p.read("/crons/backup")).Pause
	if pause == nil || pause.Reason != "moving <house>" || pause.By != "operator" || !pause.Until.Equal(until) {
		t.Errorf("%+v", pause)
	}
	a = p.write("/crons/backup/run", "").want(t, 409)
	if reason := decode[problem](t, a).Reason; reason != "paused" {
		t.Errorf("refused for %q", reason)
	}
	if job := decode[ops.JobView](t, p.write("/crons/backup/resume", "").want(t, 200)); job.Paused {
		t.Error("still paused")
	}
	p.write("/crons/backup/resume", "{}").want(t, 200)
	p.write("/crons/backup/run", "")
}

func TestBackfill(t *testing.T) {
	p := start(t, someJobs)
	a := p.write("/crons/backup/backfill", `{"from":"2026-01-01T00:00:00Z","to":"2026-01-04T00:00:00+01:00"}`).want(t, 202)
	runs := decode[[]cron.Record](t, a)
	if len(runs) != 3 || runs[0].Trigger != cron.ByBackfill || runs[0].DataSlot.Format(time.RFC3339) != "2026-01-01T03:00:00Z" {
		t.Fatalf("%s", a.body)
	}
	p.eventually(func() bool {
		return len(decode[[]cron.Record](t, p.read("/crons/backup/runs?status=succeeded"))) == 3
	})
}

func TestReschedule(t *testing.T) {
	p := start(t, someJobs)
	a := p.do("PUT", "/crons/backup/schedule", `{"expr":"*/10 * * * *","timezone":"Europe/Berlin"}`, asOperator, jsonBody).want(t, 200)
	if job := decode[ops.JobView](t, a); job.Expr != "*/10 * * * *" || job.Timezone != "Europe/Berlin" {
		t.Errorf("%s", a.body)
	}
	detail := decode[ops.JobDetail](t, p.read("/crons/backup").want(t, 200))
	if o := detail.Override; o == nil || o.Expr != "*/10 * * * *" || o.By != "operator" || o.Code[0] != "0 3 * * *" {
		t.Errorf("%+v", o)
	}
	for body, field := range map[string]string{
		`{"expr":"61 * * * *"}`:                          "/expr",
		`{"expr":"* * * * *","timezone":"Mars/Olympus"}`: "/timezone",
		`{"expr":" "}`:                                   "/expr",
		`{}`:                                             "/expr",
		`{"expr":"` + strings.Repeat("* ", 300) + `"}`: "/expr",
		`{"expr":"* * * * *","zone":"UTC"}`:            "/zone",
	} {
		a := p.do("PUT", "/crons/backup/schedule", body, asOperator, jsonBody).want(t, 400)
		if e := decode[problem](t, a).Errors; len(e) != 1 || e[0].Field != field || e[0].In != "body" {
			t.Errorf("%s: %s", body, a.body)
		}
	}
	a = p.do("DELETE", "/crons/backup/schedule", "", asOperator).want(t, 200)
	if job := decode[ops.JobView](t, a); job.Expr != "0 3 * * *" || job.Timezone != "UTC" {
		t.Errorf("%s", a.body)
	}
	p.do("PUT", "/crons/none/schedule", `{"expr":"* * * * *"}`, asOperator, jsonBody).want(t, 404)
	p.do("DELETE", "/crons/none/schedule", "", asOperator).want(t, 404)

	entries := decode[[]contract.AuditEntry](t, p.read("/crons/audit?target=backup").want(t, 200))
	if len(entries) != 2 || entries[1].Action != "schedule" || !strings.Contains(string(entries[1].Before), "0 3 * * *") || !strings.Contains(string(entries[1].After), "*/10 * * * *") {
		t.Errorf("%+v", entries)
	}
}

func TestTimeline(t *testing.T) {
	p := start(t, func(set *setup) {
		someJobs(set)
		for i := range 12 {
			set.registry.Register(fmt.Sprintf("herd-%d", i), "0 * * * *", succeed)
		}
	})
	p.write("/crons/backup/run?wait=4m", "").want(t, 200)
	line := decode[ops.Timeline](t, p.read("/crons/timeline").want(t, 200))
	if len(line.Runs) != 1 || line.Runs[0].Job != "backup" || len(line.Slots) < 12 || line.To.Sub(line.From) != 2*time.Hour || len(line.Herds) == 0 {
		t.Errorf("%+v", line)
	}
	p.read("/crons/timeline?from=2026-01-01T00:00:00Z&to=2026-01-31T00:00:00Z").want(t, 200)
	for _, query := range []string{"from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from=2026-01-01T00:00:00Z&to=2026-02-02T00:00:00Z", "from=now", "hours=3"} {
		p.read("/crons/timeline?"+query).want(t, 400)
	}
}

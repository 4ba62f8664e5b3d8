package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/webtest"
	"fibercrons/app/ops"
)

func TestListJobs(t *testing.T) {
	p := webtest.Start(t, webtest.SomeJobs)
	p.Write("/crons/backup/pause", "").Want(t, http.StatusOK)
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
		a := p.Read("/crons" + test.query)
		if test.total == "" {
			a.Want(t, http.StatusBadRequest)
			continue
		}
		a.Want(t, http.StatusOK)
		var names []string
		for _, job := range webtest.Decode[[]ops.JobView](t, a) {
			names = append(names, job.Name)
		}
		if got := strings.Join(names, " "); got != test.names || a.Header.Get("X-Total-Count") != test.total {
			t.Errorf("GET /crons%s: %q of %s, want %q of %s", test.query, got, a.Header.Get("X-Total-Count"), test.names, test.total)
		}
		if !strings.HasPrefix(a.Body, "[") {
			t.Errorf("GET /crons%s: not an array: %s", test.query, a.Body)
		}
	}
}

func TestBadQueries(t *testing.T) {
	p := webtest.Start(t, webtest.SomeJobs)
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
		a := p.Read(test.path).Want(t, http.StatusBadRequest)
		var fields []string
		for _, e := range webtest.Decode[webtest.Problem](t, a).Errors {
			if e.In != "query" || e.Detail == "" {
				t.Errorf("%s: %+v", test.path, e)
			}
			fields = append(fields, e.Field)
		}
		if got := strings.Join(fields, " "); got != test.fields {
			t.Errorf("%s: wrong are %q, want %q", test.path, got, test.fields)
		}
		if strings.Contains(a.Body, "<script>") {
			t.Errorf("%s: not inert: %s", test.path, a.Body)
		}
	}
}

func TestNotFoundAndNotAllowed(t *testing.T) {
	p := webtest.Start(t, webtest.SomeJobs)
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
		a := p.Do(test.method, strings.ReplaceAll(test.path, " ", "%20"), "", webtest.AsOperator).Want(t, test.status)
		if allow := a.Header.Get("Allow"); allow != test.allow {
			t.Errorf("%s %s: Allow %q, want %q", test.method, test.path, allow, test.allow)
		}
	}
	if detail := webtest.Decode[webtest.Problem](t, p.Read("/crons/bakup")).Detail; detail != `no job "bakup"; did you mean "backup"?` {
		t.Error(detail)
	}
}

func TestHeadIsGetWithoutBody(t *testing.T) {
	p := webtest.Start(t, webtest.SomeJobs)
	for _, path := range []string{"/livez", "/readyz", "/crons", "/crons/backup", "/crons/runs", "/crons/openapi.json", "/crons/docs", "/crons/login"} {
		get, head := p.Read(path).Want(t, 200), p.Do(http.MethodHead, path, "", webtest.AsOperator).Want(t, 200)
		if head.Body != "" || head.Header.Get("Content-Length") != get.Header.Get("Content-Length") || head.Header.Get("Content-Type") != get.Header.Get("Content-Type") {
			t.Errorf("HEAD %s: %v, GET has %v", path, head.Header, get.Header)
		}
	}
}

func TestETag(t *testing.T) {
	p := webtest.Start(t, webtest.SomeJobs)
	for _, path := range []string{"/crons", "/crons?tag=db", "/crons/backup", "/crons/runs", "/crons/backup/runs", "/crons/openapi.json"} {
		tag := p.Read(path).Want(t, 200).Header.Get("ETag")
		for _, known := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
			if a := p.Read(path, "If-None-Match: "+known).Want(t, http.StatusNotModified); a.Body != "" || a.Header.Get("ETag") != tag {
				t.Errorf("%s with %s: %v", path, known, a)
			}
		}
		p.Read(path, `If-None-Match: "other"`).Want(t, 200)
	}
	before := p.Read("/crons").Header.Get("ETag")
	p.Write("/crons/backup/pause", "").Want(t, 200)
	if a := p.Read("/crons", "If-None-Match: "+before).Want(t, 200); a.Header.Get("ETag") == before {
		t.Error("a change did not change the ETag")
	}
}

func TestShowJob(t *testing.T) {
	p := webtest.Start(t, webtest.SomeJobs)
	job := webtest.Decode[ops.JobDetail](t, p.Read("/crons/report").Want(t, 200))
	if job.Name != "report" || len(job.NextSlots) != 10 || job.Metadata["owner"] != "billing" || job.Policies.Overlap != "skip" {
		t.Errorf("%+v", job)
	}
}

func TestRunJob(t *testing.T) {
	p := webtest.Start(t, webtest.SomeJobs)
	a := p.Write("/crons/backup/run", `{"args":{},"key":""}`)
	run := webtest.Decode[cron.Record](t, a)
	if a.Status != 202 && a.Status != 200 || a.Header.Get("Location") != "/crons/runs/"+run.ID || run.Job != "backup" || run.Trigger != cron.ByHand || run.Actor != "operator" {
		t.Fatalf("%d %s %s", a.Status, a.Header.Get("Location"), a.Body)
	}
	p.Eventually(func() bool {
		return webtest.Decode[cron.Record](t, p.Read(a.Header.Get("Location")).Want(t, 200)).Status == cron.Succeeded
	})

	a = p.Write("/crons/report/run?wait=4m", "").Want(t, http.StatusOK)
	if run := webtest.Decode[cron.Record](t, a); run.Status != cron.Failed || run.Error != "out of paper" {
		t.Errorf("waited for %s", a.Body)
	}

	a = p.Write("/crons/stay/run?wait=10ms", "").Want(t, http.StatusAccepted)
	stay := webtest.Decode[cron.Record](t, a)
	if stay.Status != cron.Running {
		t.Errorf("waited too short for %s", a.Body)
	}
	a = p.Write("/crons/stay/run", "").Want(t, http.StatusConflict)
	if reason := webtest.Decode[webtest.Problem](t, a).Reason; reason != "overlap" {
		t.Errorf("refused for %q", reason)
	}
	p.Write("/crons/stay/run", `{"force":true}`).Want(t, http.StatusAccepted)
	if n := len(webtest.Decode[[]cron.Record](t, p.Read("/crons/stay/runs?status=running"))); n != 2 {
		t.Errorf("%d runs, want 2", n)
	}
}

func TestRunArgs(t *testing.T) {
	p := webtest.Start(t, webtest.SomeJobs)
	a := p.Write("/crons/print/run?wait=4m", `{"args":{"pages":7}}`).Want(t, 200)
	if got := string(webtest.Decode[cron.Record](t, a).Args); got != `{"pages":7,"title":"none"}` {
		t.Errorf("args %s", got)
	}
	for body, field := range map[string]string{
		`{"args":{"pages":"many"}}`: "/args/pages",
		`{"args":{"paegs":1}}`:      "/args/paegs",
		`{"args":[1]}`:              "/args",
		`{"args":"x"}`:              "/args",
		`{"args":7}`:                "/args",
	} {
		a := p.Write("/crons/print/run", body).Want(t, 400)
		if e := webtest.Decode[webtest.Problem](t, a).Errors; len(e) != 1 || e[0].In != "body" || e[0].Field != field {
			t.Errorf("%s: %s", body, a.Body)
		}
	}
	p.Write("/crons/backup/run", `{"args":{"pages":1}}`).Want(t, 400)
}

func TestRunKeyIsIdempotent(t *testing.T) {
	p := webtest.Start(t, webtest.SomeJobs)
	first := webtest.Decode[cron.Record](t, p.Write("/crons/backup/run?wait=4m", `{"key":"invoice-4711"}`).Want(t, 200))
	again := webtest.Decode[cron.Record](t, p.Write("/crons/backup/run?wait=4m", `{"key":"invoice-4711"}`).Want(t, 200))
	unawaited := webtest.Decode[cron.Record](t, p.Write("/crons/backup/run", `{"key":"invoice-4711"}`).Want(t, 202))
	other := webtest.Decode[cron.Record](t, p.Write("/crons/backup/run?wait=4m", `{"key":"invoice-4712"}`).Want(t, 200))
	if first.ID != again.ID || first.ID != unawaited.ID || first.ID == other.ID {
		t.Errorf("runs %s, %s, %s and %s", first.ID, again.ID, unawaited.ID, other.ID)
	}
}

func TestBadBodies(t *testing.T) {
	p := webtest.Start(t, webtest.SomeJobs)
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
		a := p.Write(test.path, test.body).Want(t, http.StatusBadRequest)
		fields := map[string]bool{}
		for _, e := range webtest.Decode[webtest.Problem](t, a).Errors {
			if e.In != "body" || e.Detail == "" {
				t.Errorf("%s: %+v", test.path, e)
			}
			fields[e.Field] = true
		}
		for _, field := range strings.Fields(test.fields) {
			if !fields[field] {
				t.Errorf("%s %s: %s is not among %s", test.path, test.body, field, a.Body)
			}
		}
	}
	p.Write("/crons/backup/run?wait=soon", "").Want(t, http.StatusBadRequest)
	p.Write("/crons/backup/run?wait=11m", "").Want(t, http.StatusBadRequest)
	if runs := p.Read("/crons/runs").Body; strings.TrimSpace(runs) != "[]" {
		t.Errorf("a bad request started %s", runs)
	}
}

func TestPauseAndResume(t *testing.T) {
	p := webtest.Start(t, webtest.SomeJobs)
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	a := p.Write("/crons/backup/pause", `{"reason":"moving <house>","until":"`+until.Format(time.RFC3339)+`"}`).Want(t, 200)
	if job := webtest.Decode[ops.JobView](t, a); !job.Paused || job.Status != contract.JobPaused {
		t.Errorf("%s", a.Body)
	}
	pause := webtest.Decode[ops.JobDetail](t, p.Read("/crons/backup")).Pause
	if pause == nil || pause.Reason != "moving <house>" || pause.By != "operator" || !pause.Until.Equal(until) {
		t.Errorf("%+v", pause)
	}
	a = p.Write("/crons/backup/run", "").Want(t, 409)
	if reason := webtest.Decode[webtest.Problem](t, a).Reason; reason != "paused" {
		t.Errorf("refused for %q", reason)
	}
	if job := webtest.Decode[ops.JobView](t, p.Write("/crons/backup/resume", "").Want(t, 200)); job.Paused {
		t.Error("still paused")
	}
	p.Write("/crons/backup/resume", "{}").Want(t, 200)
	p.Write("/crons/backup/run", "")
}

func TestBackfill(t *testing.T) {
	p := webtest.Start(t, webtest.SomeJobs)
	a := p.Write("/crons/backup/backfill", `{"from":"2026-01-01T00:00:00Z","to":"2026-01-04T00:00:00+01:00"}`).Want(t, 202)
	runs := webtest.Decode[[]cron.Record](t, a)
	if len(runs) != 3 || runs[0].Trigger != cron.ByBackfill || runs[0].DataSlot.Format(time.RFC3339) != "2026-01-01T03:00:00Z" {
		t.Fatalf("%s", a.Body)
	}
	p.Eventually(func() bool {
		return len(webtest.Decode[[]cron.Record](t, p.Read("/crons/backup/runs?status=succeeded"))) == 3
	})
}

func TestReschedule(t *testing.T) {
	p := webtest.Start(t, webtest.SomeJobs)
	a := p.Do("PUT", "/crons/backup/schedule", `{"expr":"*/10 * * * *","timezone":"Europe/Berlin"}`, webtest.AsOperator, webtest.JSONBody).Want(t, 200)
	if job := webtest.Decode[ops.JobView](t, a); job.Expr != "*/10 * * * *" || job.Timezone != "Europe/Berlin" {
		t.Errorf("%s", a.Body)
	}
	detail := webtest.Decode[ops.JobDetail](t, p.Read("/crons/backup").Want(t, 200))
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
		a := p.Do("PUT", "/crons/backup/schedule", body, webtest.AsOperator, webtest.JSONBody).Want(t, 400)
		if e := webtest.Decode[webtest.Problem](t, a).Errors; len(e) != 1 || e[0].Field != field || e[0].In != "body" {
			t.Errorf("%s: %s", body, a.Body)
		}
	}
	a = p.Do("DELETE", "/crons/backup/schedule", "", webtest.AsOperator).Want(t, 200)
	if job := webtest.Decode[ops.JobView](t, a); job.Expr != "0 3 * * *" || job.Timezone != "UTC" {
		t.Errorf("%s", a.Body)
	}
	p.Do("PUT", "/crons/none/schedule", `{"expr":"* * * * *"}`, webtest.AsOperator, webtest.JSONBody).Want(t, 404)
	p.Do("DELETE", "/crons/none/schedule", "", webtest.AsOperator).Want(t, 404)

	entries := webtest.Decode[[]contract.AuditEntry](t, p.Read("/crons/audit?target=backup").Want(t, 200))
	if len(entries) != 2 || entries[1].Action != "schedule" || !strings.Contains(string(entries[1].Before), "0 3 * * *") || !strings.Contains(string(entries[1].After), "*/10 * * * *") {
		t.Errorf("%+v", entries)
	}
}

func TestTimeline(t *testing.T) {
	p := webtest.Start(t, func(set *webtest.Setup) {
		webtest.SomeJobs(set)
		for i := range 12 {
			set.Registry.Register(fmt.Sprintf("herd-%d", i), "0 * * * *", webtest.Succeed)
		}
	})
	p.Write("/crons/backup/run?wait=4m", "").Want(t, 200)
	line := webtest.Decode[ops.Timeline](t, p.Read("/crons/timeline").Want(t, 200))
	if len(line.Runs) != 1 || line.Runs[0].Job != "backup" || len(line.Slots) < 12 || line.To.Sub(line.From) != 2*time.Hour || len(line.Herds) == 0 {
		t.Errorf("%+v", line)
	}
	p.Read("/crons/timeline?from=2026-01-01T00:00:00Z&to=2026-01-31T00:00:00Z").Want(t, 200)
	for _, query := range []string{"from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from=2026-01-01T00:00:00Z&to=2026-02-02T00:00:00Z", "from=now", "hours=3"} {
		p.Read("/crons/timeline?"+query).Want(t, 400)
	}
}

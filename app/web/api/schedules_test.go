package api_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/webtest"
	"fibercrons/app/ops"
	"fibercrons/app/web"
)

// withSend adds a job for stored schedules.
func withSend(set *webtest.Setup) {
	webtest.SomeJobs(set)
	set.Registry.Register("send", cron.OnDemand, webtest.Succeed, cron.Args(struct {
		Tenant int `json:"tenant"`
	}{1}), cron.In("Europe/Berlin"))
}

func putSchedule(p *webtest.Program, id, body string, headers ...webtest.Header) webtest.Answer {
	p.T.Helper()
	return p.Do(http.MethodPut, "/crons/schedules/"+url.PathEscape(id), body, append(headers, webtest.AsOperator, webtest.JSONBody)...)
}

func remove(p *webtest.Program, path string, headers ...webtest.Header) webtest.Answer {
	p.T.Helper()
	return p.Do(http.MethodDelete, path, "", append(headers, webtest.AsOperator)...)
}

const daily = `{"job":"send","expr":"0 9 * * MON-FRI","args":{"tenant":42},"meta":{"plan":"pro"}}`

func TestPutSchedule(t *testing.T) {
	p := webtest.Start(t, withSend)
	a := putSchedule(p, "tenant-42/daily", daily).Want(t, http.StatusCreated)
	made := webtest.Decode[ops.SchedulePut](t, a)
	if made.Outcome != contract.PutCreated || made.ID != "tenant-42/daily" || made.Timezone != "Europe/Berlin" || made.NextRun == nil || string(made.Args) != `{"tenant":42}` {
		t.Errorf("%s", a.Body)
	}
	where := a.Header.Get("Location")
	if where != "/crons/schedules/tenant-42%2Fdaily" {
		t.Error(where)
	}
	shown := p.Read(where).Want(t, http.StatusOK)
	if d := webtest.Decode[ops.ScheduleDetail](t, shown); len(d.NextSlots) != 10 || d.UpdatedBy != "operator" || d.Description == "" {
		t.Errorf("%s", shown.Body)
	}
	if again := webtest.Decode[ops.SchedulePut](t, putSchedule(p, "tenant-42/daily", daily).Want(t, 200)); again.Outcome != contract.PutUnchanged {
		t.Errorf("%+v", again)
	}
	// An answer can be changed and sent back.
	var body map[string]any
	if err := json.Unmarshal([]byte(shown.Body), &body); err != nil {
		t.Fatal(err)
	}
	body["expr"] = "@daily"
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	changed := putSchedule(p, "tenant-42/daily", string(text)).Want(t, 200)
	if c := webtest.Decode[ops.SchedulePut](t, changed); c.Outcome != contract.PutChanged || c.Expr != "@daily" {
		t.Errorf("%s", changed.Body)
	}
	if was := webtest.Decode[ops.ScheduleView](t, remove(p, where).Want(t, 200)); was.Expr != "@daily" {
		t.Errorf("%+v", was)
	}
	p.Read(where).Want(t, 404)
	a = remove(p, where).Want(t, 404)
	if detail := webtest.Decode[webtest.Problem](t, a).Detail; detail != `no schedule "tenant-42/daily"` {
		t.Error(detail)
	}
	entries := webtest.Decode[[]contract.AuditEntry](t, p.Read("/crons/audit?target="+url.QueryEscape("tenant-42/daily")).Want(t, 200))
	if len(entries) != 3 || entries[0].Action != "schedule.delete" || entries[2].Action != "schedule.put" || entries[2].Actor != "operator" {
		t.Errorf("%+v", entries)
	}
}

// All mistakes of a schedule come in one answer, those that cannot be read and those that are read and wrong.
func TestWrongSchedules(t *testing.T) {
	p := webtest.Start(t, withSend)
	for _, test := range []struct {
		body   string
		status int
		fields string
	}{
		{`{`, 400, ""},
		{``, 400, ""},
		{`[]`, 400, ""},
		{`{"job":"send","expr":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}`, 400, ""},
		{`{}`, 422, "/job"},
		{`{"job":"sned","expr":"@hourly"}`, 422, "/job"},
		{`{"job":"send","expr":"@ondemand"}`, 422, "/expr"},
		{`{"job":"send","expr":"61 * * * *","timezone":"UTC","args":{"tenant":"x"},"from":"soon","max_runs":-1,"Meta":{},"paused":1}`, 422, "/from /Meta /paused /expr /args/tenant /max_runs"},
		{`{"job":"send","expr":"@hourly","timezone":"Mars/Olympus"}`, 422, "/timezone"},
		{`{"job":"send","expr":7}`, 422, "/expr"},
		{`{"id":"b","job":"send","expr":"@hourly"}`, 422, "/id"},
		{`{"job":"send","expr":"@hourly","from":"2027-01-02T00:00:00Z","until":"2027-01-01T00:00:00Z"}`, 422, "/until"},
	} {
		a := putSchedule(p, "a", test.body).Want(t, test.status)
		got := map[string]bool{}
		for _, e := range webtest.Decode[webtest.Problem](t, a).Errors {
			got[e.Field] = true
		}
		for _, field := range strings.Fields(test.fields) {
			if !got[field] {
				t.Errorf("%s: %s is not in %s", test.body, field, a.Body)
			}
		}
	}
	for _, id := range []string{strings.Repeat("x", 201), " a", "a\n", "\xff", "a\x00b"} {
		a := putSchedule(p, id, daily).Want(t, 422)
		if e := webtest.Decode[webtest.Problem](t, a).Errors; len(e) != 1 || e[0].Field != "/id" {
			t.Errorf("%q: %s", id, a.Body)
		}
		p.Read("/crons/schedules/"+url.PathEscape(id)).Want(t, 404)
	}
	if page := p.Read("/crons/schedules").Body; strings.TrimSpace(page) != `{"items":[],"next":""}` {
		t.Errorf("a mistake has stored %s", page)
	}
}

// Two people who edit the same schedule do not undo each other's change.
func TestLostEdits(t *testing.T) {
	p := webtest.Start(t, withSend)
	const path = "/crons/schedules/a"
	tag := putSchedule(p, "a", daily, "If-None-Match: *").Want(t, 201).Header.Get("ETag")
	putSchedule(p, "a", daily, "If-None-Match: *").Want(t, 412)
	putSchedule(p, "a", daily, `If-None-Match: "1"`).Want(t, 400)
	got := p.Read(path).Want(t, 200)
	if first, _, _ := strings.Cut(tag, "-"); !strings.HasPrefix(got.Header.Get("ETag"), first+"-") {
		t.Errorf("ETag %s after %s", got.Header.Get("ETag"), tag)
	}
	p.Read(path, "If-None-Match: "+got.Header.Get("ETag")).Want(t, 304)
	change := func(expr string, headers ...webtest.Header) webtest.Answer {
		return putSchedule(p, "a", `{"job":"send","expr":"`+expr+`"}`, headers...)
	}
	second := change("@daily", "If-Match: "+tag).Want(t, 200).Header.Get("ETag")
	change("@weekly", "If-Match: "+tag).Want(t, 412)
	change("@weekly", `If-Match: "7-none", `+second).Want(t, 200)
	change("@hourly", "If-Match: W/"+second, "X-Old: yes").Want(t, 412)
	change("@hourly", `If-Match: "nothing of ours"`).Want(t, 412)
	change("@hourly", "If-Match: *").Want(t, 200)
	putSchedule(p, "b", daily, "If-Match: *").Want(t, 412)
	putSchedule(p, "b", daily, "If-Match: "+tag).Want(t, 412)
	p.Write(path+"/pause", "", "If-Match: "+tag).Want(t, 412)
	now := p.Read(path).Header.Get("ETag")
	paused := p.Write(path+"/pause", `{"reason":"tests"}`, "If-Match: "+now).Want(t, 200).Header.Get("ETag")
	remove(p, path, "If-Match: "+now).Want(t, 412)
	p.Write(path+"/resume", "", "If-Match: "+paused).Want(t, 200)
	remove(p, path, "If-Match: *").Want(t, 200)
	remove(p, path, "If-Match: *").Want(t, 412)
}

func TestListSchedules(t *testing.T) {
	p := webtest.Start(t, withSend)
	soon := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	for id, body := range map[string]string{
		"tenant-1/daily":  `{"job":"send","expr":"@at ` + soon + `","meta":{"plan":"pro","city":"Köln"}}`,
		"tenant-2/daily":  `{"job":"send","expr":"@yearly","meta":{"plan":"free"}}`,
		"tenant-2/hourly": `{"job":"backup","expr":"@yearly","meta":{"plan":"pro","city":"Ulm"},"paused":true}`,
	} {
		putSchedule(p, id, body).Want(t, 201)
	}
	later := time.Now().Add(2 * time.Hour).UTC().Format(time.RFC3339)
	for query, want := range map[string]string{
		"":                                 "tenant-1/daily tenant-2/daily tenant-2/hourly",
		"?job=send":                        "tenant-1/daily tenant-2/daily",
		"?q=TENANT-2":                      "tenant-2/daily tenant-2/hourly",
		"?q=ulm":                           "tenant-2/hourly",
		"?meta=plan:pro":                   "tenant-1/daily tenant-2/hourly",
		"?meta=plan:pro&meta=city:Ulm":     "tenant-2/hourly",
		"?paused=true":                     "tenant-2/hourly",
		"?paused=false&job=send":           "tenant-1/daily tenant-2/daily",
		"?due_before=" + later:             "tenant-1/daily",
		"?due_after=" + later:              "tenant-2/daily",
		"?limit=1":                         "tenant-1/daily",
		"?limit=1&cursor=tenant-1%2Fdaily": "tenant-2/daily",
		"?job=nobody":                      "",
	} {
		page := webtest.Decode[ops.SchedulePage](t, p.Read("/crons/schedules"+query).Want(t, 200))
		ids := make([]string, len(page.Items))
		for i, v := range page.Items {
			ids[i] = v.ID
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
		if more := strings.HasPrefix(query, "?limit=1"); more != (page.Next != "") {
			t.Errorf("%s: next is %q", query, page.Next)
		}
	}
	for query, fields := range map[string]string{
		"?meta=plan":                           "meta",
		"?meta=:x":                             "meta",
		"?meta=a:1&meta=a:2":                   "meta",
		"?paused=yes&limit=0":                  "limit paused",
		"?due_before=soon&sort=id":             "due_before sort",
		"?q=%00":                               "q",
		"?cursor=" + strings.Repeat("x", 201):  "cursor",
		"/preview?expr=61+*+*+*+*&job=x&pre=1": "expr job pre",
		"/preview?from=x":                      "from",
		"/preview":                             "expr",
	} {
		var got []string
		for _, e := range webtest.Decode[webtest.Problem](t, p.Read("/crons/schedules"+query).Want(t, 400)).Errors {
			got = append(got, e.Field)
		}
		if strings.Join(got, " ") != fields {
			t.Errorf("%s: wrong are %q, want %q", query, got, fields)
		}
	}
}

func TestPreviewSchedules(t *testing.T) {
	p := webtest.Start(t, withSend)
	putSchedule(p, "a", daily).Want(t, 201)
	putSchedule(p, "preview", `{"job":"backup","expr":"@hourly"}`).Want(t, 201)
	stored := webtest.Decode[ops.SchedulePreview](t, p.Read("/crons/schedules/a/preview").Want(t, 200))
	asked := webtest.Decode[ops.SchedulePreview](t, p.Read("/crons/schedules/preview?job=send&id=a&expr=0+9+*+*+MON-FRI").Want(t, 200))
	if fmt.Sprint(stored) != fmt.Sprint(asked) || len(stored.NextSlots) != 10 || stored.NextSlotsLocal[0].Hour() != 9 {
		t.Errorf("%+v\n%+v", stored, asked)
	}
	if got := webtest.Decode[ops.SchedulePreview](t, p.Read("/crons/schedules/preview?expr=@hourly").Want(t, 200)); got.Timezone != "UTC" {
		t.Errorf("%+v", got)
	}
	if d := webtest.Decode[ops.ScheduleDetail](t, p.Read("/crons/schedules/%70review").Want(t, 200)); d.ID != "preview" {
		t.Errorf("%+v", d)
	}
	p.Read("/crons/schedules/none/preview").Want(t, 404)
}

func TestPauseSchedule(t *testing.T) {
	p := webtest.Start(t, withSend)
	putSchedule(p, "a/b", daily).Want(t, 201)
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	a := p.Write("/crons/schedules/a%2Fb/pause", `{"reason":"<moving>","until":"`+until.Format(time.RFC3339)+`"}`).Want(t, 200)
	if v := webtest.Decode[ops.ScheduleView](t, a); !v.Paused || v.Pause == nil || v.Pause.Reason != "<moving>" || v.Pause.By != "operator" || !v.Pause.Until.Equal(until) || v.NextRun.Before(until) {
		t.Errorf("%s", a.Body)
	}
	for body, field := range map[string]string{
		`{"until":"2001-01-01T00:00:00Z"}`:              "/until",
		`{"reason":"` + strings.Repeat("x", 501) + `"}`: "/reason",
		`{"x":1}`: "/x",
	} {
		if e := webtest.Decode[webtest.Problem](t, p.Write("/crons/schedules/a%2Fb/pause", body).Want(t, 400)).Errors; len(e) != 1 || e[0].Field != field {
			t.Errorf("%s: %+v", body, e)
		}
	}
	if v := webtest.Decode[ops.ScheduleView](t, p.Write("/crons/schedules/a%2Fb/resume", "").Want(t, 200)); v.Paused || v.Pause != nil {
		t.Errorf("%+v", v)
	}
	for _, action := range []string{"pause", "resume", "run"} {
		a := p.Write("/crons/schedules/none/"+action, "").Want(t, 404)
		if detail := webtest.Decode[webtest.Problem](t, a).Detail; detail != `no schedule "none"` {
			t.Errorf("%s: %s", action, detail)
		}
	}
	p.Write("/crons/schedules/a%2Fb/stop", "").Want(t, 404)
	if a := p.Raw("POST /crons/schedules/a%zz/pause HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer " + webtest.OperatorToken + "\r\nContent-Length: 0\r\n\r\n"); !strings.Contains(a, " 404 ") {
		t.Error(a)
	}
}

func TestRunSchedule(t *testing.T) {
	p := webtest.Start(t, withSend)
	putSchedule(p, "a/b", daily).Want(t, 201)
	a := p.Write("/crons/schedules/a%2Fb/run?wait=4m", `{"key":"one"}`).Want(t, 200)
	run := webtest.Decode[cron.Record](t, a)
	if run.ScheduleID() != "a/b" || run.Job != "send" || string(run.Args) != `{"tenant":42}` || run.Status != cron.Succeeded || a.Header.Get("Location") != "/crons/runs/"+run.ID {
		t.Errorf("%s", a.Body)
	}
	p.Write("/crons/schedules/a%2Fb/run", `{"args":{}}`).Want(t, 400)
	other := webtest.Decode[cron.Record](t, p.Write("/crons/send/run?wait=4m", "").Want(t, 200))
	if other.Schedule != nil {
		t.Errorf("%+v", other)
	}
	for path, want := range map[string]string{
		"/crons/runs?schedule=a%2Fb":      run.ID,
		"/crons/send/runs?schedule=a%2Fb": run.ID,
		"/crons/runs?schedule=none":       "",
	} {
		runs := webtest.Decode[[]cron.Record](t, p.Read(path).Want(t, 200))
		if want == "" && len(runs) > 0 || want != "" && (len(runs) != 1 || runs[0].ID != want) {
			t.Errorf("%s: %+v", path, runs)
		}
	}
	putSchedule(p, "two", daily).Want(t, 201)
	for range 3 {
		p.Write("/crons/schedules/two/run?wait=4m", "").Want(t, 200)
	}
	if next := p.Read("/crons/runs?schedule=two&limit=2").Want(t, 200).Header.Get("Link"); !strings.Contains(next, "schedule=two") {
		t.Errorf("the next page is %s", next)
	}
}

// A run for later is queued, and can be cancelled before it starts.
func TestRunLater(t *testing.T) {
	p := webtest.Start(t, withSend)
	at := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	putSchedule(p, "a", daily).Want(t, 201)
	for _, path := range []string{"/crons/send/run", "/crons/schedules/a/run"} {
		a := p.Write(path, `{"at":"`+at.Format(time.RFC3339)+`"}`).Want(t, 202)
		run := webtest.Decode[cron.Record](t, a)
		if run.Status != cron.Queued || run.NextAt == nil || !run.NextAt.Equal(at) {
			t.Errorf("%s: %s", path, a.Body)
		}
		if ended := webtest.Decode[cron.Record](t, p.Write("/crons/runs/"+run.ID+"/cancel", "").Want(t, 200)); ended.Status != cron.Cancelled {
			t.Errorf("%+v", ended)
		}
	}
	p.Write("/crons/send/run", `{"at":"tomorrow"}`).Want(t, 400)
	now := webtest.Decode[cron.Record](t, p.Write("/crons/send/run?wait=4m", `{"at":"2001-01-01T00:00:00Z"}`).Want(t, 200))
	if now.Status != cron.Succeeded {
		t.Errorf("%+v", now)
	}
}

// An ID is the same wherever the routes are mounted, and whether or not its slashes are escaped.
func TestIDsWithSlashes(t *testing.T) {
	p := webtest.Start(t, withSend)
	webs := map[string]string{"": p.Addr()}
	for name, config := range map[string]fiber.Config{"/a/b": {}, "/ops": {UnescapePath: true}, "/x": {StrictRouting: true, CaseSensitive: true}} {
		config.DisableStartupMessage = true
		f := fiber.New(config)
		web.Mount(f.Group(name), p.App, web.Options{})
		webs[name] = webtest.Serve(t, f)
	}
	ids := []string{"plain", "a/b", "a/pause", "a/run/b", "100%25", "a?b#c", "ä ö/ü", "import", "preview", "schedules/x", "crons/schedules/y"}
	send := func(method, prefix, rest, body string) webtest.Answer {
		t.Helper()
		headers := []webtest.Header{webtest.AsOperator}
		if body != "" {
			headers = append(headers, webtest.JSONBody)
		}
		a, err := webtest.Send(method, "http://"+webs[prefix]+prefix+"/crons/schedules/"+rest, body, headers...)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	for prefix := range webs {
		for _, id := range ids {
			escaped := url.PathEscape(id)
			if id == "preview" {
				escaped = "%70review"
			}
			if got := webtest.Decode[ops.SchedulePut](t, send("PUT", prefix, escaped, daily).Want(t, 201)); got.ID != id {
				t.Errorf("%s: %q is %q", prefix, id, got.ID)
			}
			plain := strings.ReplaceAll(escaped, "%2F", "/")
			for what, a := range map[string]webtest.Answer{
				"pause": send("POST", prefix, plain+"/pause", "{}"), "resume": send("POST", prefix, escaped+"/resume", "{}"), "show": send("GET", prefix, plain, ""),
			} {
				if a.Status != 200 || webtest.Decode[ops.ScheduleView](t, a).ID != id {
					t.Errorf("%s: %s of %q: %d %s", prefix, what, id, a.Status, a.Body)
				}
			}
			if a := send("GET", prefix, escaped+"/preview", ""); a.Status != 200 {
				t.Errorf("%s: preview of %q: %d %s", prefix, id, a.Status, a.Body)
			}
			send("DELETE", prefix, plain, "").Want(t, 200)
		}
	}
}

func TestSchedulesNeedRoles(t *testing.T) {
	p := webtest.Start(t, withSend)
	putSchedule(p, "a", daily).Want(t, 201)
	for _, path := range []string{"/crons/schedules", "/crons/schedules/a", "/crons/schedules/a/preview", "/crons/schedules/preview?expr=@daily", "/crons/schedules/a/b"} {
		if a := p.Do("GET", path, "", webtest.AsViewer); a.Status != 200 && path != "/crons/schedules/a/b" {
			t.Errorf("%s: %d %s", path, a.Status, a.Body)
		}
		p.Do("GET", path, "").Want(t, 401)
	}
	for _, request := range [][3]string{
		{"PUT", "/crons/schedules/a", daily}, {"DELETE", "/crons/schedules/a", ""}, {"POST", "/crons/schedules/a/pause", "{}"}, {"POST", "/crons/schedules/a/run", ""},
		{"POST", "/crons/schedules/a/b/run", ""}, {"PUT", "/crons/schedules/a/b", daily}, {"POST", "/crons/schedules/import", "{}"},
	} {
		p.Do(request[0], request[1], request[2], webtest.AsViewer, webtest.JSONBody).Want(t, 403)
		p.Do(request[0], request[1], request[2], webtest.JSONBody).Want(t, 401)
	}
}

const jsonLines webtest.Header = "Content-Type: application/x-ndjson"

func TestImportSchedules(t *testing.T) {
	p := webtest.Start(t, withSend)
	a := p.Do("POST", "/crons/schedules/import", `{"id":"a","job":"send","expr":"@daily"}

{"id":"b","job":"send","expr":"61 * * * *","x":"\u009b"}
{"id":"<c>","job":"send","expr":"@hourly"}`, webtest.AsOperator, jsonLines).Want(t, 200)
	const want = `{"line":1,"id":"a","outcome":"created"}
{"line":3,"id":"b","errors":[{"field":"/x","detail":"is unknown; a schedule has id, job, expr, timezone, args, from, until, max_runs, meta, paused"},{"field":"/expr","detail":"minute 61 is out of range 0-59"}]}
{"line":4,"id":"\u003cc\u003e","outcome":"created"}
`
	if a.Body != want {
		t.Errorf("got  %s\nwant %s", a.Body, want)
	}
	for _, test := range []struct {
		headers []webtest.Header
		status  int
	}{
		{[]webtest.Header{jsonLines}, 401},
		{[]webtest.Header{webtest.AsOperator}, 415},
		{[]webtest.Header{webtest.AsOperator, "Content-Type: text/plain"}, 415},
		{[]webtest.Header{webtest.AsOperator, webtest.Form}, 415},
		{[]webtest.Header{webtest.AsOperator, jsonLines, "Content-Encoding: gzip"}, 415},
		{[]webtest.Header{webtest.AsOperator, jsonLines, "Origin: https://evil.example"}, 403},
		{[]webtest.Header{webtest.AsOperator, jsonLines, "X-Fine: yes"}, 200},
	} {
		p.Do("POST", "/crons/schedules/import", `{"id":"a","job":"send","expr":"@daily"}`, test.headers...).Want(t, test.status)
	}
	p.Do("POST", "/crons/schedules/import?dry=1", `{}`, webtest.AsOperator, jsonLines).Want(t, 400)
	if empty, err := p.Try("POST", "/crons/schedules/import", "", webtest.AsOperator, jsonLines); err != nil || empty.Status != 200 || empty.Body != "" {
		t.Errorf("%+v %v", empty, err)
	}
	// The next request on the connection is read after the body.
	body := `{"id":"a","job":"send","expr":"@daily"}` + "\n"
	both := p.Raw(fmt.Sprintf("POST /crons/schedules/import HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s"+
		"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", webtest.OperatorToken, len(body), body))
	if strings.Count(both, "HTTP/1.1 200 ") != 2 || !strings.Contains(both, `"outcome":"unchanged"`) || !strings.Contains(both, "alive") {
		t.Error(both)
	}
}

// lines makes a body of n schedules as it is read, so that it is nowhere whole.
type lines struct {
	n, next int
	rest    []byte
	wait    <-chan struct{} // not nil: to be closed before the second half
}

func (l *lines) Read(into []byte) (int, error) {
	if len(l.rest) == 0 {
		if l.next == l.n {
			return 0, io.EOF
		}
		if l.wait != nil && l.next == l.n/2 {
			<-l.wait
		}
		l.rest = fmt.Appendf(nil, `{"id":"s-%06d","job":"send","expr":"@yearly","args":{"tenant":%d},"meta":{"note":"%0*d"}}`+"\n", l.next, l.next, 400, l.next)
		l.next++
	}
	n := copy(into, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

// An import goes far beyond the limit of other bodies, and its answers begin before its body has ended.
func TestImportHasNoLimit(t *testing.T) {
	p := webtest.Start(t, withSend)
	const many = 10_000 // 5 MB
	for round, length := range []int64{-1, int64(many) * int64(len(line(t)))} {
		answered := make(chan struct{})
		body := &lines{n: many, wait: answered}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.URL()+"/crons/schedules/import", body)
		if err != nil {
			t.Fatal(err)
		}
		if round == 1 { // all lines but the tenant's number are equally long
			req.ContentLength = length + digits(many)
		}
		req.Header.Set("Authorization", "Bearer "+webtest.OperatorToken)
		req.Header.Set("Content-Type", "application/x-ndjson")
		resp, err := webtest.Client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		outcomes := map[contract.PutOutcome]int{}
		for scan := bufio.NewScanner(resp.Body); scan.Scan(); {
			var l ops.ImportLine
			if err := json.Unmarshal(scan.Bytes(), &l); err != nil {
				t.Fatal(err)
			}
			if outcomes[l.Outcome]++; l.Line == 1 {
				close(answered)
			}
		}
		resp.Body.Close()
		want := []contract.PutOutcome{contract.PutCreated, contract.PutUnchanged}[round]
		if resp.StatusCode != http.StatusOK || outcomes[want] != many || len(outcomes) != 1 {
			t.Errorf("%d %v", resp.StatusCode, outcomes)
		}
		p.Read("/crons/schedules?limit=1").Want(t, 200)
	}
}

func line(t *testing.T) string {
	t.Helper()
	text, err := bufio.NewReader(&lines{n: 1}).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// digits is how many more bytes the tenants' numbers up to n have than one each.
func digits(n int) (sum int64) {
	for i := range n {
		sum += int64(len(fmt.Sprint(i)) - 1)
	}
	return sum
}

// A body that breaks off leaves what came before, and costs its own connection.
func TestImportThatBreaksOff(t *testing.T) {
	p := webtest.Start(t, withSend)
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /crons/schedules/import HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/x-ndjson\r\nContent-Length: 5000\r\n\r\n", webtest.OperatorToken)
	fmt.Fprint(conn, `{"id":"a","job":"send","expr":"@daily"}`+"\n"+`{"id":"b","job":"se`)
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.ReadAll(conn)
	conn.Close()
	page := webtest.Decode[ops.SchedulePage](t, p.Read("/crons/schedules").Want(t, 200))
	if len(page.Items) > 1 {
		t.Errorf("%+v", page)
	}
}

// An import whose answers nobody gets ends, and the log says so.
func TestImportWithoutAReader(t *testing.T) {
	p := webtest.Start(t, withSend)
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /crons/schedules/import HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n", webtest.OperatorToken)
	for i := range 3 {
		text, err := io.ReadAll(&lines{n: 1000, next: 0})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(conn, "%x\r\n%s\r\n", len(text), text); err != nil && i == 0 {
			t.Fatal(err)
		}
	}
	if err := conn.(*net.TCPConn).SetLinger(0); err != nil { // a reset
		t.Fatal(err)
	}
	conn.Close()
	p.Eventually(func() bool {
		log := p.Log.String()
		return strings.Contains(log, "import ended before its end") || strings.Contains(log, "import broke off")
	})
	p.Read("/crons/schedules?limit=1").Want(t, 200)
}

// A program around the routes may read bodies whole: then its own limit holds.
func TestImportInAnotherProgram(t *testing.T) {
	p := webtest.Start(t, withSend)
	f := fiber.New(fiber.Config{BodyLimit: 3 << 20, DisableStartupMessage: true})
	web.Mount(f, p.App, web.Options{})
	addr := webtest.Serve(t, f)
	post := func(n int) (int, string) {
		text, err := io.ReadAll(&lines{n: n})
		if err != nil {
			t.Fatal(err)
		}
		a, err := webtest.Send("POST", "http://"+addr+"/crons/schedules/import", string(text), webtest.AsOperator, jsonLines)
		if err != nil {
			return 0, err.Error()
		}
		return a.Status, a.Body
	}
	if status, body := post(4000); status != 200 || strings.Count(body, `"created"`) != 4000 {
		t.Errorf("%d %.300s", status, body)
	}
	if status, body := post(10_000); status != 413 && status != 0 {
		t.Errorf("%d %.300s", status, body)
	}
	if a := p.Do("POST", "/crons/schedules/a/pause", `{"reason":"`+strings.Repeat("x", 1<<20)+`"}`, webtest.AsOperator, webtest.JSONBody); a.Status != 413 {
		t.Errorf("other bodies are not bounded: %d", a.Status)
	}
}

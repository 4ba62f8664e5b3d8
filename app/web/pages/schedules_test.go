package pages_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/dashboard"
	"fibercrons/app/internal/webtest"
	"fibercrons/app/ops"
)

// put stores a schedule as another operator.
func put(p *webtest.Program, g cron.Schedule) ops.SchedulePut {
	p.T.Helper()
	r, err := p.App.Crons.By(contract.Caller{Actor: "ann"}).PutSchedule(p.T.Context(), g, 0)
	if err != nil {
		p.T.Fatal(err)
	}
	return r
}

// oddID is an ID of all that a path, a query or a page could mistake.
const oddID = `../a b/%2F?x=1&y=<b>"'#ü`

// someSchedules are stored schedules of every kind.
func someSchedules(p *webtest.Program) {
	p.T.Helper()
	put(p, cron.Schedule{ID: "tenant-1/daily", Job: "letter", Expr: "0 9 * * MON-FRI", Args: letterArgs{Tenant: 1, Paper: "A4", Text: "Dear\nall"}, Meta: map[string]string{"plan": "pro", "mail": "a@example.com"}})
	put(p, cron.Schedule{ID: "tenant-2/daily", Job: "letter", Expr: "H 9 * * *", Zone: "America/New_York", Meta: map[string]string{"plan": "free"}, MaxRuns: 3})
	put(p, cron.Schedule{ID: "tenant-3/paused", Job: "letter", Expr: "@every 90s", Paused: true})
	put(p, cron.Schedule{ID: oddID, Job: "quick", Expr: "0 0 1 1 *", Meta: map[string]string{"<b>": webtest.Hostile[:12], "a:b": "c"}})
	until := time.Date(2099, 1, 2, 3, 4, 5, 0, time.UTC)
	if _, err := p.App.Crons.By(contract.Caller{Actor: "ann"}).PauseSchedule(p.T.Context(), contract.PauseSchedule{ID: "tenant-3/paused", Until: until, Reason: "<i>moving</i>"}); err != nil {
		p.T.Fatal(err)
	}
	if _, err := p.App.Store.PutSchedules(p.T.Context(), []contract.PutSchedule{{ // of a job that was removed
		Schedule: contract.Schedule{ID: "orphan", Job: "gone", Expr: "@daily"}, At: time.Now(), After: func(time.Time) time.Time { return until },
	}}); err != nil {
		p.T.Fatal(err)
	}
}

// one is the path of a schedule's page, or of one below it.
func one(id, below string) string { return dashboard.Schedule(id, below) }

// rowsOf are the IDs in a list, in order.
func rowsOf(body string) (list []string) {
	for _, m := range regexp.MustCompile(`<tr id="s-([^"]*)"`).FindAllStringSubmatch(body, -1) {
		id, _ := url.QueryUnescape(html.UnescapeString(m[1]))
		list = append(list, id)
	}
	return list
}

func TestPageOfSchedules(t *testing.T) {
	p := webtest.Start(t, officeJobs)
	if body := page(p, "/schedules", webtest.AsViewer).Body; !strings.Contains(body, "There are no stored schedules.") {
		t.Error("an empty page does not say what a stored schedule is")
	}
	someSchedules(p)
	for query, want := range map[string]string{
		"":                    oddID + " orphan tenant-1/daily tenant-2/daily tenant-3/paused",
		"?q=DAILY":            "tenant-1/daily tenant-2/daily",
		"?q=example.com":      "tenant-1/daily",
		"?job=letter":         "tenant-1/daily tenant-2/daily tenant-3/paused",
		"?job=gone":           "orphan",
		"?paused=true":        "tenant-3/paused",
		"?paused=false&q=ten": "tenant-1/daily tenant-2/daily",
		"?meta=plan:pro":      "tenant-1/daily",
		"?after=orphan":       "tenant-1/daily tenant-2/daily tenant-3/paused",
		"?q=nobody":           "",
	} {
		a := page(p, "/schedules"+query, webtest.AsViewer)
		if got := strings.Join(rowsOf(a.Body), " "); a.Status != 200 || got != want {
			t.Errorf("%s: status %d, %q, want %q", query, a.Status, got, want)
		}
	}
	body := page(p, "/schedules", webtest.AsViewer).Body
	for _, want := range []string{
		"At 09:00 on Monday to Friday, Europe/Berlin", "America/New_York", "<code>H 9 * * *</code>", ">plan: pro</a>", `href="/crons/dashboard/schedules?meta=plan%3Apro"`,
		"paused</span>", `title="&lt;i&gt;moving&lt;/i&gt;"`, "orphaned</span>", `<span class="name">gone</span>`, `href="/crons/dashboard/schedule?id=tenant-1%2Fdaily"`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the list lacks %s", want)
		}
	}
	if strings.Contains(body, "/schedules/new") || !strings.Contains(page(p, "/schedules", webtest.AsOperator).Body, "/schedules/new") {
		t.Error("a new one is not offered to operators alone")
	}
	if a := page(p, "/schedules?paused=maybe", webtest.AsViewer); a.Status != 400 {
		t.Errorf("a wrong filter: %d", a.Status)
	}
}

// Pages follow each other by ID, and lose none and repeat none.
func TestSchedulesAreReadPageByPage(t *testing.T) {
	p := webtest.Start(t, officeJobs)
	for i := range 120 {
		put(p, cron.Schedule{ID: fmt.Sprintf("t%03d", i), Job: "letter", Expr: "@yearly"})
	}
	next := regexp.MustCompile(`href="/crons/dashboard(/schedules\?[^"]*)" *>Next|rel="next" href="/crons/dashboard(/schedules\?[^"]*)"`)
	var all []string
	path, pages := "/schedules?q=t", 0
	for ; path != ""; pages++ {
		body := page(p, path, webtest.AsViewer).Body
		all, path = append(all, rowsOf(body)...), ""
		if m := next.FindStringSubmatch(body); m != nil {
			path = strings.ReplaceAll(m[1]+m[2], "&amp;", "&")
		}
	}
	if len(all) != 120 || pages != 3 || all[0] != "t000" || all[119] != "t119" {
		t.Errorf("%d schedules on %d pages: %v", len(all), pages, all)
	}
}

// fieldsOf are the values of the form of a page, as a browser sends them.
func fieldsOf(t *testing.T, body string) url.Values {
	t.Helper()
	return formOf(t, body, "/schedules/put")
}

func TestScheduleIsMadeByAForm(t *testing.T) {
	p := webtest.Start(t, officeJobs)
	form := fieldsOf(t, page(p, "/schedules/new?job=letter", webtest.AsOperator).Body)
	if form.Get("arg.paper") != "A4" || form.Get("arg.tenant") != "1" || form.Get("job") != "letter" {
		t.Fatalf("the form is %v", form)
	}
	for name, value := range map[string]string{
		"id": "tenant-9/weekly", "expr": "0 9 * * 1", "timezone": "Europe/Berlin", "from_utc": "2099-01-02T03:04", "until": "2100-01-01T00:00:00.500Z",
		"max_runs": "7", "arg.tenant": "9", "arg.draft": "true", "arg.text": "Dear all", "paused": "true",
	} {
		form.Set(name, value)
	}
	form["meta_key"], form["meta_value"] = []string{"plan", "note", "", ""}, []string{"pro", "two\r\nlines", "", ""}
	typed := submit(p, "/schedules/put", with(form, "do", "preview"))
	if typed.Status != 200 || !strings.Contains(typed.Body, "Mon 5 Jan 2099 09:00 CET") || fieldsOf(t, typed.Body).Get("arg.tenant") != "9" {
		t.Errorf("the preview: %d %s", typed.Status, typed.Body[:200])
	}
	if a := p.Do("GET", "/crons/schedules/tenant-9%2Fweekly", "", webtest.AsViewer); a.Status != 404 {
		t.Errorf("the preview has saved it: %d", a.Status)
	}
	a := submit(p, "/schedules/put", with(form, "do", "save"))
	if at := a.Header.Get("Location"); a.Status != 303 || at != "/crons/dashboard/schedule?id=tenant-9%2Fweekly&did=stored-created" {
		t.Fatalf("%d leads to %s: %s", a.Status, at, a.Body)
	}
	g, err := p.App.Crons.EditSchedule(t.Context(), "tenant-9/weekly")
	if err != nil {
		t.Fatal(err)
	}
	if string(g.Args) != `{"tenant":9,"paper":"A4","text":"Dear all","draft":true}` || g.Timezone != "Europe/Berlin" || g.MaxRuns != 7 || !g.Paused || g.UpdatedBy != "operator" ||
		!g.From.Equal(time.Date(2099, 1, 2, 3, 4, 0, 0, time.UTC)) || g.Until.Nanosecond() != 5e8 || len(g.Meta) != 2 || g.Meta["note"] != "two\nlines" {
		t.Errorf("it is stored as %+v with %s", g, g.Args)
	}
	if a := submit(p, "/schedules/put", form); a.Status != http.StatusConflict || !strings.Contains(a.Body, "There is a schedule with this ID") {
		t.Errorf("a second one with the ID: %d %s", a.Status, a.Body)
	}
	if a := page(p, one("tenant-9/weekly", "")+"&did=stored-created", webtest.AsOperator); !strings.Contains(a.Body, "Schedule created.") || !strings.Contains(a.Body, "of at most 7") {
		t.Errorf("its page: %d %s", a.Status, a.Body)
	}
}

// What is not edited stays as it is, to the byte: also what the form does not show, or shows otherwise.
func TestFormOfAScheduleChangesNothingByItself(t *testing.T) {
	p := webtest.Start(t, officeJobs)
	someSchedules(p)
	from := time.Date(2099, 1, 2, 3, 4, 5, 678e6, time.UTC)
	put(p, cron.Schedule{ID: "exact", Job: "letter", Expr: "0 9 * * *", From: from, MaxRuns: 5, Meta: map[string]string{"a": " b\nc ", "d": "e:f"}, Args: letterArgs{Tenant: 3, Paper: "Letter", Text: "\n1\n", Draft: true}})
	odd := "a\rb\r\nc\x1b[31m\x7f\u009b"
	put(p, cron.Schedule{ID: "odd", Job: "letter", Expr: "0 9 * * *", Meta: map[string]string{"k\x01": odd, "k\x02": odd}, Args: letterArgs{Tenant: 3, Paper: "\x1b[31m", Text: odd}})
	for _, id := range []string{"tenant-1/daily", "tenant-2/daily", "tenant-3/paused", "exact", "odd", oddID} {
		form := fieldsOf(t, page(p, one(id, "/edit"), webtest.AsOperator).Body)
		a := submit(p, "/schedules/put", with(form, "do", "save"))
		if at := a.Header.Get("Location"); a.Status != 303 || !strings.HasSuffix(at, "did=stored-unchanged") {
			after, _ := p.App.Crons.EditSchedule(t.Context(), id)
			t.Errorf("%s: %d leads to %s: %+v", id, a.Status, at, after)
		}
	}
	// The form of an orphan cannot be saved, and is kept.
	form := fieldsOf(t, page(p, one("orphan", "/edit"), webtest.AsOperator).Body)
	if a := submit(p, "/schedules/put", with(form, "do", "save")); a.Status != 422 || fieldsOf(t, a.Body).Get("job") != "gone" {
		t.Errorf("an orphan: %d", a.Status)
	}
}

func TestFormOfAScheduleShowsAllMistakes(t *testing.T) {
	p := webtest.Start(t, officeJobs)
	a := submit(p, "/schedules/put", url.Values{
		"do": {"save"}, "id": {"new/<b>"}, "job": {"letter"}, "args_of": {"letter"}, "expr": {"61 * * * *"}, "timezone": {"Europe/Berlin"}, "from_utc": {"soon"}, "max_runs": {"many"},
		"meta_key": {"a", "a"}, "meta_value": {"1", "2"}, "arg.tenant": {"nobody"}, "arg.paper": {"A4"}, "arg.text": {"kept"},
	})
	if a.Status != 422 || !strings.Contains(a.Body, "Nothing was saved. Please correct:") {
		t.Fatalf("status %d: %s", a.Status, a.Body)
	}
	for _, field := range []string{"expr", "from", "max_runs", "meta", "tenant"} {
		if !strings.Contains(a.Body, "<code>"+field+"</code>") {
			t.Errorf("the mistake in %s is not listed", field)
		}
	}
	if n := strings.Count(a.Body, `aria-invalid="true"`); n != 4 {
		t.Errorf("%d fields are marked", n)
	}
	form := fieldsOf(t, a.Body)
	for name, want := range map[string]string{"id": "new/<b>", "expr": "61 * * * *", "timezone": "Europe/Berlin", "max_runs": "many", "arg.tenant": "nobody", "arg.text": "kept", "from_utc": "soon", "revision": "0"} {
		if got := form.Get(name); got != want {
			t.Errorf("%s is now %q, want %q", name, got, want)
		}
	}
	// The arguments belong to a job: those of another are shown first.
	a = submit(p, "/schedules/put", url.Values{"do": {"save"}, "id": {"x"}, "job": {"letter"}, "args_of": {"report"}, "expr": {"@daily"}, "arg.month": {"2026-01"}})
	if a.Status != 422 || !strings.Contains(a.Body, "These are the arguments of <b>letter</b>") || fieldsOf(t, a.Body).Get("arg.paper") != "A4" {
		t.Errorf("another job: %d %s", a.Status, a.Body)
	}
	if a := submit(p, "/schedules/put", with(fieldsOf(t, a.Body), "do", "save")); a.Status != 303 {
		t.Errorf("saved with its arguments: %d %s", a.Status, a.Body)
	}
}

// Two people edit one schedule. The second sees what the first has stored, and loses nothing of what they typed.
func TestLostEditsOfASchedule(t *testing.T) {
	p := webtest.Start(t, officeJobs)
	someSchedules(p)
	form := fieldsOf(t, page(p, one("tenant-1/daily", "/edit"), webtest.AsOperator).Body)
	put(p, cron.Schedule{ID: "tenant-1/daily", Job: "letter", Expr: "0 10 * * *", Args: letterArgs{Tenant: 1, Paper: "A4"}, Meta: map[string]string{"plan": "pro"}})
	form.Set("expr", "0 11 * * *")
	a := submit(p, "/schedules/put", with(form, "do", "save"))
	if a.Status != http.StatusConflict || !strings.Contains(a.Body, "Not saved: ann changed it meanwhile") {
		t.Fatalf("status %d: %s", a.Status, a.Body)
	}
	for _, want := range []string{"<td>0 10 * * *</td><td>0 11 * * *</td>", `<th scope="row">meta</th>`} {
		if !strings.Contains(a.Body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	again := fieldsOf(t, a.Body)
	if again.Get("expr") != "0 11 * * *" || again.Get("arg.text") != "Dear\r\nall" || again.Get("revision") == form.Get("revision") {
		t.Errorf("the form is now %v", again)
	}
	if a := submit(p, "/schedules/put", with(again, "do", "save")); a.Status != 303 {
		t.Fatalf("saved again: %d %s", a.Status, a.Body)
	}
	if g, _ := p.App.Crons.EditSchedule(t.Context(), "tenant-1/daily"); g.Expr != "0 11 * * *" {
		t.Errorf("it is %+v", g)
	}
	// It may have been deleted, too.
	form = fieldsOf(t, page(p, one("tenant-1/daily", "/edit"), webtest.AsOperator).Body)
	if _, err := p.App.Crons.By(contract.Caller{Actor: "ann"}).DeleteSchedule(t.Context(), "tenant-1/daily", 0); err != nil {
		t.Fatal(err)
	}
	a = submit(p, "/schedules/put", with(form, "do", "save"))
	if a.Status != http.StatusConflict || !strings.Contains(a.Body, "Not saved: it was deleted meanwhile") {
		t.Fatalf("status %d: %s", a.Status, a.Body)
	}
	if a := submit(p, "/schedules/put", with(fieldsOf(t, a.Body), "do", "save")); !strings.HasSuffix(a.Header.Get("Location"), "did=stored-created") {
		t.Errorf("made anew: %d %s", a.Status, a.Header.Get("Location"))
	}
}

func TestScheduleIsPausedRunAndDeletedByForms(t *testing.T) {
	p := webtest.Start(t, officeJobs)
	someSchedules(p)
	shows := func(id string, texts ...string) {
		t.Helper()
		a := page(p, one(id, ""), webtest.AsViewer)
		for _, text := range texts {
			if a.Status != 200 || !strings.Contains(a.Body, text) {
				t.Errorf("%s: status %d, without %q", id, a.Status, text)
			}
		}
	}
	leads := func(a webtest.Answer, where string) {
		t.Helper()
		if at := a.Header.Get("Location"); a.Status != 303 || !strings.HasPrefix(at, "/crons/dashboard"+where) {
			t.Fatalf("%d leads to %q, want %q: %s", a.Status, at, where, a.Body)
		}
	}
	shows("tenant-1/daily", "At 09:00 on Monday to Friday, Europe/Berlin", " UTC</span>", "Dear\\nall", "It has not run yet.", `<a href="/crons/dashboard/schedules?meta=plan%3Apro">pro</a>`, "<b>ann</b> schedule.put")
	shows("tenant-3/paused", "Paused by ann", "<q>&lt;i&gt;moving&lt;/i&gt;</q>", "until <time")
	shows("orphan", "is not in this program")
	for _, id := range []string{"tenant-1/daily", oddID} {
		leads(submit(p, one(id, "/pause"), url.Values{"reason": {"holiday"}, "until": {"2099-01-02T03:04:05Z"}}), one(id, "")+"&did=stored-pause")
		shows(id, "Paused by operator", "holiday")
		leads(submit(p, one(id, "/resume"), nil), one(id, "")+"&did=stored-resume")
		a := submit(p, one(id, "/run"), nil)
		leads(a, "/runs/")
		run := strings.TrimPrefix(a.Header.Get("Location"), dashboard.Root+"/runs/")
		p.Eventually(func() bool { r, _ := p.App.Crons.Record(t.Context(), run); return r.Status == cron.Succeeded })
		shows(id, `href="/crons/dashboard/runs/`+run, "<b>operator</b> run")
		if body := page(p, "/runs/"+run, webtest.AsViewer).Body; strings.Count(html.UnescapeString(body), `href="/crons/dashboard`+one(id, "")+`"`) != 2 {
			t.Errorf("the run's page does not lead to %s", id)
		}
	}
	if a := submit(p, one("tenant-1/daily", "/pause"), url.Values{"until": {"2001-01-01T00:00:00Z"}}); a.Status != 400 {
		t.Errorf("a pause that has ended: %d", a.Status)
	}
	leads(submit(p, one(oddID, "/delete"), nil), "/schedules?did=stored-delete")
	for _, below := range []string{"", "/edit"} {
		if a := page(p, one(oddID, below), webtest.AsOperator); a.Status != 404 || !strings.Contains(a.Body, "No schedule") {
			t.Errorf("a deleted one: %d %s", a.Status, a.Body)
		}
	}
	if a := submit(p, one(oddID, "/run"), nil); a.Status != 404 {
		t.Errorf("running a deleted one: %d", a.Status)
	}
	audit := page(p, "/audit", webtest.AsViewer).Body
	for _, want := range []string{"<b>schedule.delete</b>", "<b>schedule.pause</b>", `href="/crons/dashboard/schedule?id=tenant-1%2Fdaily">tenant-1/daily</a>`} {
		if !strings.Contains(audit, want) {
			t.Errorf("the audit lacks %s", want)
		}
	}
}

func TestViewersDoNotChangeSchedules(t *testing.T) {
	p := webtest.Start(t, officeJobs)
	someSchedules(p)
	for _, path := range []string{"/schedules/new", one("tenant-1/daily", "/edit")} {
		if a := page(p, path, webtest.AsViewer); a.Status != 403 {
			t.Errorf("%s: %d", path, a.Status)
		}
	}
	for _, path := range []string{"/schedules/put", "/schedules/preview", "/schedules/arguments", one("tenant-1/daily", "/pause"), one("tenant-1/daily", "/resume"), one("tenant-1/daily", "/delete"), one("tenant-1/daily", "/run")} {
		a, err := p.Try("POST", "/crons/dashboard"+path, "id=tenant-1/daily", webtest.AsViewer, webtest.Form, ownPage)
		if err != nil || a.Status != 403 {
			t.Errorf("%s: %d %v", path, a.Status, err)
		}
	}
}

// A job's page shows its first stored schedules, and one without slots of its own says so.
func TestPagesKnowStoredSchedulesAndRunsForLater(t *testing.T) {
	p := webtest.Start(t, officeJobs)
	someSchedules(p)
	body := page(p, "/jobs/letter", webtest.AsOperator).Body
	for _, want := range []string{"on demand", "It has no slots of its own", "tenant-1/daily", "tenant-3/paused", "/schedules/new?job=letter"} {
		if !strings.Contains(body, want) {
			t.Errorf("the job's page lacks %s", want)
		}
	}
	if strings.Contains(body, "It does not fire again.") || strings.Contains(body, "backfill-form") {
		t.Error("the job's page speaks of slots")
	}
	if !strings.Contains(page(p, "/jobs?q=letter", webtest.AsViewer).Body, `<span class="soft">on demand</span>`) {
		t.Error("the list of jobs does not say so")
	}
	for i := range 10 {
		put(p, cron.Schedule{ID: "z" + strconv.Itoa(i), Job: "letter", Expr: "@yearly"})
	}
	if body := page(p, "/jobs/letter", webtest.AsViewer).Body; strings.Count(body, `<li class="row" id="s-`) != dashboard.StoredShown || !strings.Contains(body, `href="/crons/dashboard/schedules?job=letter"`) {
		t.Error("the job's page does not show the first ten and a link")
	}
	if body := page(p, "/jobs/import", webtest.AsViewer).Body; strings.Contains(body, "Stored schedules") {
		t.Error("a job without any shows them to a reader")
	}

	a := submit(p, "/jobs/letter/run", url.Values{"at_utc": {"2099-01-02T03:04"}, "arg.tenant": {"5"}})
	if a.Status != 303 {
		t.Fatalf("status %d: %s", a.Status, a.Body)
	}
	run := strings.TrimPrefix(a.Header.Get("Location"), dashboard.Root)
	if body := page(p, run, webtest.AsViewer).Body; !strings.Contains(body, "It begins <time") || !strings.Contains(body, "<dt>Begins</dt>") || strings.Contains(body, "Next attempt") {
		t.Errorf("a run for later does not say when it begins: %s", body)
	}
	if !strings.Contains(page(p, "/jobs/letter", webtest.AsViewer).Body, "begins <time") {
		t.Error("the list of runs does not say so")
	}
	if strings.Contains(page(p, "", webtest.AsViewer).Body, run) {
		t.Error("it is shown as running now")
	}
	if a := submit(p, run+"/cancel", nil); a.Status != 303 {
		t.Errorf("cancel: %d", a.Status)
	}
	if body := page(p, run, webtest.AsViewer).Body; strings.Contains(body, "It begins") {
		t.Error("a cancelled run still begins")
	}
}

func with(form url.Values, name, value string) url.Values {
	changed := url.Values{}
	for key, list := range form {
		changed[key] = list
	}
	changed.Set(name, value)
	return changed
}

// BenchmarkSchedulesPage is a page of the list over HTTP. At most 100 ms of 1,000,000 schedules is wanted; BENCH_SCHEDULES
// is their number.
func BenchmarkSchedulesPage(b *testing.B) {
	n, err := strconv.Atoi(os.Getenv("BENCH_SCHEDULES"))
	if err != nil {
		n = 10_000
	}
	p := webtest.Start(b, func(set *webtest.Setup) { officeJobs(set); set.Env["LOG_LEVEL"] = "warn"; set.Asleep = true })
	tally, err := p.App.Crons.Stored(contract.Caller{Actor: "bench"}, nil).PutAll(b.Context(), func(yield func(cron.Schedule) bool) {
		for i := range n {
			g := cron.Schedule{ID: fmt.Sprintf("tenant-%07d/daily", i), Job: "letter", Expr: "0 9 * * *", Paused: i%10 == 0, Meta: map[string]string{"plan": []string{"free", "pro"}[i%2]}}
			if !yield(g) {
				return
			}
		}
	})
	if err != nil || tally.Created != n {
		b.Fatal(tally, err)
	}
	middle := fmt.Sprintf("tenant-%07d/daily", n/2)
	for name, path := range map[string]string{
		"first": "/schedules", "next": "/schedules?after=" + url.QueryEscape(middle), "job": "/schedules?job=letter", "paused": "/schedules?paused=true",
		"search": "/schedules?q=" + url.QueryEscape(middle), "nothing": "/schedules?q=nothing-fits", "meta": "/schedules?meta=plan:pro", "one": one(middle, ""), "jobpage": "/jobs/letter", "edit": one(middle, "/edit"),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if a := page(p, path, webtest.AsOperator); a.Status != 200 {
					b.Fatal(a.Body)
				}
			}
		})
	}
}

package pages_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/dashboard"
	"fibercrons/app/internal/webtest"
	"fibercrons/app/ops"
	"fibercrons/app/scheduler"
)

const (
	asPage  webtest.Header = "Accept: text/html"
	ownPage webtest.Header = "Sec-Fetch-Site: same-origin"
)

// page asks for a page of the dashboard.
func page(p *webtest.Program, path string, headers ...webtest.Header) webtest.Answer {
	p.T.Helper()
	a, err := p.Try("GET", "/crons/dashboard"+path, "", append(headers, asPage)...)
	if err != nil {
		p.T.Fatal(err)
	}
	return a
}

// submit sends a form as the operator's browser does.
func submit(p *webtest.Program, path string, values url.Values, headers ...webtest.Header) webtest.Answer {
	p.T.Helper()
	a, err := p.Try("POST", "/crons/dashboard"+path, values.Encode(), append(headers, webtest.AsOperator, webtest.Form, ownPage, asPage)...)
	if err != nil {
		p.T.Fatal(err)
	}
	return a
}

// office starts the program with jobs of every kind, some of which have run.
func office(t *testing.T) (p *webtest.Program, paths []string) {
	p = webtest.Start(t, officeJobs)
	paths = []string{"", "/jobs", "/jobs?q=nothing", "/jobs?tag=sync", "/jobs?status=failing", "/timeline", "/timeline?window=7d&q=report", "/alerts", "/alerts?job=report&status=sent&offset=50", "/instances", "/audit", "/settings", "/nowhere", "/runs/nothing"}
	for _, job := range []string{"import", "hostile", "quick", "endless"} {
		run, err := p.App.Crons.Trigger(t.Context(), job, scheduler.Request{})
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, "/jobs/"+job, "/runs/"+run.ID)
		if job != "endless" {
			p.Eventually(func() bool { r, _ := p.App.Crons.Record(t.Context(), run.ID); return r.Status.Ended() })
		}
	}
	p.Write("/crons/quick/pause", `{"reason":"<b>tired</b>"}`).Want(t, 200)
	p.Write("/crons/report/pause", `{"until":"2099-01-01T00:00:00Z"}`).Want(t, 200)
	someSchedules(p)
	for _, id := range []string{"tenant-1/daily", "tenant-3/paused", "orphan", oddID} {
		paths = append(paths, one(id, ""))
	}
	return p, append(paths, "/jobs/report", "/jobs/elsewhere", "/jobs/letter", "/schedules", "/schedules?q=nothing&paused=true", "/schedules?meta=%3Cb%3E:x")
}

// Every page works under the content security policy: no script, style or handler stands in it, and
// nothing in it is from elsewhere. Texts of others are texts.
func TestPagesHoldNothingInline(t *testing.T) {
	p, paths := office(t)
	for _, path := range append(paths, "/schedules/new", "/schedules/new?job=hostile", one("tenant-1/daily", "/edit"), one(oddID, "/edit")) {
		for _, who := range []webtest.Header{webtest.AsOperator, webtest.AsViewer} {
			a := page(p, path, who)
			if a.Status != 200 && !strings.HasPrefix(path, "/nowhere") && !strings.HasPrefix(path, "/runs/nothing") && (who == webtest.AsOperator || !editing(path)) {
				t.Fatalf("%s: status %d: %s", path, a.Status, a.Body)
			}
			if policy := a.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "script-src 'self'") || strings.Contains(policy, "unsafe") {
				t.Errorf("%s: the policy is %q", path, policy)
			}
			root, err := html.Parse(strings.NewReader(a.Body))
			if err != nil {
				t.Fatal(err)
			}
			ids := map[string]bool{}
			for n := range root.Descendants() {
				if n.Type != html.ElementNode {
					continue
				}
				local := func(at string) bool { return strings.HasPrefix(at, "/crons") || strings.HasPrefix(at, "#") }
				for _, at := range n.Attr {
					switch {
					case at.Key == "style", strings.HasPrefix(at.Key, "on"), strings.HasPrefix(at.Key, "hx-on"):
						t.Errorf("%s: <%s %s=%q>", path, n.Data, at.Key, at.Val)
					case (at.Key == "href" || at.Key == "src" || at.Key == "action" || at.Key == "formaction" || at.Key == "hx-get" || at.Key == "hx-post") && !local(at.Val):
						t.Errorf("%s: <%s %s=%q> leads away", path, n.Data, at.Key, at.Val)
					case at.Key == "id" && ids[at.Val]:
						t.Errorf("%s: the id %q is there twice", path, at.Val)
					case at.Key == "id":
						ids[at.Val] = true
					}
				}
				if (n.Data == "script" || n.Data == "style") && n.FirstChild != nil {
					t.Errorf("%s: an inline <%s>", path, n.Data)
				}
				if n.Data == "img" || n.Data == "b" && n.FirstChild != nil && strings.Contains(n.FirstChild.Data, "tired") {
					t.Errorf("%s: a text of others became <%s>", path, n.Data)
				}
			}
			if m := regexp.MustCompile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]").FindString(a.Body); m != "" {
				t.Errorf("%s holds the control character %q", path, m)
			}
		}
	}
}

// editing reports whether a page is for operators.
func editing(path string) bool {
	return strings.HasPrefix(path, "/schedules/new") || strings.HasPrefix(path, "/schedule/edit")
}

// A reader sees everything and is offered nothing that he may not do.
func TestPagesOfAReaderOfferNoChange(t *testing.T) {
	p, paths := office(t)
	forms := regexp.MustCompile(`<form method="post" action="(/crons/dashboard[^"]*)"`)
	changes := 0
	for _, path := range paths {
		for _, who := range []webtest.Header{webtest.AsViewer} {
			if m := forms.FindStringSubmatch(page(p, path, who).Body); len(m) > 1 && !strings.HasSuffix(m[1], "/bulk") {
				t.Errorf("%s offers %s to a reader", path, m[1])
			}
		}
		changes += len(forms.FindAllString(page(p, path, webtest.AsOperator).Body, -1))
	}
	if changes < 20 {
		t.Errorf("the operator is offered %d forms: the test sees nothing", changes)
	}
}

func TestFormsAreTakenFromOwnPagesAlone(t *testing.T) {
	p := webtest.Start(t, officeJobs)
	session := p.Do("POST", "/crons/login", "token="+webtest.OperatorToken, webtest.Form).Header.Get("Set-Cookie")
	session, _, _ = strings.Cut(session, ";")
	for _, c := range []struct {
		name    string
		headers []webtest.Header
		status  int
	}{
		{"own page, logged in", []webtest.Header{"Cookie: " + session, ownPage}, 303},
		{"own origin, logged in", []webtest.Header{"Cookie: " + session, "Origin: " + p.URL()}, 303},
		{"no browser, logged in", []webtest.Header{"Cookie: " + session}, 415},
		{"no browser, with the token", []webtest.Header{webtest.AsOperator}, 415},
		{"foreign page", []webtest.Header{"Cookie: " + session, "Sec-Fetch-Site: cross-site"}, 403},
		{"page of another port", []webtest.Header{"Cookie: " + session, "Sec-Fetch-Site: same-site"}, 403},
		{"foreign origin", []webtest.Header{"Cookie: " + session, "Origin: http://evil.example"}, 403},
		{"nobody", []webtest.Header{ownPage}, 401},
		{"a viewer", []webtest.Header{webtest.AsViewer, ownPage}, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := p.Try("POST", "/crons/dashboard/jobs/quick/pause", "reason=because", append(c.headers, webtest.Form)...)
			if err != nil {
				t.Fatal(err)
			}
			if a.Status != c.status {
				t.Errorf("status %d, want %d: %s", a.Status, c.status, a.Body)
			}
			paused := webtest.Decode[ops.JobView](t, p.Read("/crons/quick")).Paused
			if paused != (c.status == 303) {
				t.Errorf("paused: %t", paused)
			}
			p.Write("/crons/quick/resume", "").Want(t, 200)
		})
	}
	// What takes forms takes them under the dashboard only.
	if a, _ := p.Try("POST", "/crons/quick/pause", "reason=x", webtest.AsOperator, webtest.Form, ownPage); a.Status != 415 {
		t.Errorf("the API takes a form: %d", a.Status)
	}
}

func TestFormsDoWhatTheyAreFor(t *testing.T) {
	p := webtest.Start(t, officeJobs)
	where := func(a webtest.Answer) string {
		t.Helper()
		if a.Status != 303 {
			t.Fatalf("status %d: %s", a.Status, a.Body)
		}
		return a.Header.Get("Location")
	}
	at := where(submit(p, "/jobs/report/run", url.Values{"arg.month": {"2026-01"}, "arg.limit": {"1"}, "arg.dry_run": {"true"}, "arg.skip": {`["x"]`}}))
	id := at[strings.LastIndexByte(at, '/')+1:]
	if run := webtest.Decode[cron.Record](t, p.Read("/crons/runs/"+id).Want(t, 200)); string(run.Args) != `{"month":"2026-01","limit":1,"dry_run":true,"skip":["x"]}` || run.Actor != "operator" {
		t.Errorf("the run is %+v, its arguments %s", run, run.Args)
	}
	a := submit(p, "/jobs/report/run", url.Values{"arg.limit": {"many"}})
	if a.Status != 400 || !strings.Contains(a.Body, "/limit") || !strings.Contains(a.Body, "Please go back") {
		t.Errorf("wrong arguments: %d %s", a.Status, a.Body)
	}
	where(submit(p, "/jobs/quick/schedule", url.Values{"expr": {"0 3 * * *"}, "timezone": {"Europe/Berlin"}}))
	if job := webtest.Decode[ops.JobView](t, p.Read("/crons/quick")); job.Expr != "0 3 * * *" || job.Timezone != "Europe/Berlin" {
		t.Errorf("the schedule is %q in %s", job.Expr, job.Timezone)
	}
	if a := submit(p, "/jobs/quick/schedule", url.Values{"expr": {"61 * * * *"}}); a.Status != 400 || !strings.Contains(a.Body, "61") {
		t.Errorf("a wrong schedule: %d %s", a.Status, a.Body)
	}
	where(submit(p, "/jobs/quick/unschedule", nil))
	if job := webtest.Decode[ops.JobView](t, p.Read("/crons/quick")); job.Expr != "@yearly" {
		t.Errorf("the schedule is %q", job.Expr)
	}
	from := time.Now().UTC().AddDate(-2, 0, -20)
	location := where(submit(p, "/jobs/quick/backfill", url.Values{"from": {from.Format(time.RFC3339)}, "to_utc": {time.Now().UTC().Format("2006-01-02T15:04")}}))
	if !strings.Contains(location, "did=backfill&n=2") && !strings.Contains(location, "did=backfill&n=3") {
		t.Errorf("the backfill leads to %s", location)
	}
	location = where(submit(p, "/bulk", url.Values{"do": {"pause"}, "job": {"quick", "import", "gone"}}, "Referer: "+p.URL()+"/crons/dashboard/jobs?tag=sync"))
	if location != "/crons/dashboard/jobs?tag=sync&did=pause&n=2&refused=1" {
		t.Errorf("pausing several leads to %s", location)
	}
	if text := page(p, "/jobs?tag=sync&did=pause&n=2&refused=1", webtest.AsOperator).Body; !strings.Contains(text, "2 jobs paused. 1 job refused: ") {
		t.Error("the page does not say what was done")
	}
	endless := where(submit(p, "/jobs/endless/run", nil))
	where(submit(p, strings.TrimPrefix(endless, dashboard.Root)+"/cancel", nil))
	p.Eventually(func() bool {
		return webtest.Decode[cron.Record](t, p.Read("/crons/runs"+endless[strings.LastIndexByte(endless, '/'):])).Status == cron.Cancelled
	})
	where(submit(p, strings.TrimPrefix(endless, dashboard.Root)+"/retry", nil))
	var done []string
	for _, e := range webtest.Decode[[]contract.AuditEntry](t, p.Read("/crons/audit?limit=100")) {
		done = append(done, e.Action)
	}
	if got := strings.Join(done, " "); got != "retry cancel run pause pause backfill unschedule schedule run" {
		t.Errorf("the audit has %s", got)
	}
}

// The words of an address cannot put a text on a page.
func TestWhatWasDoneIsSaidInFixedWords(t *testing.T) {
	p := webtest.Start(t, officeJobs)
	for _, did := range []string{"<b>x</b>", "Your session has ended, call +1", "run&n=-5"} {
		if body := page(p, "/jobs?did="+url.QueryEscape(did), webtest.AsOperator).Body; strings.Contains(body, `class="flash"`) {
			t.Errorf("%s makes a message", did)
		}
	}
}

func TestPageOfAnExpiredSessionLeadsToTheLogin(t *testing.T) {
	p := webtest.Start(t, func(set *webtest.Setup) { set.Env["HOST"], set.Env["CRON_ALLOWED_HOSTS"] = "0.0.0.0", "localhost" })
	if a := page(p, "/jobs"); a.Status != 303 || !strings.HasPrefix(a.Header.Get("Location"), "/crons/login?next=") {
		t.Errorf("status %d to %s", a.Status, a.Header.Get("Location"))
	}
	if a := page(p, "/jobs", "HX-Request: true"); a.Status != 200 || !strings.HasPrefix(a.Header.Get("HX-Redirect"), "/crons/login") {
		t.Errorf("a script is sent to %q with status %d", a.Header.Get("HX-Redirect"), a.Status)
	}
	for name := range dashboard.Assets() {
		if a := page(p, "/static/"+name); a.Status != 200 || !strings.Contains(a.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: status %d, %s", name, a.Status, a.Header.Get("Cache-Control"))
		}
	}
}

// The first visit says how to write a job.
func TestPagesWithoutJobs(t *testing.T) {
	p := webtest.Start(t, func(set *webtest.Setup) { set.Registry = cron.NewRegistry() })
	for _, path := range []string{"", "/jobs"} {
		if body := page(p, path, webtest.AsViewer).Body; !strings.Contains(body, "jobs/hello.go") || !strings.Contains(body, "cron.Register(") {
			t.Errorf("%s does not say how to write one", path)
		}
	}
	for _, path := range []string{"/timeline", "/alerts", "/instances", "/audit", "/settings"} {
		if a := page(p, path, webtest.AsViewer); a.Status != 200 {
			t.Errorf("%s: %d", path, a.Status)
		}
	}
}

func TestSettingsPageHidesSecrets(t *testing.T) {
	p := webtest.Start(t, nil)
	body := page(p, "/settings", webtest.AsOperator).Body
	for _, secret := range []string{webtest.OperatorToken, webtest.ViewerToken, p.App.Config.Database.String()} {
		if strings.Contains(body, secret) {
			t.Errorf("the page shows %s", secret)
		}
	}
	if !strings.Contains(body, "CRON_OPERATOR_TOKEN") || !strings.Contains(body, "set, [hidden]") {
		t.Error("the page does not say that there is a token")
	}
}

func TestLogIsReadOnAndDownloaded(t *testing.T) {
	p := webtest.Start(t, officeJobs)
	run := webtest.Decode[cron.Record](t, p.Write("/crons/report/run?wait=4m", `{"args":{"limit":7}}`).Want(t, 200))
	rest := page(p, "/runs/"+run.ID+"/log?after=5", webtest.AsViewer).Body
	if n := strings.Count(rest, `class="line `); n != 2 || !strings.Contains(rest, `data-seq="7"`) || strings.Contains(rest, "<html") {
		t.Errorf("%d lines after the fifth: %s", n, rest)
	}
	file := page(p, "/runs/"+run.ID+"/log.txt", webtest.AsViewer)
	if n := strings.Count(file.Body, "wrote a page page="); n != 7 || !strings.HasPrefix(file.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("the file has %d lines: %s", n, file.Body)
	}
	if a := page(p, "/runs/nothing/log", webtest.AsViewer); a.Status != 404 {
		t.Errorf("the log of no run: %d", a.Status)
	}
}

// A page of the list costs the same however many jobs there are besides, and how long they have run.
func TestPagesStaySmall(t *testing.T) {
	p := webtest.Start(t, webtest.ManyJobs(1000))
	a := page(p, "/jobs?offset=200", webtest.AsOperator)
	if n := strings.Count(a.Body, `data-row`); a.Status != http.StatusOK || n != dashboard.PerPage {
		t.Errorf("status %d, %d rows", a.Status, n)
	}
	if len(a.Body) > 200<<10 {
		t.Errorf("the page has %d bytes", len(a.Body))
	}
}

// BenchmarkJobsPage is a page of the list over HTTP. At most 20 ms of 1,000 jobs and 100 ms of
// 5,000 are wanted.
func BenchmarkJobsPage(b *testing.B) {
	for _, jobs := range []int{1000, 5000} {
		b.Run(fmt.Sprint(jobs), func(b *testing.B) {
			p := webtest.Start(b, webtest.ManyJobs(jobs))
			for b.Loop() {
				if a := page(p, "/jobs", webtest.AsOperator); a.Status != 200 {
					b.Fatal(a.Body)
				}
			}
		})
	}
}

// What the overview counts is never older than the question where it matters: at the newest end.
func TestOverviewCountsWhatJustRan(t *testing.T) {
	p := webtest.Start(t, officeJobs)
	for i := 1; i <= 3; i++ {
		p.Write("/crons/quick/run?wait=4m", "").Want(t, 200)
		if want := fmt.Sprintf("Runs of the last 24 hours: %d succeeded", i); !strings.Contains(page(p, "", webtest.AsViewer).Body, want) {
			t.Errorf("after %d runs the page does not say %q", i, want)
		}
	}
}

package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/dashboard"
	"fibercrons/app/ops"
	"fibercrons/app/scheduler"

	"golang.org/x/net/html"
)

const (
	asPage   header = "Accept: text/html"
	formBody header = "Content-Type: application/x-www-form-urlencoded"
	ownPage  header = "Sec-Fetch-Site: same-origin"
)

// page asks for a page of the dashboard.
func (p *program) page(path string, headers ...header) answer {
	p.t.Helper()
	a, err := p.try("GET", "/crons/dashboard"+path, "", append(headers, asPage)...)
	if err != nil {
		p.t.Fatal(err)
	}
	return a
}

// submit sends a form as the operator's browser does.
func (p *program) submit(path string, form url.Values, headers ...header) answer {
	p.t.Helper()
	a, err := p.try("POST", "/crons/dashboard"+path, form.Encode(), append(headers, asOperator, formBody, ownPage, asPage)...)
	if err != nil {
		p.t.Fatal(err)
	}
	return a
}

// office starts the program with jobs of every kind, some of which have run.
func office(t *testing.T) (p *program, paths []string) {
	p = start(t, officeJobs)
	paths = []string{"", "/jobs", "/jobs?q=nothing", "/jobs?tag=sync", "/jobs?status=failing", "/timeline", "/timeline?window=7d&q=report", "/alerts", "/alerts?job=report&status=sent&offset=50", "/instances", "/audit", "/settings", "/nowhere", "/runs/nothing"}
	for _, job := range []string{"import", "hostile", "quick", "endless"} {
		run, err := p.app.Crons.Trigger(t.Context(), job, scheduler.Request{})
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, "/jobs/"+job, "/runs/"+run.ID)
		if job != "endless" {
			p.eventually(func() bool { r, _ := p.app.Crons.Record(t.Context(), run.ID); return r.Status.Ended() })
		}
	}
	p.write("/crons/quick/pause", `{"reason":"<b>tired</b>"}`).want(t, 200)
	p.write("/crons/report/pause", `{"until":"2099-01-01T00:00:00Z"}`).want(t, 200)
	return p, append(paths, "/jobs/report", "/jobs/elsewhere")
}

// Every page works under the content security policy: no script, style or handler stands in it, and
// nothing in it is from elsewhere. Texts of others are texts.
func TestPagesHoldNothingInline(t *testing.T) {
	p, paths := office(t)
	for _, path := range paths {
		for _, who := range []header{asOperator, asViewer} {
			a := p.page(path, who)
			if a.status != 200 && !strings.HasPrefix(path, "/nowhere") && !strings.HasPrefix(path, "/runs/nothing") {
				t.Fatalf("%s: status %d: %s", path, a.status, a.body)
			}
			if policy := a.header.Get("Content-Security-Policy"); !strings.Contains(policy, "script-src 'self'") || strings.Contains(policy, "unsafe") {
				t.Errorf("%s: the policy is %q", path, policy)
			}
			root, err := html.Parse(strings.NewReader(a.body))
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
					case (at.Key == "href" || at.Key == "src" || at.Key == "action" || at.Key == "formaction" || at.Key == "hx-get") && !local(at.Val):
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
			if m := regexp.MustCompile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]").FindString(a.body); m != "" {
				t.Errorf("%s holds the control character %q", path, m)
			}
		}
	}
}

// A reader sees everything and is offered nothing that he may not do.
func TestPagesOfAReaderOfferNoChange(t *testing.T) {
	p, paths := office(t)
	forms := regexp.MustCompile(`<form method="post" action="(/crons/dashboard[^"]*)"`)
	changes := 0
	for _, path := range paths {
		for _, who := range []header{asViewer} {
			if m := forms.FindStringSubmatch(p.page(path, who).body); len(m) > 1 && !strings.HasSuffix(m[1], "/bulk") {
				t.Errorf("%s offers %s to a reader", path, m[1])
			}
		}
		changes += len(forms.FindAllString(p.page(path, asOperator).body, -1))
	}
	if changes < 20 {
		t.Errorf("the operator is offered %d forms: the test sees nothing", changes)
	}
}

func TestFormsAreTakenFromOwnPagesAlone(t *testing.T) {
	p := start(t, officeJobs)
	session := p.do("POST", "/crons/login", "token="+operatorToken, formBody).header.Get("Set-Cookie")
	session, _, _ = strings.Cut(session, ";")
	for _, c := range []struct {
		name    string
		headers []header
		status  int
	}{
		{"own page, logged in", []header{"Cookie: " + session, ownPage}, 303},
		{"own origin, logged in", []header{"Cookie: " + session, "Origin: " + p.URL()}, 303},
		{"no browser, logged in", []header{"Cookie: " + session}, 415},
		{"no browser, with the token", []header{asOperator}, 415},
		{"foreign page", []header{"Cookie: " + session, "Sec-Fetch-Site: cross-site"}, 403},
		{"page of another port", []header{"Cookie: " + session, "Sec-Fetch-Site: same-site"}, 403},
		{"foreign origin", []header{"Cookie: " + session, "Origin: http://evil.example"}, 403},
		{"nobody", []header{ownPage}, 401},
		{"a viewer", []header{asViewer, ownPage}, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := p.try("POST", "/crons/dashboard/jobs/quick/pause", "reason=because", append(c.headers, formBody)...)
			if err != nil {
				t.Fatal(err)
			}
			if a.status != c.status {
				t.Errorf("status %d, want %d: %s", a.status, c.status, a.body)
			}
			paused := decode[ops.JobView](t, p.read("/crons/quick")).Paused
			if paused != (c.status == 303) {
				t.Errorf("paused: %t", paused)
			}
			p.write("/crons/quick/resume", "").want(t, 200)
		})
	}
	// What takes forms takes them under the dashboard only.
	if a, _ := p.try("POST", "/crons/quick/pause", "reason=x", asOperator, formBody, ownPage); a.status != 415 {
		t.Errorf("the API takes a form: %d", a.status)
	}
}

func TestFormsDoWhatTheyAreFor(t *testing.T) {
	p := start(t, officeJobs)
	where := func(a answer) string {
		t.Helper()
		if a.status != 303 {
			t.Fatalf("status %d: %s", a.status, a.body)
		}
		return a.header.Get("Location")
	}
	at := where(p.submit("/jobs/report/run", url.Values{"arg.month": {"2026-01"}, "arg.limit": {"1"}, "arg.dry_run": {"true"}, "arg.skip": {`["x"]`}}))
	id := at[strings.LastIndexByte(at, '/')+1:]
	if run := decode[cron.Record](t, p.read("/crons/runs/"+id).want(t, 200)); string(run.Args) != `{"month":"2026-01","limit":1,"dry_run":true,"skip":["x"]}` || run.Actor != "operator" {
		t.Errorf("the run is %+v, its arguments %s", run, run.Args)
	}
	a := p.submit("/jobs/report/run", url.Values{"arg.limit": {"many"}})
	if a.status != 400 || !strings.Contains(a.body, "/limit") || !strings.Contains(a.body, "Please go back") {
		t.Errorf("wrong arguments: %d %s", a.status, a.body)
	}
	where(p.submit("/jobs/quick/schedule", url.Values{"expr": {"0 3 * * *"}, "timezone": {"Europe/Berlin"}}))
	if job := decode[ops.JobView](t, p.read("/crons/quick")); job.Expr != "0 3 * * *" || job.Timezone != "Europe/Berlin" {
		t.Errorf("the schedule is %q in %s", job.Expr, job.Timezone)
	}
	if a := p.submit("/jobs/quick/schedule", url.Values{"expr": {"61 * * * *"}}); a.status != 400 || !strings.Contains(a.body, "61") {
		t.Errorf("a wrong schedule: %d %s", a.status, a.body)
	}
	where(p.submit("/jobs/quick/unschedule", nil))
	if job := decode[ops.JobView](t, p.read("/crons/quick")); job.Expr != "@yearly" {
		t.Errorf("the schedule is %q", job.Expr)
	}
	from := time.Now().UTC().AddDate(-2, 0, -20)
	location := where(p.submit("/jobs/quick/backfill", url.Values{"from": {from.Format(time.RFC3339)}, "to_utc": {time.Now().UTC().Format("2006-01-02T15:04")}}))
	if !strings.Contains(location, "did=backfill&n=2") && !strings.Contains(location, "did=backfill&n=3") {
		t.Errorf("the backfill leads to %s", location)
	}
	location = where(p.submit("/bulk", url.Values{"do": {"pause"}, "job": {"quick", "import", "gone"}}, "Referer: "+p.URL()+"/crons/dashboard/jobs?tag=sync"))
	if location != "/crons/dashboard/jobs?tag=sync&did=pause&n=2&refused=1" {
		t.Errorf("pausing several leads to %s", location)
	}
	if text := p.page("/jobs?tag=sync&did=pause&n=2&refused=1", asOperator).body; !strings.Contains(text, "2 jobs paused. 1 job refused: ") {
		t.Error("the page does not say what was done")
	}
	endless := where(p.submit("/jobs/endless/run", nil))
	where(p.submit(strings.TrimPrefix(endless, dashboard.Root)+"/cancel", nil))
	p.eventually(func() bool {
		return decode[cron.Record](t, p.read("/crons/runs"+endless[strings.LastIndexByte(endless, '/'):])).Status == cron.Cancelled
	})
	where(p.submit(strings.TrimPrefix(endless, dashboard.Root)+"/retry", nil))
	var done []string
	for _, e := range decode[[]contract.AuditEntry](t, p.read("/crons/audit?limit=100")) {
		done = append(done, e.Action)
	}
	if got := strings.Join(done, " "); got != "retry cancel run pause pause backfill unschedule schedule run" {
		t.Errorf("the audit has %s", got)
	}
}

// The words of an address cannot put a text on a page.
func TestWhatWasDoneIsSaidInFixedWords(t *testing.T) {
	p := start(t, officeJobs)
	for _, did := range []string{"<b>x</b>", "Your session has ended, call +1", "run&n=-5"} {
		if body := p.page("/jobs?did="+url.QueryEscape(did), asOperator).body; strings.Contains(body, `class="flash"`) {
			t.Errorf("%s makes a message", did)
		}
	}
}

func TestPageOfAnExpiredSessionLeadsToTheLogin(t *testing.T) {
	p := start(t, func(set *setup) { set.env["HOST"], set.env["CRON_ALLOWED_HOSTS"] = "0.0.0.0", "localhost" })
	if a := p.page("/jobs"); a.status != 303 || !strings.HasPrefix(a.header.Get("Location"), "/crons/login?next=") {
		t.Errorf("status %d to %s", a.status, a.header.Get("Location"))
	}
	if a := p.page("/jobs", "HX-Request: true"); a.status != 200 || !strings.HasPrefix(a.header.Get("HX-Redirect"), "/crons/login") {
		t.Errorf("a script is sent to %q with status %d", a.header.Get("HX-Redirect"), a.status)
	}
	for name := range dashboard.Assets() {
		if a := p.page("/static/" + name); a.status != 200 || !strings.Contains(a.header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: status %d, %s", name, a.status, a.header.Get("Cache-Control"))
		}
	}
}

// The first visit says how to write a job.
func TestPagesWithoutJobs(t *testing.T) {
	p := start(t, func(set *setup) { set.registry = cron.NewRegistry() })
	for _, path := range []string{"", "/jobs"} {
		if body := p.page(path, asViewer).body; !strings.Contains(body, "jobs/hello.go") || !strings.Contains(body, "cron.Register(") {
			t.Errorf("%s does not say how to write one", path)
		}
	}
	for _, path := range []string{"/timeline", "/alerts", "/instances", "/audit", "/settings"} {
		if a := p.page(path, asViewer); a.status != 200 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}

func TestSettingsPageHidesSecrets(t *testing.T) {
	p := start(t, nil)
	body := p.page("/settings", asOperator).body
	for _, secret := range []string{operatorToken, viewerToken, p.app.Config.Database.String()} {
		if strings.Contains(body, secret) {
			t.Errorf("the page shows %s", secret)
		}
	}
	if !strings.Contains(body, "CRON_OPERATOR_TOKEN") || !strings.Contains(body, "set, [hidden]") {
		t.Error("the page does not say that there is a token")
	}
}

func TestLogIsReadOnAndDownloaded(t *testing.T) {
	p := start(t, officeJobs)
	run := decode[cron.Record](t, p.write("/crons/report/run?wait=4m", `{"args":{"limit":7}}`).want(t, 200))
	rest := p.page("/runs/"+run.ID+"/log?after=5", asViewer).body
	if n := strings.Count(rest, `class="line `); n != 2 || !strings.Contains(rest, `data-seq="7"`) || strings.Contains(rest, "<html") {
		t.Errorf("%d lines after the fifth: %s", n, rest)
	}
	file := p.page("/runs/"+run.ID+"/log.txt", asViewer)
	if n := strings.Count(file.body, "wrote a page page="); n != 7 || !strings.HasPrefix(file.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("the file has %d lines: %s", n, file.body)
	}
	if a := p.page("/runs/nothing/log", asViewer); a.status != 404 {
		t.Errorf("the log of no run: %d", a.status)
	}
}

// A page of the list costs the same however many jobs there are besides, and how long they have run.
func TestPagesStaySmall(t *testing.T) {
	p := start(t, manyJobs(1000))
	a := p.page("/jobs?offset=200", asOperator)
	if n := strings.Count(a.body, `data-row`); a.status != http.StatusOK || n != dashboard.PerPage {
		t.Errorf("status %d, %d rows", a.status, n)
	}
	if len(a.body) > 200<<10 {
		t.Errorf("the page has %d bytes", len(a.body))
	}
}

// BenchmarkJobsPage is a page of the list over HTTP. At most 20 ms of 1,000 jobs and 100 ms of
// 5,000 are wanted.
func BenchmarkJobsPage(b *testing.B) {
	for _, jobs := range []int{1000, 5000} {
		b.Run(fmt.Sprint(jobs), func(b *testing.B) {
			p := start(b, manyJobs(jobs))
			for b.Loop() {
				if a := p.page("/jobs", asOperator); a.status != 200 {
					b.Fatal(a.body)
				}
			}
		})
	}
}

// What the overview counts is never older than the question where it matters: at the newest end.
func TestOverviewCountsWhatJustRan(t *testing.T) {
	p := start(t, officeJobs)
	for i := 1; i <= 3; i++ {
		p.write("/crons/quick/run?wait=4m", "").want(t, 200)
		if want := fmt.Sprintf("Runs of the last 24 hours: %d succeeded", i); !strings.Contains(p.page("", asViewer).body, want) {
			t.Errorf("after %d runs the page does not say %q", i, want)
		}
	}
}

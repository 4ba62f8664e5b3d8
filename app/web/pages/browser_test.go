package pages_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"fibercrons/app/alert"
	"fibercrons/app/cron"
	"fibercrons/app/internal/webtest"
	"fibercrons/app/ops"
	"fibercrons/app/scheduler"
)

// The tests of this file drive a real browser, whose path is in TEST_CHROMIUM.

// tab is a page of the browser. Whatever it writes to the console as a mistake fails the test, and a
// violation of the content security policy is such a mistake.
type tab struct {
	*webtest.Program
	ctx context.Context
	at  string // where the browser sees the program
}

func browse(t *testing.T, p *webtest.Program) *tab {
	t.Helper()
	path := os.Getenv("TEST_CHROMIUM")
	if path == "" {
		t.Skip("TEST_CHROMIUM is not set: it is the path of a Chromium to test with")
	}
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options, chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-sync", true), chromedp.Flag("disable-component-update", true),
		chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 900))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(allocator)
	t.Cleanup(closeTab)
	if err := chromedp.Do(ctx); err != nil { // starts it
		t.Fatal(err)
	}
	said, quiet := context.WithCancel(ctx)
	messages := chromedp.Console(said)
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		for m, err := range messages {
			if err != nil {
				return
			}
			if strings.HasSuffix(m.URL, "/nowhere") || strings.HasSuffix(m.URL, "/schedules/put") { // it is not there, or not saved, and the browser says so
				continue
			}
			if m.IsException() || m.Type == "error" || m.Type == "warning" || m.Source == "security" {
				t.Errorf("the console says: %s (%s)", m, m.URL)
			}
		}
	}()
	t.Cleanup(func() {
		quiet()
		<-heard
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("the browser was closed with: %v", err)
		}
	})
	return &tab{p, ctx, p.URL()}
}

// do runs steps.
func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.T.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, webtest.Patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.T.Fatalf("%v\nat %s", err, b.text("document.location.href + '\\n' + document.querySelector('main')?.innerText"))
	}
}

// text is the value of an expression.
func (b *tab) text(expression string) string {
	b.T.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, webtest.Patience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("String("+expression+")"))
	if err != nil {
		b.T.Fatalf("%s: %v", expression, err)
	}
	return text
}

// until waits for an expression to become true.
func (b *tab) until(expression string) {
	b.T.Helper()
	for deadline := time.Now().Add(webtest.Patience); b.text("(() => { try { return !!("+expression+") } catch { return false } })()") != "true"; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.T.Fatalf("%s did not become true at %s", expression, b.text("document.location.href + '\\n' + document.querySelector('main')?.innerText"))
		}
	}
}

func (b *tab) open(path string) { b.T.Helper(); b.do(chromedp.Navigate(b.at + path)) }

func (b *tab) click(selector string) {
	b.T.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector)))
}

// fill writes a value into a field as a person would: it replaces what is there.
func (b *tab) fill(selector, value string) {
	b.T.Helper()
	b.text("document.querySelector(`" + selector + "`).focus() ?? document.querySelector(`" + selector + "`).select()")
	b.do(chromedp.SendKeys(chromedp.CSS(selector), value))
}

func (b *tab) login() {
	b.T.Helper()
	b.open("/crons/login")
	b.fill("#token", webtest.OperatorToken)
	b.click("form button")
	b.until(`location.pathname.endsWith("/crons/dashboard")`)
}

func TestBrowserDrivesJobs(t *testing.T) {
	p := webtest.Start(t, officeJobs)
	if _, err := p.App.Crons.Trigger(t.Context(), "import", scheduler.Request{}); err != nil {
		t.Fatal(err)
	}
	b := browse(t, p)
	b.login()

	t.Run("a failure is found in two clicks", func(t *testing.T) {
		b.until(`document.querySelector("#health").innerText.includes("failed")`)
		b.click("#f-import a.name")
		b.until(`location.pathname.includes("/runs/")`)
		if text := b.text(`document.querySelector("pre.error").innerText`); text != "out of paper" {
			t.Errorf("the error is %q", text)
		}
	})

	t.Run("run with arguments, watch log and progress", func(t *testing.T) {
		b.open("/crons/dashboard/jobs/report")
		b.click(`[popovertarget="run-form"]`)
		b.fill(`[name="arg.month"]`, "2026-07")
		b.fill(`[name="arg.limit"]`, "40")
		b.click(`#run-form button.primary`)
		b.until(`location.pathname.includes("/runs/")`)
		b.text(`window.here = true`) // it is gone when the page is loaded anew
		b.until(`document.querySelectorAll("#log .line").length >= 3`)
		b.until(`document.querySelector("#progress progress").value > 20`)
		first := b.text(`document.querySelectorAll("#log .line").length`)
		b.until(`document.querySelectorAll("#log .line").length > ` + first)
		b.until(`document.querySelector(".head .s-succeeded")`)
		b.until(`document.querySelectorAll("#log .line").length === 40`)
		if b.text(`window.here`) != "true" {
			t.Error("the page was loaded anew")
		}
		if log := b.text(`document.querySelector("#log").innerText`); !strings.Contains(log, "month=2026-07") {
			t.Errorf("the log does not have the argument: %s", log)
		}
		b.fill(`[data-logsearch]`, "page=7")
		b.until(`[...document.querySelectorAll("#log .line")].filter((l) => l.offsetParent).length === 1`)
	})

	t.Run("cancel", func(t *testing.T) {
		b.open("/crons/dashboard/jobs/endless")
		b.click(`[popovertarget="run-form"]`)
		b.click(`#run-form button.primary`)
		b.until(`document.querySelector(".head .s-running")`)
		b.click("#actions .danger")
		b.until(`document.querySelector(".head .s-cancelled")`)
	})

	t.Run("pause and resume", func(t *testing.T) {
		b.open("/crons/dashboard/jobs/quick")
		b.click(`[popovertarget="pause-form"]`)
		b.fill(`#pause-form [name=reason]`, "it is a holiday")
		b.text(`document.querySelector("#pause-form [data-instant]").value = "2099-01-02T03:04:05"`)
		b.click(`#pause-form button.primary`)
		b.until(`document.querySelector(".head .s-paused") && document.querySelector(".note q").innerText === "it is a holiday"`)
		b.click(`#actions form button`)
		b.until(`document.querySelector(".head .s-scheduled")`)
		until := b.text(`new Date("2099-01-02T03:04:05").toISOString()`)
		if audit := p.Read("/crons/audit?target=quick").Body; !strings.Contains(audit, strings.TrimSuffix(until, ".000Z")) {
			t.Errorf("the pause did not last until %s: %s", until, audit)
		}
	})

	t.Run("edit the schedule with a preview", func(t *testing.T) {
		b.open("/crons/dashboard/jobs/report")
		b.click(`[popovertarget="schedule-form"]`)
		b.fill(`#schedule-form [name=expr]`, "61 * * * *")
		b.until(`document.querySelector("#preview .error")?.innerText.includes("61")`)
		b.fill(`#schedule-form [name=expr]`, "15 */6 * * *")
		b.until(`document.querySelectorAll("#preview .slots li").length === 10`)
		if says := p.Read("/crons/report").Body; strings.Contains(says, "15 */6") {
			t.Error("the preview has saved it")
		}
		b.click(`#schedule-form button.primary`)
		b.until(`document.querySelector(".flash") && document.querySelector("code").innerText === "30 2 * * 1"`)
		if job := webtest.Decode[ops.JobDetail](t, p.Read("/crons/report")); job.Expr != "15 */6 * * *" || job.Timezone != "Europe/Berlin" {
			t.Errorf("the schedule is %q in %s", job.Expr, job.Timezone)
		}
	})

	t.Run("a hidden tab is quiet and catches up", func(t *testing.T) {
		b.open("/crons/dashboard/jobs")
		b.until(`document.querySelector("#link .says").innerText === "live"`)
		b.text(`Object.defineProperty(document, "hidden", { configurable: true, get: () => window.away ?? true }) && document.dispatchEvent(new Event("visibilitychange"))`)
		time.Sleep(1200 * time.Millisecond) // what was asked for before is through
		asked := b.text(`performance.getEntriesByType("resource").length`)
		p.Write("/crons/quick/run?wait=4m", "").Want(t, 200)
		time.Sleep(2500 * time.Millisecond) // two turns of what would ask
		if now := b.text(`performance.getEntriesByType("resource").length`); now != asked {
			t.Errorf("a hidden tab has asked: %s requests, then %s", asked, now)
		}
		b.until(`!document.querySelector("#j-quick .spark")`)
		b.text(`(window.away = false, document.dispatchEvent(new Event("visibilitychange")))`)
		b.until(`document.querySelector("#j-quick .spark")`)
		b.until(`document.querySelector("#link .says").innerText === "live"`)
	})

	t.Run("typing survives a refresh", func(t *testing.T) {
		b.open("/crons/dashboard/jobs")
		b.do(chromedp.KeyEvent("/"))
		b.until(`document.activeElement.matches("[data-search]")`)
		b.fill("[data-search]", "repo")
		b.until(`document.querySelectorAll("tr[data-row]").length === 1 && location.search === "?q=repo"`)
		if _, err := p.App.Crons.Trigger(t.Context(), "report", scheduler.Request{Args: []byte(`{"limit":25}`)}); err != nil {
			t.Fatal(err)
		}
		b.until(`document.querySelector("#j-report .s-running")`)
		b.until(`document.querySelector("#j-report .s-scheduled")`)
		if b.text(`document.activeElement.value`) != "repo" {
			t.Error("the focus or what was typed is lost")
		}
		b.fill("[data-search]", " ")
		b.until(`document.querySelectorAll("tr[data-row]").length === 7`)
		for _, key := range []string{"\x1b", "j", "j", "x"} {
			b.do(chromedp.KeyEvent(key))
		}
		b.until(`document.querySelectorAll("#bulk [name=job]:checked").length === 1 && !document.querySelector("#bulkbar button").disabled`)
	})
}

// Everybody can use every page: axe-core finds nothing, light and dark, in a wide window and a small
// one. Its rules for contrast are among them.
func TestBrowserFindsPagesAccessible(t *testing.T) {
	p := webtest.Start(t, officeJobs)
	var run cron.Record
	for _, job := range []string{"import", "report", "hostile", "endless", "quick"} {
		rec, err := p.App.Crons.Trigger(t.Context(), job, scheduler.Request{Actor: "operator"})
		if err != nil {
			t.Fatal(err)
		}
		if job == "hostile" {
			run = rec
		}
	}
	someSchedules(p)
	later, err := p.App.Crons.Trigger(t.Context(), "letter", scheduler.Request{At: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	p.Write("/crons/quick/pause", `{"reason":"tired"}`).Want(t, 200)
	toldOf(t, p, "import", run.ID)
	p.Write("/crons/silences", `{"job":"report","until":"`+time.Now().Add(time.Hour).UTC().Format(time.RFC3339)+`","reason":"moving"}`).Want(t, 201)
	p.Eventually(func() bool { r, _ := p.App.Crons.Record(t.Context(), run.ID); return r.Status == cron.Failed })
	b := browse(t, p)
	axe := axeSource(t)
	pages := []string{"", "/jobs", "/jobs?q=nothing-fits", "/jobs?did=pause&n=2", "/nowhere", "/jobs/report", "/jobs/hostile", "/jobs/quick", "/jobs/letter", "/runs/" + run.ID, "/runs/" + later.ID, "/schedules", "/schedules?q=nothing-fits", "/schedules?meta=plan:pro", "/schedules/new?job=report",
		one("tenant-1/daily", ""), one("tenant-3/paused", ""), one("orphan", ""), one("tenant-1/daily", "/edit"), "/timeline", "/alerts", "/instances", "/audit", "/settings"}
	fine := func(what string) {
		if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[any](axe+";0")); err != nil {
			t.Fatal(err)
		}
		found, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`axe.run(document).then((r) => r.violations.map((v) =>
			v.id + ": " + v.help + "\n" + v.nodes.map((n) => "    " + n.target.join(" ") + " " + n.html.slice(0, 200) + " " + (n.any[0]?.message ?? "")).join("\n")).join("\n"))`,
			chromedp.EvalAwaitPromise))
		if err != nil {
			t.Fatal(err)
		}
		if found != "" {
			t.Errorf("%s:\n%s", what, found)
		}
		if b.text(`document.documentElement.scrollWidth <= innerWidth`) != "true" {
			t.Errorf("%s: the page is wider than the window", what)
		}
	}
	check := func(path, scheme string, wide int64, panel string) {
		b.do(chromedp.EmulateViewport(wide, 900))
		if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		}); err != nil {
			t.Fatal(err)
		}
		b.open(path)
		if panel != "" {
			b.click(`[popovertarget="` + panel + `"]`)
		}
		fine(fmt.Sprintf("%s, %s, %d wide, panel %q", path, scheme, wide, panel))
	}
	for _, scheme := range []string{"light", "dark"} {
		check("/crons/login", scheme, 1280, "")
	}
	b.login()
	for _, scheme := range []string{"light", "dark"} {
		for _, path := range pages {
			check("/crons/dashboard"+path, scheme, 1280, "")
		}
		for _, panel := range []string{"run-form", "pause-form", "schedule-form", "backfill-form", "help"} {
			check("/crons/dashboard/jobs/report", scheme, 1280, panel)
		}
		for _, panel := range []string{"pause-form", "delete-form"} {
			check("/crons/dashboard"+one("tenant-1/daily", ""), scheme, 1280, panel)
		}
	}
	for _, path := range pages {
		check("/crons/dashboard"+path, "light", 390, "")
	}
	// The form of a schedule that was not saved: for its mistakes, and because somebody else has changed it.
	for _, wide := range []int64{390, 1280} {
		check("/crons/dashboard"+one("tenant-1/daily", "/edit"), "dark", wide, "")
		b.fill("[name=expr]", "61 * * * *")
		b.fill("[name='arg.tenant']", "nobody")
		b.click("#schedule .primary")
		b.until(`document.querySelectorAll("[aria-invalid]").length === 2`)
		fine("mistakes")
		b.open("/crons/dashboard" + one("tenant-1/daily", "/edit"))
		put(p, cron.Schedule{ID: "tenant-1/daily", Job: "letter", Expr: fmt.Sprintf("%d 9 * * *", wide%60), Meta: map[string]string{"long": strings.Repeat("x", 200)}})
		b.click("#schedule .primary")
		b.until(`document.querySelector("#h-conflict")`)
		fine("a conflict")
	}
}

// A list that does not fit into the window is scrolled, and not squeezed into a word on each line.
func TestBrowserShowsAlertsInASmallWindow(t *testing.T) {
	p := webtest.Start(t, officeJobs)
	toldOf(t, p, "import", "")
	b := browse(t, p)
	b.login()
	b.do(chromedp.EmulateViewport(390, 900))
	b.open("/crons/dashboard/alerts?status=sent")
	if high := b.text(`[...document.querySelectorAll("tr[data-row]")].map((row) => row.offsetHeight).join()`); len(high) != 2 {
		t.Errorf("the row of an alert with three channels is %s pixels high", high)
	}
}

// toldOf makes three alerts of a job: one that has reached three channels, one that is still on its way
// to one of them, and one that is silenced.
func toldOf(t *testing.T, p *webtest.Program, job, run string) {
	t.Helper()
	channels := []string{"email", "slack", "webhook"}
	for i, one := range []alert.Alert{
		{Kind: cron.AlertFailed, Run: run, Status: alert.Pending, Detail: "failed 3 times in a row", Error: strings.Repeat("out of paper ", 20)},
		{Kind: cron.AlertLate, Run: run, Status: alert.Pending, Detail: "has not started 5m after its slot"},
		{Kind: cron.AlertMissed, Status: alert.Silenced, Detail: "30 slots were missed, the first at 2026-11-26 01:02:03 UTC"},
	} {
		one.ID, one.Dedup, one.Job, one.At = fmt.Sprint(i), fmt.Sprint(i), job, time.Now()
		err := p.App.Store.Raise(t.Context(), alert.Raise{Alerts: []alert.Alert{one}})
		if err == nil {
			_, err = p.App.Store.Gather(t.Context(), alert.Gather{Channels: channels, PerMinute: 10})
		}
		if err != nil {
			t.Fatal(err)
		}
		list, err := p.App.Store.TakeDeliveries(t.Context(), alert.Take{Channels: channels, Lease: time.Minute, PerMinute: 10, Limit: 3, Alerts: 20})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range list {
			s := alert.Settlement{ID: d.ID, Token: d.Token, Sent: i > 0 || d.Channel != "webhook", Again: time.Hour}
			if !s.Sent {
				s.Error = "hooks.example.com answered 500 Internal Server Error"
			}
			if err := p.App.Store.Settle(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func axeSource(t *testing.T) string {
	t.Helper()
	packed, err := os.ReadFile("../../dashboard/testdata/axe.min.js.gz")
	if err != nil {
		t.Fatal(err)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

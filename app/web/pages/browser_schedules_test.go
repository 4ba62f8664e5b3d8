package pages_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"fibercrons/app/cron"
	"fibercrons/app/internal/webtest"
)

// choose picks an option as a person would.
func (b *tab) choose(selector, value string) {
	b.T.Helper()
	b.text(`(() => { const s = document.querySelector("` + selector + `"); s.value = "` + value + `"; for (const e of ["input", "change"]) s.dispatchEvent(new Event(e, { bubbles: true })); })()`)
}

func TestBrowserDrivesSchedules(t *testing.T) {
	p := webtest.Start(t, officeJobs)
	someSchedules(p)
	from := time.Date(2099, 7, 1, 12, 0, 0, 0, time.UTC)
	put(p, cron.Schedule{ID: "bounded", Job: "letter", Expr: "0 9 * * *", From: from, Until: from.AddDate(0, 1, 0).Add(time.Millisecond)})
	b := browse(t, p)
	if _, err := chromedp.Call(b.ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "America/New_York"}); err != nil {
		t.Fatal(err)
	}
	b.login()

	t.Run("make one with a preview", func(t *testing.T) {
		b.until(`document.querySelector("#link .says").textContent === "live"`)
		for _, key := range []string{"g", "c"} {
			b.do(chromedp.KeyEvent(key))
		}
		b.until(`location.pathname.endsWith("/crons/dashboard/schedules")`)
		b.click(`.actions .primary`)
		b.until(`document.activeElement.name === "id"`)
		b.fill(`[name=id]`, "tenant-7/weekly")
		b.choose(`[name=job]`, "letter")
		b.until(`document.querySelector("[name='arg.paper']").value === "A4"`)
		b.fill(`[name="arg.tenant"]`, "7")
		b.fill(`[name=expr]`, "61 * * * *")
		b.until(`document.querySelector("#preview .error")?.innerText.includes("61")`)
		b.fill(`[name=expr]`, "30 8 * * MON")
		b.until(`document.querySelectorAll("#preview .slots li").length === 10`)
		if says := b.text(`document.querySelector("#preview").innerText`); !strings.Contains(says, "08:30 CE") || !strings.Contains(says, "30 UTC") {
			t.Errorf("the preview is not in both zones: %s", says)
		}
		b.text(`(() => { const i = document.querySelector("[data-instant=from]"); i.value = "2099-07-01T08:00"; i.dispatchEvent(new Event("input", { bubbles: true })); })()`)
		b.until(`document.querySelector("#preview .slots li").innerText.includes("Mon 6 Jul 2099 08:30 CEST")`)
		b.fill(`[name=max_runs]`, "3")
		b.until(`document.querySelectorAll("#preview .slots li").length === 3`)
		if b.text(`document.querySelector("[name='arg.tenant']").value`) != "7" {
			t.Error("the preview has changed what was typed")
		}
		b.click(`#schedule .primary`)
		b.until(`document.querySelector(".flash")?.innerText === "Schedule created." && document.querySelector("h1").innerText === "tenant-7/weekly"`)
		g, err := p.App.Crons.EditSchedule(t.Context(), "tenant-7/weekly")
		if err != nil || !g.From.Equal(from) || string(g.Args) != `{"tenant":7,"paper":"A4","text":"","draft":false}` {
			t.Errorf("it is %+v, %v", g, err)
		}
	})

	t.Run("bounds are in the reader's zone, and exact", func(t *testing.T) {
		b.open("/crons/dashboard" + one("bounded", "/edit"))
		b.until(`document.querySelector("[data-instant=from]").value === "2099-07-01T08:00" || document.querySelector("[data-instant=from]").value === "2099-07-01T08:00:00"`)
		b.click(`#schedule .primary`)
		b.until(`document.querySelector(".flash")?.innerText === "Schedule saved; nothing had changed."`)
		b.open("/crons/dashboard" + one("bounded", "/edit"))
		b.text(`document.querySelector("[data-instant=until]").value = "2099-12-24T18:00"`)
		b.click(`#schedule .primary`)
		b.until(`document.querySelector(".flash")?.innerText === "Schedule saved."`)
		if g, _ := p.App.Crons.EditSchedule(t.Context(), "bounded"); !g.From.Equal(from) || !g.Until.Equal(time.Date(2099, 12, 24, 23, 0, 0, 0, time.UTC)) {
			t.Errorf("it is from %s until %s", g.From, g.Until)
		}
	})

	t.Run("an edit is not lost", func(t *testing.T) {
		b.open("/crons/dashboard" + one("tenant-2/daily", "/edit"))
		b.fill(`[name=expr]`, "15 9 * * *")
		b.text(`document.querySelector("[data-instant=until]").value = "2099-12-24T18:00"`)
		put(p, cron.Schedule{ID: "tenant-2/daily", Job: "letter", Expr: "30 9 * * *"})
		b.click(`#schedule .primary`)
		b.until(`document.querySelector("#h-conflict")?.innerText === "Not saved: ann changed it meanwhile"`)
		if rows := b.text(`document.querySelector(".diff").innerText`); !strings.Contains(rows, "30 9 * * *\t15 9 * * *") {
			t.Errorf("the differences are %s", rows)
		}
		b.until(`document.querySelector("[data-instant=until]").value.startsWith("2099-12-24T18:00") && document.querySelector("[name=expr]").value === "15 9 * * *"`)
		b.click(`#schedule .primary`)
		b.until(`document.querySelector(".flash")?.innerText === "Schedule saved."`)
		if g, _ := p.App.Crons.EditSchedule(t.Context(), "tenant-2/daily"); g.Expr != "15 9 * * *" || !g.Until.Equal(time.Date(2099, 12, 24, 23, 0, 0, 0, time.UTC)) {
			t.Errorf("it is %+v", g)
		}
	})

	t.Run("find, run, pause, resume, delete", func(t *testing.T) {
		b.open("/crons/dashboard/schedules")
		b.do(chromedp.KeyEvent("/"))
		b.until(`document.activeElement.matches("[data-search]")`)
		b.fill("[data-search]", "tenant-1")
		b.until(`document.querySelectorAll("tr[data-row]").length === 1 && location.search === "?q=tenant-1"`)
		b.fill("[data-search]", "t")
		b.choose("[name=job]", "letter")
		b.until(`document.querySelectorAll("tr[data-row]").length === 4 && location.search === "?q=t&job=letter"`)
		b.do(chromedp.KeyEvent("\x1b"))
		b.open("/crons/dashboard/schedules?q=tenant-1")
		b.do(chromedp.KeyEvent("j"))
		b.until(`document.activeElement.innerText === "tenant-1/daily"`)
		b.do(chromedp.KeyEvent("\r"))
		b.until(`document.querySelector("h1").innerText === "tenant-1/daily"`)
		b.click(`#actions .primary`)
		b.until(`document.querySelector(".head .s-succeeded")`)
		b.click(`.crumbs a[href*="/schedule?"]`)
		b.until(`document.querySelector("h1").innerText === "tenant-1/daily" && document.querySelectorAll("tr[data-row]").length === 1`)
		b.click(`[popovertarget="pause-form"]`)
		b.fill(`#pause-form [name=reason]`, "it is a holiday")
		b.click(`#pause-form button.primary`)
		b.until(`document.querySelector(".note q")?.innerText === "it is a holiday"`)
		b.click(`#actions form[action*="/resume"] button`)
		b.until(`!document.querySelector(".note q") && document.querySelector(".flash")?.innerText === "Schedule resumed."`)
		b.click(`[popovertarget="delete-form"]`)
		b.until(`document.activeElement.innerText === "Close"`)
		b.click(`#delete-form button.danger`)
		b.until(`document.querySelector(".flash")?.innerText === "Schedule deleted."`)
	})

	t.Run("run a job later", func(t *testing.T) {
		b.open("/crons/dashboard/jobs/letter")
		b.click(`[popovertarget="run-form"]`)
		b.text(`document.querySelector("#run-form [data-instant=at]").value = "2099-12-24T18:00"`)
		b.click(`#run-form button.primary`)
		b.until(`document.querySelector("#waits")?.innerText.includes("24 Dec 2099 18:00:00")`)
	})

	t.Run("without scripts", func(t *testing.T) {
		if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
			t.Fatal(err)
		}
		b.open("/crons/dashboard/schedules/new")
		b.do(chromedp.SendKeys(chromedp.CSS("[name=id]"), "plain"), chromedp.SendKeys(chromedp.CSS("[name=expr]"), "0 9 * * *"), chromedp.SendKeys(chromedp.CSS("[name=job]"), "let"))
		b.click(`noscript button`)
		b.do(chromedp.WaitVisible(chromedp.CSS("#preview .slots")), chromedp.SendKeys(chromedp.CSS("[name='arg.text']"), "by hand"))
		b.click(`#schedule .primary`)
		b.do(chromedp.WaitVisible(chromedp.CSS(".flash")))
		if g, err := p.App.Crons.EditSchedule(t.Context(), "plain"); err != nil || !strings.Contains(string(g.Args), `"by hand"`) {
			t.Errorf("it is %+v, %v", g, err)
		}
	})
}

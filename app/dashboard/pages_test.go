package dashboard_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/dashboard"
	"fibercrons/app/ops"
)

var now = time.Date(2026, 11, 22, 12, 34, 56, 0, time.UTC)

func render(t testing.TB, body any) string {
	t.Helper()
	var b strings.Builder
	p := dashboard.Page{Title: "a page", Self: "/crons/dashboard", Now: now, Change: true, Body: body}
	if err := p.Render(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// pictures are the charts of a page. Each must be whole, which the XML of SVG shows.
func pictures(t *testing.T, page string) (list []string) {
	t.Helper()
	for _, svg := range regexp.MustCompile(`(?s)<svg class="(?:chart|spark).*?</svg>`).FindAllString(page, -1) {
		d := xml.NewDecoder(strings.NewReader(svg))
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%v in %s", err, svg)
			}
			if e, ok := token.(xml.StartElement); ok {
				for _, a := range e.Attr {
					if a.Name.Local == "style" || strings.HasPrefix(a.Name.Local, "on") || strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") {
						t.Errorf("<%s %s=%q>", e.Name.Local, a.Name.Local, a.Value)
					}
				}
			}
		}
		list = append(list, svg)
	}
	return list
}

func runs(job string, n int) (list []cron.Record) {
	for i := range n {
		at := now.Add(-time.Duration(i+1) * time.Minute)
		end, took := at.Add(time.Duration(i%7)*time.Second), int64(i%7)*1000
		r := cron.Record{ID: fmt.Sprintf("%s-%d", job, i), Job: job, Status: cron.Succeeded, Trigger: cron.BySchedule, Slot: &at, QueuedAt: at, StartedAt: &at, EndedAt: &end, Duration: &took, Attempt: 1}
		if i%5 == 4 {
			r.Status, r.Error = cron.Failed, "out of paper"
		}
		list = append(list, r)
	}
	return list
}

func jobView(name string, last cron.Status) ops.JobView {
	at, next := now.Add(-time.Minute), now.Add(time.Minute)
	return ops.JobView{Name: name, Expr: "* * * * *", Schedules: []string{"* * * * *"}, Timezone: "UTC", Description: "does " + name, Tags: []string{"a"}, Status: contract.JobScheduled, LastRun: &at, LastStatus: &last, NextRun: &next}
}

func TestOverviewSaysFirstWhatFailed(t *testing.T) {
	jobs := []ops.JobView{jobView("good", cron.Succeeded), jobView("bad", cron.Failed), jobView("crashed", cron.Interrupted)}
	earlier := now.Add(-time.Hour)
	jobs[1].LastRun = &earlier
	d := dashboard.OverviewData{Now: now, Jobs: jobs, Recent: map[string][]cron.Record{"bad": runs("bad", 9)},
		Tally: map[cron.Status][]int{cron.Failed: append(make([]int, 47), 2), cron.Succeeded: append(make([]int, 40), 3)}}
	page := render(t, dashboard.NewOverview(d))
	if !strings.Contains(page, "2 jobs failed and did not recover.") {
		t.Error("the health line does not say so")
	}
	crashed, bad, good := strings.Index(page, `id="f-crashed"`), strings.Index(page, `id="f-bad"`), strings.Index(page, `id="f-good"`)
	if crashed < 0 || bad < crashed || good >= 0 {
		t.Errorf("failed jobs are at %d and %d, the good one at %d", crashed, bad, good)
	}
	if !strings.Contains(page, `href="/crons/dashboard/runs/bad-4"`) {
		t.Error("a failed job does not lead to the run that failed")
	}
	if charts := pictures(t, page); len(charts) != 2 || !strings.Contains(strings.Join(charts, ""), "Runs of the last 24 hours: 2 failed, 3 succeeded") {
		t.Errorf("%d charts: %s", len(charts), charts)
	}
	for _, c := range []struct {
		change func(*dashboard.OverviewData)
		says   string
	}{
		{func(d *dashboard.OverviewData) { d.Jobs = jobs[:1] }, "All jobs are healthy."},
		{func(d *dashboard.OverviewData) { d.Jobs = nil }, "there are no jobs"},
		{func(d *dashboard.OverviewData) { d.Ready = errors.New("secret path") }, "The scheduler is not ready"},
	} {
		changed := d
		c.change(&changed)
		if page := render(t, dashboard.NewOverview(changed)); !strings.Contains(page, c.says) || strings.Contains(page, "secret path") {
			t.Errorf("the page does not say %q", c.says)
		}
	}
}

func TestJobListSelects(t *testing.T) {
	var jobs []ops.JobView
	for i := range 120 {
		j := jobView(fmt.Sprintf("job-%03d", i), cron.Succeeded)
		if i%10 == 0 {
			j.Tags, j.Status = []string{"ten"}, contract.JobPaused
		}
		if i == 7 {
			*j.LastStatus = cron.Failed
		}
		jobs = append(jobs, j)
	}
	for _, c := range []struct {
		sel         dashboard.Selection
		total, rows int
		first       string
	}{
		{dashboard.Selection{}, 120, 50, "job-000"},
		{dashboard.Selection{Offset: 100}, 120, 20, "job-100"},
		{dashboard.Selection{Offset: 5000}, 120, 20, "job-100"},
		{dashboard.Selection{Filter: ops.Filter{Tag: "ten"}}, 12, 12, "job-000"},
		{dashboard.Selection{Filter: ops.Filter{Status: contract.JobPaused, Search: "JOB-01"}}, 1, 1, "job-010"},
		{dashboard.Selection{Failing: true}, 1, 1, "job-007"},
		{dashboard.Selection{Filter: ops.Filter{Search: "none"}}, 0, 0, ""},
	} {
		list := dashboard.Select(jobs, c.sel)
		first := append(list.Names(), "")[0]
		if list.Total != c.total || len(list.Rows) != c.rows || first != c.first {
			t.Errorf("%+v: %d of them, %d rows, first %q", c.sel, list.Total, len(list.Rows), first)
		}
		render(t, list.Fill(nil, func(ops.JobView) string { return "Every minute" }))
	}
	list := dashboard.Select(jobs, dashboard.Selection{Filter: ops.Filter{Search: "job", Tag: "a"}, Offset: 50})
	for got, want := range map[string]string{
		list.Before():              "/jobs?q=job&tag=a",
		list.After():               "/jobs?offset=100&q=job&tag=a",
		list.WithStatus("failing"): "/jobs?q=job&status=failing&tag=a",
		list.WithTag("a"):          "/jobs?q=job",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestTimelineDrawsWhatRanAndWhatWill(t *testing.T) {
	tl := ops.Timeline{From: now.Add(-24 * time.Hour), To: now.Add(24 * time.Hour), Now: now}
	for i := range 60 {
		for _, r := range runs(fmt.Sprintf("<b>job</b>%02d", i), 30) {
			tl.Runs = append(tl.Runs, contract.TimelineRun{ID: r.ID, Job: r.Job, Status: r.Status, Slot: r.Slot, StartedAt: r.StartedAt, EndedAt: r.EndedAt})
		}
		tl.Slots = append(tl.Slots, ops.Slot{Job: fmt.Sprintf("<b>job</b>%02d", i), At: now.Add(15 * time.Hour)})
	}
	tl.Dense = []ops.Dense{{Job: "<b>job</b>00", Slots: 401}}
	tl.Herds = []ops.Herd{{At: now.Add(15 * time.Hour), Jobs: 60, Hint: []ops.HerdHint{{Job: "x", Expr: "0 3 * * *", Use: "H 3 * * *"}}}}
	p := dashboard.NewTimeline("", tl, dashboard.Windows[2], "", func(string) bool { return true })
	page := render(t, p)
	charts := pictures(t, page)
	if len(charts) != 1 || p.Lanes != 40 || p.Hidden != 20 || p.Busiest != 60 {
		t.Fatalf("%d charts, %d lanes, %d hidden, %d at once", len(charts), p.Lanes, p.Hidden, p.Busiest)
	}
	for _, want := range []string{`class="herd"`, `class="load"`, `class="now"`, `class="slot"`, "60 a minute"} {
		if !strings.Contains(charts[0], want) {
			t.Errorf("the picture lacks %s", want)
		}
	}
	if strings.Contains(page, "<b>job") || !strings.Contains(page, "H 3 * * *") || !strings.Contains(page, "20 more jobs") {
		t.Error("the page is not what it should be")
	}
	// Runs of the same spot are one mark: the picture is bounded by its width, not by the history.
	if marks := strings.Count(charts[0], "<rect class=\"f-"); marks > 40*15 {
		t.Errorf("%d marks", marks)
	}
	few := dashboard.NewTimeline("", tl, dashboard.Windows[2], "07", func(job string) bool { return strings.HasSuffix(job, "07") })
	if few.Lanes != 1 || few.Busiest != 1 {
		t.Errorf("searching leaves %d lanes, %d at once", few.Lanes, few.Busiest)
	}
}

func TestRunPageTellsWhatHappened(t *testing.T) {
	r := runs("report", 5)[4]
	begin, again := r.QueuedAt, r.QueuedAt.Add(20*time.Second)
	end := again.Add(5 * time.Second)
	r.EndedAt, r.Attempt = &end, 2
	r.Attempts = []cron.Attempt{{Number: 1, StartedAt: begin, EndedAt: &again, Error: "first"}, {Number: 2, StartedAt: again, EndedAt: &end, Error: "out of paper"}}
	r.Stack, r.Args, r.Result = "goroutine 1", json.RawMessage(`{"n":12345678901234567890}`), json.RawMessage(`"<b>"`)
	r.Progress = &cron.Progress{Done: 5, Total: 20, Text: "<i>"}
	lines := []cron.LogLine{{Seq: 1, Time: begin, Level: "INFO", Message: "</div><script>", Attrs: json.RawMessage(`{"b":1,"a":"<x>"}`)}}
	page := render(t, dashboard.NewRunPage(now, r, lines, true, nil, true))
	for _, want := range []string{
		"out of paper", "goroutine 1", "12345678901234567890", "will be retried", `value="25"`, "&lt;/div&gt;&lt;script&gt;",
		`<i>b=</i><span class="v">1</span> <i>a=</i><span class="v">&lt;x&gt;</span>`, "Earlier lines are in the download", "/retry",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if charts := pictures(t, page); len(charts) != 1 {
		t.Errorf("%d charts", len(charts))
	}
}

func TestJobPageDrawsDurations(t *testing.T) {
	rate := 0.995
	d := ops.JobDetail{JobView: jobView("report", cron.Failed), ScheduleText: "Every minute", Stats: ops.Stats{SuccessRate: &rate, Sample: 100}, NextSlots: []time.Time{now}}
	page := render(t, dashboard.NewJobPage("", now, d, runs("report", 100), dashboard.RunList{Runs: runs("report", 25), Next: "report-24"}, nil))
	charts := pictures(t, page)
	if len(charts) != 1 || strings.Count(charts[0], "<a href=") != 100 || !strings.Contains(charts[0], "Durations of the last 100 runs, the longest 6.00 s") {
		t.Errorf("%d charts: %s", len(charts), charts)
	}
	if !strings.Contains(page, "99.5%") {
		t.Error("a rate is rounded to a claim")
	}
	none := render(t, dashboard.NewJobPage("", now, d, nil, dashboard.RunList{}, nil))
	if !strings.Contains(none, "It has not run yet.") || len(pictures(t, none)) != 0 {
		t.Error("a job that has not run is not shown as one")
	}
}

// A run that ignores that its context has ended is shown as overdue wherever it is shown.
func TestOverdueNeverHides(t *testing.T) {
	r := runs("deaf", 1)[0]
	r.Status, r.EndedAt, r.Duration, r.Overdue = cron.Running, nil, nil, true
	d := ops.JobDetail{JobView: jobView("deaf", cron.Failed)}
	for name, page := range map[string]string{
		"overview": render(t, dashboard.NewOverview(dashboard.OverviewData{Now: now, Jobs: []ops.JobView{d.JobView}, Running: []cron.Record{r}})),
		"job":      render(t, dashboard.NewJobPage("", now, d, nil, dashboard.RunList{Runs: []cron.Record{r}}, nil)),
		"run":      render(t, dashboard.NewRunPage(now, r, nil, false, nil, true)),
	} {
		if !strings.Contains(page, `<span class="tag warn">overdue</span>`) {
			t.Errorf("the page of the %s does not say so", name)
		}
		if name == "run" && !strings.Contains(page, "The function is still running although its context has ended") {
			t.Error("the run's page does not say what that is")
		}
	}
}

func TestAuditShowsWhatChanged(t *testing.T) {
	page := render(t, dashboard.NewAudit([]contract.AuditEntry{
		{ID: 2, At: now, Actor: "operator", Action: "schedule", Target: "report", Before: json.RawMessage(`{"schedules":["0 1 * * *"],"timezone":"UTC"}`), After: json.RawMessage(`{"schedules":["0 2 * * *"],"timezone":"UTC"}`)},
		{ID: 1, At: now, Actor: "<b>", Action: "cancel", Target: "run-1"},
	}, "", 0, 1))
	for _, want := range []string{"<del>0 1 * * *</del>", ">0 2 * * *<", `/runs/run-1"`, "before=1"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(page, "timezone") {
		t.Error("it shows what did not change")
	}
}

func BenchmarkJobList(b *testing.B) {
	var jobs []ops.JobView
	recent := map[string][]cron.Record{}
	for i := range 1000 {
		j := jobView(fmt.Sprintf("job-%04d", i), cron.Succeeded)
		jobs = append(jobs, j)
		recent[j.Name] = runs(j.Name, dashboard.SparkRuns)
	}
	for b.Loop() {
		render(b, dashboard.Select(jobs, dashboard.Selection{}).Fill(recent, func(ops.JobView) string { return "Every minute" }))
	}
}

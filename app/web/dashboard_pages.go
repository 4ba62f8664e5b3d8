package web

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/dashboard"
	"fibercrons/app/ops"

	"github.com/gofiber/fiber/v2"
)

// mistakes are those in the parameters that were asked for. Others are passed over: an address may
// have been kept since an older version, or be of a newer one.
func (q *query) mistakes() error {
	if len(q.bad) == 0 {
		return nil
	}
	return badRequest(q.bad...)
}

func (s *Server) overviewPage(c *fiber.Ctx) error {
	ctx, now := c.UserContext(), time.Now().UTC()
	d := dashboard.OverviewData{Now: now, Ready: s.app.Crons.Ready(ctx)}
	var err error
	if d.Jobs, err = s.app.Crons.Jobs(ctx, ops.Filter{}); err != nil {
		return err
	}
	if d.Running, err = s.app.Crons.Records(ctx, contract.Query{Statuses: []cron.Status{cron.Queued, cron.Running}, Limit: dashboard.OverviewRunning}); err != nil {
		return err
	}
	if d.Recent, err = s.history.Recent(ctx, dashboard.OverviewFailing(d.Jobs), dashboard.SparkRuns); err != nil {
		return err
	}
	if d.Tally, err = s.day.tally(ctx, s.history, now); err != nil {
		return err
	}
	if d.Instances, err = s.ledger.Instances(ctx); err != nil {
		return err
	}
	return s.show(c, fiber.StatusOK, dashboard.Page{
		Title: "Overview", Nav: "overview", Now: now, Failing: len(dashboard.Failing(d.Jobs)), Body: dashboard.NewOverview(d),
	})
}

func (s *Server) jobsPage(c *fiber.Ctx) error {
	q, ctx := queryOf(c), c.UserContext()
	status := anyOf(q, "status", "scheduled", "running", "paused", "disabled", "failing")
	sel := dashboard.Selection{
		Filter:  ops.Filter{Tag: q.text("tag", 100), Search: q.text("q", 200)},
		Failing: status == "failing",
		Offset:  int(q.number("offset", 0, 1_000_000, 0)),
	}
	if !sel.Failing {
		sel.Filter.Status = contract.JobStatus(status)
	}
	if err := q.mistakes(); err != nil {
		return err
	}
	jobs, err := s.app.Crons.Jobs(ctx, ops.Filter{})
	if err != nil {
		return err
	}
	list := dashboard.Select(jobs, sel)
	recent, err := s.history.Recent(ctx, list.Names(), dashboard.SparkRuns)
	if err != nil {
		return err
	}
	return s.show(c, fiber.StatusOK, dashboard.Page{Title: "Jobs", Nav: "jobs", Failing: len(dashboard.Failing(jobs)), Body: list.Fill(recent, s.app.Crons.Explain)})
}

func (s *Server) jobPage(c *fiber.Ctx) error {
	q, ctx, name := queryOf(c), c.UserContext(), jobName(c)
	list := dashboard.RunList{
		Status: anyOf(q, "status", cron.Queued, cron.Running, cron.Succeeded, cron.Failed, cron.Cancelled, cron.Skipped, cron.Interrupted),
		Before: q.text("before", longestID),
	}
	if err := q.mistakes(); err != nil {
		return err
	}
	job, err := s.app.Crons.Job(ctx, name)
	if err != nil {
		return err
	}
	query := contract.Query{Job: name, Before: list.Before, Limit: dashboard.RunsPerPage + 1}
	if list.Status != "" {
		query.Statuses = []cron.Status{list.Status}
	}
	if list.Runs, err = s.app.Crons.Records(ctx, query); err != nil {
		return err
	}
	if len(list.Runs) > dashboard.RunsPerPage {
		list.Runs = list.Runs[:dashboard.RunsPerPage]
		list.Next = list.Runs[dashboard.RunsPerPage-1].ID
	}
	recent, err := s.history.Recent(ctx, []string{name}, dashboard.ChartRuns)
	if err != nil {
		return err
	}
	changes, err := s.ledger.Audits(ctx, name, 0, 10)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	return s.show(c, fiber.StatusOK, dashboard.Page{Title: name, Nav: "jobs", Now: now, Body: dashboard.NewJobPage(now, job, recent[name], list, changes)})
}

// previewPart says what a schedule would mean, while it is being written.
func (s *Server) previewPart(c *fiber.Ctx) error {
	q := queryOf(c)
	expr, zone := q.text("expr", longestExpr), q.text("timezone", 100)
	if err := q.mistakes(); err != nil {
		return err
	}
	preview, err := s.app.Crons.Preview(c.UserContext(), jobName(c), expr, zone)
	text, err := dashboard.RenderPreview(time.Now().UTC(), preview, err)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	return sendPacked(c, []byte(text))
}

func (s *Server) runPage(c *fiber.Ctx) error {
	ctx := c.UserContext()
	id, err := runID(c)
	if err != nil {
		return err
	}
	run, err := s.app.Crons.Record(ctx, id)
	if err != nil {
		return err
	}
	end, err := s.history.LogEnd(ctx, id)
	if err != nil {
		return err
	}
	lines, err := s.app.Crons.Logs(ctx, id, max(0, end-dashboard.LogLines), dashboard.LogLines)
	if err != nil {
		return err
	}
	changes, err := s.ledger.Audits(ctx, id, 0, 10)
	if err != nil {
		return err
	}
	_, unknown := s.app.Crons.Preview(ctx, run.Job, "", "")
	now := time.Now().UTC()
	return s.show(c, fiber.StatusOK, dashboard.Page{
		Title: run.Job + ": " + string(run.Status), Nav: "jobs", Now: now,
		Body: dashboard.NewRunPage(now, run, lines, end > dashboard.LogLines, changes, unknown == nil),
	})
}

// logPart answers with the lines after the one numbered ?after=.
func (s *Server) logPart(c *fiber.Ctx) error {
	q := queryOf(c)
	after := q.number("after", 0, 1<<62, 0)
	if err := q.mistakes(); err != nil {
		return err
	}
	id, err := runID(c)
	if err != nil {
		return err
	}
	lines, err := s.app.Crons.Logs(c.UserContext(), id, after, 1000)
	if err != nil {
		return err
	}
	text, err := dashboard.RenderLog(dashboard.LogTail{Run: id, Lines: lines})
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	return sendPacked(c, []byte(text))
}

// logFile answers with a whole log as text, without what a terminal would obey.
func (s *Server) logFile(c *fiber.Ctx) error {
	id, err := runID(c)
	if err != nil {
		return err
	}
	const batch = 5000
	var b strings.Builder
	for after, n := int64(0), batch; n == batch; {
		lines, err := s.app.Crons.Logs(c.UserContext(), id, after, batch)
		if err != nil {
			return err
		}
		for _, l := range lines {
			fmt.Fprintf(&b, "%s %-5s %s", l.Time.UTC().Format("2006-01-02T15:04:05.000Z"), l.Level, l.Message)
			for _, a := range dashboard.Attrs(l.Attrs) {
				fmt.Fprintf(&b, " %s=%s", a.Key, a.Value)
			}
			b.WriteByte('\n')
			after = l.Seq
		}
		n = len(lines)
	}
	c.Set(fiber.HeaderContentType, fiber.MIMETextPlainCharsetUTF8)
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="run-`+id+`.log"`)
	return sendPacked(c, []byte(b.String()))
}

func (s *Server) timelinePage(c *fiber.Ctx) error {
	q, ctx, now := queryOf(c), c.UserContext(), time.Now().UTC()
	name, search := q.text("window", 10), q.text("q", 200)
	if err := q.mistakes(); err != nil {
		return err
	}
	window := dashboard.Windows[2]
	if i := slices.IndexFunc(dashboard.Windows, func(w dashboard.Window) bool { return w.Name == name }); i >= 0 {
		window = dashboard.Windows[i]
	}
	keep := func(string) bool { return true }
	if strings.TrimSpace(search) != "" {
		jobs, err := s.app.Crons.Jobs(ctx, ops.Filter{Search: search})
		if err != nil {
			return err
		}
		names := map[string]bool{}
		for _, j := range jobs {
			names[j.Name] = true
		}
		keep = func(job string) bool { return names[job] }
	}
	from := now.Add(-window.Each)
	t, err := s.app.Crons.Timeline(ctx, from, now.Add(window.Each))
	if err != nil {
		return err
	}
	if t.Runs, err = s.history.Spans(ctx, from, now, dashboard.TimelineRuns+1); err != nil {
		return err
	}
	return s.show(c, fiber.StatusOK, dashboard.Page{Title: "Timeline", Nav: "timeline", Now: now, Body: dashboard.NewTimeline(t, window, search, keep)})
}

func (s *Server) instancesPage(c *fiber.Ctx) error {
	list, err := s.ledger.Instances(c.UserContext())
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	return s.show(c, fiber.StatusOK, dashboard.Page{Title: "Instances", Nav: "instances", Now: now, Body: dashboard.NewInstances(now, list)})
}

func (s *Server) auditPage(c *fiber.Ctx) error {
	const limit = 50
	q := queryOf(c)
	target, before := q.text("target", 100), q.number("before", 0, 1<<62, 0)
	if err := q.mistakes(); err != nil {
		return err
	}
	entries, err := s.ledger.Audits(c.UserContext(), target, before, limit+1)
	if err != nil {
		return err
	}
	next := int64(0)
	if len(entries) > limit {
		entries = entries[:limit]
		next = entries[limit-1].ID
	}
	return s.show(c, fiber.StatusOK, dashboard.Page{Title: "Audit", Nav: "audit", Body: dashboard.NewAudit(entries, target, before, next)})
}

func (s *Server) settingsPage(c *fiber.Ctx) error {
	var list []dashboard.Setting
	for _, v := range s.app.Config.Settings() {
		list = append(list, dashboard.Setting{
			Name: v.Name, Value: v.Value, Default: v.Default, About: v.About, Secret: v.Secret, Changed: v.Changed(),
		})
	}
	return s.show(c, fiber.StatusOK, dashboard.Page{Title: "Settings", Nav: "settings", Body: dashboard.NewSettings(list)})
}

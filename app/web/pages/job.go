package pages

import (
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/contract"
	"fibercrons/app/dashboard"
	"fibercrons/app/scheduler"
	"fibercrons/app/web/reply"
	"fibercrons/app/web/request"
)

func (p *Pages) jobPage(c *fiber.Ctx) error {
	q, ctx, name := request.QueryOf(c), c.UserContext(), request.JobName(c)
	list := dashboard.RunList{
		Status: request.Status(q),
		Before: q.Text("before", request.LongestID),
	}
	if err := q.Mistakes(); err != nil {
		return err
	}
	job, err := p.app.Crons.Job(ctx, name)
	if err != nil {
		return err
	}
	if list, err = p.runList(c, contract.Query{Job: name}, list); err != nil {
		return err
	}
	stored, err := p.app.Crons.Schedules(ctx, contract.ScheduleQuery{Job: name, Limit: dashboard.StoredShown})
	if err != nil {
		return err
	}
	recent, err := p.app.Store.Recent(ctx, []string{name}, dashboard.ChartRuns)
	if err != nil {
		return err
	}
	changes, err := p.app.Store.Audits(ctx, name, 0, 10)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	body := dashboard.NewJobPage(base(c), now, job, recent[name], list, changes).WithStored(stored, p.app.Crons.ExplainSchedule)
	return p.show(c, fiber.StatusOK, dashboard.Page{Title: name, Nav: "jobs", Now: now, Body: body})
}

// previewPart shows what a schedule means, while someone is typing it.
func (p *Pages) previewPart(c *fiber.Ctx) error {
	q := request.QueryOf(c)
	expr, zone := q.Text("expr", 500), q.Text("timezone", 100)
	if err := q.Mistakes(); err != nil {
		return err
	}
	preview, err := p.app.Crons.Preview(c.UserContext(), request.JobName(c), expr, zone)
	text, err := dashboard.RenderPreview(time.Now().UTC(), preview, err)
	if err != nil {
		return err
	}
	return send(c, fiber.MIMETextHTMLCharsetUTF8, []byte(text))
}

func (p *Pages) runForm(c *fiber.Ctx) error {
	ctx, name := c.UserContext(), request.JobName(c)
	job, err := p.app.Crons.Job(ctx, name)
	if err != nil {
		return err
	}
	asked := scheduler.Request{Force: formValue(c, "force") != ""}
	if asked.At, err = formInstant(c, "at"); err != nil {
		return err
	}
	if fields := dashboard.ArgFields(job.ArgsSchema, job.Args); len(fields) > 0 {
		asked.Args = dashboard.Args(fields, dashboard.Typed(formValues(c)))
		if err := request.CheckDepth(asked.Args); err != nil {
			return err
		}
	}
	run, err := p.app.Crons.By(request.Caller(c)).Trigger(ctx, name, asked)
	if err != nil {
		return err
	}
	return c.Redirect(runPath(c, run.ID), fiber.StatusSeeOther)
}

func (p *Pages) pauseForm(c *fiber.Ctx) error {
	until, err := formInstant(c, "until")
	if err != nil {
		return err
	}
	pause := contract.Pause{Job: request.JobName(c), Reason: formValue(c, "reason"), Until: until}
	_, err = p.app.Crons.By(request.Caller(c)).Pause(c.UserContext(), pause)
	return doneToJob(c, "pause", err)
}

func (p *Pages) resumeForm(c *fiber.Ctx) error {
	_, err := p.app.Crons.By(request.Caller(c)).Pause(c.UserContext(), contract.Pause{Job: request.JobName(c), Resume: true})
	return doneToJob(c, "resume", err)
}

func (p *Pages) scheduleForm(c *fiber.Ctx) error {
	expr := formValue(c, "expr")
	if strings.TrimSpace(expr) == "" {
		return reply.BadBody("/expr", "is missing")
	}
	_, err := p.app.Crons.By(request.Caller(c)).Reschedule(c.UserContext(), request.JobName(c), expr, formValue(c, "timezone"))
	return doneToJob(c, "schedule", err)
}

func (p *Pages) unscheduleForm(c *fiber.Ctx) error {
	_, err := p.app.Crons.By(request.Caller(c)).Reschedule(c.UserContext(), request.JobName(c), "", "")
	return doneToJob(c, "unschedule", err)
}

func (p *Pages) backfillForm(c *fiber.Ctx) error {
	from, err := formInstant(c, "from")
	if err != nil {
		return err
	}
	to, err := formInstant(c, "to")
	if err != nil {
		return err
	}
	if from.IsZero() || to.IsZero() {
		return reply.BadBody("/from", "and to are both needed")
	}
	name := request.JobName(c)
	runs, err := p.app.Crons.By(request.Caller(c)).Backfill(c.UserContext(), name, from, to)
	if err != nil {
		return err
	}
	return doneMany(c, jobPath(c, name), "backfill", len(runs), 0)
}

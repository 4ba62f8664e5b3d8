package pages

import (
	"errors"
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/dashboard"
	"fibercrons/app/ops"
	"fibercrons/app/scheduler"
	"fibercrons/app/web/reply"
	"fibercrons/app/web/request"
)

// longestScheduleID is the limit in characters for IDs of stored schedules.
const longestScheduleID = 200

// schedulesPage lists the stored schedules, page by page.
func (p *Pages) schedulesPage(c *fiber.Ctx) error {
	q, ctx := request.QueryOf(c), c.UserContext()
	f := dashboard.ScheduleFilter{
		Search: q.Text("q", 200),
		Job:    q.Text("job", 100),
		Paused: request.AnyOf(q, "paused", "true", "false"),
		Meta:   q.Pairs("meta", 1000),
		After:  q.Text("after", longestScheduleID),
	}
	if err := q.Mistakes(); err != nil {
		return err
	}
	query := contract.ScheduleQuery{Job: f.Job, Search: f.Search, Meta: f.Meta, After: f.After, Limit: dashboard.SchedulesPerPage}
	if f.Paused != "" {
		only := f.Paused == "true"
		query.Paused = &only
	}
	list, err := p.app.Crons.Schedules(ctx, query)
	if err != nil {
		return err
	}
	return p.show(c, fiber.StatusOK, dashboard.Page{
		Title: "Schedules", Nav: "schedules", Body: dashboard.NewScheduleList(f, list, p.app.Crons.ExplainSchedule, p.jobNames()),
	})
}

// jobNames are the registered jobs.
func (p *Pages) jobNames() []string {
	defined := p.app.Crons.Definitions()
	names := make([]string, len(defined))
	for i, j := range defined {
		names[i] = j.Name
	}
	return names
}

// schedulePage shows the stored schedule that ?id= names.
func (p *Pages) schedulePage(c *fiber.Ctx) error {
	q, ctx := request.QueryOf(c), c.UserContext()
	id := q.Text("id", longestScheduleID)
	list := dashboard.RunList{Status: request.Status(q), Before: q.Text("before", request.LongestID)}
	if err := q.Mistakes(); err != nil {
		return err
	}
	detail, err := p.app.Crons.Schedule(ctx, id)
	if err != nil {
		return ofSchedule(err)
	}
	list, err = p.runList(c, contract.Query{Schedule: id}, list)
	if err != nil {
		return err
	}
	changes, err := p.app.Store.Audits(ctx, id, 0, 10)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	return p.show(c, fiber.StatusOK, dashboard.Page{
		Title: id, Nav: "schedules", Now: now, Body: dashboard.NewSchedulePage(now, detail, list, changes),
	})
}

// runList fills a page of runs.
func (p *Pages) runList(c *fiber.Ctx, query contract.Query, list dashboard.RunList) (dashboard.RunList, error) {
	query.Before, query.Limit = list.Before, dashboard.RunsPerPage+1
	if list.Status != "" {
		query.Statuses = []cron.Status{list.Status}
	}
	runs, err := p.app.Crons.Records(c.UserContext(), query)
	if err != nil {
		return list, err
	}
	runs, more := reply.Page(runs, dashboard.RunsPerPage)
	if list.Runs = runs; more {
		list.Next = runs[len(runs)-1].ID
	}
	return list, nil
}

// ofSchedule words the errors of stored schedules.
func ofSchedule(err error) error {
	var none *ops.NoScheduleError
	switch {
	case errors.As(err, &none):
		return reply.Refuse(fiber.StatusNotFound, none.Error())
	case errors.Is(err, ops.ErrRevision):
		return reply.Refuse(fiber.StatusConflict, err.Error())
	}
	return err
}

// schedulePath is the page of a stored schedule as the browser sees it.
func schedulePath(c *fiber.Ctx, id string) string { return rootPath(c) + dashboard.Schedule(id, "") }

// changeSchedule makes a change to the schedule that ?id= names, and leads to its page.
func (p *Pages) changeSchedule(c *fiber.Ctx, did string, change func(by ops.Audited, id string) error) error {
	q := request.QueryOf(c)
	id := q.Text("id", longestScheduleID)
	if err := q.Mistakes(); err != nil {
		return err
	}
	if err := change(p.app.Crons.By(request.Caller(c)), id); err != nil {
		return ofSchedule(err)
	}
	return done(c, schedulePath(c, id), did)
}

func (p *Pages) pauseScheduleForm(c *fiber.Ctx) error {
	until, err := formInstant(c, "until")
	if err != nil {
		return err
	}
	pause := contract.PauseSchedule{Reason: formValue(c, "reason"), Until: until}
	return p.changeSchedule(c, "stored-pause", func(by ops.Audited, id string) error {
		pause.ID = id
		_, err := by.PauseSchedule(c.UserContext(), pause)
		return err
	})
}

func (p *Pages) resumeScheduleForm(c *fiber.Ctx) error {
	return p.changeSchedule(c, "stored-resume", func(by ops.Audited, id string) error {
		_, err := by.PauseSchedule(c.UserContext(), contract.PauseSchedule{ID: id, Resume: true})
		return err
	})
}

func (p *Pages) deleteScheduleForm(c *fiber.Ctx) error {
	err := p.changeSchedule(c, "", func(by ops.Audited, id string) error {
		_, err := by.DeleteSchedule(c.UserContext(), id, 0)
		return err
	})
	if err != nil {
		return err
	}
	return done(c, rootPath(c)+"/schedules", "stored-delete")
}

func (p *Pages) runScheduleForm(c *fiber.Ctx) error {
	var run cron.Record
	err := p.changeSchedule(c, "", func(by ops.Audited, id string) (err error) {
		run, err = by.TriggerSchedule(c.UserContext(), id, scheduler.Request{})
		return err
	})
	if err != nil {
		return err
	}
	return c.Redirect(runPath(c, run.ID), fiber.StatusSeeOther)
}

package pages

import (
	"encoding/json"
	"errors"
	"net/url"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/dashboard"
	"fibercrons/app/ops"
	"fibercrons/app/scheduler"
	"fibercrons/app/web/reply"
	"fibercrons/app/web/request"
)

func (p *Pages) jobsPage(c *fiber.Ctx) error {
	q, ctx := request.QueryOf(c), c.UserContext()
	status := request.AnyOf(q, "status", "scheduled", "running", "paused", "disabled", "failing")
	sel := dashboard.Selection{
		Filter:  ops.Filter{Tag: q.Text("tag", 100), Search: q.Text("q", 200)},
		Failing: status == "failing",
		Offset:  int(q.Number("offset", 0, 1_000_000, 0)),
	}
	if !sel.Failing {
		sel.Filter.Status = contract.JobStatus(status)
	}
	if err := q.Mistakes(); err != nil {
		return err
	}
	jobs, err := p.app.Crons.Jobs(ctx, ops.Filter{})
	if err != nil {
		return err
	}
	list := dashboard.Select(jobs, sel)
	recent, err := p.app.Store.Recent(ctx, list.Names(), dashboard.SparkRuns)
	if err != nil {
		return err
	}
	return p.show(c, fiber.StatusOK, dashboard.Page{Title: "Jobs", Nav: "jobs", Failing: len(dashboard.Failing(jobs)), Body: list.Fill(recent, p.app.Crons.Explain)})
}

// bulkForm makes one change to each of the selected jobs, and counts those that refuse it.
func (p *Pages) bulkForm(c *fiber.Ctx) error {
	do := formValue(c, "do")
	var names []string
	for _, name := range c.Context().PostArgs().PeekMulti("job") {
		names = append(names, string(name))
	}
	if len(names) == 0 || len(names) > dashboard.PerPage {
		return reply.BadBody("/job", "select from 1 to "+strconv.Itoa(dashboard.PerPage)+" jobs")
	}
	crons, ctx := p.app.Crons.By(request.Caller(c)), c.UserContext()
	change := map[string]func(name string) error{
		"run": func(name string) error {
			_, err := crons.Trigger(ctx, name, scheduler.Request{Args: json.RawMessage("{}")})
			return err
		},
		"pause": func(name string) error {
			_, err := crons.Pause(ctx, contract.Pause{Job: name})
			return err
		},
		"resume": func(name string) error {
			_, err := crons.Pause(ctx, contract.Pause{Job: name, Resume: true})
			return err
		},
	}[do]
	if change == nil {
		return reply.BadBody("/do", "must be one of run, pause, resume")
	}
	changed, refused := 0, 0
	for _, name := range names {
		err := change(name)
		var refusal *contract.RefusedError
		var wrong *cron.ArgsError
		switch {
		case err == nil:
			changed++
		case errors.As(err, &refusal), errors.As(err, &wrong), errors.Is(err, cron.ErrNotFound):
			refused++
		default:
			return err
		}
	}
	list := rootPath(c) + "/jobs"
	if u, err := url.Parse(cameFrom(c)); err == nil && u.Path == list { // with its filters
		u.RawQuery = withoutFlash(u.Query()).Encode()
		list = u.String()
	}
	return doneMany(c, list, do, changed, refused)
}

package pages

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/dashboard"
	"fibercrons/app/ops"
	"fibercrons/app/web/reply"
	"fibercrons/app/web/request"
)

func alertsPath(c *fiber.Ctx) string { return rootPath(c) + "/alerts" }

func (p *Pages) alertsPage(c *fiber.Ctx) error {
	q, ctx := request.QueryOf(c), c.UserContext()
	asked := request.Alerts(q, dashboard.AlertsPerPage)
	asked.Limit = dashboard.AlertsPerPage
	if err := q.Mistakes(); err != nil {
		return err
	}
	list, total, err := p.app.Alerts.Alerts(ctx, asked)
	if err != nil {
		return err
	}
	silences, err := p.app.Alerts.Silences(ctx, false)
	if err != nil {
		return err
	}
	jobs, err := p.app.Crons.Jobs(ctx, ops.Filter{})
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	return p.show(c, fiber.StatusOK, dashboard.Page{
		Title: "Alerts", Nav: "alerts", Now: now, Body: dashboard.NewAlerts(now, asked, list, total, silences, p.app.Alerts.Channels(), jobs),
	})
}

func (p *Pages) silenceForm(c *fiber.Ctx) error {
	job, reason := formValue(c, "job"), formValue(c, "reason")
	until, err := formInstant(c, "until")
	if err != nil {
		return err
	}
	if text := formValue(c, "for"); until.IsZero() && text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			return reply.BadBody("/for", "must be a duration such as 2h")
		}
		until = time.Now().UTC().Add(d)
	}
	if _, err := p.app.Alerts.By(request.Caller(c)).Silence(c.UserContext(), job, until, reason); err != nil {
		return err
	}
	return done(c, alertsPath(c), "silence")
}

func (p *Pages) unsilenceForm(c *fiber.Ctx) error {
	id, err := request.RunID(c)
	if err != nil {
		return err
	}
	if _, err := p.app.Alerts.By(request.Caller(c)).Unsilence(c.UserContext(), id); err != nil {
		return err
	}
	return done(c, alertsPath(c), "unsilence")
}

func (p *Pages) testAlertsForm(c *fiber.Ctx) error {
	sent, broken := 0, 0
	for _, r := range p.app.Alerts.Test(c.UserContext()) {
		if r.Sent {
			sent++
		} else {
			broken++
			p.app.Log.Warn("a test of a channel of alerts failed", "channel", r.Channel, "error", r.Error, "request_id", request.ID(c))
		}
	}
	return doneMany(c, alertsPath(c), "test", sent, broken)
}

package web

import (
	"strconv"
	"time"

	"fibercrons/app/alert"
	"fibercrons/app/contract"
	"fibercrons/app/dashboard"
	"fibercrons/app/ops"
	"fibercrons/app/web/access"

	"github.com/gofiber/fiber/v2"
)

// alertsBy are the alerts in the hands of the caller of c.
func (s *Server) alertsBy(c *fiber.Ctx) alert.Audited {
	return s.app.Alerts.By(contract.Caller{Actor: access.CallerOf(c).Name, Origin: s.access.Origin(c), RequestID: requestID(c)})
}

func alertQuery(q *query, limit int) alert.Query {
	return alert.Query{
		Job:    q.text("job", 100),
		Status: anyOf(q, "status", alert.Pending, alert.Sent, alert.Failed, alert.Silenced),
		Limit:  int(q.number("limit", 1, 500, int64(limit))),
		Offset: int(q.number("offset", 0, 1_000_000_000, 0)),
	}
}

// listAlerts answers with alerts, newest first, and how they were delivered.
func (s *Server) listAlerts(c *fiber.Ctx) error {
	q := queryOf(c)
	asked := alertQuery(q, 50)
	if err := q.err(); err != nil {
		return err
	}
	list, total, err := s.app.Alerts.Alerts(c.UserContext(), asked)
	if err != nil {
		return err
	}
	c.Set("X-Total-Count", strconv.Itoa(total))
	return sendTagged(c, list)
}

// testAlerts sends a test through every channel, and answers with what came of it.
func (s *Server) testAlerts(c *fiber.Ctx) error {
	if err := noQuery(c); err != nil {
		return err
	}
	if err := readBody(c); err != nil {
		return err
	}
	return sendJSON(c, fiber.StatusOK, s.app.Alerts.Test(c.UserContext()))
}

func (s *Server) listSilences(c *fiber.Ctx) error {
	q := queryOf(c)
	all := anyOf(q, "all", "true", "false") == "true"
	if err := q.err(); err != nil {
		return err
	}
	list, err := s.app.Alerts.Silences(c.UserContext(), all)
	if err != nil {
		return err
	}
	return sendTagged(c, list)
}

func (s *Server) addSilence(c *fiber.Ctx) error {
	var job, reason string
	var until time.Time
	if err := noQuery(c); err != nil {
		return err
	}
	if err := readBody(c, field{"job", &job}, field{"until", &until}, field{"reason", &reason}); err != nil {
		return err
	}
	silence, err := s.alertsBy(c).Silence(c.UserContext(), job, until, reason)
	if err != nil {
		return err
	}
	return sendJSON(c, fiber.StatusCreated, silence)
}

func (s *Server) endSilence(c *fiber.Ctx) error {
	if err := noQuery(c); err != nil {
		return err
	}
	if err := readBody(c); err != nil {
		return err
	}
	id, err := runID(c)
	if err != nil {
		return err
	}
	silence, err := s.alertsBy(c).Unsilence(c.UserContext(), id)
	if err != nil {
		return err
	}
	return sendJSON(c, fiber.StatusOK, silence)
}

func (s *Server) alertsPage(c *fiber.Ctx) error {
	q, ctx := queryOf(c), c.UserContext()
	asked := alertQuery(q, dashboard.AlertsPerPage)
	asked.Limit = dashboard.AlertsPerPage
	if err := q.mistakes(); err != nil {
		return err
	}
	list, total, err := s.app.Alerts.Alerts(ctx, asked)
	if err != nil {
		return err
	}
	silences, err := s.app.Alerts.Silences(ctx, false)
	if err != nil {
		return err
	}
	jobs, err := s.app.Crons.Jobs(ctx, ops.Filter{})
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	return s.show(c, fiber.StatusOK, dashboard.Page{
		Title: "Alerts", Nav: "alerts", Now: now, Body: dashboard.NewAlerts(now, asked, list, total, silences, s.app.Alerts.Channels(), jobs),
	})
}

func (s *Server) silenceForm(c *fiber.Ctx) error {
	job, reason := formValue(c, "job"), formValue(c, "reason")
	until, err := formInstant(c, "until")
	if err != nil {
		return err
	}
	if text := formValue(c, "for"); until.IsZero() && text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			return badRequest(invalid{"body", "/for", "must be a duration such as 2h"})
		}
		until = time.Now().UTC().Add(d)
	}
	if err := checkText("/reason", reason, longestReason); err != nil {
		return err
	}
	if _, err := s.alertsBy(c).Silence(c.UserContext(), job, until, reason); err != nil {
		return err
	}
	return done(c, alertsPath, "silence", 0, 0)
}

func (s *Server) unsilenceForm(c *fiber.Ctx) error {
	id, err := runID(c)
	if err != nil {
		return err
	}
	if _, err := s.alertsBy(c).Unsilence(c.UserContext(), id); err != nil {
		return err
	}
	return done(c, alertsPath, "unsilence", 0, 0)
}

func (s *Server) testAlertsForm(c *fiber.Ctx) error {
	sent, broken := 0, 0
	for _, r := range s.app.Alerts.Test(c.UserContext()) {
		if r.Sent {
			sent++
		} else {
			broken++
			s.app.Log.Warn("a test of a channel of alerts failed", "channel", r.Channel, "error", r.Error, "request_id", requestID(c))
		}
	}
	return done(c, alertsPath, "test", sent, broken)
}

const alertsPath = dashboard.Root + "/alerts"

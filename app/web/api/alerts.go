package api

import (
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/web/reply"
	"fibercrons/app/web/request"
)

// listAlerts answers with alerts and their deliveries, newest first.
func (a *API) listAlerts(c *fiber.Ctx) error {
	q := request.QueryOf(c)
	asked := request.Alerts(q, 50)
	if err := q.Err(); err != nil {
		return err
	}
	list, total, err := a.app.Alerts.Alerts(c.UserContext(), asked)
	if err != nil {
		return err
	}
	c.Set("X-Total-Count", strconv.Itoa(total))
	return reply.Tagged(c, list)
}

// testAlerts sends a test through every channel, and answers with the results.
func (a *API) testAlerts(c *fiber.Ctx) error {
	if err := request.OnlyBody(c); err != nil {
		return err
	}
	return reply.JSON(c, fiber.StatusOK, a.app.Alerts.Test(c.UserContext()))
}

func (a *API) listSilences(c *fiber.Ctx) error {
	q := request.QueryOf(c)
	all := request.AnyOf(q, "all", "true", "false") == "true"
	if err := q.Err(); err != nil {
		return err
	}
	list, err := a.app.Alerts.Silences(c.UserContext(), all)
	if err != nil {
		return err
	}
	return reply.Tagged(c, list)
}

func (a *API) addSilence(c *fiber.Ctx) error {
	var job, reason string
	var until time.Time
	if err := request.OnlyBody(c, request.Into("job", &job), request.Into("until", &until), request.Into("reason", &reason)); err != nil {
		return err
	}
	silence, err := a.app.Alerts.By(request.Caller(c)).Silence(c.UserContext(), job, until, reason)
	if err != nil {
		return err
	}
	return reply.JSON(c, fiber.StatusCreated, silence)
}

func (a *API) endSilence(c *fiber.Ctx) error {
	id, err := pathOnly(c)
	if err != nil {
		return err
	}
	silence, err := a.app.Alerts.By(request.Caller(c)).Unsilence(c.UserContext(), id)
	if err != nil {
		return err
	}
	return reply.JSON(c, fiber.StatusOK, silence)
}

package web

import (
	"errors"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app"
	"fibercrons/app/scheduler"
	"fibercrons/app/web/reply"
	"fibercrons/app/web/request"
)

type health struct{ app *app.App }

// livez answers as long as the process can answer anything, whatever the state of the store and the jobs: a restart
// would not repair those.
func (h health) livez(c *fiber.Ctx) error {
	return reply.JSON(c, fiber.StatusOK, map[string]string{"status": "alive"})
}

// readyz says whether jobs run, and if not, why. Ready means: the store answers, every job is on its schedule, the
// clock ticks, and the process has not been asked to stop. Other errors go to the log alone, as the path is open to
// all. Without a Redis that only helps, the process is ready and degraded. Without a Redis that decides which replica
// runs a slot it is not ready: no slot can be claimed.
func (h health) readyz(c *fiber.Ctx) error {
	if request.Serving(c).Err() != nil {
		return unready(scheduler.PartScheduler, "the server is stopping")
	}
	err := h.app.Crons.Ready(c.UserContext())
	if err == nil {
		status := "ready"
		if h.app.Crons.Degraded() != nil {
			status = "degraded"
		}
		return reply.JSON(c, fiber.StatusOK, map[string]string{"status": status})
	}
	h.app.Log.WarnContext(c.UserContext(), "not ready", "error", err.Error())
	if why, ok := errors.AsType[*scheduler.NotReadyError](err); ok {
		return unready(why.Part, why.Detail)
	}
	return unready("", "not ready; the log says why")
}

func unready(part scheduler.Part, detail string) *reply.Problem {
	p := reply.Refuse(fiber.StatusServiceUnavailable, detail)
	p.Part = part
	return p
}

package web

import (
	"errors"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/scheduler"
	"fibercrons/app/web/reply"
)

// livez answers as long as the process can answer anything, whatever the state of the store and the jobs: a restart
// would not repair those.
func (s *Server) livez(c *fiber.Ctx) error {
	return reply.JSON(c, fiber.StatusOK, map[string]string{"status": "alive"})
}

// readyz says whether jobs run, and if not, why. Ready means: the store answers, every job is on its schedule, the
// clock ticks, and the process has not been asked to stop. Other errors go to the log alone, as the path is open to
// all. Without a Redis that only helps, the process is ready and degraded. Without a Redis that decides which replica
// runs a slot it is not ready: no slot can be claimed.
func (s *Server) readyz(c *fiber.Ctx) error {
	if s.closing.Err() != nil {
		return unready(scheduler.PartScheduler, "the server is stopping")
	}
	err := s.app.Crons.Ready(c.UserContext())
	if err == nil {
		status := "ready"
		if s.app.Crons.Degraded() != nil {
			status = "degraded"
		}
		return reply.JSON(c, fiber.StatusOK, map[string]string{"status": status})
	}
	s.app.Log.WarnContext(c.UserContext(), "not ready", "error", err.Error())
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

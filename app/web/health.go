package web

import (
	"errors"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/scheduler"
)

// MountHealth serves GET /livez and GET /readyz, which are open to everybody.
func (s *Server) MountHealth(r fiber.Router) {
	r.Get("/livez", s.livez)
	r.Get("/readyz", s.readyz)
}

// livez answers as long as the process can answer anything, whatever becomes of the store and the
// jobs: what a restart does not mend is no reason for one.
func (s *Server) livez(c *fiber.Ctx) error {
	return sendJSON(c, fiber.StatusOK, map[string]string{"status": "alive"})
}

// readyz says whether jobs are being run, and if not, why: the store answers, every job is on its
// schedule, the clock ticks, and nobody has asked the process to stop. Errors of others are logged
// and not told: the path is open to all. Without a Redis that only helps it is ready, and says degraded;
// without one that decides which replica runs a slot it is not, since no slot can be claimed.
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
		return sendJSON(c, fiber.StatusOK, map[string]string{"status": status})
	}
	s.app.Log.WarnContext(c.UserContext(), "not ready", "error", err.Error())
	if why, ok := errors.AsType[*scheduler.NotReadyError](err); ok {
		return unready(why.Part, why.Detail)
	}
	return unready("", "not ready; the log says why")
}

func unready(part scheduler.Part, detail string) *problem {
	p := refuse(fiber.StatusServiceUnavailable, detail)
	p.Part = part
	return p
}

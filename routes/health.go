package routes

import (
	"github.com/gofiber/fiber/v2"
)

// livez answers as long as the process can answer anything. Restart it when it does not.
func (s *Server) livez(c *fiber.Ctx) error {
	return sendJSON(c, fiber.StatusOK, map[string]string{"status": "alive"})
}

// readyz says whether jobs are being run: the store answers, the clockwork ticks, and nobody has
// asked the process to stop. Without a Redis that only helps it is ready, and says degraded; without
// one that decides which replica runs a slot it is not ready, since no slot can be claimed. The reason of a refusal is logged and not told: the path is open to all.
func (s *Server) readyz(c *fiber.Ctx) error {
	if s.closing.Err() != nil {
		return refuse(fiber.StatusServiceUnavailable, "the server is stopping")
	}
	if err := s.app.Crons.Ready(c.UserContext()); err != nil {
		s.app.Log.WarnContext(c.UserContext(), "not ready", "error", err.Error())
		return refuse(fiber.StatusServiceUnavailable, "not ready; the log says why")
	}
	status := "ready"
	if s.app.Crons.Degraded() != nil {
		status = "degraded"
	}
	return sendJSON(c, fiber.StatusOK, map[string]string{"status": status})
}

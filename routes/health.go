package routes

import (
	"github.com/gofiber/fiber/v2"
)

// livez answers as long as the process can answer anything. Restart it when it does not.
func (s *Server) livez(c *fiber.Ctx) error {
	return sendJSON(c, fiber.StatusOK, map[string]string{"status": "alive"})
}

// readyz says whether jobs are being run: the store answers, the clockwork ticks, and nobody has
// asked the process to stop. The reason of a refusal is logged and not told: the path is open to all.
func (s *Server) readyz(c *fiber.Ctx) error {
	if s.closing.Err() != nil {
		return refuse(fiber.StatusServiceUnavailable, "the server is stopping")
	}
	if err := s.app.Crons.Ready(c.UserContext()); err != nil {
		s.app.Log.WarnContext(c.UserContext(), "not ready", "error", err.Error())
		return refuse(fiber.StatusServiceUnavailable, "not ready; the log says why")
	}
	return sendJSON(c, fiber.StatusOK, map[string]string{"status": "ready"})
}

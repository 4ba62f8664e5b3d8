package web

import (
	"strings"

	"github.com/gofiber/fiber/v2"
)

// traced gives requests that start runs a span, in the trace that their sender names. The runs are
// linked to it. It comes after admit: nobody writes into traces who may not do what the route does.
func (s *Server) traced(handler fiber.Handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		header := func(name string) string { return strings.Clone(c.Get(name)) }
		ctx, end := s.app.Trace.Request(c.UserContext(), c.Method(), c.Route().Path, header)
		status := fiber.StatusInternalServerError // of a panic
		defer func() { end(status) }()
		c.SetUserContext(ctx)
		err := handler(c)
		if status = c.Response().StatusCode(); err != nil {
			status = problemOf(err).Status
		}
		return err
	}
}

package web

import (
	"slices"

	"fibercrons/app/web/access"

	"github.com/gofiber/fiber/v2"
)

// Web is the Fiber application.
func (s *Server) Web() *fiber.App { return s.fiber }

// Table is everything that is served under /crons.
func (s *Server) Table() []access.Route { return slices.Concat(s.pages.Routes(), s.api.Routes()) }

// All serves everything there is, and a route of the user's.
func All(r fiber.Router, s *Server) {
	r.Get("/", func(c *fiber.Ctx) error { return c.SendString("mine") })
	s.MountHealth(r)
	s.MountMetrics(r)
	s.MountCrons(r)
}

package web

import (
	"slices"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/web/access"
)

// Web is the Fiber application.
func (s *Server) Web() *fiber.App { return s.fiber }

// Table is everything that is served under /crons.
func (s *Server) Table() []access.Route { return slices.Concat(s.pages.Routes(), s.api.Routes()) }

package web

import (
	"strings"
	"sync"
	"time"

	"fibercrons/app/web/access"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
)

// MountMetrics serves GET /metrics for Prometheus, to whoever may read: from another machine that takes
// the viewer's token (authorization.credentials in the scrape configuration).
func (s *Server) MountMetrics(r fiber.Router) {
	scrape := adaptor.HTTPHandler(s.app.Metrics.Handler())
	s.serve(r, []route{{method: "GET", path: "/metrics", role: access.Viewer, handler: func(c *fiber.Ctx) error {
		if err := noQuery(c); err != nil {
			return err
		}
		return scrape(c)
	}}})
}

// patterns are the patterns of all routes, by method; known once the first request has come.
func (s *Server) patterns() map[string]map[string]bool {
	all := make(map[string]map[string]bool)
	for _, route := range s.fiber.GetRoutes(true) {
		if all[route.Method] == nil {
			all[route.Method] = make(map[string]bool)
		}
		all[route.Method][route.Path] = true
	}
	return all
}

// unmatched is the route of a request for which there is none.
const unmatched = "unmatched"

// counting counts requests by the pattern of the route that they came to. One that was refused
// before counts for the pattern it was refused at.
func (s *Server) counting() func(c *fiber.Ctx, took time.Duration) {
	patterns := sync.OnceValue(s.patterns)
	return func(c *fiber.Ctx, took time.Duration) {
		route, status := c.Route().Path, c.Response().StatusCode()
		missing := status == fiber.StatusNotFound || status == fiber.StatusMethodNotAllowed
		// What no route takes was last seen by a wrapper, whose path may be a route's as well.
		if !patterns()[c.Method()][route] || strings.HasSuffix(route, "/*") || missing && !strings.ContainsAny(route, ":*+") && route != c.Path() {
			route = unmatched
		}
		if c.Response().IsBodyStream() {
			took = -1 // it ends when its reader goes
		}
		s.app.Metrics.Request(c.Method(), route, status, took)
	}
}

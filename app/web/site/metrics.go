package site

import (
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
)

// patterns are the patterns of all routes, by method; known once the first request has come.
func (s *Site) patterns() map[string]map[string]bool {
	all := make(map[string]map[string]bool)
	for _, route := range s.fiber.GetRoutes(true) {
		if all[route.Method] == nil {
			all[route.Method] = make(map[string]bool)
		}
		all[route.Method][route.Path] = true
	}
	return all
}

// unmatched stands for the route of a request that matches none.
const unmatched = "unmatched"

// counting counts requests by the pattern of the route that answered or refused them.
func (s *Site) counting() func(c *fiber.Ctx, took time.Duration) {
	patterns := sync.OnceValue(s.patterns)
	return func(c *fiber.Ctx, took time.Duration) {
		route, status := c.Route().Path, c.Response().StatusCode()
		missing := status == fiber.StatusNotFound || status == fiber.StatusMethodNotAllowed
		// A request that matches no route ends in a wrapper, whose path may be a route's as well.
		if !patterns()[c.Method()][route] || strings.HasSuffix(route, "/*") || missing && !strings.ContainsAny(route, ":*+") && route != c.Path() {
			route = unmatched
		}
		if c.Response().IsBodyStream() {
			took = -1 // it ends when its client leaves
		}
		s.app.Metrics.Request(c.Method(), route, status, took)
	}
}

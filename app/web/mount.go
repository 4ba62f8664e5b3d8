package web

import (
	"context"
	"slices"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"

	"fibercrons/app"
	"fibercrons/app/dashboard"
	"fibercrons/app/web/access"
	"fibercrons/app/web/api"
	"fibercrons/app/web/pages"
	"fibercrons/app/web/reply"
	"fibercrons/app/web/request"
)

// Routes says what is served where: it calls the Mount methods of s, and adds routes of its own to r.
type Routes func(r fiber.Router, s *Server)

// New builds the web side of a.
func New(a *app.App, limits Limits, routes Routes) *Server {
	limits = limits.withDefaults()
	s := &Server{app: a, access: access.New(a.Config), limits: limits}
	s.closing, s.close = context.WithCancel(context.Background())
	s.api = api.New(s.closing, a, api.StreamLimits{Open: limits.Streams, Heartbeat: limits.Heartbeat, Write: limits.Write})
	s.pages = pages.New(a, s.access)
	s.count = s.counting()
	s.fiber = fiber.New(fiber.Config{
		// A job keeps strings of the request that started it.
		Immutable:                    true,
		CaseSensitive:                true,
		DisableStartupMessage:        true,
		DisablePreParseMultipartForm: true,
		ErrorHandler:                 s.unreadable,
		BodyLimit:                    limits.Body,
		ReadBufferSize:               limits.Header,
		ReadTimeout:                  limits.Read,
		WriteTimeout:                 limits.Write,
		IdleTimeout:                  limits.Idle,
	})
	s.fiber.Server().Handler = s.screen(s.fiber.Server().Handler)
	s.fiber.Server().CloseOnShutdown = true
	s.fiber.Use(s.observe)
	routes(s.fiber, s)
	return s
}

// MountCrons serves everything under /crons. Unknown paths there ask for a role too.
func (s *Server) MountCrons(r fiber.Router) {
	s.serve(r, slices.Concat(s.pages.Routes(), s.api.Routes()))
	s.rest(r, dashboard.Root+"/*", true, func(*fiber.Ctx) error {
		return reply.Refuse(fiber.StatusNotFound, "there is no such page")
	})
	s.rest(r, "/crons/*", false, func(*fiber.Ctx) error { return fiber.ErrNotFound })
}

// MountMetrics serves GET /metrics for Prometheus, to whoever may read: from another machine that takes
// the viewer's token (authorization.credentials in the scrape configuration).
func (s *Server) MountMetrics(r fiber.Router) {
	scrape := adaptor.HTTPHandler(s.app.Metrics.Handler())
	s.serve(r, []access.Route{{Method: "GET", Path: "/metrics", Role: access.Viewer, Handler: func(c *fiber.Ctx) error {
		if err := request.NoQuery(c); err != nil {
			return err
		}
		return scrape(c)
	}}})
}

// MountHealth serves GET /livez and GET /readyz, which are open to everybody.
func (s *Server) MountHealth(r fiber.Router) {
	r.Get("/livez", s.livez)
	r.Get("/readyz", s.readyz)
}

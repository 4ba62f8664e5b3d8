// Package site is the template's own Fiber application: the user's package routes says what it serves. It listens,
// limits what one request may take, logs and counts requests, and stops in order.
//
// A handler that panics costs its own request only. An error that was not written for the caller is logged, and the
// caller gets the ID under which to find it. Requests are bounded in size, depth and time, see [Limits]; an import of
// schedules is bounded only in the time between two of its pieces.
//
// # Files, in reading order
//
//	site.go      New, limits
//	observe.go   around every request; metrics.go: counting them
//	screen.go    requests that Fiber cannot read
//	serve.go     start and stop
package site

import (
	"net"
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app"
	"fibercrons/app/web/access"
)

// Limits bound what one request may take.
type Limits struct {
	Body   int           // bytes of a body, but for imports, which are streamed. Optional. Default: 1 MiB
	Header int           // bytes of request line and headers. Optional. Default: 16 KiB
	Read   time.Duration // from a request's first byte to its last. Optional. Default: 10s
	Write  time.Duration // for a response to be read. Optional. Default: 30s
	Idle   time.Duration // between requests on one connection. Optional. Default: 75s, longer than load balancers keep theirs
	Drain  time.Duration // for requests to finish at shutdown. Optional. Default: 5s
}

func (l Limits) withDefaults() Limits {
	if l.Body == 0 {
		l.Body = 1 << 20
	}
	if l.Header == 0 {
		l.Header = 16 << 10
	}
	if l.Read == 0 {
		l.Read = 10 * time.Second
	}
	if l.Write == 0 {
		l.Write = 30 * time.Second
	}
	if l.Idle == 0 {
		l.Idle = 75 * time.Second
	}
	if l.Drain == 0 {
		l.Drain = 5 * time.Second
	}
	return l
}

// Routes says what is served where.
type Routes func(r fiber.Router, a *app.App)

// Site is the Fiber application of a program. [New] makes it.
type Site struct {
	fiber  *fiber.App
	app    *app.App
	access *access.Control
	limits Limits
	count  func(c *fiber.Ctx, took time.Duration)
	ln     net.Listener
}

// New builds the site of a.
func New(a *app.App, limits Limits, routes Routes) *Site {
	limits = limits.withDefaults()
	s := &Site{app: a, access: access.New(a.Config, a.Tokens, nil), limits: limits}
	s.count = s.counting()
	s.fiber = fiber.New(fiber.Config{
		// What a user's handler keeps of a request stays what it was.
		Immutable:                    true,
		CaseSensitive:                true,
		DisableStartupMessage:        true,
		DisablePreParseMultipartForm: true,
		ErrorHandler:                 s.unreadable,
		BodyLimit:                    limits.Body,
		StreamRequestBody:            true, // screen reads all bodies but those of imports
		ReadBufferSize:               limits.Header,
		ReadTimeout:                  limits.Read,
		WriteTimeout:                 limits.Write,
		IdleTimeout:                  limits.Idle,
	})
	s.fiber.Server().Handler = s.screen(s.fiber.Server().Handler)
	s.fiber.Server().CloseOnShutdown = true
	s.fiber.Use(s.observe())
	routes(s.fiber, a)
	return s
}

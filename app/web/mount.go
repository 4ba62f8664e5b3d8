package web

import (
	"slices"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"

	"fibercrons/app"
	"fibercrons/app/dashboard"
	"fibercrons/app/part"
	"fibercrons/app/web/access"
	"fibercrons/app/web/api"
	"fibercrons/app/web/pages"
	"fibercrons/app/web/reply"
	"fibercrons/app/web/request"
)

// Options say how [Mount] serves an application. The zero value is right for a program without users of its own.
type Options struct {
	// Authorize says who sends a request, in a program that knows its users, and replaces the tokens and the login. It
	// is called for every request below /crons but those for the dashboard's scripts and styles.
	//
	// The zero [Caller] is nobody, and so is one whose [Role] is neither Viewer nor Operator: the request is refused with
	// 401, unless Authorize has answered it by a redirect, such as c.Redirect("/login"). A viewer who wants to change
	// something is refused with 403. An error is answered as a handler's would be: fiber.NewError(403, "only for the
	// team") reaches the caller, any other error is a 500 whose text stays in the log.
	//
	// A header that names the user, as proxies set it that ask for a login, is only worth something when nobody else
	// can send it: compare c.Context().RemoteIP() with the proxy's address. Optional. Default: tokens; see package access.
	Authorize func(c *fiber.Ctx) (Caller, error)
}

// Caller is who sends a request: a [Role], and a name for the audit log.
type Caller = access.Caller

// Role is what a caller may do.
type Role = access.Role

// The roles. The zero Role may do nothing.
const (
	Viewer   = access.Viewer   // reads
	Operator = access.Operator // reads and changes
)

// Mount serves everything under /crons of a router: the API, the dashboard and the login. The router may be an app, a
// group with any prefix, or an app that is mounted into another. A parameter in a prefix stands for one segment;
// optional ones and wildcards are not supported. Unknown paths below /crons ask for a role too.
//
// Nothing is asked of the app around it: its configuration, middleware, error handler and shutdown are its own, and
// nothing outside of /crons changes. Streams of events end when it shuts down.
func Mount(router fiber.Router, a *app.App, o Options) {
	m := &mount{app: a, access: access.New(a.Config, a.Tokens, o.Authorize)}
	m.api, m.pages = api.New(a), pages.New(a, m.access)
	m.serve(router, slices.Concat(m.pages.Routes(), m.api.Routes()))
	m.rest(router, access.Route{Path: dashboard.Root + "/*", Page: true, Handler: func(*fiber.Ctx) error {
		return reply.Refuse(fiber.StatusNotFound, "there is no such page")
	}})
	m.rest(router, access.Route{Path: "/crons/*", Handler: func(*fiber.Ctx) error { return fiber.ErrNotFound }})
}

// Metrics serves GET /metrics for Prometheus, to whoever may read: from another machine that takes the token of
// CRON_VIEWER_TOKEN (authorization.credentials in the scrape configuration), also beside [Options].Authorize.
func Metrics(router fiber.Router, a *app.App) {
	m := &mount{app: a, access: access.New(a.Config, a.Tokens, nil)}
	scrape := adaptor.HTTPHandler(a.Metrics.Handler())
	m.serve(router, []access.Route{{Method: "GET", Path: "/metrics", Role: access.Viewer, Handler: func(c *fiber.Ctx) error {
		if err := request.NoQuery(c); err != nil {
			return err
		}
		if a.Metrics == part.Unmetered {
			return reply.Refuse(fiber.StatusNotFound, part.Missing("GET /metrics", "metrics").Error())
		}
		return scrape(c)
	}}})
}

// Health serves GET /livez and GET /readyz, which are open to everybody.
func Health(router fiber.Router, a *app.App) {
	h := health{app: a}
	router.Get("/livez", request.Answered(a.Log, a.Context, h.livez))
	router.Get("/readyz", request.Answered(a.Log, a.Context, h.readyz))
}

// mount is what is served of one application under one router.
type mount struct {
	app    *app.App
	access *access.Control
	api    *api.API     // nil for metrics
	pages  *pages.Pages // nil for metrics
}

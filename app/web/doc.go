// Package web serves an application in a Fiber app: the API, the dashboard and the login under /crons ([Mount]), health
// checks ([Health]) and metrics ([Metrics]). The Fiber app may be the template's (package site), or that of any other
// program:
//
//	cfg, warnings, err := env.Load() // or env.New(env.Config{...}), which checks the same
//	a, err := app.New(ctx, cfg, cron.Default, app.Log(log))
//	web.Mount(theirs.Group("/admin"), a, web.Options{}) // /admin/crons, /admin/crons/dashboard, ...
//	go a.Run(ctx)
//
// # How it works
//
// Package api has the handlers of the API, package pages those of the dashboard. Each lists them as access.Route, with
// method, path and role. [Mount] wraps every handler in enter, which asks package access: is this request genuine, and
// may the caller do this? So no mounting and no spelling of a path leads around the check, and unknown paths pass it
// too.
//
// Handlers are thin: package request reads what was sent, app/ops does the work and keeps the audit log, package reply
// writes the answer or translates the error. Package openapi has the description of the API; tests hold it to what is
// served.
//
// Links, redirects, cookies and the description of the API begin with access.Base: the prefix of the router, and what
// a proxy in front has stripped.
//
// # In a program of your own
//
//   - Who may do what: tokens and a login, as in the template, or [Options].Authorize. Without CRON_OPERATOR_TOKEN and
//     without Authorize, the operator token is app.App.Tokens.Made().
//   - CRON_ALLOWED_HOSTS has the names under which browsers call the program. Without it and without Authorize, only
//     names of this machine are accepted while HOST is a loopback address.
//   - Requests below /crons are logged when they fail, and not counted: logging and counting belongs to the program's
//     own middleware. /metrics has what the jobs do.
//   - Bodies are at most 1 MiB, whatever the program's limit is.
//
// # What it promises under failure
//
// A handler that panics costs its own request only. An error that was not written for the caller is logged, and the
// caller gets the ID under which to find it. A change that was made is reported as made, even if its audit entry could
// not be written; the log then says so.
//
// # Files, in reading order
//
//	mount.go    what can be mounted
//	routes.go   from a row to a handler behind its checks
//	health.go
package web

// Package web is the web side of the application: the API, the dashboard and the login under /crons, health checks
// and metrics. The user's package routes decides what of it is served, and what else.
//
// # How it works
//
// [New] builds the Fiber application and lets the user's [Routes] mount the parts. Every request passes observe, which
// gives it an ID and a context, turns errors and panics into problems (RFC 9457), and logs one line. Package api has the
// handlers of the API, package pages those of the dashboard. Each lists them as access.Route, with method, path and role.
// [Server.MountCrons] wraps every handler in enter, which asks package access: is this request genuine, and may the
// caller do this? So no mounting and no spelling of a path leads around the check, and unknown paths pass it too.
//
// Handlers are thin: package request reads what was sent, app/ops does the work and keeps the audit log, package reply
// writes the answer or translates the error. Package openapi has the description of the API; tests hold it to what is
// served.
//
// # What it promises under failure
//
// A handler that panics costs its own request only. An error that was not written for the caller is logged, and the
// caller gets the ID under which to find it. Requests are bounded in size, depth and time; see [Limits]. A change that
// was made is reported as made, even if its audit entry could not be written; the log then says so.
//
// [Server.Serve] first ends streams and waits, then accepts no more requests, and returns when those in progress have
// been answered. The caller of Serve stops the scheduler after that.
//
// # Files, in reading order
//
//	mount.go     New and what can be mounted
//	routes.go    from a row to a handler behind its checks
//	observe.go   around every request
//	screen.go    requests that Fiber cannot read
//	health.go metrics.go
//	server.go    limits, start and stop
package web

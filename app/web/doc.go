// Package web is the web side of the application: the API and the dashboard under /crons, the health checks and the
// metrics. What of it is served, and what else, is for the user's package routes to say.
//
// # How it works
//
// [New] builds the Fiber application and has a function of the user's fill it ([Routes]). Every request passes observe, which gives it an ID and a
// context, turns errors and panics into problems (RFC 9457), and logs one line. What goes to /crons
// passes access.Control: its Guard (is this request what it seems to be?) and its Admit (may its sender do this?). Both are
// part of the handler that [Server.serve] makes of each row of the tables (table.go), where the role stands
// beside method and path: no mounting and no spelling of a path leads around them, and what no row has is
// behind them too.
// Handlers are thin: they read the request, ask the scheduler, and write down what it says; query
// and readBody read, problemOf translates errors, encode writes. The list of paths is in crons.go,
// and openapi.yaml describes them; tests hold the two together.
//
// /metrics stands behind the same two and answers with what app/metrics has counted; observe tells it
// of every request by the pattern of its route.
//
// The pages under /crons/dashboard are made by app/dashboard. The handlers in dashboard_pages.go ask
// the scheduler and, for many jobs at once, the store; those in dashboard_forms.go do what the API
// does, by the same calls, and lead on to a page. Forms come in the content type that a foreign page
// could send as well, so the guard wants to hear from the browser that one of our own sent them.
//
// # What it promises under failure
//
// A handler that panics costs its own request only. An error that was not written for the caller is
// logged, and the caller gets the ID under which it stands in the log. Requests are bounded in size,
// depth and time; see [Limits]. A change that was made is answered as made, even if the record of it
// in the audit could not be kept; the log then says so.
//
// [Server.Serve] ends streams and waits first, then takes no more requests, and returns when those in
// work have been answered. The scheduler is stopped after that, by whoever called Serve.
//
// The list of jobs is handed out again while nothing has changed: the store tells by a stamp whether
// anything was committed, by any process, and an answer whose stamp is older than the question is
// made anew, once for all who wait for it. So an answer is never older than its question.
//
// /crons/events is a stream that fasthttp reads in the goroutine of its connection (events.go): there
// is no buffer to fill up, each write has a deadline, and a panic costs the one stream. What it tells
// comes from the store and is the same behind every replica; see feed.Feed.Subscribe.
package web

// Package api has the handlers of the API under /crons.
//
// The list of jobs is reused while nothing has changed: the store keeps a stamp that grows with every commit, by any
// process. An answer older than the question is made again, once for all who wait for it (cache.go).
//
// /crons/events is a stream that fasthttp reads in the goroutine of its connection (events.go). It has no buffer that
// could fill up, each write has a deadline, and a panic costs the one stream. Events come from the store and are the
// same in every replica; see feed.Feed.Subscribe.
//
// POST /crons/schedules/import reads its body and writes its answer by turns, so that neither has a limit (import.go).
//
// # Files, in reading order
//
//	routes.go                       which path has which handler and role
//	schedules.go import.go          stored schedules
//	jobs.go runs.go alerts.go audit.go docs.go
//	api.go                          the type
//	events.go cache.go
package api

// Package ops is what people and programs ask of a scheduler, and what they change: lists and details of jobs, histories of
// runs, forecasts, and commands of which the audit keeps who gave them. The API, the dashboard and the CLI stand on it.
//
// Files, in reading order: crons.go (queries), view.go (what they return), preview.go and timeline.go (forecasts),
// audited.go (commands).
package ops

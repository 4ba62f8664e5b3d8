// Package ops is the queries and commands of people and programs: lists and details of jobs, histories of runs,
// forecasts, and changes with an audit log. The API, the dashboard and the CLI use it.
//
// Files, in reading order: crons.go (queries), view.go (results), preview.go and timeline.go (forecasts), audited.go
// (commands); schedules.go, schedule_input.go, schedule_changes.go, schedule_import.go and
// schedule_edit.go (stored schedules).
package ops

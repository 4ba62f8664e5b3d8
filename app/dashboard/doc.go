// Package dashboard renders the pages under /crons/dashboard: it turns plain values into HTML and SVG, and holds the
// style sheet and the scripts. It does not import the web framework or the store; package web fetches the values and
// checks access.
//
// # How it works
//
// A [Page] is the frame around a body: [Overview], [JobList], [JobPage], [ScheduleList], [SchedulePage], [ScheduleForm],
// [RunPage], [TimelinePage], [AlertsPage], [InstancesPage], [AuditPage], [SettingsPage] or [ErrorPage]. The constructor of a body computes all that the template
// of the same name shows, so templates only place values. [Page.Render] writes the whole document, [Page.RenderMain]
// the part that changes.
//
// A page refreshes by requesting its own address: htmx fetches the main part and morphs it into the current one, which
// keeps focus, selection, open panels and typed text. The server's events (or a timer, while there are none) only trigger
// the request, at most once a second and never while the tab is hidden. Pages therefore work without scripts, too.
//
// The form of a stored schedule carries the revision that it was made of. Whatever keeps it from being saved, the reader
// gets the form back as it was typed: with mistakes at their fields, or beside what somebody else has stored meanwhile.
// A field that was not touched goes back as what it came as.
//
// Charts are inline SVG without style attributes, which the content security policy forbids: colours are classes, and
// lengths are attributes. Each has a text alternative.
//
// Instants are written in UTC, in time elements and data-at attributes. The script shows them in the reader's zone,
// with UTC in the title.
//
// # What it promises
//
// All data is escaped: html/template does it, and the code that writes SVG directly writes only numbers and escaped
// text. Nothing is loaded from another host. Lists have pages and charts a fixed width, so no page grows with the
// history. File names contain a checksum, so browsers may cache files forever; they are compressed once.
//
// htmx and its extension for server-sent events are unmodified files of npm's htmx.org 4.0.1. A test checks their
// checksums; replace both together with the checksums.
//
// # Files, in reading order
//
//	page.go parts.go                                 the frame; parts that scripts fetch
//	overview.go jobs.go job.go run.go timeline.go    the pages
//	schedules.go schedule.go scheduleform.go
//	alerts.go instances.go audit.go settings.go
//	form.go                                          arguments of a job as a form
//	outcomes.go chart.go spark.go timeline_svg.go    charts
//	words.go assets.go                               texts and links; files
package dashboard

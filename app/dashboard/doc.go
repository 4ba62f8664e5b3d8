// Package dashboard draws the pages under /crons/dashboard: it turns what app/cron tells into HTML
// and SVG, and holds the style sheet and the scripts. It knows nothing of the web framework, of
// databases and of who may do what; routes asks and checks, and hands over plain values.
//
// # How it works
//
// A page is a [Page], the frame, with a body: [Overview], [JobList], [JobPage], [RunPage],
// [TimelinePage], [AlertsPage], [InstancesPage], [AuditPage], [SettingsPage] or [ErrorPage]. Each body has a
// constructor that computes what its template of the same name shows, so that templates only place
// things. [Page.Render] writes the whole document, [Page.RenderMain] the part that changes.
//
// A page keeps itself fresh by asking for its own address again: htmx fetches the main part and
// morphs it into the one that is there, so that focus, selection, open panels and what was typed
// stay. The server's events (or, where it has none, a clock) only say when to ask; they are gathered
// to at most one question a second, and none while the tab is hidden. So there is one way in which a
// page is made, and it works without scripts, too.
//
// Charts are SVG made here, without style attributes, which the content security policy forbids:
// colours are classes, and every length is an attribute. Each says in words what it shows.
//
// Instants are written in UTC, in time elements and data-at attributes; the script shows them in the
// reader's zone, with UTC in the title.
//
// # What it promises
//
// Whatever a job, a user or a database says is text: html/template escapes it, and the few places
// that write SVG directly write numbers and escaped texts only. Nothing comes from another host.
// Lists are bounded by pages, charts by their width: no page grows with the history. Files are served
// under names that hold their checksum, compressed once, for ever.
//
// htmx and its extension for server-sent events are the files of npm's htmx.org 4.0.1, unchanged; a
// test knows their checksums. Replace both and the checksums together.
package dashboard

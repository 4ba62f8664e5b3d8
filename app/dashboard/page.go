package dashboard

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"reflect"
	"strings"
	"sync"
	"time"
)

// Root is where the pages are.
const Root = "/crons/dashboard"

//go:embed templates
var templateFiles embed.FS

// templates are read when the first page is asked for: a start need not wait for them.
var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(funcs).ParseFS(templateFiles, "templates/*.html"))
})

// Page is the frame around a body.
type Page struct {
	Title   string // of the document
	Nav     string // which entry of the menu it belongs to
	Self    string // its own address, with the query, to ask for it again
	Actor   string // as whom the reader is known
	Change  bool   // the reader may change things
	Login   bool   // there is something to log in to
	Session bool   // the reader has logged in, and can log out
	Events  bool   // the server has /crons/events
	Flash   Flash  // what the reader has just done
	Failing int    // jobs whose last run failed
	Version string
	Now     time.Time
	Body    any // one of the bodies of this package

	main bool // only the main part
}

// Render writes the whole document.
func (p Page) Render(w io.Writer) error { return templates().ExecuteTemplate(w, "page", p) }

// RenderMain writes the title and the main part, for a page that is there already.
func (p Page) RenderMain(w io.Writer) error {
	p.main = true
	return templates().ExecuteTemplate(w, "fresh", p)
}

// Content is the body as HTML, by the template that has the name of its type.
func (p Page) Content() (template.HTML, error) {
	name := strings.ToLower(reflect.TypeOf(p.Body).Name())
	var b strings.Builder
	if err := templates().ExecuteTemplate(&b, name, inPage{p, p.Body}); err != nil {
		return "", fmt.Errorf("page %s: %w", name, err)
	}
	return template.HTML(b.String()), nil //nolint:gosec // made by the template
}

// Live says whether the page changes by itself.
func (p Page) Live() bool {
	switch p.Body.(type) {
	case SettingsPage, ErrorPage:
		return false
	}
	return true
}

// inPage is what the template of a body sees.
type inPage struct {
	Page Page
	B    any
}

// ErrorPage says why there is no other.
type ErrorPage struct {
	Status int
	Title  string
	Detail string
	ID     string // of the request, as it stands in the log
	Back   string // where the reader came from; empty: nowhere known
	Fields []FieldError
	Login  bool // it would be possible after a login
}

// FieldError is one mistake in what was sent.
type FieldError struct{ Field, Detail string }

// Flash is what was done by the request before this one: a word of a fixed list and numbers, never a
// text, as it comes from the address.
type Flash struct {
	Did     string // run, pause, resume, cancel, retry, backfill, schedule, unschedule, silence, unsilence, test
	Count   int    // of how many, where it is more than one thing
	Refused int    // and how many could not be
}

// Text is the sentence for the reader; empty: there is nothing to say.
func (f Flash) Text() string {
	switch f.Did {
	case "silence":
		return "Alerts are silenced."
	case "unsilence":
		return "The silence has ended."
	case "test":
		text := "A test was sent through " + plural(f.Count, "channel") + "."
		if f.Refused > 0 {
			text += " " + plural(f.Refused, "channel") + " did not take it; the log says why."
		}
		return text
	}
	word, known := map[string]string{
		"run": "started", "pause": "paused", "resume": "resumed", "cancel": "asked to stop", "retry": "started again",
		"backfill": "queued", "schedule": "rescheduled", "unschedule": "back on the schedule in the code",
	}[f.Did]
	if !known {
		return ""
	}
	what := "Job"
	switch {
	case f.Did == "backfill":
		what = plural(f.Count, "run")
	case f.Count > 0 || f.Refused > 0:
		what = plural(f.Count, "job")
	case f.Did == "cancel" || f.Did == "retry":
		what = "Run"
	}
	text := what + " " + word + "."
	if f.Refused > 0 {
		text += " " + plural(f.Refused, "job") + " could not be: already running, paused, or in need of arguments."
	}
	return text
}

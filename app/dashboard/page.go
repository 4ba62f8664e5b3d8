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

	"fibercrons/app/internal/memo"
)

//go:embed templates
var templateFiles embed.FS

// parsed are the templates. They are parsed on the first page, not at start-up.
var parsed = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(funcs).Funcs(addresses("")).ParseFS(templateFiles, "templates/*.html"))
})

// templates are those whose links begin with a base.
var templates = memo.New(func(base string) (*template.Template, error) {
	t, err := parsed().Clone()
	if err != nil {
		return nil, err
	}
	return t.Funcs(addresses(Base(base))), nil
})

// execute writes the template with a name, for readers that see the pages under base.
func execute(w io.Writer, base Base, name string, data any) error {
	t, err := templates.Get(string(base))
	if err != nil {
		return err
	}
	return t.ExecuteTemplate(w, name, data)
}

func addresses(b Base) template.FuncMap {
	return template.FuncMap{
		"base": func() string { return string(b) }, "root": b.root, "asset": b.asset, "job": b.job, "run": b.run, "schedule": b.schedule,
	}
}

var funcs = template.FuncMap{
	"when": when, "at": at, "date": date, "ms": millis, "took": took, "icon": icon, "state": stateOf,
	"plural": plural, "percent": percent, "number": number, "attrs": Attrs, "reason": reasonWords, "percentOf": percentOf, "short": short, "pretty": pretty,
	"with":  func(p Page, b any) inPage { return inPage{p, b} },
	"list":  func(items ...any) []any { return items },
	"lower": strings.ToLower,
}

// Page is the frame around a body.
type Page struct {
	Base    Base
	Title   string // of the document
	Nav     string // which entry of the menu it belongs to
	Self    string // its own address with the query, for refreshing
	Actor   string // the reader's name
	Change  bool   // the reader may change things
	Login   bool   // logging in is possible
	Session bool   // the reader is logged in
	Flash   Flash  // the result of the last change
	Failing int    // jobs whose last run failed
	Version string
	Now     time.Time
	Body    any // one of the bodies of this package

	main bool // only the main part
}

// Render writes the whole document.
func (p Page) Render(w io.Writer) error { return execute(w, p.Base, "page", p) }

// RenderMain writes the title and the main part, to update a loaded page.
func (p Page) RenderMain(w io.Writer) error {
	p.main = true
	return execute(w, p.Base, "fresh", p)
}

// Content renders the body with the template named after its type.
func (p Page) Content() (template.HTML, error) {
	name := strings.ToLower(reflect.TypeOf(p.Body).Name())
	var b strings.Builder
	if err := execute(&b, p.Base, name, inPage{p, p.Body}); err != nil {
		return "", fmt.Errorf("page %s: %w", name, err)
	}
	return template.HTML(b.String()), nil //nolint:gosec // made by the template
}

// Live reports whether the page refreshes itself.
func (p Page) Live() bool {
	switch p.Body.(type) {
	case SettingsPage, ErrorPage, ScheduleForm:
		return false
	}
	return true
}

// inPage is the data of a body's template.
type inPage struct {
	Page Page
	B    any
}

// ErrorPage explains an error.
type ErrorPage struct {
	Status int
	Title  string
	Detail string
	ID     string // of the request, as in the log
	Back   string // the page before; empty if unknown
	Fields []FieldError
	Login  bool // logging in may help
}

// FieldError is one invalid field of a request.
type FieldError struct{ Field, Detail string }

// Flash is the result of the previous request. It comes from the address, so it holds only a word of a fixed list and
// numbers.
type Flash struct {
	Did     string // run, pause, resume, cancel, retry, backfill, schedule, unschedule, silence, unsilence, test, stored-...
	Count   int    // of changes, for a bulk action
	Refused int    // changes that were refused
}

// Text is the sentence for the reader, or empty.
func (f Flash) Text() string {
	switch f.Did {
	case "silence":
		return "Alerts are silenced."
	case "unsilence":
		return "The silence has ended."
	case "test":
		text := "A test was sent through " + plural(f.Count, "channel") + "."
		if f.Refused > 0 {
			text += " " + plural(f.Refused, "channel") + " failed; see the log."
		}
		return text
	}
	if word, known := map[string]string{
		"stored-created": "created", "stored-changed": "saved", "stored-unchanged": "saved; nothing had changed",
		"stored-pause": "paused", "stored-resume": "resumed", "stored-delete": "deleted",
	}[f.Did]; known {
		return "Schedule " + word + "."
	}
	word, known := map[string]string{
		"run": "started", "pause": "paused", "resume": "resumed", "cancel": "stopping", "retry": "retried",
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
		text += " " + plural(f.Refused, "job") + " refused: already running, paused, or arguments required."
	}
	return text
}

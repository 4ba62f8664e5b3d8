package dashboard

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"net/url"
	"strconv"
	"strings"
	"time"

	"fibercrons/app/cron"
)

// Root is the path of the pages, below a [Base].
const Root = "/crons/dashboard"

// Base is what precedes /crons in the addresses that the reader's browser sees, such as /admin; often empty.
type Base string

func (b Base) root() string           { return string(b) + Root }
func (b Base) job(name string) string { return b.root() + "/jobs/" + url.PathEscape(name) }
func (b Base) run(id string) string   { return b.root() + "/runs/" + url.PathEscape(id) }

// schedule is the page of a stored schedule. The ID is in the query, because it may hold what a browser or a proxy
// would change in a path, such as slashes and dots.
func (b Base) schedule(id string) string { return b.root() + Schedule(id, "") }

// Schedule is the address of a stored schedule's page, or of one below it such as /edit, below the root.
func Schedule(id, below string) string {
	return "/schedule" + below + "?id=" + strings.ReplaceAll(url.QueryEscape(id), "+", "%20")
}

// asset is the address of the file with a plain name.
func (b Base) asset(name string) string { return b.root() + "/static/" + assets()[name].Name }

// when writes an instant relative to now: how long ago, or in how long. A script keeps it up to date.
func when(now time.Time, t any) template.HTML {
	moment, ok := instant(t)
	if !ok {
		return `<span class="none">never</span>`
	}
	return timeElement(moment, relative(moment.Sub(now)), "rel")
}

// at writes an instant to the second.
func at(t any) template.HTML {
	moment, ok := instant(t)
	if !ok {
		return `<span class="none">–</span>`
	}
	return timeElement(moment, moment.Format("2 Jan 15:04:05")+" UTC", "abs")
}

// date writes an instant that may be years away, to the second.
func date(t any) template.HTML {
	moment, ok := instant(t)
	if !ok {
		return `<span class="none">–</span>`
	}
	return timeElement(moment, moment.UTC().Format("2 Jan 2006 15:04:05")+" UTC", "date")
}

func timeElement(t time.Time, text, kind string) template.HTML {
	t = t.UTC()
	return template.HTML(`<time data-` + kind + ` datetime="` + t.Format("2006-01-02T15:04:05.000Z") + `" title="` + //nolint:gosec // digits and words of this file
		t.Format("Mon 2 Jan 2006 15:04:05") + ` UTC">` + text + `</time>`)
}

func instant(t any) (time.Time, bool) {
	switch t := t.(type) {
	case time.Time:
		return t, !t.IsZero()
	case *time.Time:
		if t != nil {
			return *t, !t.IsZero()
		}
	}
	return time.Time{}, false
}

// relative writes a distance in its one or two largest units, as static/js/1-times.js does.
func relative(d time.Duration) string {
	text := span(d.Abs())
	switch {
	case text == "0s":
		return "now"
	case d < 0:
		return text + " ago"
	}
	return "in " + text
}

func span(d time.Duration) string {
	s := int64(d.Round(time.Second) / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return two(s, 60, "m", 1, "s")
	case s < 86400:
		return two(s, 3600, "h", 60, "m")
	}
	return two(s, 86400, "d", 3600, "h")
}

func two(s, large int64, name string, small int64, part string) string {
	text := strconv.FormatInt(s/large, 10) + name
	if rest := s % large / small; rest > 0 && s/large < 10 {
		text += " " + strconv.FormatInt(rest, 10) + part
	}
	return text
}

// millis writes a duration with at most four digits.
func millis(v any) string {
	var ms int64
	switch v := v.(type) {
	case int64:
		ms = v
	case *int64:
		if v == nil {
			return "–"
		}
		ms = *v
	}
	switch {
	case ms < 1000:
		return strconv.FormatInt(ms, 10) + " ms"
	case ms < 10_000:
		return strconv.FormatFloat(float64(ms)/1000, 'f', 2, 64) + " s"
	case ms < 60_000:
		return strconv.FormatFloat(float64(ms)/1000, 'f', 1, 64) + " s"
	}
	return span(time.Duration(ms) * time.Millisecond)
}

// took is the duration of a run, so far if it is active.
func took(now time.Time, r cron.Record) string {
	switch {
	case r.Duration != nil:
		return millis(*r.Duration)
	case r.StartedAt != nil && r.EndedAt == nil:
		return millis(now.Sub(*r.StartedAt).Milliseconds() / 1000 * 1000)
	}
	return "–"
}

func percent(v any) string {
	rate, ok := v.(*float64)
	if !ok || rate == nil {
		return "–"
	}
	p := *rate * 100
	if p > 99 && p < 100 || p > 0 && p < 1 { // do not round to 0 or 100
		return strconv.FormatFloat(p, 'f', 1, 64) + "%"
	}
	return strconv.FormatFloat(p, 'f', 0, 64) + "%"
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return number(n) + " " + what + "s"
}

// number groups digits with thin spaces.
func number(v any) string {
	text := fmt.Sprint(v)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "\u202f" + text[i:]
	}
	return text
}

// short is the end of a time-ordered ID, which differs between neighbours.
func short(id string) string {
	if i := strings.LastIndexByte(id, '-'); i > 0 && len(id)-i > 8 {
		return id[len(id)-8:]
	}
	return id[:min(len(id), 12)]
}

func pretty(raw json.RawMessage) string {
	var b bytes.Buffer
	if json.Indent(&b, raw, "", "  ") != nil {
		return string(raw)
	}
	return b.String()
}

// icon draws a symbol from page.html. Symbols of states differ in shape, not only in colour.
func icon(name any) template.HTML {
	return template.HTML(`<svg class="i" aria-hidden="true"><use href="#i-` + template.HTMLEscapeString(fmt.Sprint(name)) + `"/></svg>`) //nolint:gosec // escaped
}

// stateOf is the state of a job or run as icon, colour and name.
func stateOf(status any) template.HTML {
	name := template.HTMLEscapeString(fmt.Sprint(status))
	if s, ok := status.(*cron.Status); ok {
		if s == nil {
			return `<span class="state s-none">` + icon("none") + `<span>no runs</span></span>`
		}
		name = template.HTMLEscapeString(string(*s))
	}
	return template.HTML(`<span class="state s-` + name + `">` + string(icon(name)) + `<span>` + name + `</span></span>`) //nolint:gosec // escaped
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

package alert

import (
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
	"fibercrons/app/internal/texts"
)

// Message is the content of a delivery: one alert, or a digest of many.
type Message struct {
	// ID is the same for all attempts to send a message through a channel. Pass it on for deduplication.
	ID string
	// Test marks a test message.
	Test        bool
	Environment string
	At          time.Time // when the message was created
	// Title is a one-line summary.
	Title string
	// Alerts are the first alerts, in the order in which they happened. Total is their full number, and Kinds counts
	// them all by kind.
	Alerts []Alert
	Total  int
	Kinds  map[cron.AlertKind]int
	// Groups count the alerts about stored schedules. Alerts has only a few of each.
	Groups []Group

	link string
}

// Line is a paragraph of a message: what happened to a job or schedule, or to many schedules of a job.
type Line struct {
	About  string // whom
	Detail string // what, as the end of a sentence
	At     time.Time
	Slot   *time.Time
	Error  string
	Link   string // see [Message.Link]
	alerts int
	group  bool
}

// Lines is the message in paragraphs, in order of time. Alerts about several schedules of a job make one line.
func (m *Message) Lines() []Line {
	lines := make([]Line, 0, len(m.Alerts))
	grouped := map[openKey]bool{}
	for i := range m.Groups {
		g := &m.Groups[i]
		if g.Total < 2 && len(g.Schedules) > 0 {
			continue // its alert says more
		}
		grouped[openKey{job: g.Job, kind: g.Kind}] = true
		lines = append(lines, Line{About: g.Job, Detail: g.detail(), At: g.At, Error: g.Error, Link: m.Link(&Alert{Job: g.Job}), alerts: g.Alerts, group: true})
	}
	for i := range m.Alerts {
		a := &m.Alerts[i]
		if a.Schedule != "" && grouped[openKey{job: a.Job, kind: a.Kind}] {
			continue
		}
		lines = append(lines, Line{About: a.Subject(), Detail: a.Detail, At: a.At, Slot: a.Slot, Error: a.Error, Link: m.Link(a), alerts: 1})
	}
	slices.SortStableFunc(lines, func(a, b Line) int { return a.At.Compare(b.At) })
	return lines[:min(len(lines), listed)]
}

// detail says what happened to how many schedules, and names the first.
func (g *Group) detail() string {
	names := make([]string, min(len(g.Schedules), named))
	for i := range names {
		names[i] = texts.Ellipsis(g.Schedules[i], longestName)
	}
	text := fmt.Sprintf("%d schedules %s", g.Total, happened(g.Kind))
	switch more := g.Total - len(names); {
	case len(names) == 0 && g.Total == 1:
		return "one further schedule " + happened(g.Kind)
	case len(names) == 0: // the first were in an earlier message
		return fmt.Sprintf("%d further schedules %s", g.Total, happened(g.Kind))
	case more > 0:
		return fmt.Sprintf("%s: %s and %d more", text, strings.Join(names, ", "), more)
	default:
		return text + ": " + strings.Join(names, ", ")
	}
}

// longestName limits a schedule's ID among others.
const longestName = 60

// newMessage returns the message of a delivery.
func newMessage(d *Delivery, environment, link string) Message {
	m := Message{ID: d.ID, Environment: environment, At: d.CreatedAt, Alerts: d.Alerts, Total: d.Total, Kinds: d.Kinds, Groups: d.Groups, link: link}
	m.Title = m.title()
	return m
}

func newTestMessage(environment, link string) Message {
	host, _ := os.Hostname()
	m := Message{
		ID: newID(), Test: true, Environment: environment, At: millis.Now(),
		Alerts: []Alert{}, Kinds: map[cron.AlertKind]int{}, link: link,
	}
	m.Title = m.prefix() + "test: alerts of " + host + " arrive here"
	return m
}

func (m *Message) prefix() string {
	if m.Environment == "" {
		return ""
	}
	return "[" + m.Environment + "] "
}

func (m *Message) title() string {
	if lines := m.Lines(); len(lines) == 1 && lines[0].alerts == m.Total {
		return m.prefix() + lines[0].text()
	}
	var counts []string
	for _, kind := range cron.AlertKinds {
		if n := m.Kinds[kind]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, kind))
		}
	}
	return fmt.Sprintf("%s%d alerts: %s", m.prefix(), m.Total, strings.Join(counts, ", "))
}

// Space stands between About and Detail.
func (l Line) Space() string {
	if l.group {
		return ": "
	}
	return " "
}

func (l *Line) text() string { return l.About + l.Space() + l.Detail }

// More is the number of alerts that are not in Lines.
func (m *Message) More() int {
	more := m.Total
	for _, l := range m.Lines() {
		more -= l.alerts
	}
	return max(0, more)
}

// Link is the address of the page for an alert, or for all; empty if the server's URL is unknown.
func (m *Message) Link(a *Alert) string {
	switch {
	case m.link == "":
		return ""
	case a == nil:
		return m.link + "/crons/dashboard/alerts"
	case a.Run != "":
		return m.link + "/crons/dashboard/runs/" + url.PathEscape(a.Run)
	}
	return m.link + "/crons/dashboard/jobs/" + url.PathEscape(a.Job)
}

// Text is the message as plain text, a paragraph for each alert.
func (m *Message) Text() string {
	var b strings.Builder
	b.WriteString(m.Title + "\n")
	if m.Test {
		b.WriteString("\nThis is a test message. Nothing has happened.\n")
	}
	for _, l := range m.Lines() {
		fmt.Fprintf(&b, "\n%s  %s\n", texts.Instant(l.At), l.text())
		if l.Error != "" {
			b.WriteString("  " + strings.ReplaceAll(l.Error, "\n", "\n  ") + "\n")
		}
		if l.Slot != nil {
			b.WriteString("  slot " + texts.Instant(*l.Slot) + "\n")
		}
		if l.Link != "" {
			b.WriteString("  " + l.Link + "\n")
		}
	}
	if n := m.More(); n > 0 {
		fmt.Fprintf(&b, "\nand %d more", n)
		if link := m.Link(nil); link != "" {
			b.WriteString(": " + link)
		}
		b.WriteString("\n")
	}
	return b.String()
}

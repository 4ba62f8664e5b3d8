package alert

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
)

// Message is what a channel brings to people: one alert, or a digest of many.
type Message struct {
	// ID is the same for every try of a message through a channel. Hand it on to whoever can
	// tell doubles by it.
	ID string
	// Test says that somebody tries the channel, and nothing has happened.
	Test        bool
	Environment string
	At          time.Time // when the message was put together
	// Title is one line that says it all.
	Title string
	// Alerts are the first of them, in the order in which they happened, and Total is how many
	// there are. Kinds counts them all.
	Alerts []Alert
	Total  int
	Kinds  map[cron.AlertKind]int

	link string
}

// message is what a delivery brings.
func (a *Alerter) message(d *Delivery) Message {
	m := Message{ID: d.ID, Environment: a.o.Environment, At: d.CreatedAt, Alerts: d.Alerts, Total: d.Total, Kinds: d.Kinds, link: a.o.Link}
	m.Title = m.title()
	return m
}

func (a *Alerter) testMessage() Message {
	host, _ := os.Hostname()
	m := Message{
		ID: newID(), Test: true, Environment: a.o.Environment, At: millis.Now(),
		Alerts: []Alert{}, Kinds: map[cron.AlertKind]int{}, link: a.o.Link,
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
	if m.Total == 1 && len(m.Alerts) == 1 {
		return m.prefix() + m.Alerts[0].Job + " " + m.Alerts[0].Detail
	}
	var counts []string
	for _, kind := range cron.AlertKinds {
		if n := m.Kinds[kind]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, kind))
		}
	}
	return fmt.Sprintf("%s%d alerts: %s", m.prefix(), m.Total, strings.Join(counts, ", "))
}

// More is how many alerts are not in Alerts.
func (m *Message) More() int { return max(0, m.Total-len(m.Alerts)) }

// Link is where more is to be seen of an alert, or of all; empty: it is not known where people reach
// the server.
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

// Text is the message in plain words, a line for each alert.
func (m *Message) Text() string {
	var b strings.Builder
	b.WriteString(m.Title + "\n")
	if m.Test {
		b.WriteString("\nNothing has happened: somebody tries whether alerts arrive.\n")
	}
	for i := range m.Alerts {
		a := &m.Alerts[i]
		fmt.Fprintf(&b, "\n%s  %s %s\n", instant(a.At), a.Job, a.Detail)
		if a.Error != "" {
			b.WriteString("  " + strings.ReplaceAll(a.Error, "\n", "\n  ") + "\n")
		}
		if a.Slot != nil {
			b.WriteString("  slot " + instant(*a.Slot) + "\n")
		}
		if link := m.Link(a); link != "" {
			b.WriteString("  " + link + "\n")
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

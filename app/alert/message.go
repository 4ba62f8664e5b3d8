package alert

import (
	"fmt"
	"net/url"
	"os"
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

	link string
}

// newMessage returns the message of a delivery.
func newMessage(d *Delivery, environment, link string) Message {
	m := Message{ID: d.ID, Environment: environment, At: d.CreatedAt, Alerts: d.Alerts, Total: d.Total, Kinds: d.Kinds, link: link}
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

// More is the number of alerts that are not in Alerts.
func (m *Message) More() int { return max(0, m.Total-len(m.Alerts)) }

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
	for i := range m.Alerts {
		a := &m.Alerts[i]
		fmt.Fprintf(&b, "\n%s  %s %s\n", texts.Instant(a.At), a.Job, a.Detail)
		if a.Error != "" {
			b.WriteString("  " + strings.ReplaceAll(a.Error, "\n", "\n  ") + "\n")
		}
		if a.Slot != nil {
			b.WriteString("  slot " + texts.Instant(*a.Slot) + "\n")
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

package cli

import (
	"strconv"
	"strings"
	"time"

	"fibercrons/app/cron"
)

// cell is one value, as a person reads it and as a spreadsheet does.
type cell struct {
	text, data string
	tone       tone
}

// tone is what a colour would say; the text says it as well.
type tone int

const (
	plain tone = iota
	good
	bad
	warm
	faint
)

func text(s string) cell { return cell{text: s, data: s} }

func number(n int64) cell { return text(strconv.FormatInt(n, 10)) }

// instant shows t in zone. Spreadsheets and programs get UTC.
func instant(t *time.Time, zone *time.Location) cell {
	if t == nil || t.IsZero() {
		return cell{text: "-", tone: faint}
	}
	return cell{text: clock(*t, zone), data: t.UTC().Format(time.RFC3339Nano)}
}

func clock(t time.Time, zone *time.Location) string {
	layout := "2006-01-02 15:04:05"
	if t.Nanosecond() != 0 {
		layout += ".000"
	}
	return t.In(zone).Format(layout + " MST")
}

// second is t for a table of things that have happened, where milliseconds are noise.
func second(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	cut := t.Truncate(time.Second)
	return &cut
}

func duration(ms *int64) cell {
	if ms == nil {
		return cell{text: "-", tone: faint}
	}
	return cell{text: lasting(time.Duration(*ms) * time.Millisecond), data: strconv.FormatInt(*ms, 10)}
}

// lasting writes a duration to about three digits.
func lasting(d time.Duration) string {
	switch {
	case d >= time.Hour:
		d = d.Round(time.Minute)
	case d >= time.Minute:
		d = d.Round(time.Second)
	case d >= 10*time.Second:
		d = d.Round(100 * time.Millisecond)
	}
	return short(d)
}

// short is d without zeros at the end: 1h, not 1h0m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func outcome(s cron.Status, reason cron.Reason) cell {
	c := cell{text: string(s), data: string(s), tone: toneOf(s)}
	if reason != "" {
		c.text += " (" + string(reason) + ")"
	}
	return c
}

// standing is where a run stands: its outcome, or that it goes on although it was to have ended.
func standing(r *cron.Record) cell {
	c := outcome(r.Status, r.Reason)
	if r.Overdue {
		c.text, c.tone = c.text+" (overdue)", bad
	}
	return c
}

func toneOf(s cron.Status) tone {
	switch s {
	case cron.Succeeded:
		return good
	case cron.Failed, cron.Interrupted:
		return bad
	case cron.Running, cron.Queued, cron.Cancelled:
		return warm
	}
	return faint
}

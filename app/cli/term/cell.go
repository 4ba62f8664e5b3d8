package term

import (
	"fmt"
	"strconv"
	"time"

	"fibercrons/app/internal/texts"
)

// Cell is one value, as a person reads it and as a spreadsheet does.
type Cell struct {
	Text, Data string
	Tone       Tone
}

// Tone is what a colour would say; the text says it as well.
type Tone int

// The tones.
const (
	Plain Tone = iota
	Good
	Bad
	Warm
	Faint
)

// Text is s.
func Text(s string) Cell { return Cell{Text: s, Data: s} }

// None stands for a value that is absent.
func None() Cell { return Cell{Text: "-", Tone: Faint} }

// Number is n.
func Number(n int64) Cell { return Text(strconv.FormatInt(n, 10)) }

// Instant shows t in zone. Spreadsheets and programs get UTC.
func Instant(t *time.Time, zone *time.Location) Cell {
	if t == nil || t.IsZero() {
		return None()
	}
	return Cell{Text: Clock(*t, zone), Data: t.UTC().Format(time.RFC3339Nano)}
}

// Second is [Instant] in UTC and without milliseconds, for what has happened.
func Second(t *time.Time) Cell {
	if t == nil {
		return None()
	}
	whole := t.Truncate(time.Second)
	return Instant(&whole, time.UTC)
}

// Clock writes t as in zone.
func Clock(t time.Time, zone *time.Location) string {
	layout := "2006-01-02 15:04:05"
	if t.Nanosecond() != 0 {
		layout += ".000"
	}
	return t.In(zone).Format(layout + " MST")
}

// Duration is a number of milliseconds.
func Duration(ms *int64) Cell {
	if ms == nil {
		return None()
	}
	return Cell{Text: lasting(time.Duration(*ms) * time.Millisecond), Data: strconv.FormatInt(*ms, 10)}
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
	return texts.Duration(d)
}

// Count is n of a noun: "1 job", "2 jobs".
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

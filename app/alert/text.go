package alert

import (
	"strings"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/internal/texts"
)

// about returns a new alert about a run.
func about(rec *cron.Record, kind cron.AlertKind, at time.Time, detail string) Alert {
	a := Alert{Job: rec.Job, Kind: kind, Run: rec.ID, Slot: rec.Slot, At: at, Detail: detail, Dedup: string(kind) + ":" + rec.Job + ":" + rec.ID}
	if kind == cron.AlertFailed {
		a.Error = brief(rec.Error)
	}
	return a
}

// brief shortens a text for a message.
func brief(text string) string {
	const most = 400
	text = strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD"))
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}

func instant(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 MST") }

// lasting formats a duration for people.
func lasting(d time.Duration) string {
	switch {
	case d >= time.Hour:
		d = d.Round(time.Minute)
	case d >= time.Second:
		d = d.Round(time.Second)
	default:
		d = d.Round(time.Millisecond)
	}
	return texts.Duration(d)
}

func clip(text string, most int) string {
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}

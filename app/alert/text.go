package alert

import (
	"strings"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/internal/texts"
)

// about returns a new alert about a run.
func about(rec *cron.Record, kind cron.AlertKind, at time.Time, detail string) Alert {
	a := Alert{Job: rec.Job, Schedule: rec.ScheduleID(), Kind: kind, Run: rec.ID, Slot: rec.Slot, At: at, Detail: detail, Dedup: string(kind) + ":" + rec.Job + ":" + rec.ID}
	if kind == cron.AlertFailed {
		a.Error = brief(rec.Error)
	}
	return a
}

// brief shortens a text for a message.
func brief(text string) string {
	const most = 400
	return texts.Ellipsis(strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD")), most)
}

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

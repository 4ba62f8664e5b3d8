package dashboard

import (
	"errors"
	"strings"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/ops"
	"fibercrons/app/schedule"
)

// RenderLog writes the lines alone, to be appended to a page. They have no links.
func RenderLog(tail LogTail) (string, error) {
	var b strings.Builder
	err := execute(&b, "", "loglines", tail)
	return b.String(), err
}

// RenderPreview writes the preview of a schedule, or the error in it. It has no links.
func RenderPreview(now time.Time, p ops.Preview, wrong error) (string, error) {
	view := struct {
		Now     time.Time
		Error   string
		Preview ops.Preview
		Slots   []PreviewSlot
	}{Now: now, Preview: p}
	var args *cron.ArgsError
	switch {
	case errors.As(wrong, &args) && len(args.Fields) > 0:
		view.Error = args.Fields[0].Detail
	case wrong != nil:
		return "", wrong
	}
	zone, err := schedule.LoadLocation(p.Zone)
	if err != nil {
		zone = time.UTC
	}
	for _, at := range p.Slots {
		view.Slots = append(view.Slots, PreviewSlot{at, at.In(zone).Format("Mon 2 Jan 15:04:05 MST")})
	}
	var b strings.Builder
	err = execute(&b, "", "preview", view)
	return b.String(), err
}

// PreviewSlot is a slot and its local time in the schedule's zone.
type PreviewSlot struct {
	At    time.Time
	Local string
}

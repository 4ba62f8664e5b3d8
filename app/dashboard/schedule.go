package dashboard

import (
	"errors"
	"strings"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/ops"
	"fibercrons/app/schedule"
)

// SchedulePage is the page of one stored schedule.
type SchedulePage struct {
	ops.ScheduleDetail
	Now   time.Time
	Runs  RunList
	Slots []SlotRow
	Tags  []ScheduleTag
	Audit []AuditRow
}

// SlotRow is a slot in the schedule's zone and in UTC.
type SlotRow struct {
	At    time.Time
	Local string // empty: the zone is UTC
	UTC   string
}

// NewSchedulePage makes the page.
func NewSchedulePage(now time.Time, d ops.ScheduleDetail, runs RunList, audit []contract.AuditEntry) SchedulePage {
	runs.at = Schedule(d.ID, "")
	p := SchedulePage{ScheduleDetail: d, Now: now, Runs: runs, Slots: slotRows(now, d.Forecast, d.Timezone)}
	for _, pair := range pairs(d.Meta) {
		p.Tags = append(p.Tags, ScheduleTag{pair, ScheduleFilter{Meta: map[string]string{pair.Key: pair.Value}}.address()})
	}
	for _, row := range auditRows(audit) {
		if row.Stored == d.ID { // a job may have the same name
			p.Audit = append(p.Audit, row)
		}
	}
	return p
}

// Below is an address below the page's, below the root.
func (p SchedulePage) Below(path string) string { return Schedule(p.ID, path) }

// List is the address of all schedules of the job, below the root.
func (p SchedulePage) List() string { return SchedulesOf(p.Job) }

// Ended reports whether it has no further slot, although nothing holds it up.
func (p SchedulePage) Ended() bool { return !p.Orphaned && !p.Paused && len(p.NextSlots) == 0 }

func slotRows(now time.Time, f ops.Forecast, zoneName string) (list []SlotRow) {
	zone, err := schedule.LoadLocation(zoneName)
	if err != nil {
		zone = time.UTC
	}
	for _, at := range f.NextSlots {
		row := SlotRow{At: at, UTC: slotText(at.UTC(), now)}
		if zone != time.UTC {
			local := at.In(zone)
			row.Local = slotText(local, now)
			if local.Day() == at.UTC().Day() {
				row.UTC = at.UTC().Format(clock(at) + " UTC")
			}
		}
		list = append(list, row)
	}
	return list
}

// slotText names the year only if it is another one, and seconds only if there are any.
func slotText(t, now time.Time) string {
	day := "Mon 2 Jan "
	if t.Year() != now.In(t.Location()).Year() {
		day = "Mon 2 Jan 2006 "
	}
	return t.Format(day + clock(t) + " MST")
}

func clock(t time.Time) string {
	if t.Nanosecond() > 0 {
		return "15:04:05.000"
	}
	if t.Second() > 0 {
		return "15:04:05"
	}
	return "15:04"
}

// RenderSchedulePreview writes what a schedule would mean, or the mistakes in it. left is how many of its slots may run;
// negative: all. It has no links.
func RenderSchedulePreview(now time.Time, p ops.SchedulePreview, left int64, wrong error) (string, error) {
	view := struct {
		Now     time.Time
		Wrong   []cron.FieldError
		Preview ops.SchedulePreview
		Slots   []SlotRow
	}{Now: now, Preview: p}
	var args *cron.ArgsError
	switch {
	case errors.As(wrong, &args) && len(args.Fields) > 0:
		view.Wrong = args.Fields
	case wrong != nil:
		return "", wrong
	}
	if view.Slots = slotRows(now, p.Forecast, p.Timezone); left >= 0 && left < int64(len(view.Slots)) {
		view.Slots = view.Slots[:left]
	}
	var b strings.Builder
	err := execute(&b, "", "schedulepreview", view)
	return b.String(), err
}

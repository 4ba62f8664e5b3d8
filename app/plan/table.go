package plan

import (
	"fmt"
	"math"
	"strings"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/schedule"
)

// Table says when a job is due: by the schedules in its code or by an override.
type Table struct {
	Exprs     []string
	Schedules []schedule.Schedule
	Zone      *time.Location
	Since     time.Time // when the override was made or lifted; zero: there was never one

	// Of a stored schedule:
	From, Until time.Time // bounds of its slots, inclusive; zero: none
	Revision    int64
}

// TableOf returns the Table in the job's code.
func TableOf(j *cron.Job) Table {
	return Table{Exprs: j.Exprs, Schedules: j.Schedules, Zone: j.Zone}
}

// Overridden returns the job's Table under o. On an error the Table is that of the code.
func Overridden(j *cron.Job, o Override) (*Table, error) {
	code := TableOf(j)
	t := &code
	t.Since = o.At
	if o.Expr == "" {
		return t, nil
	}
	set, err := Stored(j, j.Name, o.Expr, o.Zone)
	if err != nil {
		return t, err
	}
	set.Since = o.At
	return set, nil
}

// Stored returns the Table of a stored schedule of the job: an ID, an expression and its zone, which may be empty for the
// job's.
func Stored(j *cron.Job, id, expr, zone string) (*Table, error) {
	loc := j.Zone
	if zone != "" {
		var err error
		if loc, err = schedule.LoadLocation(zone); err != nil {
			return nil, err
		}
	}
	s, err := schedule.Parse(expr, schedule.Options{Location: loc, Seed: id})
	if err != nil {
		return nil, err
	}
	return &Table{Exprs: []string{expr}, Schedules: []schedule.Schedule{s}, Zone: s.Location()}, nil
}

// Override is a schedule that a person set in place of the one in the code. It applies to every process until lifted.
type Override struct {
	Job   string
	Expr  string // empty: lifted
	Zone  string // of Expr; empty: the job's
	Actor string
	At    time.Time
}

// WrongOverride turns an error of [Overridden] into a mistake in a request.
func WrongOverride(o Override, err error) *cron.ArgsError {
	return cron.RequestError(o.Job, WrongField(o.Zone), err.Error())
}

// WrongField is the field of a request to which an error of [Stored] or [Overridden] belongs: /timezone or /expr.
func WrongField(zone string) string {
	if zone != "" {
		if _, err := schedule.LoadLocation(zone); err != nil {
			return "/timezone"
		}
	}
	return "/expr"
}

// Never is the slot of a schedule that is never due.
const Never = math.MaxInt64

// After returns the first slot after ms, in ms, or [Never].
func (t *Table) After(ms int64) int64 {
	if t, ok := t.Next(time.UnixMilli(ms)); ok {
		return t.UnixMilli()
	}
	return Never
}

// Next returns the first slot after at, over all schedules.
func (t *Table) Next(at time.Time) (next time.Time, ok bool) {
	if !t.From.IsZero() && at.Before(t.From) {
		at = t.From.Add(-time.Millisecond)
	}
	next, ok = schedule.Next(t.Schedules, at)
	if ok && !t.Until.IsZero() && next.After(t.Until) {
		return time.Time{}, false
	}
	return next, ok
}

// Following returns the first slot after at, in UTC, or the zero time.
func (t *Table) Following(at time.Time) time.Time {
	next, _ := t.Next(at)
	return next.UTC()
}

// Explain describes the timetable in plain English.
func (t *Table) Explain() string {
	texts := make([]string, len(t.Schedules))
	for i, s := range t.Schedules {
		texts[i] = s.Describe()
	}
	return strings.Join(texts, "; ")
}

// String returns the expressions and the zone.
func (t *Table) String() string {
	return fmt.Sprintf("%s (%s)", strings.Join(t.Exprs, "; "), t.Zone)
}

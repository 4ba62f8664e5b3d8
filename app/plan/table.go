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
	zone := j.Zone
	if o.Zone != "" {
		loc, err := schedule.LoadLocation(o.Zone)
		if err != nil {
			return t, err
		}
		zone = loc
	}
	s, err := schedule.Parse(o.Expr, schedule.Options{Location: zone, Seed: j.Name})
	if err != nil {
		return t, err
	}
	t.Exprs, t.Schedules, t.Zone = []string{o.Expr}, []schedule.Schedule{s}, s.Location()
	return t, nil
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
	field := "/expr"
	if o.Zone != "" {
		if _, bad := schedule.LoadLocation(o.Zone); bad != nil {
			field = "/timezone"
		}
	}
	return cron.RequestError(o.Job, field, err.Error())
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
	return schedule.Next(t.Schedules, at)
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

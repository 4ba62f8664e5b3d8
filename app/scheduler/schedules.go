package scheduler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
	"fibercrons/app/plan"
	"fibercrons/app/schedule"
)

// PutSchedule is a request to make or change a stored schedule.
type PutSchedule struct {
	cron.Schedule
	Match int64  // the revision that it must have; 0: any, [contract.NoRevision]: it must not exist
	Actor string // the caller
}

const (
	longestID   = 200
	longestMeta = 16 << 10
	mostRuns    = 1 << 53 // the largest whole number that JSON is sure to carry
)

// CheckSchedule returns the request to the store, or a [*cron.ArgsError] with all mistakes, whose fields are those of
// the HTTP API.
func (s *Scheduler) CheckSchedule(p PutSchedule) (contract.PutSchedule, error) {
	g := p.Schedule
	var wrong []cron.FieldError
	say := func(field, format string, a ...any) {
		wrong = append(wrong, cron.FieldError{Field: field, Detail: fmt.Sprintf(format, a...)})
	}
	if detail := wrongID(g.ID); detail != "" {
		say("/id", "%s", detail)
	}
	put := contract.PutSchedule{
		Schedule: contract.Schedule{
			ID: g.ID, Job: g.Job, Expr: strings.TrimSpace(g.Expr), Zone: g.Zone, From: millis.Whole(g.From), Until: millis.Whole(g.Until),
			MaxRuns: int64(g.MaxRuns), Meta: g.Meta, Paused: g.Paused, UpdatedBy: p.Actor,
		},
		Match: p.Match, At: millis.Now(),
	}
	e, err := s.entry(g.Job)
	if err != nil {
		say("/job", "%v", err)
	}
	j := &cron.Job{Zone: time.UTC} // of which the expression can be checked, too
	if e != nil {
		j = e.job
	}
	table, err := tableOf(j, &put.Schedule)
	switch {
	case put.Expr == schedule.OnDemand:
		say("/expr", "%s has no slots; leave the schedule out, and run or enqueue the job", put.Expr)
	case err != nil:
		say(plan.WrongField(g.Zone), "%v", err)
	default:
		put.After, put.KeepPaused = table.Following, keepsPaused(j)
		if _, fires := table.Next(g.From.Add(-time.Millisecond)); !g.Until.IsZero() && !fires {
			say("/until", "no slot lies between from and until")
		}
	}
	if e != nil {
		if put.Args, err = e.job.Encode(g.Args); err != nil {
			wrong = append(wrong, under("/args", err)...)
		}
	}
	if !g.From.IsZero() && g.Until.Before(g.From) && !g.Until.IsZero() {
		say("/until", "%s is before from, %s", g.Until.Format(time.RFC3339), g.From.Format(time.RFC3339))
	}
	if g.MaxRuns < 0 || int64(g.MaxRuns) > mostRuns {
		say("/max_runs", "%d is out of range 0-%d", g.MaxRuns, int64(mostRuns))
	}
	if meta, err := json.Marshal(g.Meta); err != nil || len(meta) > longestMeta {
		say("/meta", "has more than %d bytes of JSON", longestMeta)
	}
	for key, value := range g.Meta {
		if key == "" || strings.ContainsRune(key+value, 0) || !utf8.ValidString(key+value) {
			say("/meta", "%q: %q: a key is not empty, and neither has a NUL character or is not UTF-8", key, value)
		}
	}
	if len(wrong) > 0 {
		return put, &cron.ArgsError{Job: g.Job, Fields: wrong, Request: true}
	}
	return put, nil
}

// under returns the mistakes of an error, with their fields below another.
func under(field string, err error) []cron.FieldError {
	var args *cron.ArgsError
	if !errors.As(err, &args) {
		return []cron.FieldError{{Field: field, Detail: err.Error()}}
	}
	list := make([]cron.FieldError, len(args.Fields))
	for i, f := range args.Fields {
		list[i] = cron.FieldError{Field: field + f.Field, Detail: f.Detail}
	}
	return list
}

func wrongID(id string) string {
	switch n := utf8.RuneCountInString(id); {
	case n == 0:
		return "is empty"
	case n > longestID:
		return fmt.Sprintf("has %d characters; at most %d are allowed", n, longestID)
	case !utf8.ValidString(id) || strings.ContainsFunc(id, unicode.IsControl):
		return "holds a control character or is not UTF-8"
	case strings.TrimSpace(id) != id:
		return "begins or ends with white space"
	}
	return ""
}

// tableOf returns the timetable of a stored schedule.
func tableOf(j *cron.Job, g *contract.Schedule) (*plan.Table, error) {
	table, err := plan.Stored(j, g.ID, g.Expr, g.Zone)
	if err != nil {
		return nil, err
	}
	table.From, table.Until, table.Revision = g.From, g.Until, g.Revision
	return table, nil
}

// keepsPaused reports whether slots during a pause of a stored schedule are recorded: if every slot of the job counts.
func keepsPaused(j *cron.Job) bool { return j.Policies.CatchUp == cron.All }

// PutSchedules makes or changes stored schedules, in one transaction, and returns the results in order. If any of them
// is wrong it changes nothing. Errors: a [*cron.ArgsError], or the store's.
func (s *Scheduler) PutSchedules(ctx context.Context, list []PutSchedule) ([]contract.PutResult, error) {
	return s.PutSchedulesIn(ctx, s.cfg.Store, list)
}

// PutSchedulesIn is PutSchedules in a transaction of the user's.
func (s *Scheduler) PutSchedulesIn(ctx context.Context, in contract.Schedules, list []PutSchedule) ([]contract.PutResult, error) {
	puts := make([]contract.PutSchedule, len(list))
	for i := range list {
		var err error
		if puts[i], err = s.CheckSchedule(list[i]); err != nil {
			return nil, fmt.Errorf("schedule %q: %w", list[i].ID, err)
		}
	}
	results, err := in.PutSchedules(ctx, puts)
	if err == nil {
		s.agenda.kick()
	}
	return results, err
}

// DeleteSchedule deletes a stored schedule, if it has the revision match; 0: any. Its active runs go on. Errors:
// [cron.ErrNotFound], or the store's.
func (s *Scheduler) DeleteSchedule(ctx context.Context, id string, match int64) (contract.PutResult, error) {
	return s.cfg.Store.DeleteSchedule(ctx, id, match)
}

// PauseSchedule pauses or resumes a stored schedule; of p only ID, Resume, Until, Reason, Actor and Match count. Errors:
// [cron.ErrNotFound], [*cron.ArgsError], or the store's.
func (s *Scheduler) PauseSchedule(ctx context.Context, p contract.PauseSchedule) (contract.PutResult, error) {
	return s.PauseScheduleIn(ctx, s.cfg.Store, p)
}

// PauseScheduleIn is PauseSchedule in a transaction of the user's.
func (s *Scheduler) PauseScheduleIn(ctx context.Context, in contract.Schedules, p contract.PauseSchedule) (contract.PutResult, error) {
	g, err := s.storedSchedule(ctx, p.ID)
	if err != nil {
		return contract.PutResult{}, err
	}
	p.At = millis.Now()
	if err := checkPause(g.Job, p.Reason, p.Resume, p.Until, p.At); err != nil {
		return contract.PutResult{}, err
	}
	p.After = func(t time.Time) time.Time { return t.Add(time.Millisecond) } // of an orphan: Next is a lower bound
	if e := s.byName[g.Job]; e != nil {
		table, err := tableOf(e.job, &g)
		if err != nil {
			return contract.PutResult{}, cron.RequestError(g.Job, "/expr", err.Error())
		}
		p.After, p.KeepPaused = table.Following, keepsPaused(e.job)
	}
	got, err := in.PauseSchedule(ctx, p)
	if err == nil {
		s.agenda.kick()
	}
	return got, err
}

// storedSchedule returns one stored schedule, or [cron.ErrNotFound].
func (s *Scheduler) storedSchedule(ctx context.Context, id string) (contract.Schedule, error) {
	list, err := s.cfg.Store.StoredSchedules(ctx, contract.ScheduleQuery{IDs: []string{id}, Limit: 1})
	switch {
	case err != nil:
		return contract.Schedule{}, err
	case len(list) == 0:
		return contract.Schedule{}, cron.ErrNotFound
	}
	return list[0], nil
}

// ScheduleTable returns the timetable of a stored schedule; nil: its job is not in this program, or its expression
// cannot be parsed any more.
func (s *Scheduler) ScheduleTable(g *contract.Schedule) *plan.Table {
	e := s.byName[g.Job]
	if e == nil {
		return nil
	}
	table, err := tableOf(e.job, g)
	if err != nil {
		return nil
	}
	return table
}

// TriggerSchedule begins a manual run with the arguments of a stored schedule in this process; see
// [Scheduler.Trigger]. It overlaps with the runs of the schedule.
func (s *Scheduler) TriggerSchedule(ctx context.Context, id string, req Request) (cron.Record, error) {
	g, err := s.storedSchedule(ctx, id)
	if err != nil {
		return cron.Record{}, err
	}
	req.Args, req.schedule = g.Args, g.ID
	return s.Trigger(ctx, g.Job, req)
}

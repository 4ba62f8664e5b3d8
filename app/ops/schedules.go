package ops

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"
	"unicode/utf8"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
	"fibercrons/app/plan"
)

// ScheduleView is a stored schedule over HTTP and in the CLI. Instants are UTC; null is never.
type ScheduleView struct {
	ID         string            `json:"id"`
	Job        string            `json:"job"`
	Expr       string            `json:"expr"`
	Timezone   string            `json:"timezone"` // in effect: its own, or the job's
	Args       json.RawMessage   `json:"args"`     // null: the job takes none
	From       *time.Time        `json:"from"`
	Until      *time.Time        `json:"until"`
	MaxRuns    int64             `json:"max_runs"` // 0: no limit
	Meta       map[string]string `json:"meta"`
	Paused     bool              `json:"paused"`
	Pause      *PauseView        `json:"pause"` // in force
	NextRun    *time.Time        `json:"next_run"`
	LastRun    *time.Time        `json:"last_run"`
	LastStatus *cron.Status      `json:"last_status"`
	LastRunID  *string           `json:"last_run_id"`
	Runs       int64             `json:"runs"` // slots that were not skipped
	CreatedAt  time.Time         `json:"created_at"`
	UpdatedAt  time.Time         `json:"updated_at"`
	Orphaned   bool              `json:"orphaned"` // its job is not in this program

	// Revision grows with each change by a person or a program; an ETag carries it.
	Revision int64 `json:"-"`
}

// ScheduleDetail is everything known about a stored schedule.
type ScheduleDetail struct {
	ScheduleView
	Forecast
	UpdatedBy string `json:"updated_by"`
}

// Forecast is what an expression means. It is empty for a schedule without slots.
type Forecast struct {
	Description    string      `json:"description"`      // plain English
	NextSlots      []time.Time `json:"next_slots"`       // the next ten
	NextSlotsLocal []time.Time `json:"next_slots_local"` // the same in the schedule's zone
	Notes          []string    `json:"notes"`            // daylight-saving changes that affect them
}

// SchedulePreview is what a schedule means, stored or not.
type SchedulePreview struct {
	Expr     string `json:"expr"`
	Timezone string `json:"timezone"`
	Forecast
}

// SchedulePage is one page of stored schedules.
type SchedulePage struct {
	Items []ScheduleView `json:"items"`
	Next  string         `json:"next"` // the After of the next page's query; empty: this is the last page
}

// NoScheduleError means that there is no stored schedule with that ID. It is a [cron.ErrNotFound].
type NoScheduleError struct{ ID string }

func (e *NoScheduleError) Error() string { return fmt.Sprintf("no schedule %q", e.ID) }

// Is makes errors.Is(err, cron.ErrNotFound) true.
func (e *NoScheduleError) Is(target error) bool { return target == cron.ErrNotFound }

// noSchedule names the schedule that the scheduler or the store has not found.
func noSchedule(err error, id string) error {
	var noJob *cron.NoJobError
	if errors.Is(err, cron.ErrNotFound) && !errors.As(err, &noJob) {
		return &NoScheduleError{ID: id}
	}
	return err
}

const pageOfSchedules = 50

// Schedules returns a page of stored schedules, by ID.
func (c Crons) Schedules(ctx context.Context, q contract.ScheduleQuery) (SchedulePage, error) {
	limit := q.Limit
	if limit == 0 {
		limit = pageOfSchedules
	}
	q.Limit = limit + 1 // one more shows whether there is a next page
	found, err := c.Store().StoredSchedules(ctx, q)
	if err != nil {
		return SchedulePage{}, err
	}
	list := SchedulePage{Items: make([]ScheduleView, 0, min(len(found), limit))}
	if len(found) > limit {
		found = found[:limit]
		list.Next = found[limit-1].ID
	}
	states, err := c.jobsOf(ctx, found)
	if err != nil {
		return SchedulePage{}, err
	}
	now := time.Now()
	for i := range found {
		list.Items = append(list.Items, c.scheduleView(&found[i], states[found[i].Job], now))
	}
	return list, nil
}

// Schedule returns everything about one stored schedule, or a [*NoScheduleError].
func (c Crons) Schedule(ctx context.Context, id string) (ScheduleDetail, error) {
	g, err := c.stored(ctx, id)
	if err != nil {
		return ScheduleDetail{}, err
	}
	view, err := c.viewOf(ctx, &g)
	if err != nil {
		return ScheduleDetail{}, err
	}
	return ScheduleDetail{ScheduleView: view, Forecast: forecast(c.ScheduleTable(&g), left(&g), time.Now()), UpdatedBy: g.UpdatedBy}, nil
}

// ScheduleSlots returns what a stored schedule means, or a [*NoScheduleError].
func (c Crons) ScheduleSlots(ctx context.Context, id string) (SchedulePreview, error) {
	d, err := c.Schedule(ctx, id)
	return SchedulePreview{Expr: d.Expr, Timezone: d.Timezone, Forecast: d.Forecast}, err
}

// EachSchedule yields the stored schedules of a query, by ID, in the form in which they are put. It reads them page by
// page. q's Limit does not count.
func (c Crons) EachSchedule(ctx context.Context, q contract.ScheduleQuery) iter.Seq2[ScheduleInput, error] {
	return func(yield func(ScheduleInput, error) bool) {
		const page = 1000
		q.Limit = page
		for {
			found, err := c.Store().StoredSchedules(ctx, q)
			if err != nil {
				yield(ScheduleInput{}, err)
				return
			}
			now := time.Now()
			for i := range found {
				if !yield(inputOf(&found[i], now), nil) {
					return
				}
			}
			if len(found) < page {
				return
			}
			q.After = found[page-1].ID
		}
	}
}

func (c Crons) stored(ctx context.Context, id string) (contract.Schedule, error) {
	if !storable(id) {
		return contract.Schedule{}, &NoScheduleError{ID: id}
	}
	list, err := c.Store().StoredSchedules(ctx, contract.ScheduleQuery{IDs: []string{id}, Limit: 1})
	switch {
	case err != nil:
		return contract.Schedule{}, err
	case len(list) == 0:
		return contract.Schedule{}, &NoScheduleError{ID: id}
	}
	return list[0], nil
}

// storable reports whether a database takes the text.
func storable(id string) bool { return utf8.ValidString(id) && !strings.Contains(id, "\x00") }

// jobsOf returns the states of the jobs of schedules, by name.
func (c Crons) jobsOf(ctx context.Context, list []contract.Schedule) (map[string]contract.State, error) {
	seen := map[string]bool{}
	var names []string
	for i := range list {
		if name := list[i].Job; !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	return c.Store().States(ctx, names...)
}

func (c Crons) viewOf(ctx context.Context, g *contract.Schedule) (ScheduleView, error) {
	states, err := c.jobsOf(ctx, []contract.Schedule{*g})
	if err != nil {
		return ScheduleView{}, err
	}
	return c.scheduleView(g, states[g.Job], time.Now()), nil
}

// scheduleView returns a schedule as it is at now. st is the state of its job.
func (c Crons) scheduleView(g *contract.Schedule, st contract.State, now time.Time) ScheduleView {
	v := ScheduleView{
		ID: g.ID, Job: g.Job, Expr: g.Expr, Timezone: g.Zone, Args: g.Args, From: inUTC(g.From), Until: inUTC(g.Until),
		MaxRuns: g.MaxRuns, Meta: g.Meta, Paused: g.PausedNow(now), LastRun: inUTC(g.LastRun), Runs: g.Runs,
		CreatedAt: g.CreatedAt.UTC(), UpdatedAt: g.UpdatedAt.UTC(), Revision: g.Revision,
	}
	if v.Meta == nil {
		v.Meta = map[string]string{}
	}
	if v.Paused {
		v.Pause = &PauseView{At: g.PausedAt.UTC(), Until: inUTC(g.PausedUntil), Reason: g.PausedReason, By: g.PausedBy}
	}
	if g.LastStatus != "" {
		v.LastStatus = &g.LastStatus
	}
	if g.LastRunID != "" {
		v.LastRunID = &g.LastRunID
	}
	j, err := c.Definition(g.Job)
	v.Orphaned = err != nil
	if table := c.ScheduleTable(g); table != nil {
		v.Timezone = table.Zone.String()
		if j.Disabled == "" && !c.ClockOff() && !c.Superseded(j.Name) && left(g) > 0 {
			v.NextRun = nextRun(table, g, st, now)
		}
	}
	return v
}

// nextRun returns the first slot after the watermark that no pause keeps from running.
func nextRun(table *plan.Table, g *contract.Schedule, st contract.State, now time.Time) *time.Time {
	after := g.Watermark
	wait := func(until time.Time) {
		if end := until.Add(-time.Millisecond); end.After(after) {
			after = end
		}
	}
	if g.Paused {
		if g.PausedUntil.IsZero() {
			return nil
		}
		wait(g.PausedUntil)
	}
	if st.PausedNow(now) {
		if st.PausedUntil.IsZero() {
			return nil
		}
		wait(st.PausedUntil)
	}
	return millis.Optional(table.Following(after))
}

// left returns how many further slots may run, at most as many as a forecast lists.
func left(g *contract.Schedule) int {
	if g.MaxRuns == 0 {
		return nextSlots
	}
	return int(min(max(g.MaxRuns-g.Runs, 0), nextSlots))
}

// forecast returns what a timetable means after now, with at most so many slots. table may be nil.
func forecast(table *plan.Table, most int, now time.Time) Forecast {
	f := Forecast{NextSlots: []time.Time{}, NextSlotsLocal: []time.Time{}, Notes: []string{}}
	if table == nil {
		return f
	}
	f.Description = table.Explain()
	for t, ok := table.Next(now); ok && len(f.NextSlots) < most; t, ok = table.Next(t) {
		f.NextSlots, f.NextSlotsLocal = append(f.NextSlots, t.UTC()), append(f.NextSlotsLocal, t.In(table.Zone))
	}
	for _, sch := range table.Schedules {
		for _, n := range sch.Notes(now, now.Add(notesAhead)) {
			f.Notes = append(f.Notes, n.String())
		}
	}
	return f
}

// ScheduleQuestion is a schedule that is not stored.
type ScheduleQuestion struct {
	Job         string // optional: the zone of Expr is the job's
	ID          string // H hashes it
	Expr, Zone  string
	Default     *time.Location // the zone without Job and Zone; nil: UTC
	From, Until time.Time      // zero: none
}

// PreviewSchedule returns what a schedule would mean, and stores nothing. The error is a [*cron.ArgsError] with all
// mistakes.
func (c Crons) PreviewSchedule(q ScheduleQuestion) (SchedulePreview, error) {
	var wrong []cron.FieldError
	job := &cron.Job{Name: q.Job, Zone: q.Default}
	if job.Zone == nil {
		job.Zone = time.UTC
	}
	if q.Job != "" {
		known, err := c.Definition(q.Job)
		if err != nil {
			wrong = append(wrong, cron.FieldError{Field: "/job", Detail: err.Error()})
		} else {
			job = known
		}
	}
	q.Expr = strings.TrimSpace(q.Expr)
	table, err := plan.Stored(job, q.ID, q.Expr, q.Zone)
	if err != nil {
		wrong = append(wrong, cron.FieldError{Field: plan.WrongField(q.Zone), Detail: err.Error()})
	}
	if !q.From.IsZero() && !q.Until.IsZero() && q.Until.Before(q.From) {
		wrong = append(wrong, cron.FieldError{Field: "/until", Detail: "is before from"})
	}
	if len(wrong) > 0 {
		return SchedulePreview{}, &cron.ArgsError{Job: q.Job, Fields: wrong, Request: true}
	}
	table.From, table.Until = q.From, q.Until
	return SchedulePreview{Expr: q.Expr, Timezone: table.Zone.String(), Forecast: forecast(table, nextSlots, time.Now())}, nil
}

func inUTC(t time.Time) *time.Time { return millis.Optional(t.UTC()) }

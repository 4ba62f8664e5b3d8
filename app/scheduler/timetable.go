package scheduler

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/schedule"
)

// timetable says when a job is due: by the schedules in its code, or by an override of them.
type timetable struct {
	exprs     []string
	schedules []schedule.Schedule
	zone      *time.Location
	since     time.Time // of the override it comes from, or that was lifted; zero: never any
}

// codeTable is what the code of a job says.
func codeTable(j *cron.Job) timetable {
	return timetable{exprs: j.Exprs, schedules: j.Schedules, zone: j.Zone}
}

// overridden returns what o makes of the job's timetable.
func overridden(j *cron.Job, o Override) (*timetable, error) {
	code := codeTable(j)
	t := &code
	t.since = o.At
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
	t.exprs, t.schedules, t.zone = []string{o.Expr}, []schedule.Schedule{s}, s.Location()
	return t, nil
}

// overridden is the function of that name. Most jobs never have an override.
func (e *entry) overridden(o Override) (*timetable, error) {
	if o.At.IsZero() {
		return &e.code, nil
	}
	return overridden(e.job, o)
}

// wrongOverride is err, for which overridden did not take o, as a mistake in a request.
func wrongOverride(o Override, err error) *cron.ArgsError {
	field := "/expr"
	if o.Zone != "" {
		if _, bad := schedule.LoadLocation(o.Zone); bad != nil {
			field = "/timezone"
		}
	}
	return requestError(o.Job, field, err.Error())
}

// next returns the first slot after at, over all schedules.
func (t *timetable) next(at time.Time) (next time.Time, ok bool) {
	return schedule.Next(t.schedules, at)
}

// explain says in plain English when the job is due.
func (t *timetable) explain() string {
	texts := make([]string, len(t.schedules))
	for i, s := range t.schedules {
		texts[i] = s.Describe()
	}
	return strings.Join(texts, "; ")
}

// Reschedule puts a schedule in place of the job's own, on every process and across restarts,
// until it is lifted by an empty expr. zone is that of expr; empty: the job's. Slots before now
// are not looked at again. Errors: [*cron.NoJobError], [*cron.ArgsError], or the store's.
func (s *Scheduler) Reschedule(ctx context.Context, name, expr, zone, actor string) (JobView, error) {
	e, err := s.entry(name)
	if err != nil {
		return JobView{}, err
	}
	if err := fit(name, "/expr", expr, longestExpr); err != nil {
		return JobView{}, err
	}
	o := Override{Job: name, Expr: strings.TrimSpace(expr), Zone: zone, Actor: actor, At: present()}
	if o.Expr == "" {
		o.Zone = ""
	}
	if _, err := overridden(e.job, o); err != nil {
		return JobView{}, wrongOverride(o, err)
	}
	st, err := s.store.Override(ctx, o)
	if errors.Is(err, cron.ErrNotFound) {
		if err = s.introduce(ctx, e); err == nil {
			st, err = s.store.Override(ctx, o)
		}
	}
	if err != nil {
		return JobView{}, err
	}
	s.follow([]Override{st.Override})
	s.mu.Lock()
	s.tell(Event{Kind: JobRescheduled, Job: name})
	s.mu.Unlock()
	return s.view(e.job, st, o.At), nil
}

// introduce makes a job known to a store in which no scheduler has run yet.
func (s *Scheduler) introduce(ctx context.Context, e *entry) error {
	known, err := s.store.States(ctx)
	if err != nil {
		return err
	}
	defs := []Definition{{Name: e.job.Name, Definition: definitionOf(e.job)}}
	for name, st := range known { // Sync marks the jobs it is not told of as removed
		if name != e.job.Name && st.RemovedAt.IsZero() {
			defs = append(defs, Definition{Name: name, Definition: st.Definition})
		}
	}
	_, err = s.store.Sync(ctx, Program{Definitions: defs, At: present()})
	return err
}

// follow makes this process tick by overrides that are new to it.
func (s *Scheduler) follow(overrides []Override) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range overrides {
		e := s.byName[o.Job]
		if e == nil || e.table.since.Equal(o.At) {
			continue
		}
		table, err := overridden(e.job, o)
		if err != nil {
			s.log.Error("invalid schedule override; using the schedule from code", "job", o.Job, "expr", o.Expr, "error", err)
		}
		e.table, e.adrift = table, err
		if s.phase != ticking || s.clock == nil || e.job.Disabled != "" {
			continue
		}
		e.next = e.after(o.At.UnixMilli())
		s.expect(e)
		if err := s.place(e); err != nil {
			s.log.Error("a job cannot be moved to its new schedule", "job", o.Job, "error", err)
			e.adrift = err
		}
		s.log.Info("schedule changed", "job", o.Job, "schedule", strings.Join(table.exprs, "; "), "by", o.Actor)
	}
}

// followOverrides asks the store for what other processes were told, and says whether it has answered.
// Until then this process's claims by an older schedule are refused, since they would settle slots of the
// new one that it does not know of.
func (s *Scheduler) followOverrides() bool {
	overrides, err := s.store.Overrides(s.work)
	if err != nil {
		return false // beat reports it
	}
	s.follow(overrides)
	return true
}

func (t *timetable) String() string {
	return fmt.Sprintf("%s (%s)", strings.Join(t.exprs, "; "), t.zone)
}

// requestError says what is wrong with a request beside its arguments.
func requestError(job, field, detail string) *cron.ArgsError {
	return &cron.ArgsError{Job: job, Fields: []cron.FieldError{{Field: field, Detail: detail}}, Request: true}
}

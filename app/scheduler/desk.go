package scheduler

import (
	"context"
	"slices"
	"strings"
	"time"

	"fibercrons/app/cron"
)

// Listing is jobs as they stand.
type Listing struct {
	Jobs []JobView
	// Until is when time alone changes the listing: a job is due, or a pause ends. Before that it
	// changes with the store only.
	Until time.Time
}

// Jobs returns the registered jobs by name, each as it stands, with one query of the store.
func (s *Scheduler) Jobs(ctx context.Context, f Filter) ([]JobView, error) {
	list, err := s.List(ctx, f)
	return list.Jobs, err
}

// List is [Scheduler.Jobs], and says how long it holds.
func (s *Scheduler) List(ctx context.Context, f Filter) (Listing, error) {
	states, err := s.store.Outline(ctx)
	if err != nil {
		return Listing{}, err
	}
	now := time.Now()
	list := Listing{Jobs: make([]JobView, 0, len(s.jobs)), Until: now.Add(24 * time.Hour)}
	for _, j := range s.jobs {
		if f.Tag != "" && !j.HasTag(f.Tag) || !matches(j, f.Search) {
			continue
		}
		st := states[j.Name]
		v := s.view(j, st, now)
		if f.Status == "" || v.Status == f.Status {
			list.Jobs = append(list.Jobs, v)
		}
		if v.NextRun != nil && v.NextRun.Before(list.Until) {
			list.Until = *v.NextRun
		}
		if v.Paused && !st.PausedUntil.IsZero() && st.PausedUntil.Before(list.Until) {
			list.Until = st.PausedUntil
		}
	}
	return list, nil
}

func matches(j *cron.Job, search string) bool {
	search = strings.ToLower(strings.TrimSpace(search))
	if search == "" {
		return true
	}
	has := func(text string) bool { return strings.Contains(strings.ToLower(text), search) }
	return has(j.Name) || has(j.Description) || slices.ContainsFunc(j.Tags, has)
}

// view shows a job.
func (s *Scheduler) view(j *cron.Job, st State, now time.Time) JobView {
	table, _ := overridden(j, st.Override) // what cannot be followed is not shown either; follow reports it
	v := JobView{
		Name: j.Name, Expr: table.exprs[0], Schedules: table.exprs, Timezone: table.zone.String(), Description: j.Description,
		Tags: j.Tags, Metadata: j.Metadata, Status: JobScheduled, Paused: st.PausedNow(now),
		LastRun: optional(st.LastRun), Runs: st.Runs, Failures: st.Failures,
	}
	if v.Description == "" {
		v.Description = table.explain()
	}
	if v.Tags == nil {
		v.Tags = []string{}
	}
	if v.Metadata == nil {
		v.Metadata = map[string]string{}
	}
	if st.LastStatus != "" {
		v.LastStatus = &st.LastStatus
	}
	if st.LastError != "" {
		v.LastError = &st.LastError
	}
	if !st.LastRun.IsZero() {
		v.LastDurationMS = &st.LastDurationMS
	}
	from := now
	switch {
	case j.Disabled != "" || s.cfg.Disabled || s.isSuperseded(j.Name):
		v.Status = JobDisabled
		return v
	case v.Paused:
		v.Status = JobPaused
		if st.PausedUntil.IsZero() {
			return v
		}
		from = st.PausedUntil.Add(-time.Millisecond)
	case st.Active > 0:
		v.Status = JobRunning
	}
	if next, ok := table.next(from); ok {
		v.NextRun = optional(next.UTC())
	}
	return v
}

const (
	nextSlots   = 10
	statsSample = 100
	notesAhead  = 400 * 24 * time.Hour
)

// Job returns everything about one job, or [*cron.NoJobError].
func (s *Scheduler) Job(ctx context.Context, name string) (JobDetail, error) {
	e, err := s.entry(name)
	if err != nil {
		return JobDetail{}, err
	}
	states, err := s.store.States(ctx, name)
	if err != nil {
		return JobDetail{}, err
	}
	recs, err := s.store.Runs(ctx, Query{Job: name, Statuses: []cron.Status{cron.Succeeded, cron.Failed, cron.Interrupted}, Limit: statsSample})
	if err != nil {
		return JobDetail{}, err
	}
	j, st, now := e.job, states[name], time.Now()
	table, _ := overridden(j, st.Override)
	d := JobDetail{
		JobView: s.view(j, st, now), ScheduleText: table.explain(), NextSlots: []time.Time{}, Notes: []string{},
		Policies: policyView(&j.Policies), Ping: j.Ping.View(), Stats: stats(recs, st), Source: j.Source, Disabled: j.Disabled, FirstSeen: optional(st.FirstSeen),
	}
	if d.Disabled == "" && s.isSuperseded(j.Name) {
		d.Disabled = "a newer version of the program runs beside this one and has another schedule for it, or none"
	}
	if s.cfg.Disabled && d.Disabled == "" {
		d.Disabled = "the scheduler is switched off (CRON_ENABLED=false)"
	}
	if d.Paused {
		d.Pause = &PauseView{At: st.PausedAt, Until: optional(st.PausedUntil), Reason: st.PausedReason, By: st.PausedBy}
	}
	if j.Args != nil {
		d.Args, d.ArgsSchema = j.Args.Defaults, j.Args.Schema
	}
	if o := st.Override; o.Expr != "" {
		d.Override = &OverrideView{Expr: o.Expr, By: o.Actor, At: o.At, Code: j.Exprs}
	}
	for t, ok := table.next(now); ok && len(d.NextSlots) < nextSlots; t, ok = table.next(t) {
		d.NextSlots = append(d.NextSlots, t.UTC())
	}
	for _, sch := range table.schedules {
		for _, n := range sch.Notes(now, now.Add(notesAhead)) {
			d.Notes = append(d.Notes, n.String())
		}
	}
	return d, nil
}

func policyView(p *cron.Policies) PolicyView {
	return PolicyView{
		Timeout: p.Timeout.String(), Retries: p.Retries, Backoff: p.Backoff.String(), Overlap: string(p.Overlap),
		CatchUp: string(p.CatchUp), CatchUpWindow: p.CatchUpFor.String(), CatchUpCap: p.CatchUpCap,
		StartWithin: p.StartWithin.String(), OnCrash: string(p.OnCrash), Group: p.Group, GroupLimit: p.GroupLimit,
		KeepRuns: p.KeepRuns, KeepFor: p.KeepFor.String(), Alerts: p.Alerts.Lines(),
	}
}

func stats(recs []cron.Record, st State) Stats {
	out := Stats{LastSuccess: optional(st.LastSuccess)}
	var took []int64
	for _, r := range recs {
		if r.StartedAt == nil {
			continue
		}
		out.Sample++
		if r.Status == cron.Succeeded {
			out.Succeeded++
		} else {
			out.Failed++
		}
		if r.Duration != nil {
			took = append(took, *r.Duration)
		}
	}
	if out.Sample > 0 {
		rate := float64(out.Succeeded) / float64(out.Sample)
		out.SuccessRate = &rate
	}
	if n := len(took); n > 0 {
		slices.Sort(took)
		out.P50MS, out.P95MS = &took[(n-1)/2], &took[(n-1)*95/100]
	}
	return out
}

// Records returns runs, newest first; [*cron.NoJobError] when q names a job that is neither
// registered nor has a history.
func (s *Scheduler) Records(ctx context.Context, q Query) ([]cron.Record, error) {
	recs, err := s.store.Runs(ctx, q)
	if err != nil {
		return nil, err
	}
	if len(recs) == 0 && q.Job != "" {
		if _, err := s.entry(q.Job); err != nil {
			states, serr := s.store.States(ctx, q.Job)
			if serr != nil {
				return nil, serr
			}
			if _, had := states[q.Job]; !had {
				return nil, err
			}
		}
	}
	now := time.Now()
	for i := range recs {
		s.overlay(&recs[i], now)
	}
	return recs, nil
}

// Record returns one run, or [cron.ErrNotFound].
func (s *Scheduler) Record(ctx context.Context, id string) (cron.Record, error) {
	rec, err := s.store.Run(ctx, id)
	if err != nil {
		return rec, err
	}
	s.overlay(&rec, time.Now())
	return rec, nil
}

// overlay adds to the record of a run that goes on what the store does not know yet.
func (s *Scheduler) overlay(rec *cron.Record, now time.Time) {
	if rec.Status != cron.Skipped {
		rec.TraceID = s.traceOf(rec.ID)
	}
	if rec.Status != cron.Running {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.byName[rec.Job]
	if r := e.run(rec.ID); r != nil && r.status == cron.Running {
		fresh := r.record()
		rec.Attempts, rec.Progress, rec.Result = fresh.Attempts, fresh.Progress, fresh.Result
		rec.Overdue = r.overdue(now)
		return
	}
	began, known := rec.AttemptStarted()
	switch {
	case rec.Cancel != nil:
		rec.Overdue = now.Sub(*rec.Cancel) > 5*time.Second
	case e != nil && e.job.Policies.Timeout > 0 && known:
		rec.Overdue = now.Sub(began) > e.job.Policies.Timeout+time.Second
	}
}

// Logs returns lines of a run with Seq above after, oldest first; [cron.ErrNotFound] for no such run.
func (s *Scheduler) Logs(ctx context.Context, id string, after int64, limit int) ([]cron.LogLine, error) {
	lines, err := s.store.Logs(ctx, id, after, limit)
	if err != nil || len(lines) > 0 {
		return lines, err
	}
	if _, err := s.store.Run(ctx, id); err != nil {
		return nil, err
	}
	return []cron.LogLine{}, nil
}

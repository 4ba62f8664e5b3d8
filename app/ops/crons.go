package ops

import (
	"context"
	"slices"
	"strings"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
	"fibercrons/app/plan"
	"fibercrons/app/scheduler"
)

// Crons is a scheduler with queries: lists, details, histories and forecasts.
type Crons struct{ *scheduler.Scheduler }

// New returns a scheduler that is not running; see [scheduler.New].
func New(c scheduler.Config) Crons { return Crons{scheduler.New(c)} }

// Listing is jobs and how long the list is valid.
type Listing struct {
	Jobs []JobView
	// Until is when the listing changes without a change in the store: a job is due, or a pause ends.
	Until time.Time
}

// Jobs returns the registered jobs that match f, by name, with one query of the store.
func (c Crons) Jobs(ctx context.Context, f Filter) ([]JobView, error) {
	list, err := c.List(ctx, f)
	return list.Jobs, err
}

// List is [Crons.Jobs] with the time until which the list is valid.
func (c Crons) List(ctx context.Context, f Filter) (Listing, error) {
	states, err := c.Store().Outline(ctx)
	if err != nil {
		return Listing{}, err
	}
	now := time.Now()
	list := Listing{Jobs: make([]JobView, 0, len(c.Definitions())), Until: now.Add(24 * time.Hour)}
	for _, j := range c.Definitions() {
		if f.Tag != "" && !j.HasTag(f.Tag) || !matches(j, f.Search) {
			continue
		}
		st := states[j.Name]
		v := c.View(j, st, now)
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

// View returns a job in its state at now.
func (c Crons) View(j *cron.Job, st contract.State, now time.Time) JobView {
	table, _ := plan.Overridden(j, st.Override) // an invalid override shows the schedule in the code; follow reports it
	v := JobView{
		Name: j.Name, Expr: table.Exprs[0], Schedules: table.Exprs, Timezone: table.Zone.String(), Description: j.Description,
		Tags: j.Tags, Metadata: j.Metadata, Status: contract.JobScheduled, Paused: st.PausedNow(now),
		LastRun: millis.Optional(st.LastRun), Runs: st.Runs, Failures: st.Failures,
	}
	if v.Description == "" {
		v.Description = table.Explain()
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
	case j.Disabled != "" || c.ClockOff() || c.Superseded(j.Name):
		v.Status = contract.JobDisabled
		return v
	case v.Paused:
		v.Status = contract.JobPaused
		if st.PausedUntil.IsZero() {
			return v
		}
		from = st.PausedUntil.Add(-time.Millisecond)
	case st.Active > 0:
		v.Status = contract.JobRunning
	}
	if next, ok := table.Next(from); ok {
		v.NextRun = millis.Optional(next.UTC())
	}
	return v
}

const (
	nextSlots   = 10
	statsSample = 100
	notesAhead  = 400 * 24 * time.Hour
)

// Job returns everything about one job, or [*cron.NoJobError].
func (c Crons) Job(ctx context.Context, name string) (JobDetail, error) {
	j, err := c.Definition(name)
	if err != nil {
		return JobDetail{}, err
	}
	states, err := c.Store().States(ctx, name)
	if err != nil {
		return JobDetail{}, err
	}
	recs, err := c.Store().Runs(ctx, contract.Query{Job: name, Statuses: []cron.Status{cron.Succeeded, cron.Failed, cron.Interrupted}, Limit: statsSample})
	if err != nil {
		return JobDetail{}, err
	}
	st, now := states[name], time.Now()
	table, _ := plan.Overridden(j, st.Override)
	d := JobDetail{
		JobView: c.View(j, st, now), ScheduleText: table.Explain(), NextSlots: []time.Time{}, Notes: []string{},
		Policies: policyView(&j.Policies), Ping: pingView(j.Ping), Stats: stats(recs, st), Source: j.Source, Disabled: j.Disabled, FirstSeen: millis.Optional(st.FirstSeen),
	}
	if d.Disabled == "" && c.Superseded(j.Name) {
		d.Disabled = "a newer version of the program runs beside this one and has another schedule for it, or none"
	}
	if c.ClockOff() && d.Disabled == "" {
		d.Disabled = "the scheduler is switched off (CRON_ENABLED=false)"
	}
	if d.Paused {
		d.Pause = &PauseView{At: st.PausedAt, Until: millis.Optional(st.PausedUntil), Reason: st.PausedReason, By: st.PausedBy}
	}
	if j.Args != nil {
		d.Args, d.ArgsSchema = j.Args.Defaults, j.Args.Schema
	}
	if o := st.Override; o.Expr != "" {
		d.Override = &OverrideView{Expr: o.Expr, By: o.Actor, At: o.At, Code: j.Exprs}
	}
	for t, ok := table.Next(now); ok && len(d.NextSlots) < nextSlots; t, ok = table.Next(t) {
		d.NextSlots = append(d.NextSlots, t.UTC())
	}
	for _, sch := range table.Schedules {
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

func stats(recs []cron.Record, st contract.State) Stats {
	out := Stats{LastSuccess: millis.Optional(st.LastSuccess)}
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
		out.P50MS, out.P95MS = &took[(n-1)/2], &took[(n*95-1)/100] // by nearest rank
	}
	return out
}

// Records returns runs, newest first. It returns [*cron.NoJobError] if q names a job that is not registered and has no
// runs.
func (c Crons) Records(ctx context.Context, q contract.Query) ([]cron.Record, error) {
	recs, err := c.Store().Runs(ctx, q)
	if err != nil {
		return nil, err
	}
	if len(recs) == 0 && q.Job != "" {
		if _, err := c.Definition(q.Job); err != nil {
			states, serr := c.Store().States(ctx, q.Job)
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
		c.Overlay(&recs[i], now)
	}
	return recs, nil
}

// Logs returns lines of a run with Seq above after, oldest first, or [cron.ErrNotFound].
func (c Crons) Logs(ctx context.Context, id string, after int64, limit int) ([]cron.LogLine, error) {
	lines, err := c.Store().Logs(ctx, id, after, limit)
	if err != nil || len(lines) > 0 {
		return lines, err
	}
	if _, err := c.Store().Run(ctx, id); err != nil {
		return nil, err
	}
	return []cron.LogLine{}, nil
}

// Pause is [scheduler.Scheduler.Pause], and returns the job.
func (c Crons) Pause(ctx context.Context, p contract.Pause) (JobView, error) {
	st, err := c.Scheduler.Pause(ctx, p)
	return c.shown(p.Job, st, err)
}

// Reschedule is [scheduler.Scheduler.Reschedule], and returns the job.
func (c Crons) Reschedule(ctx context.Context, name, expr, zone, actor string) (JobView, error) {
	st, err := c.Scheduler.Reschedule(ctx, name, expr, zone, actor)
	return c.shown(name, st, err)
}

func (c Crons) shown(name string, st contract.State, err error) (JobView, error) {
	if err != nil {
		return JobView{}, err
	}
	j, err := c.Definition(name)
	if err != nil {
		return JobView{}, err
	}
	return c.View(j, st, time.Now()), nil
}

package scheduler

import (
	"context"
	"errors"
	"strings"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
	"fibercrons/app/plan"
)

// Reschedule puts a schedule in place of the job's own, on every process and across restarts,
// until it is lifted by an empty expr. zone is that of expr; empty: the job's. Slots before now
// are not looked at again. Errors: [*cron.NoJobError], [*cron.ArgsError], or the store's.
func (s *Scheduler) Reschedule(ctx context.Context, name, expr, zone, actor string) (contract.State, error) {
	e, err := s.entry(name)
	if err != nil {
		return contract.State{}, err
	}
	if err := fit(name, "/expr", expr, longestExpr); err != nil {
		return contract.State{}, err
	}
	o := plan.Override{Job: name, Expr: strings.TrimSpace(expr), Zone: zone, Actor: actor, At: millis.Now()}
	if o.Expr == "" {
		o.Zone = ""
	}
	if _, err := plan.Overridden(e.job, o); err != nil {
		return contract.State{}, plan.WrongOverride(o, err)
	}
	st, err := s.store.Override(ctx, o)
	if errors.Is(err, cron.ErrNotFound) {
		if err = s.introduce(ctx, e); err == nil {
			st, err = s.store.Override(ctx, o)
		}
	}
	if err != nil {
		return contract.State{}, err
	}
	s.follow([]plan.Override{st.Override})
	s.mu.Lock()
	s.tell(contract.Event{Kind: contract.JobRescheduled, Job: name})
	s.mu.Unlock()
	return st, nil
}

// introduce makes a job known to a store in which no scheduler has run yet.
func (s *Scheduler) introduce(ctx context.Context, e *entry) error {
	known, err := s.store.States(ctx)
	if err != nil {
		return err
	}
	defs := []contract.Definition{{Name: e.job.Name, Definition: definitionOf(e.job)}}
	for name, st := range known { // Sync marks the jobs it is not told of as removed
		if name != e.job.Name && st.RemovedAt.IsZero() {
			defs = append(defs, contract.Definition{Name: name, Definition: st.Definition})
		}
	}
	_, err = s.store.Sync(ctx, contract.Program{Definitions: defs, At: millis.Now()})
	return err
}

// follow makes this process tick by overrides that are new to it.
func (s *Scheduler) follow(overrides []plan.Override) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range overrides {
		e := s.byName[o.Job]
		if e == nil || e.table.Since.Equal(o.At) {
			continue
		}
		table, err := plan.Overridden(e.job, o)
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
		s.log.Info("schedule changed", "job", o.Job, "schedule", strings.Join(table.Exprs, "; "), "by", o.Actor)
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

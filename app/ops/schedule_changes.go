package ops

import (
	"context"
	"errors"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
	"fibercrons/app/scheduler"
)

// SchedulePut is a stored schedule that was put, and what that has done.
type SchedulePut struct {
	ScheduleView
	Outcome contract.PutOutcome `json:"outcome"`
}

// ErrRevision means that a stored schedule does not have the revision that a change asks for: somebody else has changed
// it.
var ErrRevision = errors.New("the schedule has been changed by somebody else")

// PutSchedule makes or changes a stored schedule, if it has the revision match; see [contract.PutSchedule]. Errors:
// [*cron.ArgsError], [ErrRevision], or the store's.
func (h Audited) PutSchedule(ctx context.Context, g cron.Schedule, match int64) (SchedulePut, error) {
	r, err := h.put(ctx, g, match)
	if err != nil {
		return SchedulePut{}, err
	}
	view, err := h.c.viewOf(ctx, r.After)
	return SchedulePut{view, r.Outcome}, err
}

// PutInput is PutSchedule of what [ReadSchedule] has read. read is its error: if it is not nil, nothing is put, and the
// error has all mistakes.
func (h Audited) PutInput(ctx context.Context, in *ScheduleInput, read error, match int64) (SchedulePut, error) {
	if read == nil {
		return h.PutSchedule(ctx, in.Schedule(), match)
	}
	return SchedulePut{}, h.c.mistakes(in, read)
}

// put is PutSchedule without the view, which costs a query.
func (h Audited) put(ctx context.Context, g cron.Schedule, match int64) (contract.PutResult, error) {
	results, err := h.c.PutSchedulesIn(ctx, h.schedules(), []scheduler.PutSchedule{{Schedule: g, Match: match, Actor: h.who.Actor}})
	if err != nil {
		return contract.PutResult{}, err
	}
	r := results[0]
	switch now := millis.Now(); r.Outcome {
	case contract.PutConflict:
		return r, ErrRevision
	case contract.PutUnchanged:
	default:
		h.audit(ctx, "schedule.put", g.ID, values(r.Before, now), values(r.After, now))
	}
	return r, nil
}

// schedules are the stored ones, in the transaction if there is one.
func (h Audited) schedules() contract.Schedules {
	if h.in != nil {
		return h.in
	}
	return h.c.Store()
}

// mistakes returns all mistakes of a schedule; read is the error of [ReadSchedule].
func (c Crons) mistakes(in *ScheduleInput, read error) error {
	var unread, wrong *cron.ArgsError
	if errors.As(read, &unread) && len(unread.Fields) == 1 && unread.Fields[0].Field == "" {
		return unread // no schedule at all
	}
	_, err := c.CheckSchedule(scheduler.PutSchedule{Schedule: in.Schedule()})
	errors.As(err, &wrong)
	if all := join(unread, wrong); all != nil {
		return all
	}
	return nil
}

// PutSchedules makes or changes stored schedules in one transaction, and returns the results in order. The audit log
// gets one entry with their numbers. Errors: those of [scheduler.Scheduler.PutSchedules].
func (h Audited) PutSchedules(ctx context.Context, list []scheduler.PutSchedule) ([]contract.PutResult, error) {
	for i := range list {
		list[i].Actor = h.who.Actor
	}
	results, err := h.c.PutSchedulesIn(ctx, h.schedules(), list)
	if err != nil {
		return nil, err
	}
	if n := countPuts(results); n.Created+n.Changed > 0 {
		h.audit(ctx, "schedule.put", severalSchedules, nil, fields{
			"created": n.Created, "changed": n.Changed, "unchanged": n.Unchanged, "first": list[0].ID, "last": list[len(list)-1].ID,
		})
	}
	return results, nil
}

// severalSchedules is the target of an audit entry about more than one.
const severalSchedules = "schedules"

// Tally counts what puts have done.
type Tally struct {
	Created   int `json:"created"`
	Changed   int `json:"changed"`
	Unchanged int `json:"unchanged"`
}

func (t *Tally) add(n Tally) {
	t.Created, t.Changed, t.Unchanged = t.Created+n.Created, t.Changed+n.Changed, t.Unchanged+n.Unchanged
}

func countPuts(results []contract.PutResult) (n Tally) {
	for i := range results {
		switch results[i].Outcome {
		case contract.PutCreated:
			n.Created++
		case contract.PutChanged:
			n.Changed++
		case contract.PutUnchanged:
			n.Unchanged++
		}
	}
	return n
}

// DeleteSchedule deletes a stored schedule, if it has the revision match, and returns it as it was. Its active runs go
// on. Errors: [*NoScheduleError], [ErrRevision], or the store's.
func (h Audited) DeleteSchedule(ctx context.Context, id string, match int64) (ScheduleView, error) {
	if !storable(id) {
		return ScheduleView{}, &NoScheduleError{ID: id}
	}
	r, err := h.schedules().DeleteSchedule(ctx, id, match)
	switch {
	case err != nil:
		return ScheduleView{}, noSchedule(err, id)
	case r.Outcome == contract.PutConflict:
		return ScheduleView{}, ErrRevision
	case r.Before == nil:
		return ScheduleView{}, &NoScheduleError{ID: id}
	}
	h.audit(ctx, "schedule.delete", id, values(r.Before, millis.Now()), nil)
	view, err := h.c.viewOf(ctx, r.Before)
	view.NextRun = nil
	return view, err
}

// PauseSchedule pauses or resumes a stored schedule; see [scheduler.Scheduler.PauseSchedule]. Errors: [*NoScheduleError],
// [*cron.ArgsError], [ErrRevision], or the store's.
func (h Audited) PauseSchedule(ctx context.Context, p contract.PauseSchedule) (ScheduleView, error) {
	if !storable(p.ID) {
		return ScheduleView{}, &NoScheduleError{ID: p.ID}
	}
	p.Actor = h.who.Actor
	r, err := h.c.PauseScheduleIn(ctx, h.schedules(), p)
	switch {
	case err != nil:
		return ScheduleView{}, noSchedule(err, p.ID)
	case r.Outcome == contract.PutConflict:
		return ScheduleView{}, ErrRevision
	}
	if r.Outcome != contract.PutUnchanged {
		pause := func(g *contract.Schedule) fields {
			now := fields{"paused": g.Paused}
			if g.Paused {
				now["reason"], now["until"] = g.PausedReason, inUTC(g.PausedUntil)
			}
			return now
		}
		action := "schedule.pause"
		if p.Resume {
			action = "schedule.resume"
		}
		h.audit(ctx, action, p.ID, pause(r.Before), pause(r.After))
	}
	return h.c.viewOf(ctx, r.After)
}

// TriggerSchedule is [scheduler.Scheduler.TriggerSchedule]. Errors: [*NoScheduleError], and those of
// [scheduler.Scheduler.Trigger].
func (h Audited) TriggerSchedule(ctx context.Context, id string, req scheduler.Request) (cron.Record, error) {
	if !storable(id) {
		return cron.Record{}, &NoScheduleError{ID: id}
	}
	req.Actor = h.who.Actor
	rec, err := h.c.TriggerSchedule(ctx, id, req)
	if err != nil {
		return rec, noSchedule(err, id)
	}
	after := started(&rec, &req)
	after["job"], after["schedule"] = rec.Job, id
	h.audit(ctx, "run", id, nil, after)
	return rec, nil
}

// started is a request for a run, for the audit log.
func started(rec *cron.Record, req *scheduler.Request) fields {
	f := fields{"run": rec.ID, "args": req.Args, "key": req.Key, "force": req.Force}
	if !req.At.IsZero() {
		f["at"] = req.At.UTC()
	}
	return f
}

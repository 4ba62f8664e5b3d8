package ops

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
	"fibercrons/app/scheduler"
)

// Audited is a scheduler that acts for one caller and records every change in the audit log, with the values before and
// after. Its methods are those of [scheduler.Scheduler]. If the audit entry cannot be written, the change stands and
// the error is logged.
type Audited struct {
	c   Crons
	who contract.Caller
	in  contract.Transaction // of the user's, for stored schedules; nil: none
}

// By returns a scheduler that acts for a caller.
func (c Crons) By(who contract.Caller) Audited { return Audited{c: c, who: who} }

type fields map[string]any

// Trigger is [scheduler.Scheduler.Trigger].
func (h Audited) Trigger(ctx context.Context, name string, req scheduler.Request) (cron.Record, error) {
	req.Actor = h.who.Actor
	rec, err := h.c.Trigger(ctx, name, req)
	if err == nil {
		h.audit(ctx, "run", name, nil, started(&rec, &req))
	}
	return rec, err
}

// Retry is [scheduler.Scheduler.Retry].
func (h Audited) Retry(ctx context.Context, id string) (cron.Record, error) {
	rec, err := h.c.Retry(ctx, id, h.who.Actor)
	if err == nil {
		h.audit(ctx, "retry", id, nil, fields{"job": rec.Job, "run": rec.ID})
	}
	return rec, err
}

// Backfill is [scheduler.Scheduler.Backfill]. After an error it records the runs that were started.
func (h Audited) Backfill(ctx context.Context, name string, from, to time.Time) ([]cron.Record, error) {
	recs, err := h.c.Backfill(ctx, name, from, to, h.who.Actor)
	if len(recs) > 0 {
		h.audit(ctx, "backfill", name, nil, fields{"from": from.UTC(), "to": to.UTC(), "runs": len(recs)})
	}
	return recs, err
}

// Cancel is [scheduler.Scheduler.Cancel].
func (h Audited) Cancel(ctx context.Context, id string) (cron.Record, error) {
	before, err := h.c.Record(ctx, id)
	if err != nil {
		return before, err
	}
	rec, err := h.c.Cancel(ctx, id, h.who.Actor)
	if err == nil && !before.Status.Ended() {
		h.audit(ctx, "cancel", id, fields{"job": rec.Job, "status": before.Status},
			fields{"job": rec.Job, "status": rec.Status, "cancel_requested_at": rec.Cancel})
	}
	return rec, err
}

// Pause is [scheduler.Scheduler.Pause], which also resumes.
func (h Audited) Pause(ctx context.Context, p contract.Pause) (JobView, error) {
	p.Actor = h.who.Actor
	before, err := h.c.Job(ctx, p.Job)
	if err != nil {
		return JobView{}, err
	}
	job, err := h.c.Pause(ctx, p)
	if err != nil {
		return job, err
	}
	action, after := "resume", fields{"paused": job.Paused}
	if !p.Resume {
		action, after["reason"], after["until"] = "pause", p.Reason, millis.Optional(p.Until.UTC())
	}
	h.audit(ctx, action, p.Job, fields{"paused": before.Paused, "pause": before.Pause}, after)
	return job, nil
}

// Reschedule is [scheduler.Scheduler.Reschedule].
func (h Audited) Reschedule(ctx context.Context, name, expr, zone string) (JobView, error) {
	before, err := h.c.Job(ctx, name)
	if err != nil {
		return JobView{}, err
	}
	job, err := h.c.Reschedule(ctx, name, expr, zone, h.who.Actor)
	if err != nil {
		return job, err
	}
	action := "schedule"
	if strings.TrimSpace(expr) == "" {
		action = "unschedule"
	}
	times := func(v JobView) fields { return fields{"schedules": v.Schedules, "timezone": v.Timezone} }
	h.audit(ctx, action, name, times(before.JobView), times(job))
	return job, nil
}

// auditTimeout limits writing an audit entry, which does not end with the caller's context.
const auditTimeout = 10 * time.Second

func (h Audited) log() contract.AuditLog {
	if h.in != nil {
		return h.in
	}
	return h.c.Store()
}

func (h Audited) audit(ctx context.Context, action, target string, before, after fields) {
	e := contract.AuditEntry{At: millis.Now(), Actor: h.who.Actor, Action: action, Target: target, Origin: h.who.Origin, RequestID: h.who.RequestID}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), auditTimeout)
	defer cancel()
	var err error
	if before != nil {
		e.Before, err = json.Marshal(before)
	}
	if err == nil && after != nil {
		e.After, err = json.Marshal(after)
	}
	if err == nil {
		err = h.log().Audit(ctx, e)
	}
	if err != nil {
		h.c.Log().Error("failed to write the audit entry of a change", "action", action, "target", target, "caller", e.Actor, "request_id", e.RequestID, "error", err)
	}
}

package scheduler

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"fibercrons/app/cron"
)

// Ledger keeps what people and programs have changed.
type Ledger interface {
	// Audit keeps one entry. Its ID is the store's to give.
	Audit(ctx context.Context, e AuditEntry) error
}

// Caller is who asks for a change.
type Caller struct {
	Actor     string // a role or a user
	Origin    string // where he is: an address, or "cli@host"
	RequestID string // under which the program's log has more of it; empty: nowhere
}

// Hand is the scheduler in the hands of a caller: what it does is what the method of [Scheduler] of the
// same name does, and every change that was made is written down, with what was before and after. A
// change stands whether or not it could be written down; the program's log then says so.
type Hand struct {
	s   *Scheduler
	who Caller
}

// By puts the scheduler into the hands of a caller.
func (s *Scheduler) By(who Caller) Hand { return Hand{s, who} }

type fields map[string]any

// Trigger is [Scheduler.Trigger].
func (h Hand) Trigger(ctx context.Context, name string, req Request) (cron.Record, error) {
	req.Actor = h.who.Actor
	rec, err := h.s.Trigger(ctx, name, req)
	if err == nil {
		h.audit(ctx, "run", name, nil, fields{"run": rec.ID, "args": req.Args, "key": req.Key, "force": req.Force})
	}
	return rec, err
}

// Retry is [Scheduler.Retry].
func (h Hand) Retry(ctx context.Context, id string) (cron.Record, error) {
	rec, err := h.s.Retry(ctx, id, h.who.Actor)
	if err == nil {
		h.audit(ctx, "retry", id, nil, fields{"job": rec.Job, "run": rec.ID})
	}
	return rec, err
}

// Backfill is [Scheduler.Backfill]. When it breaks off, the runs that it did start are written down.
func (h Hand) Backfill(ctx context.Context, name string, from, to time.Time) ([]cron.Record, error) {
	recs, err := h.s.Backfill(ctx, name, from, to, h.who.Actor)
	if len(recs) > 0 {
		h.audit(ctx, "backfill", name, nil, fields{"from": from.UTC(), "to": to.UTC(), "runs": len(recs)})
	}
	return recs, err
}

// Cancel is [Scheduler.Cancel].
func (h Hand) Cancel(ctx context.Context, id string) (cron.Record, error) {
	before, err := h.s.Record(ctx, id)
	if err != nil {
		return before, err
	}
	rec, err := h.s.Cancel(ctx, id, h.who.Actor)
	if err == nil && !before.Status.Ended() {
		h.audit(ctx, "cancel", id, fields{"job": rec.Job, "status": before.Status},
			fields{"job": rec.Job, "status": rec.Status, "cancel_requested_at": rec.Cancel})
	}
	return rec, err
}

// Pause is [Scheduler.Pause], also for the end of a pause.
func (h Hand) Pause(ctx context.Context, p Pause) (JobView, error) {
	p.Actor = h.who.Actor
	before, err := h.s.Job(ctx, p.Job)
	if err != nil {
		return JobView{}, err
	}
	job, err := h.s.Pause(ctx, p)
	if err != nil {
		return job, err
	}
	action, after := "resume", fields{"paused": job.Paused}
	if !p.Resume {
		action, after["reason"], after["until"] = "pause", p.Reason, optional(p.Until.UTC())
	}
	h.audit(ctx, action, p.Job, fields{"paused": before.Paused, "pause": before.Pause}, after)
	return job, nil
}

// Reschedule is [Scheduler.Reschedule].
func (h Hand) Reschedule(ctx context.Context, name, expr, zone string) (JobView, error) {
	before, err := h.s.Job(ctx, name)
	if err != nil {
		return JobView{}, err
	}
	job, err := h.s.Reschedule(ctx, name, expr, zone, h.who.Actor)
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

// patience is how long the record of a change is tried to be kept, also for a caller who has gone.
const patience = 10 * time.Second

func (h Hand) audit(ctx context.Context, action, target string, before, after fields) {
	e := AuditEntry{At: present(), Actor: h.who.Actor, Action: action, Target: target, Origin: h.who.Origin, RequestID: h.who.RequestID}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	var err error
	if before != nil {
		e.Before, err = json.Marshal(before)
	}
	if err == nil {
		e.After, err = json.Marshal(after)
	}
	if err == nil {
		err = h.s.store.Audit(ctx, e)
	}
	if err != nil {
		h.s.log.Error("failed to write the audit entry of a change", "action", action, "target", target, "caller", e.Actor, "request_id", e.RequestID, "error", err)
	}
}

const (
	longestKey    = 200
	longestReason = 500
	longestExpr   = 500
)

// fit refuses a text that cannot be kept: too long, or with bytes that not every database takes.
// Other control characters are kept as they are, and made inert wherever they are shown.
func fit(job, field, text string, longest int) error {
	var detail string
	switch {
	case !utf8.ValidString(text):
		detail = "is not UTF-8"
	case strings.Contains(text, "\x00"):
		detail = "holds a NUL character"
	case utf8.RuneCountInString(text) > longest:
		detail = fmt.Sprintf("is longer than %d characters", longest)
	default:
		return nil
	}
	return requestError(job, field, detail)
}

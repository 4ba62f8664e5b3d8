package alert

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
)

const (
	longestReason = 500
	longestFor    = 366 * 24 * time.Hour
)

// Alerts returns alerts with their deliveries, newest first, and the total number.
func (a *Alerter) Alerts(ctx context.Context, q Query) ([]Alert, int, error) {
	return a.o.Store.Alerts(ctx, q)
}

// Silences returns the silences in force, or all that are kept, newest first.
func (a *Alerter) Silences(ctx context.Context, all bool) ([]Silence, error) {
	return a.o.Store.Silences(ctx, all)
}

// Audited is the Alerter for one caller. It records every change in the audit log, like [ops.Audited].
type Audited struct {
	a   *Alerter
	who contract.Caller
}

// By returns the Alerter for a caller.
func (a *Alerter) By(who contract.Caller) Audited { return Audited{a, who} }

// Silence suppresses the alerts of a job, or of all jobs if job is empty. Errors: [*cron.NoJobError],
// [*cron.ArgsError], or the store's.
func (h Audited) Silence(ctx context.Context, job string, until time.Time, reason string) (Silence, error) {
	now := millis.Now()
	if job != "" && h.a.jobs[job] == nil {
		return Silence{}, cron.NoJob(job, slices.Collect(maps.Keys(h.a.jobs)))
	}
	var wrong []cron.FieldError
	switch {
	case until.IsZero():
		wrong = append(wrong, cron.FieldError{Field: "/until", Detail: "is missing"})
	case !until.After(now):
		wrong = append(wrong, cron.FieldError{Field: "/until", Detail: "is in the past"})
	case until.Sub(now) > longestFor:
		wrong = append(wrong, cron.FieldError{Field: "/until", Detail: "is more than a year away"})
	}
	switch {
	case !utf8.ValidString(reason) || strings.Contains(reason, "\x00"):
		wrong = append(wrong, cron.FieldError{Field: "/reason", Detail: "is not UTF-8, or contains a NUL character"})
	case utf8.RuneCountInString(reason) > longestReason:
		wrong = append(wrong, cron.FieldError{Field: "/reason", Detail: fmt.Sprintf("is longer than %d characters", longestReason)})
	}
	if len(wrong) > 0 {
		return Silence{}, &cron.ArgsError{Job: job, Fields: wrong, Request: true}
	}
	s := Silence{ID: newID(), Job: job, Until: millis.Whole(until), Reason: reason, By: h.who.Actor, CreatedAt: now}
	if err := h.a.o.Store.Silence(ctx, s); err != nil {
		return Silence{}, err
	}
	h.audit(ctx, "silence", s, map[string]any{"silence": s.ID, "until": s.Until, "reason": s.Reason})
	return s, nil
}

// Unsilence ends a silence early. It returns [cron.ErrNotFound] if no silence with this ID is in force.
func (h Audited) Unsilence(ctx context.Context, id string) (Silence, error) {
	s, err := h.a.o.Store.Unsilence(ctx, id, h.who.Actor, millis.Now())
	if err == nil {
		h.audit(ctx, "unsilence", s, map[string]any{"silence": s.ID})
	}
	return s, err
}

func (h Audited) audit(ctx context.Context, action string, s Silence, after map[string]any) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	raw, err := json.Marshal(after)
	if err == nil {
		err = h.a.o.Store.Audit(ctx, contract.AuditEntry{
			At: time.Now().UTC(), Actor: h.who.Actor, Action: action, Target: s.Job, After: raw, Origin: h.who.Origin, RequestID: h.who.RequestID,
		})
	}
	if err != nil {
		h.a.o.Log.Error("failed to write the audit entry of a change", "action", action, "target", s.Job, "caller", h.who.Actor, "request_id", h.who.RequestID, "error", err)
	}
}

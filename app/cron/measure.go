package cron

import (
	"context"
	"strings"
	"time"
)

// ClaimCall is what came of one call of [Claims.Claim], for whoever measures; see [Config.Claimed].
type ClaimCall struct {
	Won  int // claims that are this process's
	Lost int // claims that somebody else had settled before
	Took time.Duration
	Err  error // the store's; the claims are asked for again
}

// measured is Claims.Claim, measured.
func (s *Scheduler) measured(ctx context.Context, claims []Claim) ([]Claimed, error) {
	if s.cfg.Claimed == nil {
		return s.store.Claim(ctx, claims)
	}
	began := time.Now()
	results, err := s.store.Claim(ctx, claims)
	call := ClaimCall{Took: time.Since(began), Err: err}
	for _, got := range results {
		switch {
		case got.Won:
			call.Won++
		case got.Early > 0 || got.Superseded: // nobody has it yet, or a newer version
		case got.Refused == "":
			call.Lost++
		}
	}
	s.cfg.Claimed(call)
	return results, err
}

// traceOf implements host.
func (s *Scheduler) traceOf(run string) string {
	if s.cfg.TraceID == nil {
		return ""
	}
	return s.cfg.TraceID(run)
}

// Causes of a failure, beside the reasons that a run may have.
const (
	CauseError   = "error"
	CausePanic   = "panic"
	CauseTimeout = "timeout"
)

// Cause says in one word why a run, or its last attempt, ended as it did: its reason, if it has one;
// of a failure whether an error, a panic or the timeout was behind it; empty for a success.
func (r *Record) Cause() string {
	switch {
	case r.Reason != "":
		return string(r.Reason)
	case r.Error == "":
		return ""
	case r.Stack != "":
		return CausePanic
	case strings.HasPrefix(r.Error, timedOut):
		return CauseTimeout
	}
	return CauseError
}

package scheduler

import (
	"context"
	"fibercrons/app/contract"
	"time"
)

// measured is Claims.Claim, measured.
func (s *Scheduler) measured(ctx context.Context, claims []contract.Claim) ([]contract.Claimed, error) {
	if s.cfg.Claimed == nil {
		return s.store.Claim(ctx, claims)
	}
	began := time.Now()
	results, err := s.store.Claim(ctx, claims)
	call := contract.ClaimCall{Took: time.Since(began), Err: err}
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

// traceOf names the trace of a run; empty: it has none.
func (s *Scheduler) traceOf(run string) string {
	if s.cfg.TraceID == nil {
		return ""
	}
	return s.cfg.TraceID(run)
}

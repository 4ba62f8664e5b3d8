package cron

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// TimeoutError means that an attempt ran longer than its timeout.
type TimeoutError struct {
	After time.Duration // the timeout
	Took  time.Duration // how long the function took; longer if it ignored its context
	Err   error         // the function's error
}

func (e *TimeoutError) Error() string {
	text := timedOut + e.After.String()
	if e.Took >= e.After+max(time.Second, e.After/10) {
		text += fmt.Sprintf(" and returned only after %s", e.Took.Round(time.Millisecond))
	}
	if e.Err != nil && !errors.Is(e.Err, context.DeadlineExceeded) {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the function's error.
func (e *TimeoutError) Unwrap() error { return e.Err }

// Is makes errors.Is(err, context.DeadlineExceeded) true.
func (e *TimeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// timeout ends the context after d, and waits for the function to return.
func timeout(d time.Duration) Middleware {
	if d <= 0 {
		return nil
	}
	return func(next Func) Func {
		return func(ctx context.Context) error {
			start := time.Now()
			expired := &TimeoutError{After: d}
			ctx, cancel := context.WithTimeoutCause(ctx, d, expired)
			defer cancel()
			err := next(ctx)
			if errors.Is(context.Cause(ctx), expired) {
				return &TimeoutError{After: d, Took: time.Since(start), Err: err}
			}
			return err
		}
	}
}

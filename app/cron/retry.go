package cron

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// NoRetry marks an error as final: the run fails without another attempt. NoRetry(nil) is nil.
func NoRetry(err error) error {
	if err == nil {
		return nil
	}
	return &noRetryError{err}
}

type noRetryError struct{ error }

func (e *noRetryError) Unwrap() error { return e.error }

// RetryLater is the error of a failed attempt that will be retried.
type RetryLater struct {
	Err   error
	After time.Duration // from the end of the attempt
}

func (e *RetryLater) Error() string { return e.Err.Error() }

// Unwrap returns the error of the attempt.
func (e *RetryLater) Unwrap() error { return e.Err }

// retrying decides whether to retry a failed attempt. It does not wait: the time of the next attempt is stored in the
// run's row, where it survives a restart.
func retrying(p Policies) Middleware {
	if p.Retries == 0 {
		return nil
	}
	return func(next Func) Func {
		return func(ctx context.Context) error {
			err := next(ctx)
			run := RunFrom(ctx)
			if err == nil || run == nil || ctx.Err() != nil || int(run.failed) >= p.Retries {
				return err
			}
			again, err := p.retries(ctx, err)
			if !again {
				return err
			}
			return &RetryLater{Err: err, After: p.Backoff.Delay(int(run.failed)+1, rand.Float64())}
		}
	}
}

// retries reports whether to retry after err. It returns err, with the error of RetryIf if that panicked.
func (p *Policies) retries(ctx context.Context, err error) (again bool, _ error) {
	var final *noRetryError
	if errors.As(err, &final) {
		return false, err
	}
	if p.RetryIf == nil {
		return true, err
	}
	wrong := isolate(func(context.Context) error {
		again = p.RetryIf(err)
		return nil
	})(ctx)
	if wrong != nil {
		err = fmt.Errorf("%w (and RetryIf: %w)", err, wrong)
	}
	return again, err
}

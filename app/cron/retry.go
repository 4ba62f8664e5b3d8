package cron

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// Backoff is the delay before each retry. The zero Backoff is the default: exponential from CRON_DEFAULT_RETRY_DELAY up
// to CRON_MAX_RETRY_DELAY.
type Backoff struct {
	first, most time.Duration
	factor      float64
}

// Fixed waits d before each attempt.
func Fixed(d time.Duration) Backoff { return Backoff{first: d, most: d, factor: 1} }

// Exponential waits first, then twice as long each time, up to CRON_MAX_RETRY_DELAY. Each delay varies by up to a
// fifth, so that jobs that failed together do not retry together.
func Exponential(first time.Duration) Backoff { return Backoff{first: first, factor: 2} }

func (b Backoff) orElse(d Defaults) Backoff {
	if b.factor == 0 {
		b = Exponential(d.RetryDelay)
	}
	if b.most == 0 {
		b.most = max(d.MaxRetryDelay, b.first)
	}
	return b
}

func (b Backoff) check() error {
	switch {
	case b.first < 0:
		return fmt.Errorf("backoff %s is negative", b.first)
	case b.factor > 1 && b.first == 0:
		return errors.New("an exponential backoff cannot begin with 0s; use Fixed(0) to retry at once")
	}
	return nil
}

// Delay returns the delay before the n-th retry, n from 1. jitter is a random number from 0 to 1. A delay above the
// maximum is varied below it.
func (b Backoff) Delay(n int, jitter float64) time.Duration {
	if b.factor <= 1 {
		return max(b.first, 0)
	}
	const spread = 0.2
	longest := float64(b.first) * math.Pow(b.factor, float64(n-1)) * (1 + spread)
	if b.most > 0 {
		longest = min(longest, float64(b.most))
	}
	d := longest * (1 - spread + 2*spread*jitter) / (1 + spread)
	if d >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(d)
}

func (b Backoff) String() string {
	switch {
	case b.factor <= 1 && b.first <= 0:
		return "at once"
	case b.factor <= 1:
		return "every " + b.first.String()
	case b.most <= 0:
		return fmt.Sprintf("%s, doubling", b.first)
	}
	return fmt.Sprintf("%s, doubling, up to %s", b.first, b.most)
}

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

package cron_test

import (
	"context"
	"errors"
	"regexp"
	"testing"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/internal/bubble"
)

func TestTimeoutError(t *testing.T) {
	boom := errors.New("boom")
	wait := func(d time.Duration, err error) cron.Func {
		return func(context.Context) error { time.Sleep(d); return err }
	}
	tests := []struct {
		name string
		job  cron.Func
		want string // a regular expression; empty: no timeout
	}{
		{"in time", wait(9*time.Second, nil), ""},
		{"in time, failed", wait(9*time.Second, boom), ""},
		{"obeys", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, "timed out after 10s"},
		{"returns the cause", func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) }, "timed out after 10s"},
		{"says nothing", func(ctx context.Context) error { <-ctx.Done(); return nil }, "timed out after 10s"},
		{"error of its own", func(ctx context.Context) error { <-ctx.Done(); return boom }, "timed out after 10s: boom"},
		{"a little late", wait(10*time.Second+900*time.Millisecond, nil), "timed out after 10s"},
		{"ignores it", wait(25*time.Second, nil), "timed out after 10s and returned only after 25s"},
		{"panics late", func(context.Context) error { time.Sleep(11 * time.Second); panic(boom) }, "timed out after 10s and returned only after 11s: panic at cron/timeout_test.go:[0-9]+: boom"},
		{"ends by itself in time", func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			<-ctx.Done()
			return ctx.Err()
		}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			crontest.Bubble(t, func(t *testing.T) {
				got := runFunc(t, tt.job, cron.Timeout(10*time.Second))
				var late *cron.TimeoutError
				if errors.As(got.Err, &late) != (tt.want != "") {
					t.Fatalf("%s, %v", got.Status, got.Err)
				}
				if late == nil {
					return
				}
				if got.Status != cron.Failed || !regexp.MustCompile("^"+tt.want+"$").MatchString(got.Error) || !errors.Is(got.Err, context.DeadlineExceeded) || late.After != 10*time.Second {
					t.Errorf("%s, %v; want %s", got.Status, got.Err, tt.want)
				}
			})
		})
	}
}

// The timeout is of one attempt, and a wrapper of the user's is inside of it.
func TestTimeoutIsOfEachAttempt(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		var left []time.Duration
		deadline := func(next cron.Func) cron.Func {
			return func(ctx context.Context) error {
				at, ok := ctx.Deadline()
				if !ok {
					t.Error("no deadline")
				}
				left = append(left, time.Until(at))
				return next(ctx)
			}
		}
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
			r.Register("job", "0 * * * *", bubble.Sleepy(time.Hour), cron.Timeout(10*time.Second), cron.Retry(2, cron.Fixed(time.Minute)), cron.Use(deadline))
		})
		time.Sleep(time.Hour + 10*time.Minute)
		p.Stop()
		if len(left) != 3 || left[0] != 10*time.Second || left[2] != 10*time.Second {
			t.Errorf("time left: %v", left)
		}
	})
}

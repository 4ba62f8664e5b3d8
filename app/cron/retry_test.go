package cron_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/internal/bubble"
)

// backoff returns b as a job has it, with the defaults filled in.
func backoff(t *testing.T, b cron.Backoff, d cron.Defaults) cron.Backoff {
	t.Helper()
	r := cron.NewRegistry()
	r.Register("job", "@yearly", bubble.Nothing, cron.Retry(1, b))
	jobs, err := r.Jobs(d)
	if err != nil {
		t.Fatal(err)
	}
	return jobs[0].Policies.Backoff
}

func TestBackoff(t *testing.T) {
	tests := []struct {
		name string
		b    cron.Backoff
		most time.Duration
		n    int
		low  time.Duration // with the least jitter
		high time.Duration // with the most
	}{
		{"fixed", cron.Fixed(time.Second), time.Minute, 1, time.Second, time.Second},
		{"fixed, later", cron.Fixed(time.Second), time.Minute, 1000, time.Second, time.Second},
		{"fixed is not capped", cron.Fixed(time.Hour), time.Minute, 1, time.Hour, time.Hour},
		{"at once", cron.Fixed(0), time.Minute, 5, 0, 0},
		{"default", cron.Backoff{}, time.Minute, 1, 800 * time.Millisecond, 1200 * time.Millisecond},
		{"first", cron.Exponential(time.Second), time.Minute, 1, 800 * time.Millisecond, 1200 * time.Millisecond},
		{"fourth", cron.Exponential(time.Second), time.Minute, 4, 6400 * time.Millisecond, 9600 * time.Millisecond},
		{"capped, and still varied", cron.Exponential(time.Second), time.Minute, 10, 40 * time.Second, time.Minute},
		{"as often as can be", cron.Exponential(time.Second), time.Minute, 1000, 40 * time.Second, time.Minute},
		{"cap below the first", cron.Exponential(time.Hour), time.Minute, 3, 40 * time.Minute, time.Hour},
		{"largest", cron.Exponential(math.MaxInt64), math.MaxInt64, 1000, 170 * 365 * 24 * time.Hour, math.MaxInt64},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := backoff(t, tt.b, cron.Defaults{MaxRetryDelay: tt.most})
			near := func(got, want time.Duration) bool { return got >= 0 && (got-want).Abs() < time.Microsecond }
			if got := b.Delay(tt.n, 0); !near(got, tt.low) && tt.n < 1000 || got < tt.low-time.Microsecond {
				t.Errorf("at least %s, want %s", got, tt.low)
			}
			if got := b.Delay(tt.n, 1); !near(got, tt.high) {
				t.Errorf("at most %s, want %s", got, tt.high)
			}
			if mid := b.Delay(tt.n, 0.5); mid < tt.low || mid > tt.high {
				t.Errorf("%s in the middle", mid)
			}
		})
	}
}

func TestBackoffInWords(t *testing.T) {
	for want, b := range map[string]cron.Backoff{
		"at once":                      cron.Fixed(0),
		"every 1m0s":                   cron.Fixed(time.Minute),
		"1s, doubling, up to 5m0s":     {},
		"2s, doubling, up to 5m0s":     cron.Exponential(2 * time.Second),
		"10m0s, doubling, up to 10m0s": cron.Exponential(10 * time.Minute),
	} {
		if got := backoff(t, b, cron.Defaults{}).String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestRetriesWaitAsTheBackoffSays looks at when attempts begin.
func TestRetriesWaitAsTheBackoffSays(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		var at []time.Duration
		r := cron.NewRegistry()
		began := time.Now()
		r.Register("job", "@yearly", func(context.Context) error {
			at = append(at, time.Since(began))
			return errors.New("boom")
		}, cron.Retry(4, cron.Exponential(time.Second)))
		got := run(t, r, "job", crontest.Retries())
		if got.Status != cron.Failed || len(at) != 5 {
			t.Fatalf("%s after %v", got.Status, at)
		}
		for i := 1; i < len(at); i++ {
			wait, want := at[i]-at[i-1], time.Second<<(i-1)
			if wait < want*8/10-time.Millisecond || wait > want*12/10+time.Millisecond {
				t.Errorf("%s before retry %d, want about %s", wait, i, want)
			}
		}
	})
}

func TestNoRetry(t *testing.T) {
	if cron.NoRetry(nil) != nil {
		t.Error("NoRetry makes an error of none")
	}
	boom := errors.New("boom")
	if err := cron.NoRetry(boom); !errors.Is(err, boom) || err.Error() != "boom" {
		t.Errorf("%v", err)
	}
}

func TestWhatIsRetried(t *testing.T) {
	boom, other := errors.New("boom"), errors.New("other")
	tests := []struct {
		name     string
		job      cron.Func
		options  []cron.Option
		attempts int
		text     string // of the error
	}{
		{"an error", func(context.Context) error { return boom }, nil, 3, "boom"},
		{"a panic", func(context.Context) error { panic(boom) }, nil, 3, "boom"},
		{"a timeout", bubble.Sleepy(time.Hour), []cron.Option{cron.Timeout(time.Second)}, 3, "timed out after 1s"},
		{"an ignored timeout", func(context.Context) error { time.Sleep(2 * time.Second); return nil }, []cron.Option{cron.Timeout(time.Second)}, 3, "timed out"},
		{"a final error", func(context.Context) error { return cron.NoRetry(boom) }, nil, 1, "boom"},
		{"a final error inside of another", func(context.Context) error { return fmt.Errorf("job: %w", cron.NoRetry(boom)) }, nil, 1, "job: boom"},
		{"a final error inside of a timeout", func(context.Context) error { time.Sleep(time.Minute); return cron.NoRetry(boom) }, []cron.Option{cron.Timeout(time.Second)}, 1, "boom"},
		{"a panic with a final error", func(context.Context) error { panic(cron.NoRetry(boom)) }, nil, 1, "boom"},
		{"an error that RetryIf takes", func(context.Context) error { return boom }, []cron.Option{cron.RetryIf(func(err error) bool { return errors.Is(err, boom) })}, 3, "boom"},
		{"an error that it does not", func(context.Context) error { return other }, []cron.Option{cron.RetryIf(func(err error) bool { return errors.Is(err, boom) })}, 1, "other"},
		{"a timeout that RetryIf takes", bubble.Sleepy(time.Hour), []cron.Option{cron.Timeout(time.Second), cron.RetryIf(func(err error) bool { return errors.Is(err, context.DeadlineExceeded) })}, 3, "timed out"},
		{"a RetryIf that panics", func(context.Context) error { return boom }, []cron.Option{cron.RetryIf(func(error) bool { panic("no") })}, 1, "boom (and RetryIf: panic at cron/retry_test.go:"},
		{"a RetryIf that takes a final error", func(context.Context) error { return cron.NoRetry(boom) }, []cron.Option{cron.RetryIf(func(error) bool { return true })}, 1, "boom"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			crontest.Bubble(t, func(t *testing.T) {
				r := cron.NewRegistry()
				r.Register("job", "@yearly", tt.job, append(tt.options, cron.Retry(2, cron.Fixed(time.Second)))...)
				got := run(t, r, "job", crontest.Retries())
				if got.Status != cron.Failed || got.Attempt != tt.attempts || !strings.Contains(got.Error, tt.text) {
					t.Errorf("%s, %d attempts, %q; want %d, %q", got.Status, got.Attempt, got.Error, tt.attempts, tt.text)
				}
				for i, a := range got.Attempts {
					if a.Number != i+1 || a.EndedAt == nil || !strings.Contains(a.Error, tt.text) {
						t.Errorf("attempt %d: %+v", i+1, a)
					}
				}
			})
		})
	}
}

// TestCancelledAttemptsAreNotRetried cancels an attempt, by a person and by a shutdown.
func TestCancelledAttemptsAreNotRetried(t *testing.T) {
	for _, reason := range []cron.Reason{cron.ReasonRequested, cron.ReasonShutdown} {
		t.Run(string(reason), func(t *testing.T) {
			crontest.Bubble(t, func(t *testing.T) {
				store := crontest.NewMemory()
				p := bubble.Start(t, store, func(r *cron.Registry) {
					r.Register("job", "0 * * * *", bubble.Sleepy(10*time.Hour), cron.Retry(5, cron.Fixed(time.Second)))
				})
				time.Sleep(time.Hour + time.Minute)
				id := p.Runs("job")[0].ID
				if reason == cron.ReasonRequested {
					if _, err := p.Sched.Cancel(t.Context(), id, "ann"); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Minute)
				}
				p.Stop()
				rec, err := store.Run(t.Context(), id)
				if err != nil || rec.Status != cron.Cancelled || rec.Reason != reason || rec.Attempt != 1 {
					t.Errorf("%s %s, %d attempts, %v", rec.Status, rec.Reason, rec.Attempt, err)
				}
			})
		})
	}
}

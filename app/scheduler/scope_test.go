package scheduler_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/internal/bubble"
	"fibercrons/app/scheduler"
)

type valueKey struct{}

// A goroutine that a job leaves behind sees that its attempt has ended, whether or not it had checked before, and still
// finds the values of the context.
func TestContextEndsWithItsAttempt(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		var left, asked []context.Context // one of each attempt
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
			r.Register("job", "@every 1h", func(ctx context.Context) error {
				if err := ctx.Err(); err != nil && len(left) > 0 {
					t.Errorf("attempt %d begins with an ended context: %v", cron.RunFrom(ctx).Attempt(), err)
				}
				left = append(left, ctx)
				if len(left) == 1 {
					return errors.New("once more")
				}
				return nil
			}, cron.Retry(1, cron.Fixed(time.Minute)))
			r.Register("watches", "@every 1h", func(ctx context.Context) error {
				within, stop := context.WithTimeout(ctx, 24*time.Hour)
				t.Cleanup(stop)
				asked = append(asked, within)
				return nil
			})
		}, func(c *scheduler.Config) {
			c.Context = func(ctx context.Context) context.Context { return context.WithValue(ctx, valueKey{}, "kept") }
		})
		time.Sleep(time.Hour + 2*time.Minute)
		synctest.Wait()
		if len(left) != 2 || len(asked) != 1 {
			t.Fatalf("%d and %d attempts, want 2 and 1", len(left), len(asked))
		}
		if left[0] == left[1] {
			t.Error("the second attempt has the first one's context")
		}
		for i, ctx := range slices.Concat(left, asked) {
			select {
			case <-ctx.Done():
			default:
				t.Errorf("context %d has not ended", i)
			}
			if !errors.Is(ctx.Err(), context.Canceled) || !errors.Is(context.Cause(ctx), context.Canceled) {
				t.Errorf("context %d: %v, because of %v", i, ctx.Err(), context.Cause(ctx))
			}
			if ctx.Value(valueKey{}) != "kept" || cron.RunFrom(ctx) == nil {
				t.Errorf("context %d carries %v and run %v", i, ctx.Value(valueKey{}), cron.RunFrom(ctx))
			}
			derived, stop := context.WithCancel(ctx)
			if derived.Err() == nil {
				t.Errorf("a context derived from context %d goes on", i)
			}
			stop()
		}
		p.Stop()
	})
}

// A cancelled attempt knows why, and so do contexts derived from it.
func TestContextTellsWhyItEnds(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		var cause, derived error
		deadlines := 0
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
			r.Register("job", "@every 1h", func(ctx context.Context) error {
				if _, ok := ctx.Deadline(); ok {
					deadlines++
				}
				within, stop := context.WithTimeout(context.WithValue(ctx, valueKey{}, 1), 24*time.Hour)
				defer stop()
				<-within.Done()
				cause, derived = context.Cause(ctx), context.Cause(within)
				return within.Err()
			})
		})
		rec, err := p.Sched.Trigger(t.Context(), "job", scheduler.Request{})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if _, err := p.Sched.Cancel(t.Context(), rec.ID, "ada"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if cause == nil || cause.Error() != "cancelled by ada" || !errors.Is(derived, cause) || deadlines > 0 {
			t.Errorf("ended by %v and %v, %d deadlines", cause, derived, deadlines)
		}
		p.Stop()
	})
}

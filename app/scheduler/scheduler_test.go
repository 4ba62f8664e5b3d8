package scheduler_test

import (
	"context"
	"errors"
	"maps"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/internal/bubble"
)

func TestEverySlotRunsOnceAndOnTime(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		var calls atomic.Int64
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
			for _, name := range []string{"a", "b", "c"} {
				r.Register(name, "@every 1s", func(ctx context.Context) error {
					calls.Add(1)
					if late := time.Since(cron.RunFrom(ctx).Slot()); late != 0 {
						t.Errorf("started %s after its slot", late)
					}
					return nil
				})
			}
		})
		time.Sleep(time.Minute + 500*time.Millisecond)
		synctest.Wait()
		if got := calls.Load(); got != 180 {
			t.Errorf("%d calls, want 180", got)
		}
		recs := p.Runs("a")
		if len(recs) != 60 {
			t.Fatalf("%d rows, want 60", len(recs))
		}
		for i, r := range recs {
			if want := recs[0].Slot.Add(time.Duration(i) * time.Second); !r.Slot.Equal(want) || r.Status != cron.Succeeded {
				t.Errorf("row %d: slot %v %s, want %v succeeded", i, r.Slot, r.Status, want)
			}
		}
		p.Stop()
	})
}

func TestErrorsPanicsAndLoopsStayWithTheirJob(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		release := make(chan struct{})
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
			r.Register("errs", "* * * * *", func(context.Context) error { return errors.New("boom") })
			r.Register("panics", "* * * * *", func(ctx context.Context) error { return ctx.Value("nothing").(error) })
			r.Register("stuck", "* * * * *", func(context.Context) error { <-release; return nil })
			r.Register("fine", "* * * * *", func(context.Context) error { return nil })
		})
		time.Sleep(3*time.Minute + time.Second)
		synctest.Wait()
		for job, want := range map[string]map[string]int{
			"errs":   {"failed": 3},
			"panics": {"failed": 3},
			"stuck":  {"running": 1, "skipped overlap": 2},
			"fine":   {"succeeded": 3},
		} {
			if got := bubble.Counts(p.Runs(job)); !maps.Equal(got, want) {
				t.Errorf("%s: %v, want %v", job, got, want)
			}
		}
		if rec := p.Runs("panics")[0]; rec.Stack == "" || rec.Error == "" {
			t.Errorf("panic recorded as %q with stack %q", rec.Error, rec.Stack)
		} else {
			t.Log(rec.Error)
		}
		close(release)
		p.Stop()
	})
}

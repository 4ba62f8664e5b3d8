package scheduler_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/scheduler"
)

// program is a scheduler with jobs on a store, to be run in a synctest bubble.
type program struct {
	t      *testing.T
	Store  scheduler.Store
	Sched  *scheduler.Scheduler
	cancel context.CancelFunc
	ended  chan error
}

var defaults = cron.Defaults{CatchUpWindow: time.Hour, KeepRuns: 1000, Env: "test"}

// start runs a scheduler with what register declares, on store.
func start(t *testing.T, store scheduler.Store, register func(r *cron.Registry), change ...func(*scheduler.Config)) *program {
	t.Helper()
	r := cron.NewRegistry()
	register(r)
	jobs, err := r.Jobs(defaults)
	if err != nil {
		t.Fatal(err)
	}
	cfg := scheduler.Config{Store: store, Jobs: jobs, Log: slog.New(slog.DiscardHandler), Grace: 10 * time.Second}
	for _, c := range change {
		c(&cfg)
	}
	p := &program{t: t, Store: store, Sched: scheduler.New(cfg), ended: make(chan error, 1)}
	var ctx context.Context
	ctx, p.cancel = context.WithCancel(t.Context())
	go func() { p.ended <- p.Sched.Run(ctx) }()
	synctest.Wait()
	return p
}

// stop asks the scheduler to end and waits for it.
func (p *program) stop() {
	p.t.Helper()
	p.cancel()
	if err := <-p.ended; err != nil {
		p.t.Fatalf("Run: %v", err)
	}
}

// runs returns the records of a job, oldest first.
func (p *program) runs(job string) []cron.Record {
	p.t.Helper()
	recs, err := p.Sched.Records(context.Background(), scheduler.Query{Job: job, Limit: 100000})
	if err != nil {
		p.t.Fatal(err)
	}
	slices.Reverse(recs)
	return recs
}

// counts sums up records by status and reason.
func counts(recs []cron.Record) map[string]int {
	m := map[string]int{}
	for _, r := range recs {
		key := string(r.Status)
		if r.Reason != "" {
			key += " " + string(r.Reason)
		}
		m[key]++
	}
	return m
}

func TestEverySlotRunsOnceAndOnTime(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		var calls atomic.Int64
		p := start(t, crontest.NewMemory(), func(r *cron.Registry) {
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
		recs := p.runs("a")
		if len(recs) != 60 {
			t.Fatalf("%d rows, want 60", len(recs))
		}
		for i, r := range recs {
			if want := recs[0].Slot.Add(time.Duration(i) * time.Second); !r.Slot.Equal(want) || r.Status != cron.Succeeded {
				t.Errorf("row %d: slot %v %s, want %v succeeded", i, r.Slot, r.Status, want)
			}
		}
		p.stop()
	})
}

func TestErrorsPanicsAndLoopsStayWithTheirJob(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		release := make(chan struct{})
		p := start(t, crontest.NewMemory(), func(r *cron.Registry) {
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
			if got := counts(p.runs(job)); !maps.Equal(got, want) {
				t.Errorf("%s: %v, want %v", job, got, want)
			}
		}
		if rec := p.runs("panics")[0]; rec.Stack == "" || rec.Error == "" {
			t.Errorf("panic recorded as %q with stack %q", rec.Error, rec.Stack)
		} else {
			t.Log(rec.Error)
		}
		close(release)
		p.stop()
	})
}

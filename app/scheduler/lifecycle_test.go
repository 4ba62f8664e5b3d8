package scheduler_test

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/internal/bubble"
	"fibercrons/app/scheduler"
)

// cut is a store whose connection can be cut, so that its process is dead to the others.
type cut struct {
	contract.Store
	off atomic.Bool
}

var errCut = errors.New("the line is cut")

func (c *cut) gone() error {
	if c.off.Load() {
		return errCut
	}
	return nil
}

func (c *cut) Claim(ctx context.Context, claims []contract.Claim) ([]contract.Claimed, error) {
	if err := c.gone(); err != nil {
		return nil, err
	}
	return c.Store.Claim(ctx, claims)
}

func (c *cut) Start(ctx context.Context, s contract.Start) (contract.StartOutcome, error) {
	if err := c.gone(); err != nil {
		return contract.StartOutcome{}, err
	}
	return c.Store.Start(ctx, s)
}

func (c *cut) Finish(ctx context.Context, f contract.Finish) error {
	if err := c.gone(); err != nil {
		return err
	}
	return c.Store.Finish(ctx, f)
}

func (c *cut) Beat(ctx context.Context, b contract.Beat) ([]contract.LeasedRun, error) {
	if err := c.gone(); err != nil {
		return nil, err
	}
	return c.Store.Beat(ctx, b)
}

func (c *cut) Expired(ctx context.Context, n int) ([]cron.Record, error) {
	if err := c.gone(); err != nil {
		return nil, err
	}
	return c.Store.Expired(ctx, n)
}

func TestShutdownLetsRunsFinishAndCancelsTheRest(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		store := crontest.NewMemory()
		stubborn := make(chan struct{})
		register := func(r *cron.Registry) {
			r.Register("short", "* * * * *", bubble.Sleepy(5*time.Second))
			r.Register("long", "* * * * *", bubble.Sleepy(time.Hour))
			r.Register("again", "* * * * *", bubble.Sleepy(time.Hour), cron.OnCrash(cron.Rerun))
			r.Register("stubborn", "* * * * *", func(context.Context) error { <-stubborn; return nil })
			r.Register("waits", "* * * * *", bubble.Sleepy(40*time.Second), cron.Overlap(cron.Queue))
		}
		p := bubble.Start(t, store, register)
		time.Sleep(2*time.Minute + time.Second)
		at := time.Now()
		p.Stop()
		if took := time.Since(at); took > 16*time.Second {
			t.Errorf("stopping took %s", took)
		}
		for job, want := range map[string]map[string]int{
			"short":    {"succeeded": 2},
			"long":     {"cancelled shutdown": 1, "skipped overlap": 1},
			"again":    {"queued": 1, "skipped overlap": 1},
			"stubborn": {"interrupted shutdown": 1, "skipped overlap": 1},
			"waits":    {"succeeded": 1, "cancelled shutdown": 1},
		} {
			if got := bubble.Counts(p.Runs(job)); !maps.Equal(got, want) {
				t.Errorf("%s: %v, want %v", job, got, want)
			}
		}
		close(stubborn)
		synctest.Wait()
		if got := p.Runs("stubborn")[0]; got.Status != cron.Interrupted {
			t.Errorf("a late end changed the record: %+v", got)
		}
		p = bubble.Start(t, store, register) // released runs are taken at once, without waiting for a lease
		time.Sleep(time.Second)
		if recs := p.Runs("again"); recs[0].Status != cron.Running || recs[0].Attempt != 2 {
			t.Errorf("not rerun: %+v", recs[0])
		}
		p.Stop()
	})
}

// away refuses the ends of runs that have succeeded.
type away struct {
	contract.Store
	other atomic.Bool // another end was sent
}

func (a *away) Finish(ctx context.Context, f contract.Finish) error {
	if f.Status == cron.Succeeded {
		return errCut
	}
	a.other.Store(true)
	return a.Store.Finish(ctx, f)
}

// A run that has ended is not recorded as if its function still ran.
func TestShutdownKeepsAnEndThatCannotBeRecorded(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		store := &away{Store: crontest.NewMemory()}
		p := bubble.Start(t, store, func(r *cron.Registry) { r.Register("job", "* * * * *", bubble.Sleepy(time.Second)) })
		time.Sleep(time.Minute + 10*time.Second)
		p.Stop()
		if rec := p.Runs("job")[0]; store.other.Load() || rec.Status != cron.Running {
			t.Errorf("a run that had succeeded was ended otherwise: %+v", rec)
		}
	})
}

func TestCrash(t *testing.T) {
	for _, policy := range []cron.CrashPolicy{cron.Skip, cron.Rerun} {
		t.Run(string(policy), func(t *testing.T) {
			crontest.Bubble(t, func(t *testing.T) {
				store := crontest.NewMemory()
				line := &cut{Store: store}
				var calls atomic.Int32
				register := func(r *cron.Registry) {
					r.Register("job", "0 * * * *", func(ctx context.Context) error {
						if calls.Add(1) == 1 {
							return bubble.Sleepy(10 * time.Minute)(ctx)
						}
						return nil
					}, cron.OnCrash(policy))
				}
				dead := bubble.Start(t, line, register)
				time.Sleep(time.Hour + time.Second)
				p := bubble.Start(t, store, register)
				line.off.Store(true)
				time.Sleep(time.Minute) // two leases
				rec := p.Runs("job")[0]
				switch policy {
				case cron.Skip:
					if rec.Status != cron.Interrupted || calls.Load() != 1 {
						t.Errorf("%d calls, %+v", calls.Load(), rec)
					}
				case cron.Rerun:
					if rec.Status != cron.Succeeded || rec.Attempt != 2 || calls.Load() != 2 {
						t.Errorf("%d calls, %+v", calls.Load(), rec)
					}
				}
				line.off.Store(false)
				time.Sleep(20 * time.Minute) // the dead process comes back and ends
				if late := p.Runs("job")[0]; late.Status != rec.Status || late.Attempt != rec.Attempt {
					t.Errorf("a late end changed the record: %+v", late)
				}
				dead.Stop()
				p.Stop()
			})
		})
	}
}

func TestStoreAway(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		line := &cut{Store: crontest.NewMemory()}
		p := bubble.Start(t, line, func(r *cron.Registry) {
			r.Register("all", "* * * * *", bubble.Sleepy(time.Second), cron.CatchUp(cron.All))
			r.Register("latest", "* * * * *", bubble.Nothing)
			r.Register("long", "3 * * * *", bubble.Sleepy(3*time.Minute))
		})
		time.Sleep(3*time.Minute + 30*time.Second)
		line.off.Store(true)
		time.Sleep(5 * time.Minute)
		if err := p.Sched.Ready(t.Context()); err == nil {
			t.Error("ready without a store")
		}
		line.off.Store(false)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		for job, want := range map[string]map[string]int{
			"all":    {"succeeded": 10},
			"latest": {"succeeded": 6, "skipped superseded": 4},
			"long":   {"succeeded": 1},
		} {
			if got := bubble.Counts(p.Runs(job)); !maps.Equal(got, want) {
				t.Errorf("%s: %v, want %v", job, got, want)
			}
		}
		if err := p.Sched.Ready(t.Context()); err != nil {
			t.Error(err)
		}
		p.Stop()
	})
}

// lossy loses the answer to every first claim, after it has taken effect.
type lossy struct {
	contract.Store
	calls atomic.Int32
}

func (l *lossy) Claim(ctx context.Context, claims []contract.Claim) ([]contract.Claimed, error) {
	got, err := l.Store.Claim(ctx, claims)
	if l.calls.Add(1)%2 == 1 {
		return nil, errors.New("the answer was lost")
	}
	return got, err
}

func TestLostAnswersCostNothing(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		var calls atomic.Int32
		p := bubble.Start(t, &lossy{Store: crontest.NewMemory()}, func(r *cron.Registry) {
			r.Register("job", "* * * * *", func(context.Context) error { calls.Add(1); return nil })
		})
		time.Sleep(10*time.Minute + 10*time.Second)
		if got := bubble.Counts(p.Runs("job")); got["succeeded"] != 10 || len(got) != 1 || calls.Load() != 10 {
			t.Errorf("%d calls, %v", calls.Load(), got)
		}
		p.Stop()
	})
}

func TestTwoProcessesShareTheSlots(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		store := crontest.NewMemory()
		var calls atomic.Int32
		register := func(r *cron.Registry) {
			r.Register("job", "@every 1s", func(context.Context) error { calls.Add(1); return nil })
		}
		a, b := bubble.Start(t, store, register), bubble.Start(t, store, register)
		time.Sleep(100*time.Second + 500*time.Millisecond)
		if recs := a.Runs("job"); len(recs) != 100 || calls.Load() != 100 {
			t.Errorf("%d rows and %d calls, want 100", len(recs), calls.Load())
		}
		a.Stop()
		b.Stop()
	})
}

func TestDisabled(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
			r.Register("job", "* * * * *", bubble.Nothing)
			r.Register("elsewhere", "* * * * *", bubble.Nothing, cron.Only("production"))
		})
		time.Sleep(3 * time.Minute)
		if recs := p.Runs("elsewhere"); len(recs) != 0 {
			t.Errorf("%v", bubble.Counts(recs))
		}
		p.Stop()
		p = bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) { r.Register("job", "* * * * *", bubble.Nothing) },
			func(c *scheduler.Config) { c.Disabled = true })
		time.Sleep(3 * time.Minute)
		if recs := p.Runs("job"); len(recs) != 0 {
			t.Errorf("%v", bubble.Counts(recs))
		}
		rec, err := p.Sched.Trigger(t.Context(), "job", scheduler.Request{})
		if err != nil {
			t.Fatal(err)
		}
		if rec, err = p.Sched.Await(t.Context(), rec.ID); err != nil || rec.Status != cron.Succeeded {
			t.Errorf("%+v, %v", rec, err)
		}
		p.Stop()
	})
}

func TestGoexitIsAFailure(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
			r.Register("job", "* * * * *", func(context.Context) error { goexit(); return nil })
		}, func(c *scheduler.Config) { c.Workers = 1 })
		time.Sleep(3*time.Minute + time.Second)
		if got := bubble.Counts(p.Runs("job")); got["failed"] != 3 {
			t.Errorf("%v", got)
		}
		p.Stop()
	})
}

func goexit() { runtime.Goexit() }

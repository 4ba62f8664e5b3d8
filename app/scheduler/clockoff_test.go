package scheduler_test

import (
	"context"
	"errors"
	"slices"
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

// A process without a clock settles runs of dead processes: it continues manual runs. Those of slots wait for a process
// with a clock, and are not recorded as running.
func TestClockOffSettlesWhatIsLeftBehind(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		store := crontest.NewMemory()
		line := &cut{Store: store}
		first := func(fn cron.Func) cron.Func {
			return func(ctx context.Context) error {
				if cron.RunFrom(ctx).Attempt() > 1 {
					return nil
				}
				return fn(ctx)
			}
		}
		register := func(r *cron.Registry) {
			r.Register("skip", "@yearly", first(bubble.Sleepy(time.Hour)))
			r.Register("rerun", "@yearly", first(bubble.Sleepy(time.Hour)), cron.OnCrash(cron.Rerun))
			r.Register("again", "@yearly", first(func(context.Context) error { return errors.New("boom") }), cron.Retry(1, cron.Fixed(3*time.Minute)))
			r.Register("slot", "0 * * * *", first(bubble.Sleepy(time.Hour)), cron.OnCrash(cron.Rerun))
			r.Register("slot-skip", "0 * * * *", first(bubble.Sleepy(time.Hour)))
		}
		dead := bubble.Start(t, line, register)
		time.Sleep(time.Hour + time.Second)
		for _, job := range []string{"skip", "rerun", "again"} {
			if _, err := dead.Sched.Trigger(t.Context(), job, scheduler.Request{}); err != nil {
				t.Fatal(err)
			}
		}
		p := bubble.Start(t, store, register, func(c *scheduler.Config) { c.Disabled = true })
		line.off.Store(true)
		time.Sleep(time.Minute) // two leases
		stands := func(job string, status cron.Status, attempts int) {
			t.Helper()
			if rec := p.Runs(job)[0]; rec.Status != status || rec.Attempt != attempts || status == cron.Queued && job == "slot" && rec.Instance != "" {
				t.Errorf("%+v", rec)
			}
		}
		stands("skip", cron.Interrupted, 1)
		stands("rerun", cron.Succeeded, 2)
		stands("again", cron.Queued, 1)
		stands("slot", cron.Queued, 1)
		stands("slot-skip", cron.Interrupted, 1)
		if _, err := p.Sched.Trigger(t.Context(), "skip", scheduler.Request{}); err != nil {
			t.Errorf("a run by hand after one that was interrupted: %v", err)
		}
		time.Sleep(5 * time.Minute)
		stands("again", cron.Succeeded, 2)
		stands("slot", cron.Queued, 1)

		on := bubble.Start(t, store, register)
		time.Sleep(10 * time.Second)
		stands("slot", cron.Succeeded, 2)
		on.Stop()
		p.Stop()
		line.off.Store(false)
		dead.Stop()
	})
}

// Runs left to other processes do not hide this process's, however many there are.
func TestClockOffSettlesWhatIsBehindOthers(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		store := crontest.NewMemory()
		line := &cut{Store: store}
		register := func(r *cron.Registry) {
			r.Register("line-a", "@every 1s", bubble.Sleepy(time.Hour), cron.Overlap(cron.Queue))
			r.Register("line-b", "@every 1s", bubble.Sleepy(time.Hour), cron.Overlap(cron.Queue))
			r.Register("by-hand", "@yearly", bubble.Sleepy(time.Hour))
		}
		dead := bubble.Start(t, line, register)
		time.Sleep(2 * time.Minute) // 200 runs wait
		if _, err := dead.Sched.Trigger(t.Context(), "by-hand", scheduler.Request{}); err != nil {
			t.Fatal(err)
		}
		p := bubble.Start(t, store, register, func(c *scheduler.Config) { c.Disabled = true })
		line.off.Store(true)
		time.Sleep(time.Minute) // two leases
		if rec := p.Runs("by-hand")[0]; rec.Status != cron.Interrupted {
			t.Errorf("%+v", rec)
		}
		p.Stop()
		line.off.Store(false)
		dead.Stop()
	})
}

// A manual run is not refused because of a dead process's run, even if no process sweeps.
func TestADeadRunRefusesNothing(t *testing.T) {
	type try struct {
		policy cron.CrashPolicy
		retry  bool // of an earlier run
	}
	for _, try := range []try{{cron.Skip, false}, {cron.Rerun, false}, {cron.Skip, true}, {cron.Rerun, true}} {
		crontest.Bubble(t, func(t *testing.T) {
			policy, refused := try.policy, try.policy == cron.Rerun
			store := crontest.NewMemory()
			line := &cut{Store: store}
			registry := cron.NewRegistry()
			register := func(r *cron.Registry) {
				r.Register("job", "@yearly", bubble.Sleepy(time.Hour), cron.OnCrash(policy))
				r.Register("other", "@yearly", bubble.Sleepy(time.Hour), cron.OnCrash(policy))
			}
			register(registry)
			jobs, err := registry.Jobs(cron.Defaults{})
			if err != nil {
				t.Fatal(err)
			}
			dead := bubble.Start(t, line, register)
			earlier, err := dead.Sched.Trigger(t.Context(), "job", scheduler.Request{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := dead.Sched.Cancel(t.Context(), earlier.ID, "somebody"); err != nil {
				t.Fatal(err)
			}
			if _, err := dead.Sched.Await(t.Context(), earlier.ID); err != nil {
				t.Fatal(err)
			}
			for _, job := range []string{"job", "other"} {
				if _, err := dead.Sched.Trigger(t.Context(), job, scheduler.Request{}); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Minute)
			here := scheduler.New(scheduler.Config{Store: store, Jobs: jobs})
			overlap := func() bool {
				t.Helper()
				var err error
				if try.retry {
					_, err = here.Retry(t.Context(), earlier.ID, "somebody")
				} else {
					_, err = here.Trigger(t.Context(), "job", scheduler.Request{})
				}
				var r *contract.RefusedError
				if err != nil && (!errors.As(err, &r) || r.Reason != cron.ReasonOverlap) {
					t.Fatal(err)
				}
				return err != nil
			}
			if !overlap() {
				t.Error("not refused while the other process lives")
			}
			line.off.Store(true)
			time.Sleep(time.Minute) // two leases
			if got := overlap(); got != refused {
				t.Errorf("%+v: refused is %t", try, got)
			}
			for job, want := range map[string]cron.Status{"job": map[bool]cron.Status{true: cron.Queued, false: cron.Interrupted}[refused], "other": cron.Running} {
				recs, err := store.Runs(t.Context(), contract.Query{Job: job})
				recs = slices.DeleteFunc(recs, func(rec cron.Record) bool { return rec.ID == earlier.ID })
				if err != nil || len(recs) == 0 || recs[len(recs)-1].Status != want {
					t.Errorf("%+v: %s is %+v, %v", try, job, recs, err)
				}
			}
			if err := here.Close(t.Context()); err != nil {
				t.Error(err)
			}
			line.off.Store(false)
			dead.Stop()
		})
	}
}

// pruning records what is pruned.
type pruning struct {
	contract.Store
	most  int
	calls map[string]int
}

func (s *pruning) Prune(ctx context.Context, p contract.Prune) (int, error) {
	n, err := s.Store.Prune(ctx, p)
	s.most = max(s.most, n)
	s.calls[p.Job]++
	return n, err
}

// Histories are pruned by number and by age, also without a clock, in steps so small that nothing waits for them.
// Pruned runs do not come back.
func TestHistoryIsPruned(t *testing.T) {
	for name, off := range map[string]bool{"clock on": false, "clock off": true} {
		t.Run(name, func(t *testing.T) {
			crontest.Bubble(t, func(t *testing.T) {
				store := &pruning{Store: crontest.NewMemory(), calls: map[string]int{}}
				var calls atomic.Int32
				register := func(r *cron.Registry) {
					r.Register("number", "@every 1s", func(context.Context) error { calls.Add(1); return nil }, cron.Keep(5, 0))
					r.Register("age", "*/10 * * * *", bubble.Nothing, cron.Keep(0, time.Hour))
					r.Register("burst", "@yearly", bubble.Nothing, cron.Keep(1, 0), cron.Overlap(cron.Allow))
					r.Register("all", "*/10 * * * *", bubble.Nothing, cron.Keep(0, 0))
				}
				p := bubble.Start(t, store, register)
				time.Sleep(3*time.Hour + 500*time.Millisecond)
				for range 450 {
					if _, err := p.Sched.Trigger(t.Context(), "burst", scheduler.Request{}); err != nil {
						t.Fatal(err)
					}
				}
				if off {
					p.Stop()
					store.most, store.calls = 0, map[string]int{}
					p = bubble.Start(t, store, register, func(c *scheduler.Config) { c.Disabled = true })
				}
				began := calls.Load()
				time.Sleep(2 * time.Minute)
				if n := len(p.Runs("number")); n < 5 || n > 5+31 {
					t.Errorf("%d runs of number are kept, with 5 a turn", n)
				}
				if n := len(p.Runs("age")); n < 6 || n > 7 {
					t.Errorf("%d runs of age are kept, one each ten minutes of an hour", n)
				}
				if n := len(p.Runs("all")); n < 18 {
					t.Errorf("%d runs of all are kept, of 18", n)
				}
				if n := calls.Load() - began; !off && n != 120 {
					t.Errorf("number was called %d times in two minutes", n)
				}
				kept := len(p.Runs("burst"))
				p.Stop()
				if kept != 1 || store.most > 200 || store.calls["burst"] < 3 {
					t.Errorf("%d runs of burst are kept, in %d steps; the largest deleted %d", kept, store.calls["burst"], store.most)
				}
			})
		})
	}
}

// slowSweep is a store in which Expired blocks until it is released.
type slowSweep struct {
	contract.Store
	slow   atomic.Bool
	let    chan struct{}
	waited atomic.Bool
}

func (s *slowSweep) Expired(ctx context.Context, limit int) ([]cron.Record, error) {
	if s.slow.Load() {
		s.waited.Store(true)
		<-s.let
	}
	return s.Store.Expired(ctx, limit)
}

// A process that is stopped during a sweep takes over nothing: it would hold the run for a lease, or run it after its
// end.
func TestASweepThatMeetsTheStopTakesNothing(t *testing.T) {
	for name, off := range map[string]bool{"clock on": false, "clock off": true} {
		t.Run(name, func(t *testing.T) {
			crontest.Bubble(t, func(t *testing.T) {
				store := crontest.NewMemory()
				line := &cut{Store: store}
				var ran atomic.Int32
				register := func(r *cron.Registry) {
					r.Register("slot", "0 0 * * * *", bubble.Sleepy(time.Hour), cron.Overlap(cron.Queue))
					r.Register("by-hand", "@yearly", func(ctx context.Context) error {
						ran.Add(1)
						return bubble.Sleepy(time.Hour)(ctx)
					}, cron.OnCrash(cron.Rerun))
				}
				dead := bubble.Start(t, line, register)
				time.Sleep(2*time.Hour + time.Second) // one runs, one waits
				if _, err := dead.Sched.Trigger(t.Context(), "by-hand", scheduler.Request{}); err != nil {
					t.Fatal(err)
				}
				owner := dead.Runs("by-hand")[0].Instance
				slow := &slowSweep{Store: store, let: make(chan struct{})}
				p := bubble.Start(t, slow, register, func(c *scheduler.Config) { c.Disabled = off })
				line.off.Store(true)
				time.Sleep(25 * time.Second)
				slow.slow.Store(true)
				time.Sleep(20 * time.Second) // the leases have expired by now
				synctest.Wait()
				if !slow.waited.Load() {
					t.Fatal("no sweep")
				}
				p.Cancel()
				synctest.Wait()
				close(slow.let)
				if err := <-p.Ended; err != nil {
					t.Error(err)
				}
				time.Sleep(time.Second)
				synctest.Wait()
				if n := ran.Load(); n != 1 {
					t.Errorf("by-hand was begun %d times, want once", n)
				}
				for _, job := range []string{"slot", "by-hand"} {
					for _, rec := range dead.Runs(job) {
						if rec.Status == cron.Queued && rec.Instance != "" && rec.Instance != owner {
							t.Errorf("%s: it was taken over: %+v", job, rec)
						}
					}
				}
				line.off.Store(false)
				dead.Stop()
			})
		})
	}
}

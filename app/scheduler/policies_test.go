package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
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

func TestOverlap(t *testing.T) {
	tests := []struct {
		policy cron.OverlapPolicy
		want   map[string]int // after six slots of a job that takes two and a half
		most   int32          // concurrent
	}{
		{cron.Skip, map[string]int{"succeeded": 1, "running": 1, "skipped overlap": 4}, 1},
		{cron.Allow, map[string]int{"succeeded": 3, "running": 3}, 3},
		{cron.Queue, map[string]int{"succeeded": 2, "running": 1, "queued": 3}, 1},
		{cron.Replace, map[string]int{"cancelled replaced": 5, "running": 1}, 1},
	}
	for _, tt := range tests {
		t.Run(string(tt.policy), func(t *testing.T) {
			crontest.Bubble(t, func(t *testing.T) {
				var now, most atomic.Int32
				p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
					r.Register("job", "* * * * *", func(ctx context.Context) error {
						if n := now.Add(1); n > most.Load() {
							most.Store(n)
						}
						defer now.Add(-1)
						return bubble.Sleepy(150 * time.Second)(ctx)
					}, cron.Overlap(tt.policy))
				})
				time.Sleep(6*time.Minute + 20*time.Second)
				synctest.Wait()
				if got := bubble.Counts(p.Runs("job")); !maps.Equal(got, tt.want) {
					t.Errorf("%v, want %v", got, tt.want)
				}
				if most.Load() != tt.most {
					t.Errorf("%d at one time, want %d", most.Load(), tt.most)
				}
				p.Stop()
			})
		})
	}
}

func TestQueuedRunsKeepTheirOrder(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		var mu sync.Mutex
		var slots []time.Time
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
			r.Register("job", "@every 1s", func(ctx context.Context) error {
				mu.Lock()
				slots = append(slots, cron.RunFrom(ctx).Slot())
				mu.Unlock()
				return bubble.Sleepy(1500 * time.Millisecond)(ctx)
			}, cron.Overlap(cron.Queue))
		})
		time.Sleep(time.Minute)
		p.Stop()
		if len(slots) < 35 || !slices.IsSortedFunc(slots, time.Time.Compare) {
			t.Errorf("%d slots, in the order %v", len(slots), slots)
		}
	})
}

// third is first with every third slot of a job that is due each second.
type third struct {
	contract.Store
	of int64
}

func (s *third) Claim(ctx context.Context, claims []contract.Claim) ([]contract.Claimed, error) {
	if claims[0].Slot.Unix()%3 != s.of {
		time.Sleep(time.Millisecond)
	}
	return s.Store.Claim(ctx, claims)
}

// Runs wait for each other across all processes: none starves because another process always has a later one, and the
// next one starts soon after the last has ended.
func TestQueuedRunsKeepTheirOrderOverProcesses(t *testing.T) {
	for _, takes := range []time.Duration{10 * time.Millisecond, 1300 * time.Millisecond, 4 * time.Second} {
		for name, policy := range map[string][]cron.Option{"overlap": {cron.Overlap(cron.Queue)}, "group": {cron.Overlap(cron.Allow), cron.Limit("g", 1)}} {
			t.Run(name+" "+takes.String(), func(t *testing.T) {
				crontest.Bubble(t, func(t *testing.T) {
					most := 0            // later runs that may start before one
					if name == "group" { // within a process all of them try at once
						most = 3
					}
					var mu sync.Mutex
					var slots []time.Time
					var idle time.Duration
					held := map[string]bool{}
					ended := time.Now()
					store := crontest.NewMemory()
					register := func(name string) func(*cron.Registry) {
						return func(r *cron.Registry) {
							r.Register("job", "@every 1s", func(ctx context.Context) error {
								run := cron.RunFrom(ctx)
								mu.Lock()
								if len(slots) == 0 { // a queue gathers in all processes
									mu.Unlock()
									time.Sleep(time.Minute)
									mu.Lock()
									ended = time.Now()
								}
								held[name] = true
								slots = append(slots, run.Slot())
								idle += time.Since(ended)
								mu.Unlock()
								time.Sleep(takes)
								mu.Lock()
								ended = time.Now()
								mu.Unlock()
								return nil
							}, policy...)
						}
					}
					var programs []*bubble.Program
					for i, name := range []string{"a", "b", "c"} {
						programs = append(programs, bubble.Start(t, &third{store, int64(i)}, register(name)))
					}
					time.Sleep(time.Minute + 5*time.Second + 50*takes)
					for _, p := range programs {
						p.Cancel()
					}
					for _, p := range programs {
						p.Stop()
					}
					if len(held) < 3 {
						t.Error("a process has had no runs: nothing was put to the test")
					}
					for i, slot := range slots {
						later := 0
						for _, other := range slots[:i] {
							if other.After(slot) {
								later++
							}
						}
						if later > most {
							t.Errorf("%d later runs were started before that for %v, of %v", later, slot, slots)
							break
						}
					}
					switch {
					case takes < time.Second && len(slots) < 60:
						t.Errorf("%d runs of %s after 5 s", len(slots), takes)
					case takes > time.Second && idle > takes*time.Duration(len(slots)):
						t.Errorf("%d runs of %s, and %s between them", len(slots), takes, idle)
					}
				})
			})
		}
	}
}

// A process that holds earlier slots and starts none, because it hangs or has no free worker, delays the others once,
// not once for each slot.
func TestQueuedRunsOfAnotherAreWaitedForOnce(t *testing.T) {
	for name, policy := range map[string][]cron.Option{"overlap": {cron.Overlap(cron.Queue)}, "group": {cron.Overlap(cron.Allow), cron.Limit("g", 1)}} {
		t.Run(name, func(t *testing.T) {
			crontest.Bubble(t, func(t *testing.T) {
				store := crontest.NewMemory()
				p := bubble.Start(t, store, func(r *cron.Registry) { r.Register("job", "@every 1s", bubble.Nothing, policy...) })
				var claims []contract.Claim
				now := time.Now()
				for i := range 5 {
					c := contract.Claim{
						Fence: contract.Fence{ID: fmt.Sprint("held-", i), Token: 1}, Job: "job", Slot: now.Add(time.Duration(i+1) * time.Second), Trigger: cron.BySchedule,
						Status: cron.Queued, Overlap: cron.Allow, Instance: "other", Lease: time.Hour, At: now,
					}
					if name == "group" {
						c.Group = "g"
					}
					claims = append(claims, c)
				}
				if _, err := store.Claim(t.Context(), claims); err != nil {
					t.Fatal(err)
				}
				time.Sleep(9*time.Second + 10*time.Millisecond) // slots 6 to 9 belong to this process
				synctest.Wait()
				if got := bubble.Counts(p.Runs("job")); got["succeeded"] < 3 {
					t.Errorf("%v, want 3 successes: 2 s for the other process, and no more", got)
				}
				p.Stop()
			})
		})
	}
}

func TestLimitHoldsOverJobs(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		var now, most, all atomic.Int32
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
			for i := range 10 {
				r.Register(fmt.Sprintf("job-%d", i), "* * * * *", func(ctx context.Context) error {
					all.Add(1)
					if n := now.Add(1); n > most.Load() {
						most.Store(n)
					}
					defer now.Add(-1)
					return bubble.Sleepy(5 * time.Second)(ctx)
				}, cron.Limit("db", 3))
			}
		})
		time.Sleep(90 * time.Second)
		if most.Load() != 3 || all.Load() != 10 {
			t.Errorf("%d at one time, %d in all; want 3 and 10", most.Load(), all.Load())
		}
		p.Stop()
	})
}

func TestSlowJobsDoNotDelayOthersWhileAWorkerIsFree(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
			for i := range 3 {
				r.Register(fmt.Sprintf("slow-%d", i), "* * * * *", bubble.Sleepy(time.Hour))
			}
			for i := range 4 { // they wait for each other, not for a worker
				r.Register(fmt.Sprintf("limited-%d", i), "* * * * *", bubble.Sleepy(time.Hour), cron.Limit("one", 1))
			}
			r.Register("quick", "* * * * *", func(ctx context.Context) error {
				if late := time.Since(cron.RunFrom(ctx).Slot()); late > 0 {
					t.Errorf("started %s late", late)
				}
				return nil
			})
		}, func(c *scheduler.Config) { c.Workers = 5 })
		time.Sleep(10 * time.Minute)
		if got := bubble.Counts(p.Runs("quick")); got["succeeded"] < 9 {
			t.Errorf("%v", got)
		}
		p.Stop()
	})
}

func TestTimeoutEndsTheContextAndWaits(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		release := make(chan struct{})
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
			r.Register("obeys", "* * * * *", bubble.Sleepy(time.Hour), cron.Timeout(10*time.Second))
			r.Register("ignores", "* * * * *", func(context.Context) error { <-release; return nil }, cron.Timeout(10*time.Second))
		})
		time.Sleep(75 * time.Second)
		synctest.Wait()
		if rec := p.Runs("obeys")[0]; rec.Status != cron.Failed || *rec.Duration != 10_000 {
			t.Errorf("%+v", rec)
		}
		if rec := p.Runs("ignores")[0]; rec.Status != cron.Running || !rec.Overdue {
			t.Errorf("the run that ignores its context is %s, overdue %t", rec.Status, rec.Overdue)
		}
		time.Sleep(time.Minute)
		if got := bubble.Counts(p.Runs("ignores")); got["skipped overlap"] != 1 {
			t.Errorf("its overlap place is not held: %v", got)
		}
		close(release)
		synctest.Wait()
		rec := p.Runs("ignores")[0]
		if rec.Status != cron.Failed || rec.Overdue {
			t.Errorf("in the end: %+v", rec)
		}
		p.Stop()
	})
}

// Other processes know when a later attempt began: they show it as overdue, and report its start after a crash.
func TestLaterAttemptsAreKnownElsewhere(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		store := crontest.NewMemory()
		line := &cut{Store: store}
		release := make(chan struct{})
		register := func(r *cron.Registry) {
			r.Register("job", "0 * * * *", func(ctx context.Context) error {
				if cron.RunFrom(ctx).Attempt() == 1 {
					return errors.New("boom")
				}
				<-release
				return nil
			}, cron.Retry(1, cron.Fixed(10*time.Minute)), cron.Timeout(10*time.Second))
		}
		p := bubble.Start(t, line, register)
		other := bubble.Start(t, store, register, func(c *scheduler.Config) { c.Disabled = true })
		time.Sleep(time.Hour + 10*time.Minute + 9*time.Second)
		if rec := other.Runs("job")[0]; rec.Status != cron.Running || rec.Attempt != 2 || rec.Overdue {
			t.Errorf("within its timeout: %+v", rec)
		}
		time.Sleep(3 * time.Second)
		if rec := other.Runs("job")[0]; rec.Status != cron.Running || !rec.Overdue {
			t.Errorf("past its timeout: %+v", rec)
		}
		line.off.Store(true)
		time.Sleep(time.Minute)
		rec := other.Runs("job")[0]
		if want := time.Date(2000, 1, 1, 1, 10, 0, 0, time.UTC); rec.Status != cron.Interrupted || len(rec.Attempts) != 2 || !rec.Attempts[1].StartedAt.Equal(want) {
			t.Errorf("interrupted in the attempt of %s: %+v", want, rec)
		}
		close(release)
		line.off.Store(false)
		p.Stop()
		other.Stop()
	})
}

func TestRetry(t *testing.T) {
	boom := errors.New("boom")
	tests := []struct {
		name     string
		fail     int // attempts that fail
		err      error
		options  []cron.Option
		attempts int
		want     cron.Status
	}{
		{"no retry", 9, boom, nil, 1, cron.Failed},
		{"in the end it works", 2, boom, []cron.Option{cron.Retry(3)}, 3, cron.Succeeded},
		{"in the end it does not", 9, boom, []cron.Option{cron.Retry(3, cron.Fixed(time.Second))}, 4, cron.Failed},
		{"final error", 9, cron.NoRetry(boom), []cron.Option{cron.Retry(3)}, 1, cron.Failed},
		{"not that error", 9, boom, []cron.Option{cron.Retry(3), cron.RetryIf(func(err error) bool { return !errors.Is(err, boom) })}, 1, cron.Failed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			crontest.Bubble(t, func(t *testing.T) {
				var calls atomic.Int32
				var keys sync.Map
				p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
					r.Register("job", "0 * * * *", func(ctx context.Context) error {
						run := cron.RunFrom(ctx)
						keys.Store(run.Key(), true)
						if n := int(calls.Add(1)); n != run.Attempt() {
							t.Errorf("attempt %d is counted as %d", n, run.Attempt())
						} else if n > tt.fail {
							return nil
						}
						return tt.err
					}, tt.options...)
				})
				time.Sleep(time.Hour + 30*time.Minute)
				synctest.Wait()
				recs := p.Runs("job")
				if len(recs) != 1 || recs[0].Status != tt.want || recs[0].Attempt != tt.attempts || len(recs[0].Attempts) != tt.attempts {
					t.Fatalf("%+v", recs)
				}
				n := 0
				keys.Range(func(any, any) bool { n++; return true })
				if n != 1 {
					t.Errorf("%d idempotency keys for one slot", n)
				}
				p.Stop()
			})
		})
	}
}

func TestRetrySurvivesRestart(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		var calls atomic.Int32
		store := crontest.NewMemory()
		register := func(r *cron.Registry) {
			r.Register("job", "0 * * * *", func(ctx context.Context) error {
				if calls.Add(1) == 1 {
					return errors.New("boom")
				}
				if now := time.Now(); now.Minute() != 10 {
					t.Errorf("retried at %s", now)
				}
				return nil
			}, cron.Retry(1, cron.Fixed(10*time.Minute)))
		}
		p := bubble.Start(t, store, register)
		time.Sleep(time.Hour + time.Minute)
		p.Stop()
		time.Sleep(time.Minute)
		p = bubble.Start(t, store, register)
		time.Sleep(20 * time.Minute)
		recs := p.Runs("job")
		if len(recs) != 1 || recs[0].Status != cron.Succeeded || recs[0].Attempt != 2 {
			t.Errorf("%+v", recs)
		}
		p.Stop()
	})
}

func TestRunByHand(t *testing.T) {
	type args struct {
		Name string `json:"name"`
		N    int    `json:"n"`
	}
	crontest.Bubble(t, func(t *testing.T) {
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
			r.Register("job", "@yearly", func(ctx context.Context) error {
				run := cron.RunFrom(ctx)
				run.Progress(1, 2, "half")
				return errors.Join(run.Result(cron.ArgsFrom[args](ctx)), bubble.Sleepy(time.Minute)(ctx))
			}, cron.Args(args{Name: "x", N: 1}))
		})
		ctx := t.Context()
		rec, err := p.Sched.Trigger(ctx, "job", scheduler.Request{Args: []byte(`{"n":7}`), Key: "k", Actor: "ann"})
		if err != nil {
			t.Fatal(err)
		}
		if again, err := p.Sched.Trigger(ctx, "job", scheduler.Request{Key: "k"}); err != nil || again.ID != rec.ID {
			t.Errorf("same key: %+v, %v", again, err)
		}
		var refused *contract.RefusedError
		if _, err := p.Sched.Trigger(ctx, "job", scheduler.Request{}); !errors.As(err, &refused) || refused.Reason != cron.ReasonOverlap {
			t.Errorf("second run at the same time: %v", err)
		}
		var wrong *cron.ArgsError
		if _, err := p.Sched.Trigger(ctx, "job", scheduler.Request{Args: []byte(`{"m":7}`)}); !errors.As(err, &wrong) {
			t.Errorf("unknown argument: %v", err)
		}
		var none *cron.NoJobError
		if _, err := p.Sched.Trigger(ctx, "jab", scheduler.Request{}); !errors.As(err, &none) || none.Nearest != "job" {
			t.Errorf("unknown job: %v", err)
		}
		time.Sleep(3 * time.Second)
		if now, err := p.Sched.Record(ctx, rec.ID); err != nil || now.Progress == nil || now.Progress.Done != 1 {
			t.Errorf("progress: %+v, %v", now, err)
		}
		got, err := p.Sched.Await(ctx, rec.ID)
		if err != nil || got.Status != cron.Succeeded || string(got.Result) != `{"name":"x","n":7}` || got.Actor != "ann" || got.Slot != nil {
			t.Errorf("%+v, %v", got, err)
		}
		p.Stop()
	})
}

func TestCancel(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		store := crontest.NewMemory()
		register := func(r *cron.Registry) {
			r.Register("job", "@yearly", bubble.Sleepy(time.Hour), cron.Overlap(cron.Queue))
		}
		p := bubble.Start(t, store, register)
		other := bubble.Start(t, store, register) // a second process on the same store
		ctx := t.Context()
		running, err := p.Sched.Trigger(ctx, "job", scheduler.Request{})
		if err != nil {
			t.Fatal(err)
		}
		waiting, err := p.Sched.Trigger(ctx, "job", scheduler.Request{})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		for _, rec := range []cron.Record{waiting, running} {
			if _, err := other.Sched.Cancel(ctx, rec.ID, "ann"); err != nil {
				t.Fatal(err)
			}
			got, err := p.Sched.Await(ctx, rec.ID)
			if err != nil || got.Status != cron.Cancelled || got.Reason != cron.ReasonRequested || got.Error != "cancelled by ann" {
				t.Errorf("%+v, %v", got, err)
			}
		}
		other.Stop()
		p.Stop()
	})
}

func TestBackfillRunsPastSlotsInOrder(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		var mu sync.Mutex
		var slots []time.Time
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
			r.Register("job", "0 * * * *", func(ctx context.Context) error {
				mu.Lock()
				slots = append(slots, cron.RunFrom(ctx).Slot())
				mu.Unlock()
				return bubble.Sleepy(time.Second)(ctx)
			})
		})
		to := time.Now().UTC()
		from := to.Add(-5 * time.Hour)
		recs, err := p.Sched.Backfill(t.Context(), "job", from, to, "ann")
		if err != nil || len(recs) != 6 {
			t.Fatalf("%d runs, %v", len(recs), err)
		}
		for _, rec := range recs {
			if got, err := p.Sched.Await(t.Context(), rec.ID); err != nil || got.Status != cron.Succeeded || got.Trigger != cron.ByBackfill {
				t.Errorf("%+v, %v", got, err)
			}
		}
		for i, slot := range slots {
			if !slot.Equal(from.Add(time.Duration(i) * time.Hour)) {
				t.Errorf("slot %d is %s", i, slot)
			}
		}
		for want, period := range map[string][2]time.Time{
			`request for job "job": /to: 2000-01-01T01:00:00Z is in the future`:                                                               {from, to.Add(time.Hour)},
			`request for job "job": /to: 1999-12-31T19:00:00Z is before 2000-01-01T00:00:00Z`:                                                 {to, from},
			`request for job "job": /from: no slot of the job lies between 1999-12-31T19:01:00Z and 1999-12-31T19:59:00Z`:                     {from.Add(time.Minute), from.Add(59 * time.Minute)},
			`request for job "job": /from: more than 1000 slots lie between 1999-11-01T00:00:00Z and 2000-01-01T00:00:00Z; backfill in parts`: {to.AddDate(0, -2, 0), to},
		} {
			if _, err := p.Sched.Backfill(t.Context(), "job", period[0], period[1], "ann"); err == nil || err.Error() != want {
				t.Errorf("%v\nwant %s", err, want)
			}
		}
		p.Stop()
	})
}

package scheduler_test

import (
	"context"
	"fmt"
	"maps"
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

// A slot waits for a worker unclaimed, but at most a second or two. Then its run waits.
func TestASlotWaitsForAWorker(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
			r.Register("long", "@at 2000-01-01T00:00:10Z", bubble.Sleepy(20*time.Second))
			r.Register("short", "@at 2000-01-01T00:00:11Z", bubble.Nothing)
			r.Register("brief", "@at 2000-01-01T00:00:29.5Z", bubble.Nothing)
		}, func(c *scheduler.Config) { c.Workers = 1 })
		time.Sleep(11*time.Second + 900*time.Millisecond)
		synctest.Wait()
		if got := p.Runs("short"); len(got) != 0 {
			t.Errorf("it was claimed although no worker is free: %v", got)
		}
		if pulse := p.Sched.Stats(); pulse.Waiting != 1 || pulse.Busy != 1 {
			t.Errorf("%d wait and %d workers are busy, want 1 and 1", pulse.Waiting, pulse.Busy)
		}
		time.Sleep(1200 * time.Millisecond)
		synctest.Wait()
		if got := bubble.Counts(p.Runs("short")); !maps.Equal(got, map[string]int{"queued": 1}) {
			t.Errorf("after two seconds it is %v, want queued", got)
		}
		time.Sleep(time.Until(time.Date(2000, 1, 1, 0, 0, 29, 900e6, time.UTC)))
		synctest.Wait()
		if got := p.Runs("brief"); len(got) != 0 {
			t.Errorf("it was claimed although no worker is free: %v", got)
		}
		time.Sleep(200 * time.Millisecond)
		synctest.Wait()
		for _, job := range []string{"short", "brief"} {
			if got := bubble.Counts(p.Runs(job)); !maps.Equal(got, map[string]int{"succeeded": 1}) {
				t.Errorf("%s: %v, want a success", job, got)
			}
		}
		// What waited in the backlog was claimed as running, without a separate start.
		if rec := p.Runs("brief")[0]; !rec.StartedAt.Equal(rec.QueuedAt) {
			t.Errorf("claimed at %v and started at %v", rec.QueuedAt, rec.StartedAt)
		}
		p.Stop()
	})
}

// A slot is skipped when it is due, not when a worker is free.
func TestOverlapIsDecidedAtOnce(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
			r.Register("job", "@every 1s", bubble.Sleepy(1500*time.Millisecond))
		}, func(c *scheduler.Config) { c.Workers = 1 })
		time.Sleep(10*time.Second + 10*time.Millisecond)
		synctest.Wait()
		for _, rec := range p.Runs("job") {
			if late := rec.QueuedAt.Sub(*rec.Slot); late > 0 {
				t.Errorf("slot %v was claimed %v late: %v %v", rec.Slot, late, rec.Status, rec.Reason)
			}
		}
		if got, want := bubble.Counts(p.Runs("job")), map[string]int{"succeeded": 4, "running": 1, "skipped overlap": 5}; !maps.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
		p.Stop()
	})
}

// slower is a process whose claims come after those of others for the same tick.
type slower struct{ contract.Store }

func (s slower) Claim(ctx context.Context, claims []contract.Claim) ([]contract.Claimed, error) {
	time.Sleep(time.Millisecond)
	return s.Store.Claim(ctx, claims)
}

// A process without a free worker leaves a slot to one that has, under any policy.
func TestABusyProcessLeavesSlotsToOthers(t *testing.T) {
	for name, options := range map[string][]cron.Option{
		"skip": nil, "allow": {cron.Overlap(cron.Allow)}, "queue": {cron.Overlap(cron.Queue)},
		"replace": {cron.Overlap(cron.Replace)}, "group": {cron.Limit("g", 5)},
	} {
		t.Run(name, func(t *testing.T) {
			crontest.Bubble(t, func(t *testing.T) {
				store := crontest.NewMemory()
				var calls atomic.Int32
				register := func(takes time.Duration) func(*cron.Registry) {
					return func(r *cron.Registry) {
						r.Register("long", "@at 2000-01-01T00:00:00.5Z", bubble.Sleepy(takes), cron.Overlap(cron.Allow))
						r.Register("job", "@every 1s", func(ctx context.Context) error {
							if name == "allow" && calls.Add(1) == 1 { // one of the busy process's own
								return bubble.Sleepy(takes)(ctx)
							}
							return nil
						}, options...)
					}
				}
				busy := bubble.Start(t, store, register(time.Minute), func(c *scheduler.Config) { c.Workers = 1 })
				if name == "allow" { // the long one comes later, and waits
					time.Sleep(time.Second)
				} else {
					time.Sleep(500 * time.Millisecond)
				}
				synctest.Wait()
				idle := bubble.Start(t, slower{store}, register(0))
				began := time.Now()
				time.Sleep(20*time.Second + 10*time.Millisecond)
				synctest.Wait()
				seen := 0
				for _, rec := range idle.Runs("job") {
					if !rec.Slot.After(began) {
						continue
					}
					seen++
					if rec.Status != cron.Succeeded {
						t.Errorf("slot %v is %s %s", rec.Slot, rec.Status, rec.Reason)
					}
				}
				if seen < 19 {
					t.Errorf("%d slots", seen)
				}
				busy.Cancel()
				idle.Stop()
				busy.Stop()
			})
		})
	}
}

// Late slots become one run of each job, and every slot has its row, in order.
func TestABacklogLosesNothing(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		const jobs = 40
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
			for i := range jobs {
				r.Register(fmt.Sprintf("job-%02d", i), "@every 100ms", bubble.Sleepy(10*time.Millisecond))
			}
		}, func(c *scheduler.Config) { c.Workers = 2 })
		time.Sleep(5*time.Second + 50*time.Millisecond)
		p.Stop()
		ran, skipped := 0, 0
		for i := range jobs {
			recs := p.Runs(fmt.Sprintf("job-%02d", i))
			for k, rec := range recs {
				if want := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(k+1) * 100 * time.Millisecond); !rec.Slot.Equal(want) {
					t.Fatalf("job %d: row %d is of slot %v, want %v", i, k, rec.Slot, want)
				}
				switch {
				case rec.Status == cron.Succeeded:
					ran++
				case rec.Status == cron.Skipped && rec.Reason == cron.ReasonOverlap:
					skipped++
				case k < len(recs)-1:
					t.Fatalf("job %d: slot %v is %v %v", i, rec.Slot, rec.Status, rec.Reason)
				}
			}
			// Two workers come by every 200 ms at best.
			if len(recs) < 40 {
				t.Errorf("job %d: %d slots of 50 are settled", i, len(recs))
			}
		}
		// Two workers do two hundred runs a second.
		if ran < 900 || ran > 1010 {
			t.Errorf("%d ran and %d were skipped, want about 1000 to have run", ran, skipped)
		}
	})
}

// Each of several processes claims what it has workers for: none takes a whole burst.
func TestProcessesShareABurst(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		store := crontest.NewMemory()
		var mu sync.Mutex
		by := map[int]int{}
		process := func(n int) *bubble.Program {
			return bubble.Start(t, store, func(r *cron.Registry) {
				for i := range 40 {
					r.Register(fmt.Sprintf("job-%02d", i), "@at 2000-01-01T00:00:10Z", func(context.Context) error {
						mu.Lock()
						by[n]++
						mu.Unlock()
						time.Sleep(50 * time.Millisecond)
						return nil
					})
				}
			}, func(c *scheduler.Config) { c.Workers = 2 })
		}
		a, b := process(0), process(1)
		// Forty runs of 50 ms on four workers take half a second.
		time.Sleep(10*time.Second + 600*time.Millisecond)
		synctest.Wait()
		if by[0] < 15 || by[1] < 15 || by[0]+by[1] != 40 {
			t.Errorf("the processes ran %d and %d of 40", by[0], by[1])
		}
		a.Stop()
		b.Stop()
	})
}

// During an outage free workers do not query the store, and no slot is lost.
func TestABacklogWaitsForTheStore(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		line := &cut{Store: crontest.NewMemory()}
		var calls atomic.Int32
		p := bubble.Start(t, line, func(r *cron.Registry) {
			for i := range 300 {
				r.Register(fmt.Sprintf("job-%03d", i), "@at 2000-01-01T00:00:10Z", bubble.Nothing)
			}
		}, func(c *scheduler.Config) {
			c.Workers = 8
			c.Claimed = func(call contract.ClaimCall) {
				if call.Err != nil {
					calls.Add(1)
				}
			}
		})
		time.Sleep(9 * time.Second)
		line.off.Store(true)
		time.Sleep(4*time.Second + 500*time.Millisecond)
		synctest.Wait()
		if n := calls.Load(); n < 4 || n > 20 {
			t.Errorf("%d calls of a store that was away for three seconds", n)
		}
		line.off.Store(false)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		for i := range 300 {
			if got := bubble.Counts(p.Runs(fmt.Sprintf("job-%03d", i))); !maps.Equal(got, map[string]int{"succeeded": 1}) {
				t.Errorf("job %d: %v, want a success", i, got)
			}
		}
		p.Stop()
	})
}

package scheduler_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
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

// crew is processes that share a store and a queue.
type crew struct {
	*testing.T
	store    contract.Store
	queue    *queue
	register func(*cron.Registry)
}

// hire starts a process of a role.
func (c *crew) hire(role contract.Role, change ...func(*scheduler.Config)) (*bubble.Program, *wire) {
	c.Helper()
	l := &wire{cut: cut{Store: c.store}, end: c.queue.end()}
	p := bubble.Start(c.T, l, c.register, append([]func(*scheduler.Config){func(cfg *scheduler.Config) {
		cfg.Executor, cfg.Role = l.end, role
	}}, change...)...)
	return p, l
}

func withQueue(t *testing.T, register func(*cron.Registry), play func(c *crew)) {
	t.Helper()
	crontest.Bubble(t, func(t *testing.T) {
		play(&crew{T: t, store: crontest.NewMemory(), queue: &queue{}, register: register})
	})
}

func (c *crew) counts(p *bubble.Program, job string, want map[string]int) {
	c.Helper()
	if got := bubble.Counts(p.Runs(job)); !maps.Equal(got, want) {
		c.Errorf("%s: %v, want %v", job, got, want)
	}
}

// instancesOf counts started runs by the process of their last attempt.
func instancesOf(recs []cron.Record) map[string]int {
	m := map[string]int{}
	for _, r := range recs {
		if r.StartedAt != nil {
			m[r.Instance]++
		}
	}
	return m
}

func TestQueueOverlap(t *testing.T) {
	for _, tt := range []struct {
		policy cron.OverlapPolicy
		want   map[string]int // after six slots of a job that takes two and a half
		most   int32
	}{
		{cron.Skip, map[string]int{"succeeded": 1, "running": 1, "skipped overlap": 4}, 1},
		{cron.Allow, map[string]int{"succeeded": 3, "running": 3}, 3},
		{cron.Queue, map[string]int{"succeeded": 2, "running": 1, "queued": 3}, 1},
		{cron.Replace, map[string]int{"cancelled replaced": 5, "running": 1}, 1},
	} {
		t.Run(string(tt.policy), func(t *testing.T) {
			var now, most atomic.Int32
			withQueue(t, func(r *cron.Registry) {
				r.Register("job", "* * * * *", func(ctx context.Context) error {
					n := now.Add(1)
					defer now.Add(-1)
					most.Store(max(most.Load(), n))
					return bubble.Sleepy(150 * time.Second)(ctx)
				}, cron.Overlap(tt.policy))
			}, func(c *crew) {
				c.queue.workers = 2
				p, _ := c.hire(contract.SchedulerOnly)
				w1, _ := c.hire(contract.WorkerOnly)
				w2, _ := c.hire(contract.WorkerOnly)
				time.Sleep(6*time.Minute + 20*time.Second)
				c.counts(p, "job", tt.want)
				if most.Load() != tt.most {
					t.Errorf("%d at one time, want %d", most.Load(), tt.most)
				}
				if m := instancesOf(p.Runs("job")); tt.policy == cron.Allow && len(m) != 2 {
					t.Errorf("worked by %v, want two workers", m)
				}
				for _, x := range []*bubble.Program{p, w1, w2} {
					x.Stop()
				}
			})
		})
	}
}

// Runs that wait for each other keep the order of their slots, though the queue delivers in any order.
func TestQueueKeepsTheOrderOfAJob(t *testing.T) {
	var mu sync.Mutex
	var slots []time.Time
	withQueue(t, func(r *cron.Registry) {
		r.Register("job", "@every 10s", func(ctx context.Context) error {
			mu.Lock()
			slots = append(slots, cron.RunFrom(ctx).Slot())
			n := len(slots)
			mu.Unlock()
			return bubble.Sleepy(time.Duration(n%3) * 9 * time.Second)(ctx)
		}, cron.Overlap(cron.Queue))
	}, func(c *crew) {
		p, _ := c.hire("")
		w, _ := c.hire(contract.WorkerOnly)
		time.Sleep(10*time.Minute + 5*time.Second)
		mu.Lock()
		defer mu.Unlock()
		if len(slots) < 40 || !slices.IsSortedFunc(slots, time.Time.Compare) {
			t.Errorf("%d slots, not in order: %v", len(slots), slots)
		}
		p.Stop()
		w.Stop()
	})
}

func TestQueueRetries(t *testing.T) {
	for _, wait := range []time.Duration{2 * time.Second, 10 * time.Minute} { // waited in the process, and in the queue
		t.Run(wait.String(), func(t *testing.T) {
			var made calls
			var at []time.Time
			withQueue(t, func(r *cron.Registry) {
				r.Register("job", "0 * * * *", func(ctx context.Context) error {
					made.count(ctx)
					at = append(at, time.Now())
					slog.New(cron.LogHandler(slog.DiscardHandler)).InfoContext(ctx, "called")
					if cron.RunFrom(ctx).Attempt() < 4 {
						return errors.New("not yet")
					}
					return nil
				}, cron.Retry(5, cron.Fixed(wait)))
			}, func(c *crew) {
				p, _ := c.hire(contract.SchedulerOnly)
				w1, _ := c.hire(contract.WorkerOnly)
				w2, _ := c.hire(contract.WorkerOnly)
				time.Sleep(time.Hour + 50*time.Minute)
				rec := p.Runs("job")[0]
				if rec.Status != cron.Succeeded || rec.Attempt != 4 || len(rec.Attempts) != 4 {
					t.Fatalf("%+v", rec)
				}
				for i, a := range rec.Attempts {
					if a.Number != i+1 || a.EndedAt == nil || (a.Error == "") != (i == 3) {
						t.Errorf("attempt %d: %+v", i+1, a)
					}
					if i > 0 && at[i].Sub(at[i-1]) < wait {
						t.Errorf("attempt %d came after %s", i+1, at[i].Sub(at[i-1]))
					}
				}
				lines, err := p.Sched.Logs(context.Background(), rec.ID, 0, 100)
				if err != nil {
					t.Fatal(err)
				}
				found := 0
				for _, l := range lines {
					if l.Message == "called" {
						found++
					}
				}
				if found != 4 {
					t.Errorf("%d lines of four attempts are kept: %+v", found, lines)
				}
				if list := made.doubled(); list != nil {
					t.Error(list)
				}
				if got := c.queue.outcomes(); got["queued"] != 3 || got["succeeded"] != 1 {
					t.Errorf("the queue was told %v", got)
				}
				for _, x := range []*bubble.Program{p, w1, w2} {
					x.Stop()
				}
			})
		})
	}
}

func TestQueueHoldsAGroupsLimit(t *testing.T) {
	var now, most atomic.Int32
	withQueue(t, func(r *cron.Registry) {
		for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
			r.Register(name, "*/10 * * * *", func(ctx context.Context) error {
				n := now.Add(1)
				defer now.Add(-1)
				most.Store(max(most.Load(), n))
				return bubble.Sleepy(30 * time.Second)(ctx)
			}, cron.Limit("g", 2))
		}
	}, func(c *crew) {
		p, _ := c.hire("")
		w, _ := c.hire(contract.WorkerOnly)
		time.Sleep(12 * time.Minute)
		for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
			c.counts(p, name, map[string]int{"succeeded": 1})
		}
		if most.Load() != 2 {
			t.Errorf("%d at one time, want 2", most.Load())
		}
		p.Stop()
		w.Stop()
	})
}

func TestQueueTimeoutAndFailure(t *testing.T) {
	withQueue(t, func(r *cron.Registry) {
		r.Register("slow", "0 * * * *", bubble.Sleepy(time.Hour), cron.Timeout(time.Minute))
		r.Register("panics", "0 * * * *", func(context.Context) error { panic("oh") })
		r.Register("exits", "0 * * * *", func(context.Context) error { runtime.Goexit(); return nil })
	}, func(c *crew) {
		p, _ := c.hire("")
		time.Sleep(time.Hour + 2*time.Minute)
		for _, name := range []string{"slow", "panics", "exits"} {
			c.counts(p, name, map[string]int{"failed": 1})
		}
		if got := c.queue.outcomes(); got["failed"] != 3 {
			t.Errorf("the queue was told %v", got)
		}
		for _, o := range c.queue.told {
			if o.Err() == nil || o.Error == "" {
				t.Errorf("outcome %+v is no error", o)
			}
		}
		p.Stop()
	})
}

func TestQueueCancel(t *testing.T) {
	withQueue(t, func(r *cron.Registry) {
		r.Register("job", "0 0 1 1 *", bubble.Sleepy(time.Hour), cron.Overlap(cron.Allow))
	}, func(c *crew) {
		p, _ := c.hire(contract.SchedulerOnly)
		ctx := context.Background()
		waits, err := p.Sched.Trigger(ctx, "job", scheduler.Request{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Sched.Cancel(ctx, waits.ID, "ann"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		c.counts(p, "job", map[string]int{"cancelled requested": 1})

		w, l := c.hire(contract.WorkerOnly)
		runs, err := p.Sched.Trigger(ctx, "job", scheduler.Request{})
		if err != nil {
			t.Fatal(err)
		}
		byQueue, err := p.Sched.Trigger(ctx, "job", scheduler.Request{})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		c.counts(p, "job", map[string]int{"cancelled requested": 1, "running": 2})
		if _, err := p.Sched.Cancel(ctx, runs.ID, "ann"); err != nil {
			t.Fatal(err)
		}
		cancel, ok := l.end.working.Load(byQueue.ID)
		if !ok {
			t.Fatal("the ticket is not being worked")
		}
		cancel.(context.CancelFunc)()
		time.Sleep(3 * time.Second)
		c.counts(p, "job", map[string]int{"cancelled requested": 3})
		if rec, _ := p.Sched.Record(ctx, runs.ID); !strings.Contains(rec.Error, "ann") {
			t.Errorf("cancelled by whom? %+v", rec)
		}
		if rec, _ := p.Sched.Record(ctx, byQueue.ID); !strings.Contains(rec.Error, "queue") {
			t.Errorf("cancelled by whom? %+v", rec)
		}
		p.Stop()
		w.Stop()
	})
}

func TestQueuePauseAndLateStart(t *testing.T) {
	withQueue(t, func(r *cron.Registry) {
		r.Register("paused", "* * * * *", bubble.Sleepy(time.Second))
		r.Register("late", "* * * * *", bubble.Sleepy(time.Second), cron.StartWithin(30*time.Second), cron.Overlap(cron.Allow))
	}, func(c *crew) {
		p, _ := c.hire(contract.SchedulerOnly)
		if _, err := p.Sched.Pause(context.Background(), contract.Pause{Job: "paused"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3*time.Minute + 40*time.Second)
		w, _ := c.hire(contract.WorkerOnly) // three slots passed without a worker
		time.Sleep(30 * time.Second)
		c.counts(p, "paused", map[string]int{"skipped paused": 4})
		c.counts(p, "late", map[string]int{"skipped late": 3, "succeeded": 1})
		p.Stop()
		w.Stop()
	})
}

// Runs in the queue when their scheduler stops, and runs that a worker releases, are continued by others without
// waiting for a lease.
func TestQueueDrain(t *testing.T) {
	var made calls
	withQueue(t, func(r *cron.Registry) {
		r.Register("waits", "* * * * *", func(ctx context.Context) error { made.count(ctx); return nil })
		r.Register("short", "0 0 1 1 *", func(ctx context.Context) error { made.count(ctx); return bubble.Sleepy(5 * time.Second)(ctx) })
		r.Register("again", "0 0 1 1 *", func(ctx context.Context) error {
			made.count(ctx)
			if cron.RunFrom(ctx).Attempt() == 1 {
				return bubble.Sleepy(time.Hour)(ctx)
			}
			return nil
		}, cron.OnCrash(cron.Rerun))
	}, func(c *crew) {
		first, _ := c.hire(contract.SchedulerOnly)
		time.Sleep(61 * time.Second)
		c.counts(first, "waits", map[string]int{"queued": 1})
		first.Stop()
		p, _ := c.hire(contract.SchedulerOnly)
		w1, _ := c.hire(contract.WorkerOnly)
		time.Sleep(5 * time.Second) // a poll of both, and less than a lease
		c.counts(p, "waits", map[string]int{"succeeded": 1})
		for _, job := range []string{"short", "again"} {
			if _, err := p.Sched.Trigger(context.Background(), job, scheduler.Request{}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		began := time.Now()
		w1.Stop()
		if took := time.Since(began); took < 9*time.Second || took > 12*time.Second {
			t.Errorf("stopping took %s, the grace is 10s", took)
		}
		w2, _ := c.hire(contract.WorkerOnly)
		time.Sleep(12 * time.Second) // until the next sweep
		c.counts(p, "short", map[string]int{"succeeded": 1})
		c.counts(p, "again", map[string]int{"succeeded": 1})
		if list := made.doubled(); list != nil {
			t.Error(list)
		}
		p.Stop()
		w2.Stop()
	})
}

func TestQueueCrashOfAWorker(t *testing.T) {
	for policy, want := range map[cron.CrashPolicy]map[string]int{
		cron.Skip:  {"interrupted crash": 1},
		cron.Rerun: {"succeeded": 1},
	} {
		t.Run(string(policy), func(t *testing.T) {
			var made calls
			withQueue(t, func(r *cron.Registry) {
				r.Register("job", "0 0 1 1 *", func(ctx context.Context) error {
					made.count(ctx)
					return bubble.Sleepy(5 * time.Minute)(ctx)
				}, cron.OnCrash(policy))
			}, func(c *crew) {
				p, _ := c.hire(contract.SchedulerOnly)
				w, l := c.hire(contract.WorkerOnly)
				rec, err := p.Sched.Trigger(context.Background(), "job", scheduler.Request{})
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Second)
				l.die()
				// A queue that notices delivers the ticket again. It is void.
				if old, err := c.store.Run(context.Background(), rec.ID); err != nil || old.Status != cron.Running {
					t.Fatalf("%+v, %v", old, err)
				} else {
					c.queue.mu.Lock()
					for range 3 {
						c.queue.waiting = append(c.queue.waiting, item{contract.Ticket{Run: rec.ID, Job: "job", Token: old.Token, Attempt: 1}, time.Now().Add(2 * time.Second)})
					}
					c.queue.mu.Unlock()
				}
				w2, _ := c.hire(contract.WorkerOnly)
				time.Sleep(10 * time.Minute)
				c.counts(p, "job", want)
				if list := made.doubled(); list != nil {
					t.Error(list)
				}
				w.Cancel()
				<-w.Ended // it cannot sign off
				p.Stop()
				w2.Stop()
			})
		})
	}
}

// The claiming process dies before its tickets are in the queue, or after.
func TestQueueCrashOfAScheduler(t *testing.T) {
	for name, refuse := range map[string]bool{"before": true, "after": false} {
		t.Run(name, func(t *testing.T) {
			var made calls
			withQueue(t, func(r *cron.Registry) {
				r.Register("job", "0 * * * *", func(ctx context.Context) error { made.count(ctx); return nil })
			}, func(c *crew) {
				c.queue.refuse.Store(refuse)
				first, l := c.hire(contract.SchedulerOnly)
				time.Sleep(time.Hour + 10*time.Millisecond)
				synctest.Wait()
				l.die()
				c.queue.refuse.Store(false)
				c.counts(first, "job", map[string]int{"queued": 1})
				p, _ := c.hire(contract.SchedulerOnly)
				w, _ := c.hire(contract.WorkerOnly)
				time.Sleep(2 * time.Minute)
				c.counts(p, "job", map[string]int{"succeeded": 1})
				if list := made.doubled(); list != nil {
					t.Error(list)
				}
				first.Cancel()
				<-first.Ended
				p.Stop()
				w.Stop()
			})
		})
	}
}

// A worker of an old version does not know the job, and leaves it to one that does.
func TestQueueRollingDeploy(t *testing.T) {
	withQueue(t, func(r *cron.Registry) {
		r.Register("old", "0 0 1 1 *", bubble.Sleepy(time.Second))
	}, func(c *crew) {
		old, _ := c.hire(contract.WorkerOnly)
		c.register = func(r *cron.Registry) {
			r.Register("old", "0 0 1 1 *", bubble.Sleepy(time.Second))
			r.Register("new", "0 0 1 1 *", bubble.Sleepy(time.Second))
		}
		p, _ := c.hire(contract.SchedulerOnly)
		if _, err := p.Sched.Trigger(context.Background(), "new", scheduler.Request{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		c.counts(p, "new", map[string]int{"queued": 1})
		w, _ := c.hire(contract.WorkerOnly)
		time.Sleep(10 * time.Minute) // either worker may get the ticket, repeatedly
		c.counts(p, "new", map[string]int{"succeeded": 1})
		for _, x := range []*bubble.Program{p, old, w} {
			x.Stop()
		}
	})
}

// A queue that loses tickets, answers or its memory, and one that delivers three times.
func TestQueueMisbehaves(t *testing.T) {
	for name, spoil := range map[string]func(*queue){
		"loses": func(q *queue) {
			seen := map[contract.Ticket]int{}
			q.lose = func(t contract.Ticket) bool { seen[t]++; return seen[t] < 3 }
		},
		"does not reply": func(q *queue) {
			q.noReply.Store(true)
			time.AfterFunc(90*time.Second, func() { q.noReply.Store(false) })
		},
		"delivers thrice": func(q *queue) { q.twice = true },
	} {
		t.Run(name, func(t *testing.T) {
			var made calls
			withQueue(t, func(r *cron.Registry) {
				for _, job := range []string{"a", "b", "c", "d"} {
					r.Register(job, "@every 30s", func(ctx context.Context) error {
						made.count(ctx)
						if rand.IntN(3) == 0 {
							return errors.New("not yet")
						}
						return bubble.Sleepy(time.Duration(rand.IntN(1000)) * time.Millisecond)(ctx)
					}, cron.Overlap(cron.Allow), cron.Retry(20, cron.Fixed(time.Duration(rand.IntN(10))*time.Second)))
				}
			}, func(c *crew) {
				spoil(c.queue)
				p, _ := c.hire("")
				w, _ := c.hire(contract.WorkerOnly)
				time.Sleep(30*time.Minute + 10*time.Second)
				p.Sched.Ready(context.Background())
				for _, job := range []string{"a", "b", "c", "d"} {
					if _, err := p.Sched.Pause(context.Background(), contract.Pause{Job: job}); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(time.Hour)
				for _, job := range []string{"a", "b", "c", "d"} {
					if got := bubble.Counts(p.Runs(job)); got["succeeded"] != 60 || len(got) > 2 {
						t.Errorf("%s: %v, want 60 of 60 succeeded", job, got)
					}
				}
				if list := made.doubled(); list != nil {
					t.Error(list)
				}
				p.Stop()
				w.Stop()
			})
		})
	}
}

// Without the fences of a start the same queue doubles attempts, so the tests above can fail.
func TestQueueNeedsItsFences(t *testing.T) {
	var made calls
	withQueue(t, func(r *cron.Registry) {
		r.Register("job", "@every 30s", func(ctx context.Context) error { made.count(ctx); return bubble.Sleepy(10 * time.Second)(ctx) })
	}, func(c *crew) {
		c.queue.twice = true
		p, l := c.hire("")
		l.unfenced.Store(true)
		w, l := c.hire(contract.WorkerOnly)
		l.unfenced.Store(true)
		time.Sleep(3 * time.Hour) // whether it doubles depends on the order of processes
		if list := made.doubled(); list == nil {
			t.Error("nothing was doubled: the queue of these tests does not deliver twice")
		}
		p.Stop()
		w.Stop()
	})
}

func TestQueueAwayIsNotReady(t *testing.T) {
	withQueue(t, func(r *cron.Registry) {
		r.Register("job", "* * * * *", bubble.Sleepy(time.Second))
	}, func(c *crew) {
		p, _ := c.hire("")
		c.queue.refuse.Store(true)
		time.Sleep(61 * time.Second)
		if err := p.Sched.Ready(context.Background()); err == nil || !strings.Contains(err.Error(), "queue") {
			t.Errorf("ready while the queue refuses: %v", err)
		}
		c.queue.refuse.Store(false)
		time.Sleep(5 * time.Second)
		if err := p.Sched.Ready(context.Background()); err != nil {
			t.Error(err)
		}
		c.counts(p, "job", map[string]int{"succeeded": 1})
		p.Stop()
	})
}

// Processes of every role start and die at random for a day. Every slot ends as one row, and no attempt is made twice.
func TestQueueChaos(t *testing.T) {
	jobs := map[string][]cron.Option{
		"skip":    {cron.OnCrash(cron.Rerun)},
		"allow":   {cron.Overlap(cron.Allow)},
		"queue":   {cron.Overlap(cron.Queue), cron.OnCrash(cron.Rerun)},
		"replace": {cron.Overlap(cron.Replace)},
		"retry":   {cron.Overlap(cron.Allow), cron.Retry(3, cron.Fixed(20*time.Second))},
		"limit-a": {cron.Limit("g", 1)},
		"limit-b": {cron.Limit("g", 1)},
	}
	var made calls
	withQueue(t, func(r *cron.Registry) {
		for name, options := range jobs {
			r.Register(name, "@every 1m", func(ctx context.Context) error {
				made.count(ctx)
				if name == "retry" && rand.IntN(2) == 0 {
					return errors.New("not yet")
				}
				return bubble.Sleepy(time.Duration(rand.IntN(90)) * time.Second)(ctx)
			}, append(options, cron.CatchUp(cron.All))...)
		}
	}, func(c *crew) {
		p, _ := c.hire(contract.SchedulerOnly)
		c.queue.twice = true
		type process struct {
			*bubble.Program
			*wire
		}
		var alive, dead []process
		deaths := 0
		for range 400 {
			roles := []contract.Role{"", contract.WorkerOnly, contract.SchedulerOnly, contract.WorkerOnly}
			if len(alive) < 4 {
				x, l := c.hire(roles[rand.IntN(len(roles))])
				alive = append(alive, process{x, l})
			}
			time.Sleep(time.Duration(rand.IntN(60_000)) * time.Millisecond)
			switch i := rand.IntN(len(alive)); rand.IntN(4) {
			case 0, 1:
				alive[i].die()
				alive[i].Cancel()
				dead = append(dead, alive[i])
				alive = slices.Delete(alive, i, i+1)
				deaths++
			case 2:
				alive[i].Stop()
				alive = slices.Delete(alive, i, i+1)
			}
		}
		w, _ := c.hire("")
		for name := range jobs {
			if _, err := p.Sched.Pause(context.Background(), contract.Pause{Job: name}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * time.Hour)
		slots, ended := 0, map[string]int{}
		for name := range jobs {
			recs := p.Runs(name)
			for i, rec := range recs {
				slots++
				if !rec.Status.Ended() {
					t.Errorf("%s %s is %s", name, rec.ID, rec.Status)
				}
				if i > 0 && rec.Slot.Sub(*recs[i-1].Slot) != time.Minute {
					t.Errorf("%s: between %s and %s slots are missing", name, recs[i-1].Slot, rec.Slot)
				}
				ended[string(rec.Status)]++
			}
		}
		if list := made.doubled(); list != nil {
			t.Errorf("doubled: %v", list)
		}
		t.Logf("%d deaths, %d slots, %d attempts, ended %v: 0 lost, %d doubled", deaths, slots, len(made.n), ended, len(made.doubled()))
		for _, d := range dead {
			<-d.Ended
		}
		for _, a := range alive {
			a.Stop()
		}
		w.Stop()
		p.Stop()
	})
}

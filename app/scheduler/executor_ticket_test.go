package scheduler_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/scheduler"
)

// A run may have several tickets in the queue, of which one is valid. These tests end before a ticket that was wrongly
// void would be sent again.

// The ticket of a released run is still being read when that of its successor arrives.
func TestQueueTicketBesideAnOlderOne(t *testing.T) {
	var made calls
	withQueue(t, func(r *cron.Registry) {
		r.Register("job", "0 0 1 1 *", func(ctx context.Context) error { made.count(ctx); return nil })
	}, func(c *crew) {
		first, _ := c.hire(contract.SchedulerOnly)
		if _, err := first.Sched.Trigger(context.Background(), "job", scheduler.Request{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		first.Stop()
		p, _ := c.hire(contract.SchedulerOnly)
		time.Sleep(time.Second)
		c.queue.mu.Lock()
		if n := len(c.queue.waiting); n != 2 {
			t.Errorf("%d tickets, want that of the run and that of its being taken over", n)
		} else {
			c.queue.waiting[1].at = time.Now().Add(time.Second)
		}
		c.queue.mu.Unlock()
		w, _ := c.hire(contract.WorkerOnly, func(cfg *scheduler.Config) { cfg.Store.(*wire).look = 2 * time.Second })
		time.Sleep(10 * time.Second)
		c.counts(p, "job", map[string]int{"succeeded": 1})
		if list := made.doubled(); list != nil {
			t.Error(list)
		}
		p.Stop()
		w.Stop()
	})
}

// The ticket of the second attempt arrives in a process that does not know of the first.
func TestQueueTicketOfALaterAttempt(t *testing.T) {
	var made calls
	var then atomic.Pointer[func()]
	withQueue(t, func(r *cron.Registry) {
		r.Register("job", "0 0 1 1 *", func(ctx context.Context) error {
			made.count(ctx)
			if cron.RunFrom(ctx).Attempt() == 1 {
				(*then.Load())()
				return errors.New("not yet")
			}
			return nil
		}, cron.Retry(1, cron.Fixed(time.Millisecond)))
	}, func(c *crew) {
		p, here := c.hire("")
		here.end.deaf.Store(true)
		w, there := c.hire(contract.WorkerOnly)
		swap := func() {
			there.end.deaf.Store(true)
			here.end.deaf.Store(false)
		}
		then.Store(&swap)
		time.Sleep(5*time.Second + 10*time.Millisecond) // p has just polled which of its runs others have started
		if _, err := p.Sched.Trigger(context.Background(), "job", scheduler.Request{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		c.counts(p, "job", map[string]int{"succeeded": 1})
		if list := made.doubled(); list != nil {
			t.Error(list)
		}
		p.Stop()
		w.Stop()
	})
}

// The ticket of a run that was taken over arrives in the process that lost it, while its function still runs.
func TestQueueTicketOfALostRun(t *testing.T) {
	for name, heard := range map[string]bool{"that it does not know of": false, "that it knows of": true} {
		t.Run(name, func(t *testing.T) {
			var made calls
			withQueue(t, func(r *cron.Registry) {
				r.Register("job", "0 0 1 1 *", func(ctx context.Context) error {
					made.count(ctx)
					if cron.RunFrom(ctx).Attempt() == 1 {
						time.Sleep(130 * time.Second) // ignores its context
					}
					return nil
				}, cron.OnCrash(cron.Rerun))
			}, func(c *crew) {
				p, _ := c.hire(contract.SchedulerOnly)
				w, l := c.hire(contract.WorkerOnly)
				if _, err := p.Sched.Trigger(context.Background(), "job", scheduler.Request{}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Second)
				l.off.Store(true)
				time.Sleep(50 * time.Second)
				c.counts(p, "job", map[string]int{"queued": 1})
				if heard {
					l.off.Store(false)
					time.Sleep(60 * time.Second)
					c.counts(p, "job", map[string]int{"queued": 1}) // a process holds a run only once
					time.Sleep(15 * time.Second)                    // its function has returned
					c.counts(p, "job", map[string]int{"succeeded": 1})
				} else {
					l.end.deaf.Store(true)
					w2, _ := c.hire(contract.WorkerOnly)
					time.Sleep(5 * time.Second)
					c.counts(p, "job", map[string]int{"succeeded": 1})
					w2.Stop()
					l.off.Store(false)
					time.Sleep(75 * time.Second)
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

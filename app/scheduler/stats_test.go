package scheduler_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/internal/bubble"
	"fibercrons/app/scheduler"
)

func TestPulse(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		deaf := make(chan struct{})
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
			r.Register("deaf", "* * * * *", func(context.Context) error { <-deaf; return nil }, cron.Timeout(10*time.Second))
			r.Register("long", "* * * * *", bubble.Sleepy(time.Hour), cron.Overlap(cron.Queue))
			r.Register("off", "* * * * *", idleJob, cron.Only("elsewhere"))
			r.Register("office", "0 9 * * MON-FRI", idleJob)
			r.Register("once", "@at 2000-01-01T00:00:30Z", idleJob)
		}, func(c *scheduler.Config) { c.Workers = 5 })
		jobs := func(pulse contract.Stats) map[string]contract.JobStats {
			m := map[string]contract.JobStats{}
			for _, j := range pulse.Jobs {
				m[j.Name] = j
			}
			return m
		}
		at := func(s string) time.Time {
			v, err := time.Parse(time.RFC3339, s)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		time.Sleep(time.Minute + 5500*time.Millisecond) // between two ticks
		synctest.Wait()
		now := p.Sched.Stats()
		if now.Workers != 5 || now.Busy != 2 || now.Running != 2 || now.Waiting != 0 || now.Overdue != 0 {
			t.Errorf("after a minute: %+v", now)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		now = p.Sched.Stats()
		if now.Busy != 2 || now.Running != 2 || now.Waiting != 1 || now.Overdue != 1 {
			t.Errorf("after two minutes: %+v", now)
		}
		if age := time.Since(now.TickedAt); age < 0 || age > time.Second {
			t.Errorf("the clock was looked at %s ago", age)
		}
		for name, want := range map[string]contract.JobStats{
			"deaf":   {Name: "deaf", Enabled: true, Next: at("2000-01-01T00:03:00Z"), Gap: time.Minute},
			"off":    {Name: "off"},
			"office": {Name: "office", Enabled: true, Next: at("2000-01-03T09:00:00Z"), Gap: 3 * 24 * time.Hour},
			"once":   {Name: "once", Enabled: true},
		} {
			if got := jobs(now)[name]; got != want {
				t.Errorf("%s: %+v, want %+v", name, got, want)
			}
		}
		if _, err := p.Sched.Reschedule(t.Context(), "office", "@hourly", "", "test"); err != nil {
			t.Fatal(err)
		}
		if got := jobs(p.Sched.Stats())["office"]; got.Gap != time.Hour {
			t.Errorf("rescheduled: %+v", got)
		}
		close(deaf)
		p.Stop()
		if after := p.Sched.Stats(); !after.TickedAt.IsZero() || after.Running != 0 || after.Busy != 0 {
			t.Errorf("stopped: %+v", after)
		}
	})
}

func TestClaimsAreMeasured(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		var mu sync.Mutex
		var total contract.ClaimCall
		measure := func(c *scheduler.Config) {
			c.Claimed = func(call contract.ClaimCall) {
				mu.Lock()
				defer mu.Unlock()
				total.Won, total.Lost = total.Won+call.Won, total.Lost+call.Lost
				if call.Err != nil {
					total.Err = call.Err
				}
			}
		}
		store := crontest.NewMemory()
		line := &cut{Store: store}
		register := func(r *cron.Registry) { r.Register("busy", "* * * * *", idleJob) }
		a, b := bubble.Start(t, store, register, measure), bubble.Start(t, line, register, measure)
		time.Sleep(10*time.Minute + time.Second)
		mu.Lock()
		if total.Won != 10 || total.Lost != 10 || total.Err != nil {
			t.Errorf("two processes, ten slots: %+v", total)
		}
		mu.Unlock()
		line.off.Store(true)
		time.Sleep(time.Minute)
		mu.Lock()
		if !errors.Is(total.Err, errCut) {
			t.Errorf("without the store: %v", total.Err)
		}
		mu.Unlock()
		line.off.Store(false)
		if _, err := a.Sched.Trigger(t.Context(), "busy", scheduler.Request{}); err != nil {
			t.Fatal(err)
		}
		a.Stop()
		b.Stop()
		mu.Lock()
		defer mu.Unlock()
		if total.Won != 12 {
			t.Errorf("with a run by hand: %+v", total)
		}
	})
}

func TestCauseOfAnEnd(t *testing.T) {
	for _, test := range []struct {
		name string
		fn   cron.Func
		want string
	}{
		{"succeeds", idleJob, ""},
		{"fails", func(context.Context) error { return errors.New("out of paper") }, cron.CauseError},
		{"panics", func(context.Context) error { panic("out of paper") }, cron.CausePanic},
		{"hangs", bubble.Sleepy(time.Hour), cron.CauseTimeout},
	} {
		crontest.Bubble(t, func(t *testing.T) {
			p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
				r.Register(test.name, "* * * * *", test.fn, cron.Timeout(time.Second))
			})
			time.Sleep(time.Minute + 2*time.Second)
			rec := p.Runs(test.name)[0]
			if got := rec.Cause(); got != test.want {
				t.Errorf("%s: %q, want %q", test.name, got, test.want)
			}
			p.Stop()
		})
	}
	skipped := cron.Record{Status: cron.Skipped, Reason: cron.ReasonOverlap, Error: "an earlier run had not ended"}
	if got := skipped.Cause(); got != "overlap" {
		t.Errorf("skipped: %q", got)
	}
}

func idleJob(context.Context) error { return nil }

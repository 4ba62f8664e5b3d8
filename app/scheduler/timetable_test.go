package scheduler_test

import (
	"errors"
	"maps"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/internal/bubble"
	"fibercrons/app/scheduler"
)

func TestRescheduleHoldsEverywhereAndOverRestarts(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		store := crontest.NewMemory()
		register := func(r *cron.Registry) { r.Register("job", "0 * * * *", bubble.Nothing, cron.CatchUp(cron.All)) }
		p, other := bubble.Start(t, store, register), bubble.Start(t, store, register)
		time.Sleep(30 * time.Minute)
		v, err := p.Sched.Reschedule(t.Context(), "job", "*/10 * * * *", "", "ann")
		if err != nil || v.Expr != "*/10 * * * *" || v.NextRun.Minute() != 40 {
			t.Fatalf("%+v, %v", v, err)
		}
		p.Stop() // the other process must know
		time.Sleep(31 * time.Minute)
		if got := bubble.Counts(other.Runs("job")); !maps.Equal(got, map[string]int{"succeeded": 3}) { // 00:40 to 01:00, the last by both schedules
			t.Errorf("on the other process: %v", got)
		}
		other.Stop()
		p = bubble.Start(t, store, register)
		time.Sleep(20 * time.Minute)
		if d, err := p.Sched.Job(t.Context(), "job"); err != nil || d.Override == nil || d.Override.By != "ann" || d.Expr != "*/10 * * * *" {
			t.Errorf("after a restart: %+v, %v", d, err)
		}
		if _, err := p.Sched.Reschedule(t.Context(), "job", "", "", "ann"); err != nil {
			t.Fatal(err)
		}
		before := len(p.Runs("job"))
		time.Sleep(90 * time.Minute)
		if n := len(p.Runs("job")) - before; n != 1 {
			t.Errorf("%d runs in 90 minutes of the code's schedule", n)
		}
		var wrong *cron.ArgsError
		if _, err := p.Sched.Reschedule(t.Context(), "job", "61 * * * *", "", "ann"); !errors.As(err, &wrong) {
			t.Errorf("bad expression: %v", err)
		}
		p.Stop()
	})
}

// A process that does not know of an edit yet runs no slot of the old schedule, and settles none of the new one.
func TestRescheduleHoldsAtOnce(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		store := crontest.NewMemory()
		register := func(r *cron.Registry) { r.Register("job", "@every 1s", bubble.Nothing, cron.CatchUp(cron.All)) }
		p, other := bubble.Start(t, store, register), bubble.Start(t, store, register)
		time.Sleep(10*time.Second + 200*time.Millisecond)
		v, err := p.Sched.Reschedule(t.Context(), "job", "@every 700ms", "", "ann")
		if err != nil {
			t.Fatal(err)
		}
		edited := time.Now()
		p.Stop() // the other one has only what it knows
		time.Sleep(10 * time.Second)
		other.Stop()
		slot := *v.NextRun
		for _, r := range other.Runs("job") {
			if r.Slot.Before(edited) {
				continue
			}
			if !r.Slot.Equal(slot) || r.Status != cron.Succeeded || r.QueuedAt.Sub(slot) > time.Second {
				t.Errorf("slot %s %s, queued %s after it; want %s", r.Slot, r.Status, r.QueuedAt.Sub(*r.Slot), slot)
			}
			slot = r.Slot.Add(700 * time.Millisecond)
		}
		if slot.Before(edited.Add(9 * time.Second)) {
			t.Errorf("the slots of the new schedule end at %s", slot)
		}
	})
}

func TestRescheduleNeedsNoServer(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		store := crontest.NewMemory()
		r := cron.NewRegistry()
		r.Register("job", "0 * * * *", bubble.Nothing)
		jobs, err := r.Jobs(bubble.Defaults)
		if err != nil {
			t.Fatal(err)
		}
		cli := scheduler.New(scheduler.Config{Store: store, Jobs: jobs})
		if _, err := cli.Reschedule(t.Context(), "job", "*/10 * * * *", "", "ann"); err != nil {
			t.Fatal(err)
		}
		if _, err := cli.Pause(t.Context(), contract.Pause{Job: "job"}); err != nil {
			t.Fatal(err)
		}
		if err := cli.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

package scheduler_test

import (
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/internal/bubble"
	"fibercrons/app/scheduler"
)

// TestCatchUp stops a scheduler at 00:00:30 for a while and checks what happens to the slots. Bubbles begin at midnight
// UTC, 2000-01-01.
func TestCatchUp(t *testing.T) {
	tests := []struct {
		name    string
		expr    string
		options []cron.Option
		down    time.Duration
		want    map[string]int // of all slots up to the restart
		late    int            // runs by catch-up
	}{
		{"nothing missed", "* * * * *", nil, 20 * time.Second, map[string]int{}, 0},
		{"latest is the default", "* * * * *", nil, 10 * time.Minute, map[string]int{"succeeded": 1, "skipped superseded": 9}, 1},
		{"latest of one", "* * * * *", nil, time.Minute, map[string]int{"succeeded": 1}, 1},
		{"none", "* * * * *", []cron.Option{cron.CatchUp(cron.None)}, 10 * time.Minute, map[string]int{"skipped missed": 10}, 0},
		{"all", "* * * * *", []cron.Option{cron.CatchUp(cron.All)}, 10 * time.Minute, map[string]int{"succeeded": 10}, 10},
		{"all, capped", "* * * * *", []cron.Option{cron.CatchUp(cron.All, cron.AtMost(3))}, 10 * time.Minute, map[string]int{"succeeded": 3, "skipped missed": 7}, 3},
		{"window of the job", "* * * * *", []cron.Option{cron.CatchUp(cron.All, cron.Within(5*time.Minute))}, 10 * time.Minute, map[string]int{"succeeded": 5, "skipped missed": 1}, 5},
		{"default window is an hour", "*/10 * * * *", []cron.Option{cron.CatchUp(cron.All)}, 3 * time.Hour, map[string]int{"succeeded": 6, "skipped missed": 1}, 6},
		{"window of nothing", "* * * * *", []cron.Option{cron.CatchUp(cron.All, cron.Within(0))}, 10 * time.Minute, map[string]int{"skipped missed": 1}, 0},
		{"start deadline passed", "* * * * *", []cron.Option{cron.StartWithin(10 * time.Second)}, 10 * time.Minute, map[string]int{"skipped superseded": 9, "skipped late": 1}, 0},
		{"many slots", "@every 1s", nil, 20 * time.Minute, map[string]int{"succeeded": 30 + 1, "skipped superseded": 20*60 - 1}, 0},
		{"two schedules, one slot", "*/2 * * * *", []cron.Option{cron.Also("*/3 * * * *"), cron.CatchUp(cron.All)}, 6 * time.Minute, map[string]int{"succeeded": 4}, 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			crontest.Bubble(t, func(t *testing.T) {
				store := crontest.NewMemory()
				register := func(r *cron.Registry) { r.Register("job", tt.expr, bubble.Nothing, tt.options...) }
				p := bubble.Start(t, store, register)
				time.Sleep(30*time.Second + time.Millisecond)
				p.Stop()
				time.Sleep(tt.down)
				p = bubble.Start(t, store, register)
				time.Sleep(500 * time.Millisecond)
				synctest.Wait()
				recs := p.Runs("job")
				if got := bubble.Counts(recs); !maps.Equal(got, tt.want) {
					t.Errorf("%v, want %v", got, tt.want)
				}
				late := 0
				for i, r := range recs {
					if r.Trigger == cron.ByCatchUp {
						late++
					}
					if i > 0 && !recs[i-1].Slot.Before(*r.Slot) {
						t.Errorf("slot %v is recorded after %v", r.Slot, recs[i-1].Slot)
					}
				}
				if late != tt.late {
					t.Errorf("%d ran by catch-up, want %d", late, tt.late)
				}
				p.Stop()
			})
		})
	}
}

func TestHistoryBeginsAtRegistration(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		store := crontest.NewMemory()
		p := bubble.Start(t, store, func(r *cron.Registry) { r.Register("old", "* * * * *", bubble.Nothing) })
		time.Sleep(30 * time.Second)
		p.Stop()
		time.Sleep(10 * time.Minute)
		p = bubble.Start(t, store, func(r *cron.Registry) {
			r.Register("old", "*/2 * * * *", bubble.Nothing) // edited: no back-fill
			r.Register("new", "* * * * *", bubble.Nothing)
		})
		time.Sleep(time.Second)
		for _, job := range []string{"old", "new"} {
			if recs := p.Runs(job); len(recs) != 0 {
				t.Errorf("%s: %v, want no slot from before", job, bubble.Counts(recs))
			}
		}
		p.Stop()
	})
}

func TestRemovedJobKeepsItsState(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		store := crontest.NewMemory()
		both := func(r *cron.Registry) {
			r.Register("stays", "* * * * *", bubble.Nothing)
			r.Register("goes", "* * * * *", bubble.Nothing)
		}
		p := bubble.Start(t, store, both)
		time.Sleep(2*time.Minute + time.Second)
		p.Stop()
		p = bubble.Start(t, store, func(r *cron.Registry) { r.Register("stays", "* * * * *", bubble.Nothing) })
		states, err := store.States(t.Context(), "goes")
		if err != nil || states["goes"].RemovedAt.IsZero() || states["goes"].Runs != 2 {
			t.Errorf("state of the removed job: %+v, %v", states["goes"], err)
		}
		if recs := p.Runs("goes"); len(recs) != 2 {
			t.Errorf("%d runs kept, want 2", len(recs))
		}
		p.Stop()
		p = bubble.Start(t, store, both)
		if states, _ := store.States(t.Context(), "goes"); !states["goes"].RemovedAt.IsZero() {
			t.Error("still marked removed after it came back")
		}
		p.Stop()
	})
}

func TestPausedSlotsAreRecordedAndNotCaughtUp(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		store := crontest.NewMemory()
		register := func(r *cron.Registry) { r.Register("job", "* * * * *", bubble.Nothing, cron.CatchUp(cron.All)) }
		p := bubble.Start(t, store, register)
		time.Sleep(30 * time.Second)
		until := time.Now().Add(5 * time.Minute)
		if v, err := p.Sched.Pause(t.Context(), contract.Pause{Job: "job", Reason: "deploy", Actor: "ann", Until: until}); err != nil || v.Status != contract.JobPaused || !v.NextRun.Equal(until.Truncate(time.Minute).Add(time.Minute)) {
			t.Fatalf("%+v, %v", v, err)
		}
		time.Sleep(2 * time.Minute)
		p.Stop() // the pause survives a restart
		p = bubble.Start(t, store, register)
		time.Sleep(8 * time.Minute)
		if got, want := bubble.Counts(p.Runs("job")), map[string]int{"skipped paused": 5, "succeeded": 5}; !maps.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
		if _, err := p.Sched.Trigger(t.Context(), "job", scheduler.Request{}); err != nil {
			t.Errorf("after the pause: %v", err)
		}
		p.Stop()
	})
}

package scheduler_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/scheduler"
)

// replica runs a version of a program until the returned function is called.
func replica(t *testing.T, db contract.Store, jobs func(r *cron.Registry)) (stop func()) {
	t.Helper()
	r := cron.NewRegistry()
	jobs(r)
	return replicaOf(t, db, r, slog.New(slog.DiscardHandler))
}

// replicaThatLogs is replica without jobs.
func replicaThatLogs(t *testing.T, db contract.Store, log *slog.Logger) (stop func()) {
	t.Helper()
	return replicaOf(t, db, cron.NewRegistry(), log)
}

func replicaOf(t *testing.T, db contract.Store, r *cron.Registry, log *slog.Logger) (stop func()) {
	t.Helper()
	list, err := r.Jobs(cron.Defaults{Zone: time.UTC, CatchUpWindow: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	s := scheduler.New(scheduler.Config{Store: db, Jobs: list, Lease: 10 * time.Second, Log: log})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	synctest.Wait()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// During a rollout each slot of a job that both versions have runs once. An edited job follows only the new schedule as
// soon as the first new replica runs. A removed or added job follows the version that has it. The same holds for a
// rollback.
func TestRollingVersions(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		db := crontest.NewMemory()
		var mu sync.Mutex
		ran := map[string][]time.Time{} // by job and version
		did := func(version string) cron.Func {
			return func(ctx context.Context) error {
				run := cron.RunFrom(ctx)
				mu.Lock()
				defer mu.Unlock()
				ran[run.Job()] = append(ran[run.Job()], run.Slot())
				ran[run.Job()+" "+version] = append(ran[run.Job()+" "+version], run.Slot())
				return nil
			}
		}
		one := func(r *cron.Registry) {
			r.Register("same", "@every 1s", did("one"))
			r.Register("edited", "@every 1s", did("one"))
			r.Register("removed", "@every 1s", did("one"))
		}
		two := func(r *cron.Registry) {
			r.Register("same", "@every 1s", did("two"))
			r.Register("edited", "@every 7s", did("two"))
			r.Register("added", "@every 1s", did("two"))
		}
		time.Sleep(500 * time.Millisecond) // between two slots
		began := time.Now()
		var stops []func()
		for range 3 {
			stops = append(stops, replica(t, db, one))
		}
		time.Sleep(10 * time.Second)
		edited := time.Now()
		for i := range stops { // the new one starts, and then the old one stops
			next := replica(t, db, two)
			time.Sleep(5 * time.Second)
			stops[i]()
			stops[i] = next
			time.Sleep(5 * time.Second)
		}
		back := time.Now()
		for i := range stops { // and back again
			next := replica(t, db, one)
			time.Sleep(5 * time.Second)
			stops[i]()
			stops[i] = next
			time.Sleep(5 * time.Second)
		}
		settled := time.Now()
		time.Sleep(10 * time.Second)
		ended := time.Now()
		for _, stop := range stops {
			stop()
		}

		between := func(job string, from, to time.Time) (n int) {
			for _, slot := range ran[job] {
				if slot.After(from) && !slot.After(to) {
					n++
				}
			}
			return n
		}
		for job, slots := range ran {
			seen := map[time.Time]bool{}
			for _, slot := range slots {
				if seen[slot] {
					t.Errorf("%s ran twice for %s", job, slot)
				}
				seen[slot] = true
			}
		}
		seconds := func(from, to time.Time) int { return int(to.Sub(from) / time.Second) }
		if got, want := between("same", began, ended), seconds(began, ended); got != want {
			t.Errorf("the job that stayed ran for %d slots, want %d", got, want)
		}
		if got, want := between("edited", began, edited), seconds(began, edited); got != want {
			t.Errorf("before the edit it ran for %d slots, want %d", got, want)
		}
		if got := between("edited one", edited, back); got != 0 {
			t.Errorf("the old schedule ran for %d slots while the new one held", got)
		}
		if got, want := between("edited two", edited, back), 30/7; got != want {
			t.Errorf("the new schedule ran for %d slots, want %d", got, want)
		}
		if got := between("removed", edited, back); got != 0 {
			t.Errorf("the removed job ran for %d slots", got)
		}
		if got, want := between("added", edited, back), seconds(edited, back); got != want {
			t.Errorf("the added job ran for %d slots, want %d", got, want)
		}
		last := settled.Add(-5 * time.Second) // when the last new replica went; the old ones notice within 3 s
		for _, job := range []string{"edited two", "added"} {
			if got := between(job, last, ended); got != 0 {
				t.Errorf("%s ran for %d slots after the version was put back", job, got)
			}
		}
		for _, job := range []string{"edited one", "removed one"} {
			if got, least := between(job, last, ended), seconds(last.Add(4*time.Second), ended); got < least {
				t.Errorf("%s ran for %d slots after the version was put back, want %d at least", job, got, least)
			}
		}
		if t.Failed() {
			t.Log(fmt.Sprint(ran))
		}
	})
}

package scheduler_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
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

// slowlyAway is a store whose claims, while it is away, fail after a while.
type slowlyAway struct {
	contract.Store
	away atomic.Bool
}

func (s *slowlyAway) Claim(ctx context.Context, claims []contract.Claim) ([]contract.Claimed, error) {
	if s.away.Load() {
		time.Sleep(100 * time.Millisecond)
		return nil, errors.New("away")
	}
	return s.Store.Claim(ctx, claims)
}

// What waits in the backlog begins as soon as one claim has succeeded, and not when all jobs are checked next.
func TestTheBacklogBeginsWhenClaimsSucceedAgain(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		time.Sleep(300 * time.Millisecond) // all jobs are checked at 0.3 s of each second
		store := &slowlyAway{Store: crontest.NewMemory()}
		var started atomic.Int32
		p := bubble.Start(t, store, func(r *cron.Registry) {
			for _, name := range strings.Fields("a b c d e f g h") {
				r.Register(name, "0 * * * * *", func(context.Context) error { started.Add(1); return nil })
			}
			r.Register("second", "1 1 * * * *", bubble.Sleepy(time.Minute))
		}, func(c *scheduler.Config) { c.Workers = 4 })
		time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute - 50*time.Millisecond)))
		store.away.Store(true)
		time.Sleep(900 * time.Millisecond) // 60.85: the claims of 60.0 and 60.3 have failed
		store.away.Store(false)
		time.Sleep(200 * time.Millisecond) // 61.05: that of the job "second" has not
		synctest.Wait()
		if got := started.Load(); got == 0 {
			t.Error("claims succeed again and workers are free, but nothing that is due has begun")
		}
		p.Stop()
	})
}

// An override that is made while the scheduler starts takes effect.
func TestAnOverrideWhileTheSchedulerStarts(t *testing.T) {
	s := yearly(t)
	err := s.StartSlowly(t.Context(), func() {
		if _, err := s.Reschedule(t.Context(), "a", "* * * * * *", "", "somebody"); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if next := s.NextSlot("a"); time.Until(next) > 2*time.Second {
		t.Errorf("the job is due every second, but its next slot is %s", next)
	}
}

// The age of the last tick does not follow the wall clock: a machine that slept has not stalled.
func TestTheLastTickHasAMonotonicReading(t *testing.T) {
	s := yearly(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	for s.Stats().TickedAt.IsZero() {
		time.Sleep(time.Millisecond)
	}
	if at := s.Stats().TickedAt; !strings.Contains(at.String(), "m=") {
		t.Errorf("%s: no monotonic reading", at)
	}
}

func yearly(t *testing.T) *scheduler.Scheduler {
	t.Helper()
	r := cron.NewRegistry()
	r.Register("a", "0 0 1 1 *", func(context.Context) error { return nil })
	jobs, err := r.Jobs(cron.Defaults{Zone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	return scheduler.New(scheduler.Config{Store: crontest.NewMemory(), Jobs: jobs, Log: slog.New(slog.DiscardHandler)})
}

package scheduler_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/scheduler"
)

// mumbling is a store that loses the answer to the first takeover.
type mumbling struct {
	*crontest.Memory
	lost atomic.Bool
}

func (m *mumbling) Take(ctx context.Context, takes []contract.Take) ([]bool, error) {
	done, err := m.Memory.Take(ctx, takes)
	if err == nil && m.lost.CompareAndSwap(false, true) {
		return nil, errors.New("the answer is lost")
	}
	return done, err
}

// A waiting run of a dead process runs even if the answer to its takeover was lost.
func TestTakenWithoutAnswerRuns(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		const lease = 3 * time.Second
		db := &mumbling{Memory: crontest.NewMemory()}
		reg := cron.NewRegistry()
		calls := 0
		reg.Register("a", "0 0 1 1 *", func(context.Context) error { calls++; return nil })
		jobs, err := reg.Jobs(cron.Defaults{Zone: time.UTC})
		if err != nil {
			t.Fatal(err)
		}
		s := scheduler.New(scheduler.Config{Store: db, Jobs: jobs, Lease: lease, Log: slog.New(slog.DiscardHandler)})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		synctest.Wait()
		claim := contract.Claim{
			Fence: contract.Fence{ID: "01", Token: 1}, Job: "a", Trigger: cron.ByHand, Status: cron.Queued,
			Overlap: cron.Allow, Instance: "dead", Lease: time.Second, At: time.Now(),
		}
		if got, err := db.Claim(ctx, []contract.Claim{claim}); err != nil || !got[0].Won {
			t.Fatal(got, err)
		}
		time.Sleep(10 * lease)
		rec, err := db.Run(ctx, "01")
		if err != nil {
			t.Fatal(err)
		}
		if !db.lost.Load() || calls != 1 || rec.Status != cron.Succeeded {
			t.Errorf("the run was called %d times and is %s: %s", calls, rec.Status, rec.Error)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

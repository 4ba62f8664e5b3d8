package scheduler_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/scheduler"
)

// clocked is a store whose clock is behind that of the processes.
type clocked struct {
	*crontest.Memory
	behind time.Duration
	mu     sync.Mutex
	asked  int
}

func (c *clocked) Claim(ctx context.Context, claims []contract.Claim) ([]contract.Claimed, error) {
	now := time.Now().Add(-c.behind)
	var due []contract.Claim
	out := make([]contract.Claimed, len(claims))
	var at []int
	c.mu.Lock()
	c.asked += len(claims)
	c.mu.Unlock()
	for i, claim := range claims {
		if early := claim.Slot.Sub(now); early > 0 {
			out[i].Early = early
		} else {
			due, at = append(due, claim), append(at, i)
		}
	}
	got, err := c.Memory.Claim(ctx, due)
	for i, g := range got {
		out[at[i]] = g
	}
	return out, err
}

// A process with a fast clock starts no slot before the store's clock has reached it, loses none, and does not treat an
// early slot as missed.
func TestFastClockStartsNothingEarly(t *testing.T) {
	for _, behind := range []time.Duration{20 * time.Millisecond, 700 * time.Millisecond, 5 * time.Second, 90 * time.Second} {
		t.Run(behind.String(), func(t *testing.T) {
			crontest.Bubble(t, func(t *testing.T) {
				db := &clocked{Memory: crontest.NewMemory(), behind: behind}
				began := time.Now()
				var mu sync.Mutex
				var slots []time.Time
				reg := cron.NewRegistry()
				reg.Register("a", "*/10 * * * * *", func(ctx context.Context) error {
					run := cron.RunFrom(ctx)
					mu.Lock()
					defer mu.Unlock()
					slots = append(slots, run.Slot())
					if early := run.Slot().Sub(time.Now().Add(-behind)); early > 0 {
						t.Errorf("the slot of %s started %s early", run.Slot(), early)
					}
					if late := time.Now().Add(-behind).Sub(run.Slot()); late > 10*time.Millisecond {
						t.Errorf("the slot of %s started %s late", run.Slot(), late)
					}
					return nil
				}, cron.CatchUp(cron.None))
				jobs, err := reg.Jobs(cron.Defaults{Zone: time.UTC})
				if err != nil {
					t.Fatal(err)
				}
				s := scheduler.New(scheduler.Config{Store: db, Jobs: jobs})
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error)
				go func() { done <- s.Run(ctx) }()
				time.Sleep(5*time.Minute + behind)
				cancel()
				if err := <-done; err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				if len(slots) < 29 {
					t.Errorf("%d of 30 slots ran", len(slots))
				}
				for i, slot := range slots {
					if i > 0 && slot.Sub(slots[i-1]) != 10*time.Second {
						t.Errorf("after %s came %s", slots[i-1], slot)
					}
				}
				if db.asked > 3*len(slots)+3 {
					t.Errorf("%d claims for %d slots since %s", db.asked, len(slots), began)
				}
			})
		})
	}
}

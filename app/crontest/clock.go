package crontest

import (
	"context"
	"log/slog"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/scheduler"
)

// Walk runs a registered job on a real scheduler for a period of fake time and returns its runs, oldest first: every
// slot after the start of the period, including its end. Retries, timeouts, overlap and catch-up work as in the
// program. A run that is active at the end is returned as running, and then cancelled. Besides the job's own work, a
// day takes some tenths of a second, because the scheduler checks the clock every second.
//
// Walk uses a bubble of testing/synctest. Whatever the job waits for must be created inside of it, for example by
// [Context]. Walk cannot be called in another bubble.
func Walk(t *testing.T, job string, stretch time.Duration, options ...Option) []cron.Record {
	t.Helper()
	var records []cron.Record
	Bubble(t, func(t *testing.T) {
		t.Helper()
		records = walk(t, job, stretch, options)
	})
	return records
}

func walk(t *testing.T, job string, stretch time.Duration, options []Option) []cron.Record {
	t.Helper()
	s, j := arrange(t, job, options, nil, "From")
	switch wait := time.Until(s.from); {
	case s.from.IsZero():
	case wait < 0:
		t.Fatalf("crontest: a walk cannot start at %s, before %s", s.from, time.Now().UTC())
	default:
		time.Sleep(wait)
	}
	defer listen()()

	store := NewMemory()
	store.keep = math.MaxInt / 4
	sched := scheduler.New(scheduler.Config{
		Store: store, Jobs: []*cron.Job{j}, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
		Context: func(ctx context.Context) context.Context {
			if s.context != nil {
				ctx = s.context(ctx)
			}
			return context.WithValue(ctx, testKey{}, t)
		},
	})
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- sched.Run(ctx) }()
	time.Sleep(stretch)
	synctest.Wait()
	records, err := sched.Store().Runs(ctx, contract.Query{Job: job, Limit: math.MaxInt})
	stop()
	if e := <-ended; err == nil {
		err = e
	}
	if err != nil {
		t.Fatalf("crontest: walk job %q: %v", job, err)
	}
	slices.Reverse(records)
	return records
}

// Package bubble runs schedulers in bubbles of fake time (testing/synctest), for our own tests.
package bubble

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/feed"
	"fibercrons/app/ops"
	"fibercrons/app/scheduler"
)

// Program is a scheduler with jobs on a store, to be run in a synctest bubble.
type Program struct {
	T      *testing.T
	Store  contract.Store
	Sched  ops.Crons
	Feed   *feed.Feed
	Cancel context.CancelFunc // asks it to end
	Ended  chan error         // receives what Run has returned
}

// Defaults are those of its jobs.
var Defaults = cron.Defaults{CatchUpWindow: time.Hour, KeepRuns: 1000, Env: "test"}

// Start runs a scheduler with what register declares, on store.
func Start(t *testing.T, store contract.Store, register func(r *cron.Registry), change ...func(*scheduler.Config)) *Program {
	t.Helper()
	r := cron.NewRegistry()
	register(r)
	jobs, err := r.Jobs(Defaults)
	if err != nil {
		t.Fatal(err)
	}
	cfg := scheduler.Config{Store: store, Jobs: jobs, Log: slog.New(slog.DiscardHandler), Grace: 10 * time.Second}
	for _, c := range change {
		c(&cfg)
	}
	p := &Program{T: t, Store: store, Sched: ops.New(cfg), Ended: make(chan error, 1)}
	p.Feed = feed.New(p.Sched)
	var ctx context.Context
	ctx, p.Cancel = context.WithCancel(t.Context())
	go func() { p.Ended <- p.Sched.Run(ctx) }()
	synctest.Wait()
	return p
}

// Stop asks the scheduler to end and waits for it.
func (p *Program) Stop() {
	p.T.Helper()
	p.Cancel()
	if err := <-p.Ended; err != nil {
		p.T.Fatalf("Run: %v", err)
	}
}

// Runs returns the records of a job, oldest first.
func (p *Program) Runs(job string) []cron.Record {
	p.T.Helper()
	recs, err := p.Sched.Records(context.Background(), contract.Query{Job: job, Limit: 100000})
	if err != nil {
		p.T.Fatal(err)
	}
	slices.Reverse(recs)
	return recs
}

// Subscribe opens the stream of what happens, after a place in it.
func (p *Program) Subscribe(after string) *feed.Subscription {
	p.T.Helper()
	sub, err := p.Feed.Subscribe(p.T.Context(), after)
	if err != nil {
		p.T.Fatal(err)
	}
	return sub
}

// Counts sums up records by status and reason.
func Counts(recs []cron.Record) map[string]int {
	m := map[string]int{}
	for _, r := range recs {
		key := string(r.Status)
		if r.Reason != "" {
			key += " " + string(r.Reason)
		}
		m[key]++
	}
	return m
}

// Nothing is a job that does nothing.
func Nothing(context.Context) error { return nil }

// Sleepy waits d, or until its context ends.
func Sleepy(d time.Duration) cron.Func {
	return func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d):
			return nil
		}
	}
}

package feed_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/feed"
	"fibercrons/app/internal/bubble"
	"fibercrons/app/scheduler"
)

// watched counts queries and can fail.
type watched struct {
	contract.Store
	still   atomic.Bool // the stamp does not change
	broken  atomic.Bool
	stamps  atomic.Int64
	glances atomic.Int64
}

func (w *watched) Stamp(ctx context.Context) (int64, error) {
	w.stamps.Add(1)
	if w.broken.Load() {
		return 0, errors.New("the store is away")
	}
	if w.still.Load() {
		return 1 << 40, nil
	}
	return w.Store.Stamp(ctx)
}

func (w *watched) Summarize(ctx context.Context, after contract.Position, limit int) (contract.Summary, error) {
	w.glances.Add(1)
	return w.Store.Summarize(ctx, after, limit)
}

// drain returns the changes within d, as "kind job", and the last ID.
func drain(t *testing.T, sub *feed.Subscription, d time.Duration) (told []string, last string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	for {
		changes, err := sub.Next(ctx)
		if err != nil {
			return told, last
		}
		for _, c := range changes {
			told, last = append(told, strings.TrimSpace(string(c.Kind)+" "+c.Job)), c.ID
		}
	}
}

func TestStreamCostsNothingUnheard(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		store := &watched{Store: crontest.NewMemory()}
		p := bubble.Start(t, store, func(r *cron.Registry) { r.Register("job", "@every 1s", bubble.Nothing) })
		time.Sleep(10 * time.Second)
		if n := store.stamps.Load() + store.glances.Load(); n != 0 {
			t.Errorf("%d questions, and nobody listens", n)
		}

		store.still.Store(true) // as in a database without writes
		sub := p.Subscribe("")
		stamps, glances := store.stamps.Load(), store.glances.Load()
		time.Sleep(10*time.Second + time.Millisecond)
		if n := store.glances.Load() - glances; n != 0 {
			t.Errorf("%d glances at a store in which nothing has changed", n)
		}
		// One a second, and at most two for what this process does in that second.
		if n := store.stamps.Load() - stamps; n < 10 || n > 40 {
			t.Errorf("%d stamps in ten seconds", n)
		}

		sub.Close()
		sub.Close() // the second call does nothing
		time.Sleep(2 * time.Minute)
		stamps = store.stamps.Load()
		time.Sleep(time.Minute)
		if n := store.stamps.Load() - stamps; n != 0 {
			t.Errorf("%d questions after the last one has left", n)
		}
		p.Stop()
	})
}

func TestStreamTellsEveryAttempt(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		calls := 0
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
			r.Register("twice", "@yearly", func(context.Context) error {
				if calls++; calls < 3 {
					return errors.New("not yet")
				}
				return nil
			}, cron.Retry(3, cron.Fixed(time.Minute)))
		})
		sub := p.Subscribe("")
		defer sub.Close()
		if _, err := p.Sched.Trigger(t.Context(), "twice", scheduler.Request{}); err != nil {
			t.Fatal(err)
		}
		told, _ := drain(t, sub, 5*time.Minute)
		want := "run.started twice, run.queued twice, run.started twice, run.queued twice, run.started twice, run.ended twice"
		if got := strings.Join(told, ", "); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
		p.Stop()
		if _, err := sub.Next(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("after the end: %v", err)
		}
		if _, err := p.Feed.Subscribe(t.Context(), ""); err == nil {
			t.Error("a stream of a scheduler that has stopped")
		}
	})
}

// Changes during an outage of the store are reported after it.
func TestStreamOutlastsTheStore(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		store := &watched{Store: crontest.NewMemory()}
		register := func(r *cron.Registry) { r.Register("job", "@yearly", bubble.Nothing) }
		p, other := bubble.Start(t, store, register), bubble.Start(t, store.Store, register)
		sub := p.Subscribe("")
		defer sub.Close()
		store.broken.Store(true)
		if _, err := other.Sched.Trigger(t.Context(), "job", scheduler.Request{}); err != nil {
			t.Fatal(err)
		}
		if told, _ := drain(t, sub, time.Minute); len(told) != 0 {
			t.Errorf("%q while the store is away", told)
		}
		store.broken.Store(false)
		if told, _ := drain(t, sub, 2*time.Second); strings.Join(told, ", ") != "run.started job, run.ended job" {
			t.Errorf("%q", told)
		}
		p.Stop()
		other.Stop()
	})
}

// A subscriber can resume within a minute; later its position is gone.
func TestStreamKeepsAPlaceForAMinute(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) { r.Register("job", "@yearly", bubble.Nothing) })
		sub := p.Subscribe("")
		at := sub.At()
		sub.Close()
		if _, err := p.Sched.Trigger(t.Context(), "job", scheduler.Request{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Second)
		sub = p.Subscribe(at)
		told, last := drain(t, sub, time.Second)
		if strings.Join(told, ", ") != "run.started job, run.ended job" {
			t.Errorf("%q", told)
		}
		sub.Close()
		time.Sleep(2 * time.Minute)
		sub = p.Subscribe(last)
		if told, _ := drain(t, sub, time.Second); strings.Join(told, ", ") != "reset" {
			t.Errorf("%q", told)
		}
		sub.Close()
		p.Stop()
	})
}

// A slow reader gets a reset and continues; the ring is bounded.
func TestStreamNeverLosesInSilence(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
			for i := range 30 {
				r.Register(fmt.Sprintf("job-%02d", i), "@every 1s", bubble.Nothing)
			}
		})
		slow, fast := p.Subscribe(""), p.Subscribe("")
		told, _ := drain(t, fast, 80*time.Second) // 30 starts and 30 ends a second
		for _, kind := range told {
			if kind == "reset" {
				t.Fatal("the fast one has missed something")
			}
		}
		if len(told) < 79*60 {
			t.Errorf("%d changes", len(told))
		}
		changes, err := slow.Next(t.Context())
		if err != nil || len(changes) != 1 || changes[0].Kind != contract.EventsMissed {
			t.Fatalf("%d changes, %v; want a reset", len(changes), err)
		}
		told, _ = drain(t, slow, 2*time.Second)
		if len(told) < 60 || told[0] == "reset" {
			t.Errorf("%d changes after the reset", len(told))
		}
		slow.Close()
		fast.Close()
		p.Stop()
	})
}

// A run of another process is reported with its record in the store.
func TestStreamOfAnotherProcess(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		store := crontest.NewMemory()
		here, there := bubble.Start(t, store, func(r *cron.Registry) { r.Register("job", "@yearly", bubble.Nothing) }),
			bubble.Start(t, store, func(r *cron.Registry) {
				r.Register("job", "@yearly", func(ctx context.Context) error {
					time.Sleep(2500 * time.Millisecond) // after its start was reported
					cron.RunFrom(ctx).Progress(1, 2, "half")
					time.Sleep(10 * time.Second)
					return nil
				})
			})
		sub := here.Subscribe("")
		defer sub.Close()
		rec, err := there.Sched.Trigger(t.Context(), "job", scheduler.Request{})
		if err != nil {
			t.Fatal(err)
		}
		told, _ := drain(t, sub, 5*time.Second)
		if strings.Join(told, ", ") != "run.started job, run.progress job" {
			t.Errorf("%q", told)
		}
		if _, err := here.Sched.By(contract.Caller{Actor: "tester"}).Pause(t.Context(), contract.Pause{Job: "job", Until: time.Now().Add(20 * time.Second)}); err != nil {
			t.Fatal(err)
		}
		told, _ = drain(t, sub, time.Minute)
		if strings.Join(told, ", ") != "job.paused job, run.ended job, job.resumed job" {
			t.Errorf("%q of run %s", told, rec.ID)
		}
		here.Stop()
		there.Stop()
	})
}

// A deferred run is queued, with its time; then it starts and ends like others, however short it is and whoever runs it,
// or is cancelled at once. In between there is nothing to tell. The runs of a stored schedule name it.
func TestStreamOfStoredSchedules(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		store := &watched{Store: crontest.NewMemory()}
		register := func(r *cron.Registry) { r.Register("job", cron.OnDemand, bubble.Nothing) }
		here, there := bubble.Start(t, store, register), bubble.Start(t, store.Store, register)
		ask := func(in time.Duration) cron.Record {
			t.Helper()
			rec, err := there.Sched.Trigger(t.Context(), "job", scheduler.Request{At: time.Now().Add(in)})
			if err != nil {
				t.Fatal(err)
			}
			return rec
		}
		before := ask(10 * time.Minute)
		sub := here.Subscribe("")
		defer sub.Close()
		heard := func(d time.Duration, want ...string) {
			t.Helper()
			var got []string
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			for {
				changes, err := sub.Next(ctx)
				if err != nil {
					break
				}
				for _, c := range changes {
					var rec cron.Record
					if err := json.Unmarshal(c.Data, &rec); err != nil {
						t.Fatal(err)
					}
					if c.Kind == contract.RunQueued && !rec.Deferred && rec.NextAt == nil {
						continue // its time has come, and it was seen before it started
					}
					line := fmt.Sprintf("%s %s %s", c.Kind, rec.Status, rec.ScheduleID())
					if rec.NextAt != nil {
						line += time.Until(*rec.NextAt).Round(time.Minute).String()
					}
					got = append(got, strings.TrimSpace(line))
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
		}
		one, other := ask(20*time.Minute), ask(30*time.Minute)
		heard(3*time.Second, "run.queued queued 20m0s", "run.queued queued 30m0s")
		heard(5 * time.Minute)
		by := there.Sched.By(contract.Caller{Actor: "ann"})
		for _, id := range []string{one.ID, before.ID} { // one that was there before anybody listened, too
			if _, err := by.Cancel(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		heard(3*time.Second, "run.ended cancelled", "run.ended cancelled")
		if rec, err := store.Run(t.Context(), other.ID); err != nil || !rec.Deferred {
			t.Errorf("%+v, %v", rec, err)
		}
		store.still.Store(true) // no other commit
		time.Sleep(20 * time.Minute)
		if n := store.glances.Load(); n > 1000 {
			t.Errorf("%d glances", n)
		}
		store.still.Store(false)
		heard(10*time.Minute, "run.started running", "run.ended succeeded")
		_, err := by.PutSchedules(t.Context(), []scheduler.PutSchedule{{Schedule: cron.Schedule{ID: "t/1", Job: "job", Expr: "@every 1h"}}})
		if err != nil {
			t.Fatal(err)
		}
		heard(time.Hour, "run.started running t/1", "run.ended succeeded t/1")
		here.Stop()
		there.Stop()
	})
}

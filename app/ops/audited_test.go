package ops_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/internal/bubble"
	"fibercrons/app/ops"
	"fibercrons/app/scheduler"
)

// asked records the queries that could make a list slow.
type asked struct {
	contract.Store
	mu    sync.Mutex
	calls []string
}

func (a *asked) note(call string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, call)
}

func (a *asked) States(ctx context.Context, names ...string) (map[string]contract.State, error) {
	a.note("States")
	return a.Store.States(ctx, names...)
}

func (a *asked) Outline(ctx context.Context) (map[string]contract.State, error) {
	a.note("Outline")
	return a.Store.Outline(ctx)
}

func (a *asked) Runs(ctx context.Context, q contract.Query) ([]cron.Record, error) {
	a.note("Runs")
	return a.Store.Runs(ctx, q)
}

// A list is one query, whatever the number of jobs and the filter.
func TestListIsOneQuery(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		store := &asked{Store: crontest.NewMemory()}
		p := bubble.Start(t, store, func(r *cron.Registry) {
			for _, name := range []string{"a", "b", "c", "d"} {
				r.Register(name, "* * * * *", bubble.Nothing, cron.Tags("all"))
			}
		})
		for _, f := range []ops.Filter{{}, {Tag: "all"}, {Status: contract.JobScheduled}, {Search: "a"}} {
			store.calls = nil
			if _, err := p.Sched.Jobs(t.Context(), f); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(store.calls, " "); got != "Outline" {
				t.Errorf("%+v asks for %s", f, got)
			}
		}
		p.Stop()
	})
}

// A listing is valid until the next slot of any job or the end of a pause.
func TestListSaysHowLongItHolds(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) { // starts at midnight
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
			r.Register("daily", "0 3 * * *", bubble.Nothing)
			r.Register("yearly", "@yearly", bubble.Nothing)
		})
		holds := func(f ops.Filter, want time.Duration) {
			t.Helper()
			list, err := p.Sched.List(t.Context(), f)
			if got := time.Until(list.Until); err != nil || got != want {
				t.Errorf("%+v holds for %s, want %s (%v)", f, got, want, err)
			}
		}
		holds(ops.Filter{}, 3*time.Hour)
		holds(ops.Filter{Search: "yearly"}, 24*time.Hour)
		pause := contract.Pause{Job: "yearly", Until: time.Now().Add(time.Hour)}
		if _, err := p.Sched.Pause(t.Context(), pause); err != nil {
			t.Fatal(err)
		}
		holds(ops.Filter{}, time.Hour)
		holds(ops.Filter{Status: contract.JobScheduled}, time.Hour) // its end adds the job to that list
		p.Stop()
	})
}

// forgetful cannot write audit entries.
type forgetful struct{ contract.Store }

func (forgetful) Audit(context.Context, contract.AuditEntry) error {
	return errors.New("the disk is full")
}

// A change stands if its audit entry cannot be written, and the error is logged.
func TestChangeOutlivesItsAudit(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		var log strings.Builder
		p := bubble.Start(t, forgetful{crontest.NewMemory()}, func(r *cron.Registry) { r.Register("job", "@yearly", bubble.Nothing) },
			func(c *scheduler.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
		job, err := p.Sched.By(contract.Caller{Actor: "ada"}).Pause(t.Context(), contract.Pause{Job: "job"})
		if err != nil || !job.Paused {
			t.Errorf("%v %v", job, err)
		}
		p.Stop()
		if !strings.Contains(log.String(), "failed to write the audit entry of a change") || !strings.Contains(log.String(), "the disk is full") {
			t.Error(log.String())
		}
	})
}

// A manual run can have the time of a past slot.
func TestTriggerForASlot(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		slot := time.Date(1999, 12, 31, 12, 0, 0, 0, time.UTC)
		got := make(chan time.Time, 1)
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
			r.Register("job", "@yearly", func(ctx context.Context) error { got <- cron.RunFrom(ctx).Slot(); return nil })
		})
		rec, err := p.Sched.Trigger(t.Context(), "job", scheduler.Request{Slot: slot})
		if err != nil || rec.DataSlot == nil || !rec.DataSlot.Equal(slot) || rec.Slot != nil {
			t.Fatalf("%+v %v", rec, err)
		}
		if at := <-got; !at.Equal(slot) {
			t.Errorf("Slot() is %s", at)
		}
		p.Stop()
	})
}

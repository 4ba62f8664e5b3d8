package scheduler_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/internal/bubble"
	"fibercrons/app/scheduler"
)

type reportArgs struct {
	Tenant int           `json:"tenant"`
	Copies int           `json:"copies"`
	Within time.Duration `json:"within"`
}

// heard is what runs of a job have seen of themselves, in order.
type heard struct {
	mu   sync.Mutex
	list []string
}

func (h *heard) job(ctx context.Context) error {
	run := cron.RunFrom(ctx)
	args := cron.ArgsFrom[reportArgs](ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, fmt.Sprintf("%s %s tenant %d", run.Slot().Format("15:04:05"), run.Schedule(), args.Tenant))
	return nil
}

func (h *heard) take() []string {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	list := h.list
	h.list = nil
	return list
}

func (h *heard) expect(t *testing.T, want ...string) {
	t.Helper()
	if got := h.take(); !slices.Equal(got, want) {
		t.Errorf("runs:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func put(t *testing.T, p *bubble.Program, g cron.Schedule) contract.PutOutcome {
	t.Helper()
	results, err := p.Sched.PutSchedules(t.Context(), []scheduler.PutSchedule{{Schedule: g, Actor: "test"}})
	if err != nil {
		t.Fatal(err)
	}
	return results[0].Outcome
}

// A stored schedule fires on time from its Put on, with its own arguments, also within the second of the Put, and until it
// is deleted. An edit counts from the edit.
func TestStoredSchedule(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		var h heard
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
			r.Register("report", cron.OnDemand, h.job, cron.Args(reportArgs{Copies: 1}))
		})
		time.Sleep(2500 * time.Millisecond) // bubbles begin at midnight
		h.expect(t)
		daily := cron.Schedule{ID: "tenant-42/daily", Job: "report", Expr: "@every 1s", Args: reportArgs{Tenant: 42}}
		if got := put(t, p, daily); got != contract.PutCreated {
			t.Errorf("the first put: %s", got)
		}
		time.Sleep(600 * time.Millisecond)
		h.expect(t, "00:00:03 tenant-42/daily tenant 42")
		if got := put(t, p, daily); got != contract.PutUnchanged {
			t.Errorf("the same put: %s", got)
		}
		time.Sleep(1500 * time.Millisecond) // 4.6 s
		h.expect(t, "00:00:04 tenant-42/daily tenant 42")
		daily.Expr, daily.Args = "*/10 * * * * *", json.RawMessage(`{"tenant": 43}`)
		if got := put(t, p, daily); got != contract.PutChanged {
			t.Errorf("another expression: %s", got)
		}
		time.Sleep(20 * time.Second)
		h.expect(t, "00:00:10 tenant-42/daily tenant 43", "00:00:20 tenant-42/daily tenant 43")
		if _, err := p.Sched.DeleteSchedule(t.Context(), daily.ID, 0); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		h.expect(t)
		if _, err := p.Sched.DeleteSchedule(t.Context(), daily.ID, 0); !errors.Is(err, cron.ErrNotFound) {
			t.Errorf("the second deletion: %v", err)
		}
		p.Stop()
	})
}

// Bounds, a limit of runs, one instant and a pause end a schedule's slots.
func TestStoredScheduleEnds(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		var h heard
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
			r.Register("report", cron.OnDemand, h.job, cron.Args(reportArgs{}))
			r.Register("every", cron.OnDemand, h.job, cron.Args(reportArgs{}), cron.CatchUp(cron.All))
		})
		began := time.Now()
		at := began.Add
		put(t, p, cron.Schedule{ID: "bounds", Job: "report", Expr: "@every 10s", From: at(20 * time.Second), Until: at(40 * time.Second)})
		put(t, p, cron.Schedule{ID: "twice", Job: "report", Expr: "@every 7s", MaxRuns: 2})
		put(t, p, cron.Schedule{ID: "once", Job: "report", Expr: "@at " + at(33*time.Second).UTC().Format(time.RFC3339)})
		put(t, p, cron.Schedule{ID: "paused", Job: "report", Expr: "@every 1s", Paused: true})
		put(t, p, cron.Schedule{ID: "recorded", Job: "every", Expr: "@every 30s", Paused: true})
		time.Sleep(2*time.Minute + time.Millisecond)
		h.expect(t, "00:00:02 twice tenant 0", "00:00:09 twice tenant 0", "00:00:20 bounds tenant 0", "00:00:30 bounds tenant 0",
			"00:00:33 once tenant 0", "00:00:40 bounds tenant 0")
		if got := bubble.Counts(p.Runs("every")); got["skipped paused"] != 4 || len(got) != 1 {
			t.Errorf("slots of a paused schedule whose job catches up all: %v", got)
		}
		if got := bubble.Counts(p.Runs("report")); got["succeeded"] != 6 || len(got) != 1 {
			t.Errorf("other runs: %v", got)
		}
		if _, err := p.Sched.PauseSchedule(t.Context(), contract.PauseSchedule{ID: "paused", Resume: true}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		h.expect(t, "00:02:01 paused tenant 0", "00:02:02 paused tenant 0")
		p.Stop()
	})
}

// A schedule overlaps with itself alone: neither another's slow run nor the job's own holds it up.
func TestStoredSchedulesOverlapAlone(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
			r.Register("slow", "@every 10s", bubble.Sleepy(25*time.Second))
		})
		put(t, p, cron.Schedule{ID: "a", Job: "slow", Expr: "@every 10s"})
		put(t, p, cron.Schedule{ID: "b", Job: "slow", Expr: "@every 10s"})
		time.Sleep(31 * time.Second)
		of := map[string][]cron.Record{}
		for _, rec := range p.Runs("slow") {
			of[rec.ScheduleID()] = append(of[rec.ScheduleID()], rec)
		}
		for _, id := range []string{"", "a", "b"} {
			if got := bubble.Counts(of[id]); got["running"] != 1 || got["skipped overlap"] != 2 {
				t.Errorf("schedule %q: %v", id, got)
			}
		}
		p.Cancel()
		<-p.Ended
	})
}

// Slots that were missed are caught up as the job says, from the store alone.
func TestStoredScheduleCatchesUp(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		var h heard
		store := crontest.NewMemory()
		register := func(r *cron.Registry) {
			r.Register("report", cron.OnDemand, h.job, cron.Args(reportArgs{}), cron.CatchUp(cron.All))
			r.Register("other", cron.OnDemand, h.job, cron.Args(reportArgs{}))
		}
		p := bubble.Start(t, store, register)
		put(t, p, cron.Schedule{ID: "a", Job: "report", Expr: "@every 1m"})
		put(t, p, cron.Schedule{ID: "b", Job: "other", Expr: "@every 1m"})
		time.Sleep(time.Second)
		p.Stop()
		time.Sleep(3 * time.Minute)
		p = bubble.Start(t, store, register)
		time.Sleep(5 * time.Second)
		got := h.take()
		slices.Sort(got)
		if want := []string{"00:01:00 a tenant 0", "00:02:00 a tenant 0", "00:03:00 a tenant 0", "00:03:00 b tenant 0"}; !slices.Equal(got, want) {
			t.Errorf("runs %q, want %q", got, want)
		}
		p.Stop()
	})
}

// A schedule of a job that is not in the program is kept and costs nothing, and goes on when the job is back.
func TestOrphanedSchedule(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		var h heard
		store := crontest.NewMemory()
		with := func(r *cron.Registry) { r.Register("report", cron.OnDemand, h.job, cron.Args(reportArgs{})) }
		p := bubble.Start(t, store, with)
		put(t, p, cron.Schedule{ID: "a", Job: "report", Expr: "@every 1m"})
		p.Stop()
		p = bubble.Start(t, store, func(r *cron.Registry) { r.Register("another", "@every 1h", bubble.Nothing) })
		time.Sleep(2 * time.Minute)
		p.Stop()
		h.expect(t)
		p = bubble.Start(t, store, with)
		time.Sleep(time.Minute)
		h.expect(t, "00:02:00 a tenant 0", "00:03:00 a tenant 0") // the newest of those missed, then on time
		p.Stop()
	})
}

// Two processes: every slot of schedules that either puts runs once, with edits and deletions in between.
func TestStoredSchedulesOnTwoProcesses(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		var h heard
		store := crontest.NewMemory()
		register := func(r *cron.Registry) { r.Register("report", cron.OnDemand, h.job, cron.Args(reportArgs{})) }
		programs := []*bubble.Program{bubble.Start(t, store, register), bubble.Start(t, store, register)}
		chance := rand.New(rand.NewPCG(1, 2))
		time.Sleep(500 * time.Millisecond)
		want := map[string]int{}
		for i := range 50 {
			id := fmt.Sprintf("tenant-%d", i)
			put(t, programs[chance.IntN(2)], cron.Schedule{ID: id, Job: "report", Expr: "@every 5s"})
			for s := 5; s <= 60; s += 5 {
				want[fmt.Sprintf("00:00:%02d %s tenant 0", s%60, id)]++
			}
		}
		time.Sleep(time.Minute)
		got := map[string]int{}
		for _, line := range h.take() {
			got[strings.Replace(line, "00:01:00", "00:00:00", 1)]++
		}
		if len(got) != len(want) {
			t.Errorf("%d runs of %d slots", len(got), len(want))
		}
		for line, n := range got {
			if n != 1 || want[line] != 1 {
				t.Errorf("%s: %d runs, want %d", line, n, want[line])
			}
		}
		for _, p := range programs {
			p.Stop()
		}
	})
}

// Enqueued runs begin at their time, in every process, also when their job's runs overlap or it is paused meanwhile.
func TestEnqueue(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		var h heard
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
			r.Register("report", "@every 1h", func(ctx context.Context) error {
				time.Sleep(10 * time.Second)
				return h.job(ctx)
			}, cron.Args(reportArgs{Tenant: 1}))
		})
		enqueue := func(args any, o cron.EnqueueOptions) cron.Record {
			t.Helper()
			rec, err := p.Sched.Enqueue(t.Context(), nil, "report", args, o, "test")
			if err != nil {
				t.Fatal(err)
			}
			return rec
		}
		began := time.Now()
		later := enqueue(reportArgs{Tenant: 7}, cron.EnqueueOptions{At: began.Add(90*time.Second + 300*time.Millisecond), Key: "invoice-17"})
		if later.Status != cron.Queued || later.NextAt == nil || !later.NextAt.Equal(began.Add(90*time.Second+300*time.Millisecond)) {
			t.Errorf("recorded as %+v", later)
		}
		if again := enqueue(nil, cron.EnqueueOptions{Key: "invoice-17"}); again.ID != later.ID {
			t.Error("another run with the same key")
		}
		enqueue(nil, cron.EnqueueOptions{})
		enqueue(reportArgs{Tenant: 2}, cron.EnqueueOptions{})
		time.Sleep(30 * time.Second)
		h.expect(t, "00:00:00  tenant 1", "00:00:00  tenant 2") // one after the other; they have no slot
		states, err := p.Store.States(t.Context(), "report")
		if err != nil || states["report"].Active != 0 {
			t.Errorf("%d active runs, %v: a deferred run counts", states["report"].Active, err)
		}
		time.Sleep(70 * time.Second)
		h.expect(t) // 100 s: it began at 90.3 s and takes 10 s
		time.Sleep(time.Second)
		h.expect(t, "00:00:00  tenant 7")
		rec, err := p.Sched.Record(t.Context(), later.ID)
		if err != nil || rec.Status != cron.Succeeded || rec.StartedAt.Sub(began) > 91*time.Second || rec.NextAt != nil {
			t.Errorf("%+v, %v", rec, err)
		}

		if _, err := p.Sched.Pause(t.Context(), contract.Pause{Job: "report"}); err != nil {
			t.Fatal(err)
		}
		enqueue(reportArgs{Tenant: 3}, cron.EnqueueOptions{})
		time.Sleep(time.Minute)
		h.expect(t)
		if _, err := p.Sched.Pause(t.Context(), contract.Pause{Job: "report", Resume: true}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(15 * time.Second)
		h.expect(t, "00:00:00  tenant 3")

		cancelled := enqueue(nil, cron.EnqueueOptions{At: time.Now().Add(time.Hour)})
		if rec, err := p.Sched.Cancel(t.Context(), cancelled.ID, "test"); err != nil || rec.Status != cron.Cancelled {
			t.Errorf("%+v, %v", rec, err)
		}
		p.Stop()
	})
}

// All mistakes of a schedule are reported together, under the names of the API.
func TestCheckSchedule(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
			r.Register("report", cron.OnDemand, bubble.Nothing, cron.Args(reportArgs{}))
		})
		defer p.Stop()
		now := time.Now()
		for _, tt := range []struct {
			put  cron.Schedule
			want string
		}{
			{cron.Schedule{}, `/id is empty, /job no job "", /expr`},
			{cron.Schedule{ID: " a", Job: "reprot", Expr: "x"}, `/id begins or ends with white space, /job no job "reprot"; did you mean "report"?, /expr`},
			{cron.Schedule{ID: "a\nb", Job: "report", Expr: "61 * * * *", Args: json.RawMessage(`{"tenant": "x", "colour": 1}`), MaxRuns: -1},
				`/id holds a control character or is not UTF-8, /expr`},
			{cron.Schedule{ID: "a", Job: "report", Expr: "0 9 * * *", Zone: "Mars/Olympus"}, "/timezone"},
			{cron.Schedule{ID: "a", Job: "report", Expr: "@ondemand"}, "/expr @ondemand has no slots"},
			{cron.Schedule{ID: "a", Job: "report", Expr: "@daily", From: now, Until: now.Add(-time.Hour)}, "/until"},
			{cron.Schedule{ID: "a", Job: "report", Expr: "@daily", From: now.Add(time.Hour), Until: now.Add(2 * time.Hour)}, "/until no slot lies between from and until"},
			{cron.Schedule{ID: strings.Repeat("é", 201), Job: "report", Expr: "@daily"}, "/id has 201 characters; at most 200 are allowed"},
			{cron.Schedule{ID: "a", Job: "report", Expr: "@daily", Meta: map[string]string{"": "x"}}, "/meta"},
			{cron.Schedule{ID: "a", Job: "report", Expr: "@daily", Args: 17}, "/args"},
			{cron.Schedule{ID: strings.Repeat("é", 200), Job: "report", Expr: "H 9 * * *", Args: reportArgs{Within: time.Minute}}, ""},
			{cron.Schedule{ID: "a", Job: "report", Expr: "H 9 * * *", Args: &reportArgs{Within: time.Minute}}, ""},
		} {
			_, err := p.Sched.CheckSchedule(scheduler.PutSchedule{Schedule: tt.put})
			var wrong *cron.ArgsError
			var text []string
			if errors.As(err, &wrong) {
				for _, f := range wrong.Fields {
					text = append(text, f.Field+" "+f.Detail)
				}
			}
			got := strings.Join(text, ", ")
			if !strings.HasPrefix(got, tt.want) || tt.want == "" && err != nil {
				t.Errorf("%+v:\n got %s\nwant %s", tt.put, got, tt.want)
			}
		}
	})
}

// A pause with an end leaves no rows, and no slot of it is caught up after its end.
func TestPauseOfAStoredScheduleEnds(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		var h heard
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
			r.Register("report", cron.OnDemand, h.job, cron.Args(reportArgs{}))
		})
		defer p.Stop()
		put(t, p, cron.Schedule{ID: "a", Job: "report", Expr: "@every 10s"})
		time.Sleep(15 * time.Second)
		h.expect(t, "00:00:10 a tenant 0")
		if _, err := p.Sched.PauseSchedule(t.Context(), contract.PauseSchedule{ID: "a", Until: time.Now().Add(40 * time.Second)}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(40 * time.Second)
		h.expect(t)
		time.Sleep(6 * time.Second)
		h.expect(t, "00:01:00 a tenant 0")
		if got := bubble.Counts(p.Runs("report")); got["succeeded"] != 2 || len(got) != 1 {
			t.Errorf("%v", got)
		}
	})
}

// More runs than a schedule has had begin with that edit: what it would have run before is not caught up.
func TestMoreRunsBeginWithTheEdit(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		var h heard
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
			r.Register("report", cron.OnDemand, h.job, cron.Args(reportArgs{}))
		})
		defer p.Stop()
		put(t, p, cron.Schedule{ID: "a", Job: "report", Expr: "@every 10s", MaxRuns: 1})
		time.Sleep(35 * time.Second)
		h.expect(t, "00:00:10 a tenant 0")
		put(t, p, cron.Schedule{ID: "a", Job: "report", Expr: "@every 10s", MaxRuns: 2})
		time.Sleep(time.Minute)
		h.expect(t, "00:00:40 a tenant 0")
	})
}

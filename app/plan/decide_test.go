package plan_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/plan"
)

// job returns a job that is due every so often.
func job(t *testing.T, every time.Duration, options ...cron.Option) *cron.Job {
	t.Helper()
	r := cron.NewRegistry()
	r.Register("job", "@every "+every.String(), func(context.Context) error { return nil }, options...)
	jobs, err := r.Jobs(cron.Defaults{CatchUpWindow: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return jobs[0]
}

// Decide follows the rules in the documentation of package cron, slot by slot.
func TestDecideAgainstTheRules(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	for range 3_000 {
		every := time.Duration(1+chance.IntN(90)) * time.Second
		window := time.Duration(1+chance.IntN(120)) * time.Minute
		most := 1 + chance.IntN(20)
		policy := []cron.CatchUpPolicy{cron.Latest, cron.All, cron.None}[chance.IntN(3)]
		overlap := []cron.OverlapPolicy{cron.Skip, cron.Allow, cron.Queue, cron.Replace}[chance.IntN(4)]
		options := []cron.Option{cron.CatchUp(policy, cron.Within(window), cron.AtMost(most)), cron.Overlap(overlap)}
		var deadline time.Duration
		if chance.IntN(3) == 0 {
			deadline = time.Duration(1+chance.IntN(600)) * time.Second
			options = append(options, cron.StartWithin(deadline))
		}
		j := job(t, every, options...)
		table := plan.TableOf(j)
		now := int64(1_800_000_000_000) + chance.Int64N(1_000_000_000)
		started := now - chance.Int64N(4*time.Hour.Milliseconds())
		first := table.After(now - chance.Int64N(5*time.Hour.Milliseconds()))
		if first > now {
			continue
		}
		got, next := plan.Decide(nil, &j.Policies, &table, first, now, started)

		// A slot is missed if no process ran, or the process was late.
		missed := func(slot int64) bool { return slot < max(started-1000, now-5000) }
		oldest := min(max(started-1000, now-5000), now-window.Milliseconds())
		var slots []int64 // those with their own decision
		summed, toCatchUp, fresh := 0, 0, 0
		for slot := first; slot <= now; slot = table.After(slot) {
			switch {
			case slot < oldest:
				summed++
				continue
			case missed(slot):
				toCatchUp++
			default:
				fresh++
			}
			slots = append(slots, slot)
		}
		what := fmt.Sprintf("@every %s, %s within %s at most %d, %s, deadline %s, first %d, now %d, started %d", every, policy, window, most, overlap, deadline, first, now, started)
		if want := table.After(now); next != want {
			t.Fatalf("%s: next is %d, want %d", what, next, want)
		}
		if summed > 0 {
			if got[0].Slot != first || got[0].Status != cron.Skipped || got[0].Reason != cron.ReasonMissed {
				t.Fatalf("%s: what is older than the window is %+v", what, got[0])
			}
			got = got[1:]
		}
		if len(got) != len(slots) {
			t.Fatalf("%s: %d decisions about %d slots", what, len(got), len(slots))
		}
		run := 0 // the newest missed slots, which are caught up
		switch {
		case policy == cron.All:
			run = min(toCatchUp, most)
		case policy == cron.Latest && fresh == 0:
			run = min(toCatchUp, 1)
		}
		for i, d := range got {
			late := deadline > 0 && now-d.Slot > deadline.Milliseconds()
			runs := i >= toCatchUp-run
			want := plan.Decision{Slot: slots[i], Status: cron.Queued, Trigger: cron.BySchedule, Overlap: overlap}
			switch {
			case !runs:
				want.Status, want.Reason = cron.Skipped, cron.ReasonMissed
				if policy == cron.Latest {
					want.Reason = cron.ReasonSuperseded
				}
			case late:
				want.Status, want.Reason = cron.Skipped, cron.ReasonLate
			case i < toCatchUp:
				want.Trigger = cron.ByCatchUp
			}
			if runs && overlap != cron.Allow && (i < toCatchUp && policy == cron.All || i >= toCatchUp && run > 1) {
				want.Overlap = cron.Queue // runs started together wait for each other
			}
			if d.Status == cron.Skipped {
				want.Overlap, want.Detail = d.Overlap, d.Detail
			}
			if d != want {
				t.Fatalf("%s: slot %d of %d is %+v, want %+v", what, i, len(got), d, want)
			}
		}
	}
}

// When no slot is due, the next one stays the next one.
func TestDecideWithoutADueSlot(t *testing.T) {
	j := job(t, time.Second)
	table := plan.TableOf(j)
	const now = int64(1_800_000_000_000)
	if got, next := plan.Decide(nil, &j.Policies, &table, now+1000, now, now); len(got) != 0 || next != now+1000 {
		t.Errorf("%d decisions, the next slot is %d, want none and %d", len(got), next, now+1000)
	}
}

// A catch-up of very many slots sums the oldest in one row.
func TestDecideBoundsACatchUp(t *testing.T) {
	j := job(t, 10*time.Millisecond, cron.CatchUp(cron.All, cron.Within(time.Hour)))
	table := plan.TableOf(j)
	const now = int64(1_800_000_000_000)
	got, _ := plan.Decide(nil, &j.Policies, &table, now-time.Hour.Milliseconds(), now, now)
	if len(got) > plan.MaxCatchUp+1000 || got[0].Reason != cron.ReasonMissed || got[0].Detail == "" {
		t.Errorf("%d decisions, the first is %+v", len(got), got[0])
	}
}

func TestOverridden(t *testing.T) {
	j := job(t, time.Minute)
	at := time.UnixMilli(1_800_000_000_000)
	for _, tt := range []struct {
		override plan.Override
		want     string
	}{
		{plan.Override{Job: "job", At: at}, "@every 1m0s (UTC)"},
		{plan.Override{Job: "job", Expr: "0 3 * * *", At: at}, "0 3 * * * (UTC)"},
		{plan.Override{Job: "job", Expr: "0 3 * * *", Zone: "Europe/Berlin", At: at}, "0 3 * * * (Europe/Berlin)"},
	} {
		table, err := plan.Overridden(j, tt.override)
		if err != nil || table.String() != tt.want || !table.Since.Equal(at) {
			t.Errorf("%+v: %s since %s, %v; want %s", tt.override, table, table.Since, err, tt.want)
		}
	}
	for field, o := range map[string]plan.Override{"/expr": {Job: "job", Expr: "61 * * * *", At: at}, "/timezone": {Job: "job", Expr: "0 3 * * *", Zone: "Mars/Olympus", At: at}} {
		table, err := plan.Overridden(j, o)
		if err == nil || table.String() != "@every 1m0s (UTC)" {
			t.Errorf("%+v: %s, %v", o, table, err)
		}
		if wrong := plan.WrongOverride(o, err); wrong.Fields[0].Field != field {
			t.Errorf("%+v: %+v", o, wrong)
		}
	}
}

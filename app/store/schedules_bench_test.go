package store_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/testdb"
	"fibercrons/app/store"
)

// TestSchedulesAtScale measures what many stored schedules cost, if SCHEDULES says how many.
func TestSchedulesAtScale(t *testing.T) {
	all, err := strconv.Atoi(os.Getenv("SCHEDULES"))
	if err != nil {
		t.Skip("SCHEDULES is not a number")
	}
	testdb.OnAll(t, func(t *testing.T, kind, url string) {
		s, ctx := openURL(t, url), t.Context()
		const due = 10_000
		slot := time.Now().Truncate(time.Minute)
		var puts []contract.PutSchedule
		var defs []contract.Definition
		stored := make([]contract.Schedule, 0, due)
		began, spent := time.Now(), cpu()
		for i := range all {
			p := everyMinute(fmt.Sprintf("tenant-%d/daily", i*7919%all), "report")
			p.At = slot.Add(-time.Second)
			if i >= due {
				p.After = func(time.Time) time.Time { return slot.Add(time.Hour) }
			}
			if puts = append(puts, p); len(puts) == 1000 || i == all-1 {
				got, err := s.PutSchedules(ctx, puts)
				if err != nil {
					t.Fatal(err)
				}
				for _, g := range got {
					if len(stored) < due {
						stored = append(stored, *g.After)
					}
				}
				puts = puts[:0]
			}
		}
		t.Logf("put %d: %.0f/s, by CPU %.0f/s", all, float64(all)/time.Since(began).Seconds(), float64(all)/(cpu()-spent).Seconds())
		for i := range due {
			defs = append(defs, contract.Definition{Name: fmt.Sprint("job-", i), Definition: "x"})
		}
		if _, err := s.Sync(ctx, contract.Program{Definitions: defs, At: slot.Add(-time.Second)}); err != nil {
			t.Fatal(err)
		}
		for round := range 3 {
			at := slot.Add(time.Duration(round) * time.Millisecond)
			code := make([]contract.Claim, due)
			data := make([]contract.Claim, due)
			for i := range due {
				code[i] = claimOf(defs[i].Name, 1)
				code[i].Slot, code[i].Watermark, code[i].At = at, at, time.Now()
				data[i] = code[i]
				data[i].Fence = laterClaim("", "").Fence
				data[i].Job, data[i].Schedule, data[i].Revision, data[i].Args = "report", stored[i].ID, stored[i].Revision, stored[i].Args
				data[i].Next = slot.Add(time.Hour)
			}
			for _, k := range []struct {
				name   string
				claims []contract.Claim
			}{{"code", code}, {"stored", data}} {
				begin, first := time.Now(), cpu()
				if k.name == "stored" {
					if list, err := s.DueSchedules(ctx, at, nil, due); err != nil || round == 0 && len(list) != due {
						t.Fatal(len(list), err)
					}
					t.Logf("%d read in %s", due, time.Since(begin))
				}
				batches := make(chan error)
				claimed, spent := time.Now(), cpu()
				for some := 0; some < due; some += 500 {
					go func() {
						got, err := s.Claim(ctx, k.claims[some:some+500])
						for _, g := range got {
							if !g.Won {
								err = fmt.Errorf("%+v", g)
							}
						}
						batches <- err
					}()
				}
				for range due / 500 {
					if err := <-batches; err != nil {
						t.Fatal(err)
					}
				}
				ended, between := time.Now(), cpu()
				results := make(chan error, due)
				for _, c := range k.claims {
					go func() {
						results <- s.Finish(ctx, contract.Finish{Fence: c.Fence, Job: c.Job, Schedule: c.Schedule, Slot: c.Slot, Status: cron.Succeeded, Started: c.At, At: time.Now()})
					}()
				}
				for range due {
					if err := <-results; err != nil {
						t.Fatal(err)
					}
				}
				t.Logf("%s: claims %s (CPU %s), ends %s (CPU %s), together %s (CPU %s)", k.name, ended.Sub(claimed), between-spent, time.Since(ended), cpu()-between, time.Since(begin), cpu()-first)
			}
		}
		look(t, s, slot)
	})
}

func look(t *testing.T, s *store.Store, slot time.Time) {
	ctx, yes := t.Context(), true
	for name, q := range map[string]contract.ScheduleQuery{
		"first": {}, "next": {After: "tenant-5"}, "of a job": {Job: "report", After: "tenant-7"}, "search": {Search: "t-77777"}, "search none": {Search: "nothing there"},
		"meta": {Meta: map[string]string{"plan": "pro"}}, "meta none": {Meta: map[string]string{"plan": "free"}}, "paused": {Paused: &yes}, "due": {DueBefore: slot.Add(time.Minute)},
	} {
		began := time.Now()
		list, err := s.StoredSchedules(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("list %s: %d in %s", name, len(list), time.Since(began))
	}
	began := time.Now()
	if _, err := s.Upcoming(ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("upcoming in %s", time.Since(began))
}

package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
)

// queue puts a claim of the job in the store, as a run that waits, or that runs, and returns it.
func queue(t *testing.T, claim func(context.Context, []contract.Claim) ([]contract.Claimed, error), job string, status cron.Status) contract.Claim {
	t.Helper()
	c := claimOf(job, 1)
	c.Status = status
	if got, err := claim(t.Context(), []contract.Claim{c}); err != nil || !got[0].Won {
		t.Fatal(got, err)
	}
	return c
}

func endOf(c contract.Claim) contract.Finish {
	return contract.Finish{
		Fence: c.Fence, Job: c.Job, Slot: c.Slot, Status: cron.Succeeded, Started: c.At, At: c.At.Add(time.Second),
		Lines: []cron.LogLine{{Seq: 1, Message: "done"}},
	}
}

// Ends and starts that go out without a look hold the fence all the same: the one that does not fit
// is refused, or is an earlier one told again, and the others of its group are carried out once.
func TestQuickOnesHoldTheFence(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		s := open(t, file(t))
		var runs []contract.Claim
		for i := range 10 {
			runs = append(runs, queue(t, s.Claim, fmt.Sprint("job-", i), cron.Running))
		}
		waits := queue(t, s.Claim, "waits", cron.Queued)
		stopped := queue(t, s.Claim, "stopped", cron.Queued)
		if _, err := s.Cancel(t.Context(), stopped.ID, cron.ReasonRequested, "me"); err != nil {
			t.Fatal(err)
		}
		if err := s.Finish(t.Context(), endOf(runs[9])); err != nil { // it is told again below
			t.Fatal(err)
		}

		release, groups := gate(s)
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = s.Claim(t.Context(), []contract.Claim{claimOf("first", 1)}) })
		synctest.Wait()
		for i, c := range runs {
			wg.Go(func() {
				f := endOf(c)
				if i == 4 {
					f.Token++
				}
				if err := s.Finish(t.Context(), f); i == 4 != errors.Is(err, contract.ErrFenced) || i != 4 && err != nil {
					t.Errorf("end of run %d: %v", i, err)
				}
			})
		}
		start := func(c contract.Claim) contract.StartOutcome {
			out, err := s.Start(t.Context(), contract.Start{Fence: c.Fence, Job: c.Job, At: c.At, Lease: time.Hour})
			if err != nil {
				t.Error(err)
			}
			return out
		}
		wg.Go(func() {
			if out := start(waits); !out.Started {
				t.Errorf("start: %+v", out)
			}
		})
		wg.Go(func() {
			if out := start(stopped); !out.Cancelled {
				t.Errorf("start of what was cancelled: %+v", out)
			}
		})
		synctest.Wait()
		release()
		wg.Wait()

		if g := groups(); len(g) != 3 || len(g[1]) != 12 || len(g[2]) != 12 {
			t.Errorf("groups: %v; want the second to be carried out with a look", g)
		}
		states, err := s.States(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range runs {
			rec, err := s.Run(t.Context(), c.ID)
			lines, err2 := s.Logs(t.Context(), c.ID, 0, 10)
			if err != nil || err2 != nil {
				t.Fatal(err, err2)
			}
			st := states[c.Job]
			if i == 4 {
				if rec.Status != cron.Running || st.Runs != 0 || len(lines) != 0 {
					t.Errorf("the run of another owner: %s, %d runs, %v", rec.Status, st.Runs, lines)
				}
				continue
			}
			if rec.Status != cron.Succeeded || st.Runs != 1 || st.LastStatus != cron.Succeeded || len(lines) != 1 || !st.LastRun.Equal(*rec.StartedAt) {
				t.Errorf("run %d: %s, %d runs, last %s at %s, %v", i, rec.Status, st.Runs, st.LastStatus, st.LastRun, lines)
			}
		}
		if rec, err := s.Run(t.Context(), waits.ID); err != nil || rec.Status != cron.Running || rec.Attempt != 1 {
			t.Errorf("the started run: %+v, %v", rec, err)
		}
	})
}

// Ends go before the claims of their group, which see them, and see what they leave standing.
func TestClaimsSeeTheEndsOfTheirGroup(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		s := open(t, file(t))
		ends, stays := queue(t, s.Claim, "ends", cron.Running), queue(t, s.Claim, "stays", cron.Running)
		release, groups := gate(s)
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = s.Claim(t.Context(), []contract.Claim{claimOf("first", 1)}) })
		synctest.Wait()
		wg.Go(func() {
			if err := s.Finish(t.Context(), endOf(ends)); err != nil {
				t.Error(err)
			}
		})
		var next []contract.Claim
		for _, c := range []contract.Claim{ends, stays, stays} {
			n := claimOf(c.Job, 2+len(next))
			n.Overlap, n.Watermark = cron.Skip, n.Slot
			next = append(next, n)
		}
		var got []contract.Claimed
		wg.Go(func() {
			var err error
			if got, err = s.Claim(t.Context(), next); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		release()
		wg.Wait()
		if g := groups(); len(g) != 2 {
			t.Fatalf("groups: %v", g)
		}
		for i, want := range []cron.Status{cron.Running, cron.Skipped, cron.Skipped} {
			if got[i].Status != want || want == cron.Skipped && got[i].Reason != cron.ReasonOverlap {
				t.Errorf("claim %d became %s %s, want %s", i, got[i].Status, got[i].Reason, want)
			}
		}
		states, err := s.States(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if st := states["stays"]; st.LastStatus != cron.Skipped || !st.Watermark.Equal(next[2].Slot) || st.Runs != 0 {
			t.Errorf("the job that was skipped: %+v", st)
		}
		if st := states["ends"]; st.LastStatus != cron.Succeeded || !st.Watermark.Equal(next[0].Slot) || st.Runs != 1 {
			t.Errorf("the job that goes on: %+v", st)
		}
	})
}

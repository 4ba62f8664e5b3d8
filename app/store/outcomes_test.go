package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/store"
)

// ended puts n ended runs of a job into the store, one a minute from begin on, every third failed.
func ended(t *testing.T, s *store.Store, job string, begin time.Time, n int) (last string) {
	t.Helper()
	for i := range n {
		at := begin.Add(time.Duration(i) * time.Minute)
		c := claimOf(job, i)
		c.At, c.Slot, c.Status = at, at, cron.Running
		if _, err := s.Claim(t.Context(), []contract.Claim{c}); err != nil {
			t.Fatal(err)
		}
		f := contract.Finish{Fence: c.Fence, Job: job, Slot: at, Status: cron.Succeeded, Started: at, At: at.Add(2 * time.Second)}
		if i%3 == 2 {
			f.Status, f.Error, f.Stack = cron.Failed, strings.Repeat("long ", 200), "a stack"
		}
		f.Lines = []cron.LogLine{{Seq: 1, Time: at, Level: "INFO", Message: "one"}, {Seq: 2, Time: at, Level: "INFO", Message: "two"}}
		if err := s.Finish(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		last = c.ID
	}
	return last
}

func TestRecentRunsOfManyJobs(t *testing.T) {
	s := open(t, file(t))
	begin := time.Now().UTC().Truncate(time.Hour).Add(-2 * time.Hour)
	var names []string
	for i := range 120 { // more than one statement asks for
		names = append(names, fmt.Sprintf("job-%03d", i))
	}
	ended(t, s, "job-000", begin, 9)
	last := ended(t, s, "job-119", begin, 2)
	ended(t, s, "other", begin, 2)
	recent, err := s.Recent(t.Context(), append(names, "nobody"), 5)
	if err != nil {
		t.Fatal(err)
	}
	if len(recent) != 2 || len(recent["job-000"]) != 5 || len(recent["job-119"]) != 2 || recent["job-119"][0].ID != last {
		t.Fatalf("recent runs: %+v", recent)
	}
	newest := recent["job-000"][0]
	if newest.Status != cron.Failed || !newest.Slot.Equal(begin.Add(8*time.Minute)) || *newest.Duration != 2000 || len(newest.Error) != 400 || newest.Stack != "" {
		t.Errorf("the newest run is %+v", newest)
	}
	if none, err := s.Recent(t.Context(), nil, 5); err != nil || len(none) != 0 {
		t.Errorf("of no jobs: %v %v", none, err)
	}
}

func TestTallyCountsOutcomesOverTime(t *testing.T) {
	s := open(t, file(t))
	begin := time.Now().UTC().Truncate(time.Hour).Add(-2 * time.Hour)
	ended(t, s, "a", begin.Add(-time.Minute), 10) // the first is before the time asked for
	tally, err := s.Tally(t.Context(), begin, 5*time.Minute, 3)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(tally); got != "map[failed:[2 1 0] succeeded:[3 3 0]]" {
		t.Errorf("the tally is %s", got)
	}
}

func TestSpansAndTheEndOfALog(t *testing.T) {
	s := open(t, file(t))
	begin := time.Now().UTC().Truncate(time.Hour).Add(-2 * time.Hour)
	id := ended(t, s, "a", begin, 4)
	spans, err := s.Spans(t.Context(), begin, begin.Add(time.Hour), 3)
	if err != nil {
		t.Fatal(err)
	}
	if len(spans) != 3 || spans[0].ID != id || !spans[0].StartedAt.Equal(begin.Add(3*time.Minute)) || spans[1].Status != cron.Failed {
		t.Errorf("the spans are %+v", spans)
	}
	for run, want := range map[string]int64{id: 2, "none": 0} {
		if end, err := s.LogEnd(t.Context(), run); err != nil || end != want {
			t.Errorf("the log of %q ends at %d, %v; want %d", run, end, err, want)
		}
	}
}

// What pages ask for is found by an index, and by as much of it as is shown.
func TestPagesDoNotScan(t *testing.T) {
	s := open(t, file(t))
	for name, query := range store.PageStatements() {
		p := queryPlan(t, s, query)
		for line := range strings.SplitSeq(p, "\n") {
			if strings.Contains(line, "SCAN job_runs") || strings.Contains(line, "SCAN job_run_logs") ||
				strings.Contains(line, "TEMP B-TREE FOR ORDER BY") || strings.Contains(line, "TEMP B-TREE FOR LAST") {
				t.Errorf("%s:\n%s", name, p)
			}
		}
		t.Logf("%s:\n%s", name, p)
	}
}

package ops_test

import (
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/ops"
)

// p50 and p95 are the shortest durations that half of the runs, and 95 in 100, did not exceed.
func TestStatsOfFewRuns(t *testing.T) {
	for _, test := range []struct {
		runs     int64 // which took 1, 2, 3, ... milliseconds
		p50, p95 int64
	}{{1, 1, 1}, {2, 1, 2}, {3, 2, 3}, {10, 5, 10}, {19, 10, 19}, {20, 10, 19}, {21, 11, 20}, {100, 50, 95}} {
		var recs []cron.Record
		for took := test.runs; took > 0; took-- {
			recs = append(recs, cron.Record{Status: cron.Succeeded, StartedAt: &time.Time{}, Duration: &took})
		}
		got := ops.StatsOf(recs, contract.State{})
		if *got.P50MS != test.p50 || *got.P95MS != test.p95 {
			t.Errorf("%d runs: p50 %d and p95 %d, want %d and %d", test.runs, *got.P50MS, *got.P95MS, test.p50, test.p95)
		}
	}
	if got := ops.StatsOf(nil, contract.State{}); got.P50MS != nil || got.P95MS != nil {
		t.Errorf("no runs: %+v", got)
	}
}

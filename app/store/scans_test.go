package store_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"fibercrons/app/contract"
	"fibercrons/app/internal/conformance"
)

// What the conformance suite has a store say is looked at as it was said: no statement reads a table that grows with the
// history of runs, but for those below, which are a person's and end with a page.
func TestNoStatementOfTheSuiteScans(t *testing.T) {
	pages := regexp.MustCompile("^SELECT \\* FROM `job_runs` (WHERE [^()]+(\\(\\?(,\\?)*\\))? )?ORDER BY seq DESC LIMIT")
	var mu sync.Mutex
	heard := map[string]bool{}
	hear := func(query string) {
		mu.Lock()
		defer mu.Unlock()
		heard[query] = true
	}
	t.Run("suite", func(t *testing.T) {
		conformance.Store(t, func(t *testing.T) contract.Store {
			s := open(t, file(t))
			s.Heard(hear)
			if err := s.HeardReads(hear); err != nil {
				t.Fatal(err)
			}
			return s
		})
	})
	s := open(t, file(t))
	looked := 0
	for _, query := range slices.Sorted(maps.Keys(heard)) {
		verb, _, _ := strings.Cut(query, " ")
		if !slices.Contains([]string{"SELECT", "UPDATE", "DELETE", "INSERT"}, verb) || pages.MatchString(query) {
			continue
		}
		looked++
		plan := queryPlan(t, s, query)
		for line := range strings.SplitSeq(plan, "\n") {
			what, found := strings.CutPrefix(line, "SCAN ")
			grows := strings.HasPrefix(what, "job_runs") || strings.HasPrefix(what, "r ") || what == "r" || strings.HasPrefix(what, "job_run_logs") ||
				strings.HasPrefix(what, "job_audit") || strings.HasPrefix(what, "job_alert")
			// The index of active runs has nothing else in it.
			if found && grows && !strings.Contains(what, "job_runs_active") {
				t.Errorf("%s\n%s", query, plan)
			}
		}
	}
	if looked < 60 {
		t.Errorf("%d statements were looked at: the test sees nothing", looked)
	}
	t.Logf("%d statements were looked at", looked)
}

package store_test

import (
	"strings"
	"testing"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/store"
)

// queryPlan is what SQLite does for a statement.
func queryPlan(t *testing.T, s *store.Store, query string) string {
	t.Helper()
	args := make([]any, strings.Count(query, "?"))
	for i := range args {
		args[i] = 1
	}
	rows, err := s.Writes().Query("EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, detail)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// Nothing that runs while jobs do reads a whole table or sorts one.
func TestNoStatementScans(t *testing.T) {
	s := open(t, file(t))
	queries := s.HotStatements()
	queries["past kept"], queries["prune slots"], queries["prune by hand"] = store.PastKept, store.PrunableSlots, store.PrunableByHand
	queries["prune by age"] = store.PrunableByAge
	c := claimOf("a", 1)
	if _, err := s.Claim(t.Context(), []contract.Claim{c}); err != nil {
		t.Fatal(err)
	}
	for name, q := range map[string]contract.Query{
		"of a job":            {Job: "a"},
		"of a job, next page": {Job: "a", Before: c.ID},
		"of a job, since":     {Job: "a", Since: c.At},
		"of a time":           {Since: c.At, Until: c.At},
		"of a time, page":     {Since: c.At, Before: c.ID},
		"running":             {Statuses: []cron.Status{cron.Queued, cron.Running}},
		"by ID":               {IDs: []string{"a", "b"}},
		"of a job alone":      {Job: "a", Unscheduled: true, Statuses: []cron.Status{cron.Failed}, Before: c.ID},
		"running of a job":    {Job: "a", Statuses: []cron.Status{cron.Queued, cron.Running}},
	} {
		queries["runs "+name] = s.RunsSQL(q)
	}
	queries["states"] = "SELECT s.*, (SELECT COUNT(*) FROM job_runs r WHERE r.job = s.name AND r.ended_at IS NULL) FROM job_state s WHERE s.name IN (?)"
	queries["held"] = "SELECT id FROM job_runs WHERE instance = ? AND ended_at IS NULL"
	queries["extended"] = "UPDATE job_runs SET lease_until = ? WHERE instance = ? AND ended_at IS NULL"
	queries["expired"] = "SELECT * FROM job_runs WHERE ended_at IS NULL AND lease_until <= ? ORDER BY seq + 0 LIMIT 10"
	queries["logs"] = "SELECT * FROM job_run_logs WHERE run_id = ? AND seq > ? ORDER BY seq LIMIT 10"
	queries["active of jobs"] = "SELECT " + store.ActiveColumn + " FROM job_state s WHERE s.name IN (?, ?)"
	queries["newest"], queries["inserted"], queries["active now"] = store.NewestSQL, store.InsertedSQL, store.ActiveSQL
	queries["last audit"], queries["told"] = store.LastAuditSQL, store.ToldSQL
	queries["soon due"], queries["next due"] = store.SoonDueSQL, store.NextDueSQL
	for name, q := range queries {
		p := queryPlan(t, s, q)
		for line := range strings.SplitSeq(p, "\n") {
			// Few rows may be sorted, and the index of active runs has nothing else in it.
			few := strings.Contains(name, "running") || strings.Contains(name, "by ID")
			if strings.Contains(line, "TEMP B-TREE") && strings.HasPrefix(name, "runs") && !few {
				t.Errorf("%s sorts:\n%s", name, p)
			}
			// The history of a job has hundreds of runs, and hardly ever one that goes on.
			if strings.Contains(q, "ended_at IS NULL") && strings.Contains(line, "job_runs_history") {
				t.Errorf("%s looks for active runs in histories:\n%s", name, p)
			}
			if strings.Contains(line, "SCAN ") && !strings.Contains(line, "job_runs_active") && !strings.HasSuffix(line, "VALUES CLAUSE") && line != "SCAN a" && line != "SCAN b" { // a and b are bounded
				t.Errorf("%s:\n%s", name, p)
			}
		}
	}
}

package store_test

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/testdb"
	"fibercrons/app/store"
)

// behind begins a transaction of another process that has inserted an ended run and told of a pause,
// and returns what commits it.
func behind(t *testing.T, s *store.Store, id string) (commit func()) {
	t.Helper()
	tx, err := s.Writes().Begin()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback() })
	for _, q := range []string{
		"INSERT INTO job_runs (id, job, slot, token, status, triggered_by, queued_at, ended_at) VALUES ('" + id + "', 'late', 1, 1, 'skipped', 'schedule', 1, 1)",
		"INSERT INTO job_audit (at, action, target) VALUES (1, 'pause', 'late')",
	} {
		if _, err := tx.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		t.Helper()
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
	}
}

// A run that got its number before others and is committed after them is told all the same, once.
func TestGlanceSeesWhatCommitsLate(t *testing.T) {
	for _, begun := range []string{"before the first look", "between two looks"} {
		t.Run(begun, func(t *testing.T) {
			testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
				url := k.URL(t)
				ours, theirs := openURL(t, url), openURL(t, url)
				newRun := func(n int) {
					t.Helper()
					c := claimOf("a", n)
					c.Status, c.Reason = cron.Skipped, cron.ReasonMissed
					if _, err := ours.Claim(t.Context(), []contract.Claim{c}); err != nil {
						t.Fatal(err)
					}
					if err := ours.Audit(t.Context(), contract.AuditEntry{At: time.Now(), Action: "resume", Target: "a"}); err != nil {
						t.Fatal(err)
					}
				}
				var mark contract.Position
				look := func(after contract.Position) (seen, told int) {
					t.Helper()
					g, err := ours.Summarize(t.Context(), after, 100)
					if err != nil {
						t.Fatal(err)
					}
					mark = g.Newest
					for _, r := range g.Runs {
						if r.ID == "late" {
							seen++
						}
					}
					for _, w := range g.Told {
						if w.Job == "late" {
							told++
						}
					}
					if g.Missed {
						t.Error("something was missed")
					}
					return seen, told
				}
				first := contract.Position{Number: math.MaxInt64, Audit: math.MaxInt64}
				newRun(1)
				var commit func()
				if begun == "before the first look" {
					commit = behind(t, theirs, "late")
				}
				newRun(2)
				if g, err := ours.Summarize(t.Context(), first, 0); err != nil {
					t.Fatal(err)
				} else {
					mark = g.Newest
				}
				if commit == nil {
					commit = behind(t, theirs, "late")
				}
				newRun(3)
				if seen, told := look(mark); seen != 0 || told != 0 {
					t.Fatal("seen before it was committed")
				}
				commit()
				newRun(4)
				if seen, told := look(mark); seen != 1 || told != 1 {
					t.Errorf("seen %d times and told %d times after it was committed", seen, told)
				}
				newRun(5)
				if seen, told := look(mark); seen != 0 || told != 0 {
					t.Error("it is told again")
				}
				if len(mark.Gaps) != 0 || len(mark.AuditGaps) != 0 {
					t.Errorf("gaps are left: %v %v", mark.Gaps, mark.AuditGaps)
				}
			})
		})
	}
}

// As TestStampOfTwoProcesses, where a server can tell.
func TestServerStamp(t *testing.T) {
	k := testdb.Postgres
	url := k.URL(t)
	ours, theirs := openURL(t, url), openURL(t, url)
	stamp := func() int64 {
		t.Helper()
		n, err := ours.Stamp(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for i, s := range []*store.Store{ours, theirs} {
		before := stamp()
		if _, err := s.Claim(t.Context(), []contract.Claim{claimOf(fmt.Sprint("job-", i), 1)}); err != nil {
			t.Fatal(err)
		}
		if stamp() == before {
			t.Errorf("a commit of process %d made no other stamp", i)
		}
	}
	// Other databases of the server write, too; at some time nobody does.
	quiet := false
	for range 1000 {
		a := stamp()
		if _, err := ours.States(context.Background()); err != nil {
			t.Fatal(err)
		}
		if quiet = stamp() == a; quiet {
			break
		}
	}
	if !quiet {
		t.Error("every look makes another stamp")
	}
}

package db_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fibercrons/app/internal/testdb"
	"fibercrons/app/store/db"
)

var renames = [][2]string{
	{"job_state", "job_state"}, {"job_runs", "job_runs"}, {"job_groups", "job_groups"}, {"run_logs", "job_run_logs"}, {"instances", "job_instances"},
	{"audit_entries", "job_audit"}, {"program_versions", "job_versions"}, {"store_identity", "job_identity"}, {"alerts", "job_alerts"},
	{"alert_deliveries", "job_alert_deliveries"}, {"silences", "job_silences"},
}

// here says whether this kind of database has the table.
func here(kind, table string) bool {
	return table != "job_groups" && table != "store_identity" || (kind == "SQLite") == (table == "store_identity")
}

// columns are those of tables that have got more since.
var columns = map[string][]string{
	"instances": {"id", "host", "pid", "version", "started_at", "seen_at", "stopped_at", "generation", "tzdata"},
	"job_state": {"name", "definition", "first_seen", "watermark", "removed_at", "paused", "paused_at", "paused_until", "paused_by", "paused_reason", "override_expr",
		"override_zone", "override_by", "override_at", "last_run", "last_run_id", "last_slot", "last_duration_ms", "last_status", "last_error", "last_success", "runs", "failures", "generation"},
	"alerts": {"id", "job", "kind", "dedup", "open_key", "run_id", "slot", "at", "raised_at", "status", "message", "silence", "detail", "error", "number"},
	"job_runs": {"seq", "id", "job", "slot", "data_slot", "token", "status", "reason", "triggered_by", "attempt", "attempts", "error", "stack", "args", "result", "progress",
		"request_key", "actor", "instance", "run_group", "queued_at", "next_at", "started_at", "ended_at", "cancel_at", "cancel_reason", "cancel_by", "lease_until", "looked_at", "attempt_at"},
}

func contents(t *testing.T, kind string, s *db.Database, now int) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, r := range renames {
		if here(kind, r[0]) {
			if all[r[0]] = testdb.Rows(t, s.Writer(), r[now], columns[r[0]]...); len(all[r[0]]) == 0 {
				t.Errorf("%s is empty", r[now])
			}
		}
	}
	return all
}

func TestOldTablesAreRenamed(t *testing.T) {
	testdb.OnAll(t, func(t *testing.T, kind, url string) {
		old := bare(t, url)
		testdb.ExecAll(t, old.Writer(), testdb.BeforePrefix(t, kind)...)
		was := contents(t, kind, old, 0)
		steps := testdb.Rows(t, old.Writer(), "schema_migrations")

		opened := make(chan error)
		for range 4 { // at once
			go func() {
				s, err := db.Open(context.Background(), db.Options{URL: url, RetryFor: time.Minute})
				if err == nil {
					err = s.Close()
				}
				opened <- err
			}()
		}
		for range 4 {
			if err := <-opened; err != nil {
				t.Fatal(err)
			}
		}
		s := openURL(t, url)
		for table, rows := range contents(t, kind, s, 1) {
			if !slices.Equal(rows, was[table]) {
				t.Errorf("%s was\n%s\nand is\n%s", table, strings.Join(was[table], "\n"), strings.Join(rows, "\n"))
			}
		}
		if now := testdb.Rows(t, s.Writer(), "job_migrations"); len(now) <= len(steps) || slices.ContainsFunc(steps, func(step string) bool { return !slices.Contains(now, step) }) {
			t.Errorf("steps %v, were %v", now, steps)
		}
		// What the old release asks at its start.
		var version int
		if err := s.Writer().QueryRow("SELECT COALESCE(MAX(version), 0) FROM schema_migrations").Scan(&version); err != nil || version <= len(steps) {
			t.Errorf("an old release finds version %d and knows %d, %v", version, len(steps), err)
		}
		fresh := openURL(t, testdb.URL(t, kind))
		have := slices.DeleteFunc(testdb.Layout(t, kind, s.Writer()), func(name string) bool { return strings.Contains(name, "schema_migrations") })
		if want := testdb.Layout(t, kind, fresh.Writer()); !slices.Equal(have, want) {
			t.Errorf("the tables are\n%s\nand new ones\n%s", strings.Join(have, "\n"), strings.Join(want, "\n"))
		}
	})
}

// A release that had walked only part of the way is renamed, too, and walks on. On MySQL its next step may be half done.
func TestOlderTablesAreRenamed(t *testing.T) {
	testdb.OnAll(t, func(t *testing.T, kind, url string) {
		old := bare(t, url)
		reached := false
		for _, q := range testdb.BeforePrefix(t, kind) {
			reached = reached || strings.HasPrefix(q, "ALTER TABLE job_runs ADD COLUMN looked_at")
			insert := strings.HasPrefix(q, "INSERT INTO ")
			switch {
			case strings.Contains(q, "schema_migrations (version, name, applied_at) VALUES") && (strings.Contains(q, "the first tables") ||
				strings.Contains(q, "versions of the") || strings.Contains(q, "identity")),
				!reached, insert && (strings.Contains(q, "INTO job_") || strings.Contains(q, "INTO audit")),
				kind == "MySQL" && (strings.HasPrefix(q, "ALTER TABLE job_runs ADD COLUMN looked_at") || strings.HasPrefix(q, "CREATE TABLE alerts ")):
				testdb.ExecAll(t, old.Writer(), q)
			}
		}
		was := testdb.Rows(t, old.Writer(), "audit_entries")
		s := openURL(t, url)
		if have, want, err := s.Version(t.Context()); have != want || err != nil {
			t.Errorf("version %d of %d, %v", have, want, err)
		}
		if now := testdb.Rows(t, s.Writer(), "job_audit"); !slices.Equal(now, was) || len(now) == 0 {
			t.Errorf("audit %v, was %v", now, was)
		}
		have := slices.DeleteFunc(testdb.Layout(t, kind, s.Writer()), func(name string) bool { return strings.Contains(name, "schema_migrations") })
		if want := testdb.Layout(t, kind, openURL(t, testdb.URL(t, kind)).Writer()); !slices.Equal(have, want) {
			t.Errorf("the tables are\n%s\nand new ones\n%s", strings.Join(have, "\n"), strings.Join(want, "\n"))
		}
	})
}

// Wherever a migration is broken off, the next one goes on. On SQLite and Postgres it then begins again.
func TestMigrationsAreResumed(t *testing.T) {
	for _, old := range []bool{true, false} {
		t.Run(fmt.Sprint("old ", old), func(t *testing.T) {
			testdb.OnAll(t, func(t *testing.T, kind, url string) {
				s := bare(t, url)
				var was map[string][]string
				if old {
					testdb.ExecAll(t, s.Writer(), testdb.BeforePrefix(t, kind)...)
					was = contents(t, kind, s, 0)
				}
				broken := 0
				for ; ; broken += map[string]int{"SQLite": 5, "Postgres": 9, "MySQL": 1}[kind] {
					s := bare(t, url)
					s.BreakMigrationAfter(broken)
					err := s.Migrate(t.Context())
					s.Close()
					if err == nil {
						break
					}
					if !errors.Is(err, db.ErrBroken) {
						t.Fatalf("after %d statements: %v", broken, err)
					}
				}
				if broken < 3 {
					t.Errorf("it was broken off %d times", broken)
				}
				s = openURL(t, url)
				if old {
					for table, rows := range contents(t, kind, s, 1) {
						if !slices.Equal(rows, was[table]) {
							t.Errorf("%s was\n%s\nand is\n%s", table, strings.Join(was[table], "\n"), strings.Join(rows, "\n"))
						}
					}
				}
				have := slices.DeleteFunc(testdb.Layout(t, kind, s.Writer()), func(name string) bool { return strings.Contains(name, "schema_migrations") })
				if want := testdb.Layout(t, kind, openURL(t, testdb.URL(t, kind)).Writer()); !slices.Equal(have, want) {
					t.Errorf("the tables are\n%s\nand new ones\n%s", strings.Join(have, "\n"), strings.Join(want, "\n"))
				}
			})
		})
	}
}

func TestOldReleaseMustStopFirst(t *testing.T) {
	testdb.OnAll(t, func(t *testing.T, kind, url string) {
		old := bare(t, url)
		testdb.ExecAll(t, old.Writer(), testdb.BeforePrefix(t, kind)...)
		testdb.ExecAll(t, old.Writer(), fmt.Sprintf("UPDATE instances SET seen_at = %d WHERE pid = 101", time.Now().UnixMilli()))
		was := testdb.Layout(t, kind, old.Writer())
		refusedWith(t, url, []string{"older release", "process 101 on alpha (v1.2.3", "stop all of its processes"})
		if now := testdb.Layout(t, kind, old.Writer()); !slices.Equal(now, was) {
			t.Errorf("the tables were changed to\n%s", strings.Join(now, "\n"))
		}
		if rows := testdb.Rows(t, old.Writer(), "schema_migrations"); strings.Contains(strings.Join(rows, "\n"), "job_") {
			t.Errorf("versions %s", rows)
		}
		testdb.ExecAll(t, old.Writer(), "UPDATE instances SET stopped_at = seen_at WHERE pid = 101")
		openURL(t, url)
	})
}

// Somebody who drops all tables of this program begins anew, whatever is left of an old release.
func TestOldTablesWereDropped(t *testing.T) {
	testdb.OnAll(t, func(t *testing.T, kind, url string) {
		old := bare(t, url)
		testdb.ExecAll(t, old.Writer(), testdb.BeforePrefix(t, kind)...)
		s := openURL(t, url)
		for _, r := range renames {
			if here(kind, r[0]) {
				testdb.ExecAll(t, s.Writer(), "DROP TABLE "+r[1])
			}
		}
		testdb.ExecAll(t, s.Writer(), "DROP TABLE job_migrations", "DROP TABLE job_model_migrations", "DROP TABLE job_schedules")
		openURL(t, url)
	})
}

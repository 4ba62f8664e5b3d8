package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/store"
)

// onAll runs a test on an empty database of every kind.
func onAll(t *testing.T, run func(t *testing.T, kind, url string)) {
	t.Run("SQLite", func(t *testing.T) { run(t, "SQLite", "sqlite://"+file(t)) })
	onServers(t, func(t *testing.T, k kind) { run(t, k.name, k.url(t)) })
}

// bare opens a database whose tables stay as they are.
func bare(t *testing.T, url string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{URL: url, NoMigrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// before is what the last release without the prefix job_ leaves: a row at least in each of its tables.
func before(t *testing.T, kind string) []string {
	t.Helper()
	name := map[string]string{"SQLite": "sqlite", "Postgres": "postgres", "MySQL": "mysql"}[kind]
	text, err := os.ReadFile("testdata/before_prefix_" + name + ".sql")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), ";\n"), ";\n")
}

func execAll(t *testing.T, s *store.Store, statements ...string) {
	t.Helper()
	for _, q := range statements {
		if err := s.Exec(q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

// rowsOf reads a table, row by row, as text.
func rowsOf(t *testing.T, s *store.Store, table string) []string {
	t.Helper()
	rows, err := s.Writes().Query("SELECT * FROM " + table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for rows.Next() {
		cells, at := make([]any, len(columns)), make([]any, len(columns))
		for i := range cells {
			at[i] = &cells[i]
		}
		if err := rows.Scan(at...); err != nil {
			t.Fatal(err)
		}
		for i, c := range cells {
			if b, ok := c.([]byte); ok {
				cells[i] = string(b)
			}
		}
		all = append(all, fmt.Sprint(columns, cells))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// layout are the names of tables, columns and indexes.
func layout(t *testing.T, kind string, s *store.Store) []string {
	t.Helper()
	query := map[string]string{
		"SQLite": "SELECT m.type || ' ' || m.name || ' ' || COALESCE(c.name, '') FROM sqlite_schema m LEFT JOIN pragma_table_info(m.name) c",
		"Postgres": "SELECT c.relkind::text || ' ' || c.relname::text || ' ' || COALESCE(a.attname::text, '') FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 " +
			"WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind <> 't'",
		"MySQL": "SELECT CONCAT(table_name, ' ', column_name, ' ', column_type) FROM information_schema.columns WHERE table_schema = DATABASE() " +
			"UNION ALL SELECT CONCAT('index ', table_name, ' ', index_name, ' ', column_name) FROM information_schema.statistics WHERE table_schema = DATABASE()",
	}[kind]
	all, err := store.Texts(t.Context(), s.Writes(), query)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

var renames = [][2]string{
	{"job_state", "job_state"}, {"job_runs", "job_runs"}, {"job_groups", "job_groups"}, {"run_logs", "job_run_logs"}, {"instances", "job_instances"},
	{"audit_entries", "job_audit"}, {"program_versions", "job_versions"}, {"store_identity", "job_identity"}, {"alerts", "job_alerts"},
	{"alert_deliveries", "job_alert_deliveries"}, {"silences", "job_silences"},
}

// here says whether this kind of database has the table.
func here(kind, table string) bool {
	return table != "job_groups" && table != "store_identity" || (kind == "SQLite") == (table == "store_identity")
}

func contents(t *testing.T, kind string, s *store.Store, now int) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, r := range renames {
		if here(kind, r[0]) {
			if all[r[0]] = rowsOf(t, s, r[now]); len(all[r[0]]) == 0 {
				t.Errorf("%s is empty", r[now])
			}
		}
	}
	return all
}

func TestOldTablesAreRenamed(t *testing.T) {
	onAll(t, func(t *testing.T, kind, url string) {
		old := bare(t, url)
		execAll(t, old, before(t, kind)...)
		was := contents(t, kind, old, 0)
		steps := rowsOf(t, old, "schema_migrations")

		opened := make(chan error)
		for range 4 { // at once
			go func() {
				s, err := store.Open(context.Background(), store.Options{URL: url, RetryFor: time.Minute})
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
		if now := rowsOf(t, s, "job_migrations"); len(now) <= len(steps) || !slices.Equal(now[:len(steps)], steps) {
			t.Errorf("steps %v, were %v", now, steps)
		}
		// What the old release asks at its start.
		var version int
		if err := s.Writes().QueryRow("SELECT COALESCE(MAX(version), 0) FROM schema_migrations").Scan(&version); err != nil || version <= len(steps) {
			t.Errorf("an old release finds version %d and knows %d, %v", version, len(steps), err)
		}
		fresh := openURL(t, freshURL(t, kind))
		have := slices.DeleteFunc(layout(t, kind, s), func(name string) bool { return strings.Contains(name, "schema_migrations") })
		if want := layout(t, kind, fresh); !slices.Equal(have, want) {
			t.Errorf("the tables are\n%s\nand new ones\n%s", strings.Join(have, "\n"), strings.Join(want, "\n"))
		}

		for slot, won := range map[int64]bool{1795860000000: false, 1795863600000: false, 1795867200000: false, time.Now().Add(-time.Minute).UnixMilli(): true} {
			c := claimOf("report", 1)
			c.Slot = time.UnixMilli(slot)
			if got, err := s.Claim(t.Context(), []contract.Claim{c}); err != nil || got[0].Won != won {
				t.Errorf("slot %d: %+v, %v", slot, got, err)
			}
		}
		again := claimOf("sync", 1)
		again.Slot, again.Key = time.Time{}, "order-7"
		if got, err := s.Claim(t.Context(), []contract.Claim{again}); err != nil || got[0].Won {
			t.Errorf("a request is carried out again: %+v, %v", got, err)
		}
		if err := s.Audit(t.Context(), contract.AuditEntry{At: time.Now(), Actor: "eve", Action: "run", Target: "report"}); err != nil {
			t.Error(err)
		}
		if err := s.Audit(t.Context(), contract.AuditEntry{At: time.Now(), Actor: "eve", Action: "run", Target: "report"}); err != nil {
			t.Error(err)
		}
		expired, err := s.Expired(t.Context(), 10)
		if err != nil || len(expired) != 2 {
			t.Errorf("expired %+v, %v", expired, err)
		}
		if list, err := s.OpenAlerts(t.Context()); err != nil || len(list) != 1 {
			t.Errorf("open alerts %+v, %v", list, err)
		}
	})
}

func freshURL(t *testing.T, name string) string {
	t.Helper()
	for _, k := range kinds {
		if k.name == name {
			return k.url(t)
		}
	}
	return "sqlite://" + file(t)
}

// A release that had walked only part of the way is renamed, too, and walks on. On MySQL its next step may be half done.
func TestOlderTablesAreRenamed(t *testing.T) {
	onAll(t, func(t *testing.T, kind, url string) {
		old := bare(t, url)
		reached := false
		for _, q := range before(t, kind) {
			reached = reached || strings.HasPrefix(q, "ALTER TABLE job_runs ADD COLUMN looked_at")
			insert := strings.HasPrefix(q, "INSERT INTO ")
			switch {
			case strings.Contains(q, "schema_migrations (version, name, applied_at) VALUES") && (strings.Contains(q, "the first tables") ||
				strings.Contains(q, "versions of the") || strings.Contains(q, "identity")),
				!reached, insert && (strings.Contains(q, "INTO job_") || strings.Contains(q, "INTO audit")),
				kind == "MySQL" && (strings.HasPrefix(q, "ALTER TABLE job_runs ADD COLUMN looked_at") || strings.HasPrefix(q, "CREATE TABLE alerts ")):
				execAll(t, old, q)
			}
		}
		was := rowsOf(t, old, "audit_entries")
		s := openURL(t, url)
		if have, want, err := s.Version(t.Context()); have != want || err != nil {
			t.Errorf("version %d of %d, %v", have, want, err)
		}
		if now := rowsOf(t, s, "job_audit"); !slices.Equal(now, was) || len(now) == 0 {
			t.Errorf("audit %v, was %v", now, was)
		}
		have := slices.DeleteFunc(layout(t, kind, s), func(name string) bool { return strings.Contains(name, "schema_migrations") })
		if want := layout(t, kind, openURL(t, freshURL(t, kind))); !slices.Equal(have, want) {
			t.Errorf("the tables are\n%s\nand new ones\n%s", strings.Join(have, "\n"), strings.Join(want, "\n"))
		}
	})
}

// Wherever a migration is broken off, the next one goes on. On SQLite and Postgres it then begins again.
func TestMigrationsAreResumed(t *testing.T) {
	for _, old := range []bool{true, false} {
		t.Run(fmt.Sprint("old ", old), func(t *testing.T) {
			onAll(t, func(t *testing.T, kind, url string) {
				s := bare(t, url)
				var was map[string][]string
				if old {
					execAll(t, s, before(t, kind)...)
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
					if !errors.Is(err, store.ErrBroken) {
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
				have := slices.DeleteFunc(layout(t, kind, s), func(name string) bool { return strings.Contains(name, "schema_migrations") })
				if want := layout(t, kind, openURL(t, freshURL(t, kind))); !slices.Equal(have, want) {
					t.Errorf("the tables are\n%s\nand new ones\n%s", strings.Join(have, "\n"), strings.Join(want, "\n"))
				}
			})
		})
	}
}

func TestOldReleaseMustStopFirst(t *testing.T) {
	onAll(t, func(t *testing.T, kind, url string) {
		old := bare(t, url)
		execAll(t, old, before(t, kind)...)
		execAll(t, old, fmt.Sprintf("UPDATE instances SET seen_at = %d WHERE pid = 101", time.Now().UnixMilli()))
		was := layout(t, kind, old)
		refusedWith(t, url, []string{"older release", "process 101 on alpha (v1.2.3", "stop all of its processes"})
		if now := layout(t, kind, old); !slices.Equal(now, was) {
			t.Errorf("the tables were changed to\n%s", strings.Join(now, "\n"))
		}
		if rows := rowsOf(t, old, "schema_migrations"); strings.Contains(strings.Join(rows, "\n"), "job_") {
			t.Errorf("versions %s", rows)
		}
		execAll(t, old, "UPDATE instances SET stopped_at = seen_at WHERE pid = 101")
		openURL(t, url)
	})
}

// Somebody who drops all tables of this program begins anew, whatever is left of an old release.
func TestOldTablesWereDropped(t *testing.T) {
	onAll(t, func(t *testing.T, kind, url string) {
		old := bare(t, url)
		execAll(t, old, before(t, kind)...)
		s := openURL(t, url)
		for _, r := range renames {
			if here(kind, r[0]) {
				execAll(t, s, "DROP TABLE "+r[1])
			}
		}
		execAll(t, s, "DROP TABLE job_migrations", "DROP TABLE job_model_migrations")
		openURL(t, url)
	})
}

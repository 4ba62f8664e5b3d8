package store_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/internal/testdb"
	"fibercrons/app/store"
)

// A database of the last release without the prefix job_ goes on where it was.
func TestOldTablesWork(t *testing.T) {
	testdb.OnAll(t, func(t *testing.T, kind, url string) {
		old, err := store.Open(t.Context(), store.Options{URL: url, NoMigrate: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { old.Close() })
		testdb.ExecAll(t, old.Writes(), testdb.BeforePrefix(t, kind)...)
		s := openURL(t, url)
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

// Tables of other programs, by their own rules, that have names which this one had once.
var others = []string{
	"CREATE TABLE instances (id INTEGER PRIMARY KEY, seen_at BIGINT, stopped_at BIGINT, kind VARCHAR(20))",
	"INSERT INTO instances VALUES (1, 5, NULL, 'small'), (2, 6, 7, 'large')",
	"CREATE TABLE alerts (id INTEGER PRIMARY KEY, status VARCHAR(20), raised_at BIGINT)",
	"INSERT INTO alerts VALUES (1, 'pending', 1), (2, 'sent', 2)",
	"CREATE TABLE runs (id INTEGER PRIMARY KEY)",
	"INSERT INTO runs VALUES (1)",
	"CREATE TABLE run_logs (run_id VARCHAR(64), seq BIGINT, message VARCHAR(64))",
	"INSERT INTO run_logs VALUES ('1', 1, 'theirs')",
	"CREATE TABLE silences (id INTEGER PRIMARY KEY, until_at BIGINT)",
	"INSERT INTO silences VALUES (1, 1)",
	"CREATE TABLE audit_entries (id INTEGER PRIMARY KEY, at BIGINT)",
	"INSERT INTO audit_entries VALUES (1, 1)",
	"CREATE TABLE program_versions (print VARCHAR(64))",
	"INSERT INTO program_versions VALUES ('x')",
	"CREATE INDEX alerts_status ON alerts (status)",
}

var othersVersions = map[string][]string{
	"Rails":          {"CREATE TABLE schema_migrations (version VARCHAR(255) NOT NULL PRIMARY KEY)", "INSERT INTO schema_migrations VALUES ('20240101120000')"},
	"golang-migrate": {"CREATE TABLE schema_migrations (version BIGINT NOT NULL PRIMARY KEY, dirty BOOLEAN NOT NULL)", "INSERT INTO schema_migrations VALUES (7, FALSE)"},
	"of its own":     {"CREATE TABLE schema_migrations (version VARCHAR(99) PRIMARY KEY, name VARCHAR(99), applied_at TIMESTAMP NULL)", "INSERT INTO schema_migrations VALUES ('v1', 'the first tables', '2024-01-01 00:00:00')"},
	"alike":          {"CREATE TABLE schema_migrations (version BIGINT PRIMARY KEY, name VARCHAR(99), applied_at BIGINT)", "INSERT INTO schema_migrations VALUES (1, 'create users', 1), (2, 'alerts', 2)"},
	"alike, empty":   {"CREATE TABLE schema_migrations (version BIGINT PRIMARY KEY, name VARCHAR(99), applied_at BIGINT)"},
}

func TestTablesOfOthersAreLeftAlone(t *testing.T) {
	names := []string{"instances", "alerts", "runs", "run_logs", "silences", "audit_entries", "program_versions", "schema_migrations"}
	for whose, versions := range othersVersions {
		t.Run(whose, func(t *testing.T) {
			testdb.OnAll(t, func(t *testing.T, kind, url string) {
				theirs, err := store.Open(t.Context(), store.Options{URL: url, NoMigrate: true})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { theirs.Close() })
				testdb.ExecAll(t, theirs.Writes(), append(slices.Clone(others), versions...)...)
				was, before := map[string][]string{}, testdb.Layout(t, kind, theirs.Writes())
				for _, table := range names {
					was[table] = testdb.Rows(t, theirs.Writes(), table)
				}
				s, ctx := openURL(t, url), t.Context()
				in := contract.InstanceInfo{ID: "i", Host: "h", StartedAt: time.Now()}
				if _, err := s.Sync(ctx, contract.Program{Definitions: []contract.Definition{{Name: "a", Definition: "x"}}, Print: "p", Instance: in, Lease: time.Minute, At: time.Now()}); err != nil {
					t.Fatal(err)
				}
				if _, err := s.PruneAlerts(ctx, time.Millisecond, time.Millisecond); err != nil {
					t.Error(err)
				}
				if _, err := s.Prune(ctx, contract.Prune{Job: "a", Keep: 1, Cutoff: time.Now(), Limit: 10}); err != nil {
					t.Error(err)
				}
				s = openURL(t, url) // again
				for table, rows := range was {
					if now := testdb.Rows(t, s.Writes(), table); !slices.Equal(now, rows) {
						t.Errorf("%s was\n%v\nand is\n%v", table, rows, now)
					}
				}
				if now := slices.DeleteFunc(testdb.Layout(t, kind, s.Writes()), func(s string) bool { return strings.Contains(s, "job_") }); !slices.Equal(now, before) {
					t.Errorf("their tables were\n%v\nand are\n%v", before, now)
				}
			})
		})
	}
}

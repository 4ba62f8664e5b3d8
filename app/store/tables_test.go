package store_test

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/store"
)

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
			onAll(t, func(t *testing.T, kind, url string) {
				theirs := bare(t, url)
				execAll(t, theirs, append(slices.Clone(others), versions...)...)
				was, before := map[string][]string{}, layout(t, kind, theirs)
				for _, table := range names {
					was[table] = rowsOf(t, theirs, table)
				}
				s, ctx := openURL(t, url), t.Context()
				in := contract.InstanceInfo{ID: "i", Host: "h", StartedAt: time.Now()}
				if _, err := s.Sync(ctx, contract.Program{Definitions: []contract.Definition{{Name: "a", Definition: "x"}}, Print: "p", Instance: in, Lease: time.Minute, At: time.Now()}); err != nil {
					t.Fatal(err)
				}
				if _, err := s.PruneAlerts(ctx, time.Millisecond, time.Millisecond); err != nil {
					t.Error(err)
				}
				if _, err := s.Prune(ctx, "a", 1, time.Now(), 10); err != nil {
					t.Error(err)
				}
				s = openURL(t, url) // again
				for table, rows := range was {
					if now := rowsOf(t, s, table); !slices.Equal(now, rows) {
						t.Errorf("%s was\n%v\nand is\n%v", table, rows, now)
					}
				}
				if now := slices.DeleteFunc(layout(t, kind, s), func(s string) bool { return strings.Contains(s, "job_") }); !slices.Equal(now, before) {
					t.Errorf("their tables were\n%v\nand are\n%v", before, now)
				}
			})
		})
	}
}

// What has one of the names and is another's is told before anything is changed.
func TestTakenNamesAreRefused(t *testing.T) {
	const versions = " (version BIGINT NOT NULL PRIMARY KEY, name VARCHAR(200) NOT NULL, applied_at BIGINT NOT NULL)"
	for _, tt := range []struct {
		name string
		make []string
		want []string
		only string // these kinds
		old  bool   // beside the tables of a release before the names began with job_
	}{
		{name: "a table", make: []string{"CREATE TABLE job_runs (id INTEGER)", "INSERT INTO job_runs VALUES (1)"}, want: []string{"has the table job_runs"}},
		{name: "a table of a late step", make: []string{"CREATE TABLE job_silences (id INTEGER)", "INSERT INTO job_silences VALUES (1)"}, want: []string{"has the table job_silences"}},
		{name: "two", make: []string{"CREATE TABLE job_runs (id INTEGER)", "CREATE TABLE job_alerts (id INTEGER)"}, want: []string{"table job_alerts, table job_runs"}},
		{name: "a view", make: []string{"CREATE VIEW job_state AS SELECT 1 AS n"}, want: []string{"has the view job_state"}},
		{name: "an index", make: []string{"CREATE TABLE mine (n INTEGER)", "CREATE INDEX job_alerts_time ON mine (n)"}, want: []string{"has the index job_alerts_time"}, only: "SQLite Postgres"},
		{name: "a type", make: []string{"CREATE TYPE job_state AS ENUM ('on', 'off')"}, want: []string{"has the type job_state"}, only: "Postgres"},
		{name: "versions of others", make: []string{"CREATE TABLE job_migrations (version VARCHAR(20))", "INSERT INTO job_migrations VALUES ('1')"}, want: []string{"has the table job_migrations"}},
		{name: "versions alike", make: []string{"CREATE TABLE job_migrations" + versions, "INSERT INTO job_migrations VALUES (1, 'users', 1)"}, want: []string{"has the table job_migrations"}},
		{name: "beside old tables", old: true, make: []string{"CREATE TABLE job_alerts (id INTEGER)", "INSERT INTO job_alerts VALUES (1)"}, want: []string{"has the table job_alerts"}},
		{name: "versions beside old tables", old: true, make: []string{"CREATE TABLE job_migrations (id INTEGER)"}, want: []string{"has the table job_migrations"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onAll(t, func(t *testing.T, kind, url string) {
				if tt.only != "" && !strings.Contains(tt.only, kind) {
					return
				}
				theirs := bare(t, url)
				statements := tt.make
				if tt.old {
					statements = append(before(t, kind), tt.make...)
				}
				for _, q := range statements { // not by the store: it would refuse
					if err := theirs.Exec(q); err != nil {
						t.Fatalf("%s: %v", q, err)
					}
				}
				was := layout(t, kind, theirs)
				remedy := map[string]string{"SQLite": "name another file", "Postgres": "?search_path=crons", "MySQL": "CREATE DATABASE crons"}[kind]
				refusedWith(t, url, append(tt.want, "which this program did not make", "nothing was changed", remedy))
				if _, err := store.Open(t.Context(), store.Options{URL: url, ReadOnly: true}); err == nil || !strings.Contains(err.Error(), tt.want[0]) {
					t.Errorf("read-only: %v", err)
				}
				if now := layout(t, kind, theirs); !slices.Equal(now, was) {
					t.Errorf("the tables were\n%v\nand are\n%v", was, now)
				}
			})
		})
	}
}

// A foreign file keeps the journal that it has.
func TestTakenNamesLeaveTheFileAsItIs(t *testing.T) {
	path := file(t)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	admin(t, "sqlite", path, "CREATE TABLE job_runs (id INTEGER)")
	was, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refusedWith(t, "sqlite://"+path, []string{"has the table job_runs"})
	if now, err := os.ReadFile(path); err != nil || !slices.Equal(now, was) {
		t.Errorf("the file was changed, %v", err)
	}
}

// Releases before the prefix took a table of another's for their own on MySQL. It is left to its owner.
func TestTableThatAnOldReleaseTook(t *testing.T) {
	k := kinds[1]
	url := k.url(t)
	old := bare(t, url)
	execAll(t, old, before(t, k.name)...)
	execAll(t, old, "DROP TABLE alerts", "CREATE TABLE alerts (id INTEGER PRIMARY KEY, title VARCHAR(20))", "INSERT INTO alerts VALUES (1, 'theirs')")
	s := openURL(t, url)
	if rows := rowsOf(t, s, "alerts"); len(rows) != 1 || !strings.Contains(rows[0], "theirs") {
		t.Errorf("theirs: %v", rows)
	}
	if rows := rowsOf(t, s, "job_alerts"); len(rows) != 0 {
		t.Errorf("ours: %v", rows)
	}
}

func TestSearchPath(t *testing.T) {
	k := kinds[0]
	mine, other := k.url(t), k.url(t)
	schema := func(of string) string {
		u, err := url.Parse(of)
		if err != nil {
			t.Fatal("not a URL")
		}
		return u.Query().Get("search_path")
	}
	path := func(p string) string {
		return altered(t, mine, func(u *url.URL) {
			q := u.Query()
			q.Set("search_path", p)
			u.RawQuery = q.Encode()
		})
	}
	refusedWith(t, path("nowhere, "+schema(mine)), []string{`has no schema "nowhere"`, "search_path"})
	refusedWith(t, path(`"No""Where"`), []string{`has no schema "No\"Where"`, "CREATE SCHEMA"})

	// The tables of a schema that comes later are another's, whoever made them.
	foreign := bare(t, other)
	execAll(t, foreign, "CREATE TABLE job_runs (id INTEGER)", "CREATE TABLE schema_migrations (version TEXT)")
	both := path(schema(mine) + "," + schema(other))
	s := openURL(t, both)
	if got, err := s.Claim(t.Context(), []contract.Claim{claimOf("a", 1)}); err != nil || !got[0].Won {
		t.Errorf("%+v, %v", got, err)
	}
	if rows := rowsOf(t, foreign, "job_runs"); len(rows) != 0 {
		t.Errorf("theirs: %v", rows)
	}
	if rows := rowsOf(t, bare(t, mine), "job_runs"); len(rows) != 1 {
		t.Errorf("ours: %v", rows)
	}
	third := k.url(t)
	s = openURL(t, path(schema(third)+","+schema(mine)))
	if runs, err := s.Runs(t.Context(), contract.Query{}); err != nil || len(runs) != 0 {
		t.Errorf("a new schema has runs %v, %v", runs, err)
	}
	// Without a word from the URL a schema that appears at the front of the path is a mistake.
	user := freshName()
	base := os.Getenv(k.env)
	admin(t, "pgx", base, "CREATE DATABASE "+user)
	t.Cleanup(func() { admin(t, "pgx", base, "DROP DATABASE "+user) })
	plain := altered(t, base, func(u *url.URL) { u.Path = "/" + user })
	s, err := store.Open(t.Context(), store.Options{URL: plain})
	if err != nil {
		t.Fatal(err)
	}
	execAll(t, s, `CREATE SCHEMA "postgres"`)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if u, _ := url.Parse(base); u.User.Username() == "postgres" {
		refusedWith(t, plain, []string{`in schema "public"`, `made in "postgres"`, "?search_path=public"})
	}
}

package db_test

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fibercrons/app/internal/testdb"
	"fibercrons/app/store/db"
)

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
			testdb.OnAll(t, func(t *testing.T, kind, url string) {
				if tt.only != "" && !strings.Contains(tt.only, kind) {
					return
				}
				theirs := bare(t, url)
				statements := tt.make
				if tt.old {
					statements = append(testdb.BeforePrefix(t, kind), tt.make...)
				}
				testdb.ExecAll(t, theirs.Writer(), statements...)
				was := testdb.Layout(t, kind, theirs.Writer())
				remedy := map[string]string{"SQLite": "name another file", "Postgres": "?search_path=crons", "MySQL": "CREATE DATABASE crons"}[kind]
				refusedWith(t, url, append(tt.want, "which this program did not make", "nothing was changed", remedy))
				if _, err := db.Open(t.Context(), db.Options{URL: url, ReadOnly: true}); err == nil || !strings.Contains(err.Error(), tt.want[0]) {
					t.Errorf("read-only: %v", err)
				}
				if now := testdb.Layout(t, kind, theirs.Writer()); !slices.Equal(now, was) {
					t.Errorf("the tables were\n%v\nand are\n%v", was, now)
				}
			})
		})
	}
}

// A foreign file keeps the journal that it has.
func TestTakenNamesLeaveTheFileAsItIs(t *testing.T) {
	path := testdb.File(t)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	testdb.Exec(t, "sqlite", path, "CREATE TABLE job_runs (id INTEGER)")
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
	k := testdb.MySQL
	url := k.URL(t)
	old := bare(t, url)
	testdb.ExecAll(t, old.Writer(), testdb.BeforePrefix(t, k.Name)...)
	testdb.ExecAll(t, old.Writer(), "DROP TABLE alerts", "CREATE TABLE alerts (id INTEGER PRIMARY KEY, title VARCHAR(20))", "INSERT INTO alerts VALUES (1, 'theirs')")
	s := openURL(t, url)
	if rows := testdb.Rows(t, s.Writer(), "alerts"); len(rows) != 1 || !strings.Contains(rows[0], "theirs") {
		t.Errorf("theirs: %v", rows)
	}
	if rows := testdb.Rows(t, s.Writer(), "job_alerts"); len(rows) != 0 {
		t.Errorf("ours: %v", rows)
	}
}

func TestSearchPath(t *testing.T) {
	k := testdb.Postgres
	mine, other := k.URL(t), k.URL(t)
	schema := func(of string) string {
		u, err := url.Parse(of)
		if err != nil {
			t.Fatal("not a URL")
		}
		return u.Query().Get("search_path")
	}
	path := func(p string) string {
		return testdb.Altered(t, mine, func(u *url.URL) {
			q := u.Query()
			q.Set("search_path", p)
			u.RawQuery = q.Encode()
		})
	}
	refusedWith(t, path("nowhere, "+schema(mine)), []string{`has no schema "nowhere"`, "search_path"})
	refusedWith(t, path(`"No""Where"`), []string{`has no schema "No\"Where"`, "CREATE SCHEMA"})

	// The tables of a schema that comes later are another's, whoever made them.
	foreign := bare(t, other)
	testdb.ExecAll(t, foreign.Writer(), "CREATE TABLE job_runs (id INTEGER)", "CREATE TABLE schema_migrations (version TEXT)")
	both := path(schema(mine) + "," + schema(other))
	s := openURL(t, both)
	testdb.ExecAll(t, s.Writer(), "INSERT INTO job_runs (id, job, token, status, triggered_by, queued_at) VALUES ('1', 'a', 1, 'queued', 'manual', 1)")
	if rows := testdb.Rows(t, foreign.Writer(), "job_runs"); len(rows) != 0 {
		t.Errorf("theirs: %v", rows)
	}
	if rows := testdb.Rows(t, bare(t, mine).Writer(), "job_runs"); len(rows) != 1 {
		t.Errorf("ours: %v", rows)
	}
	third := k.URL(t)
	s = openURL(t, path(schema(third)+","+schema(mine)))
	if runs := testdb.Rows(t, s.Reader(), "job_runs"); len(runs) != 0 {
		t.Errorf("a new schema has runs %v", runs)
	}
	// Without a word from the URL a schema that appears at the front of the path is a mistake.
	user := testdb.Name()
	base := os.Getenv(k.Env)
	testdb.Exec(t, "pgx", base, "CREATE DATABASE "+user)
	t.Cleanup(func() { testdb.Exec(t, "pgx", base, "DROP DATABASE "+user) })
	plain := testdb.Altered(t, base, func(u *url.URL) { u.Path = "/" + user })
	s, err := db.Open(t.Context(), db.Options{URL: plain})
	if err != nil {
		t.Fatal(err)
	}
	testdb.ExecAll(t, s.Writer(), `CREATE SCHEMA "postgres"`)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if u, _ := url.Parse(base); u.User.Username() == "postgres" {
		refusedWith(t, plain, []string{`in schema "public"`, `made in "postgres"`, "?search_path=public"})
	}
}

// Package testdb makes databases for tests: SQLite files, schemas on Postgres and databases on MySQL, each empty, used
// by one test and dropped with it. A test that imports it is built with all three parts. It also reads tables and
// layouts back, and knows what releases before the prefix job_ left (testdata).
package testdb

import (
	"cmp"
	"context"
	"database/sql"
	"embed"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	_ "fibercrons/app/store/mysql"    // and the driver "mysql"
	_ "fibercrons/app/store/postgres" // and the driver "pgx"
	_ "fibercrons/app/store/sqlite"
)

// Kind is a kind of database server.
type Kind struct {
	Name string
	Env  string // the variable with the server's URL
	// fresh returns the URL of an empty database that only this test uses.
	fresh func(t testing.TB, base string) string
}

// The kinds of servers.
var (
	Postgres = Kind{"Postgres", "TEST_POSTGRES_URL", FreshSchema}
	MySQL    = Kind{"MySQL", "TEST_MYSQL_URL", FreshDatabase}
	Kinds    = []Kind{Postgres, MySQL}
)

// Base returns the URL of the server, or skips the test.
func (k Kind) Base(t testing.TB) string {
	t.Helper()
	base := os.Getenv(k.Env)
	if base == "" {
		t.Skipf("%s is not set: start the server (docker compose --profile %s up -d) and set it", k.Env, strings.ToLower(k.Name))
	}
	return base
}

// URL returns the URL of an empty database, or skips the test.
func (k Kind) URL(t testing.TB) string {
	t.Helper()
	return k.fresh(t, k.Base(t))
}

// OnServers runs a test on every kind of server.
func OnServers(t *testing.T, run func(t *testing.T, k Kind)) {
	for _, k := range Kinds {
		t.Run(k.Name, func(t *testing.T) { run(t, k) })
	}
}

// OnAll runs a test on an empty database of every kind, SQLite included.
func OnAll(t *testing.T, run func(t *testing.T, kind, url string)) {
	t.Run("SQLite", func(t *testing.T) { run(t, "SQLite", "sqlite://"+File(t)) })
	OnServers(t, func(t *testing.T, k Kind) { run(t, k.Name, k.URL(t)) })
}

// URL returns the URL of an empty database of the kind.
func URL(t *testing.T, kind string) string {
	t.Helper()
	for _, k := range Kinds {
		if k.Name == kind {
			return k.URL(t)
		}
	}
	return "sqlite://" + File(t)
}

// File returns the path of an SQLite file that does not exist yet, nor its folder.
func File(t testing.TB) string { return filepath.Join(t.TempDir(), "data", "crons.db") }

var count atomic.Int64

// Name returns a name for a schema, a database or a user that nobody has.
func Name() string {
	return fmt.Sprintf("fibercrons_%d_%s", count.Add(1), strings.ReplaceAll(uuid.NewString()[:13], "-", ""))
}

// FreshSchema makes an empty schema on the Postgres server, and returns its URL.
func FreshSchema(t testing.TB, base string) string {
	t.Helper()
	name := Name()
	Exec(t, "pgx", base, "CREATE SCHEMA "+name)
	t.Cleanup(func() { Exec(t, "pgx", base, "DROP SCHEMA "+name+" CASCADE") })
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal("TEST_POSTGRES_URL is not a URL")
	}
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String()
}

// FreshDatabase makes an empty database on the MySQL server, and returns its URL.
func FreshDatabase(t testing.TB, base string) string {
	t.Helper()
	name := Name()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal("TEST_MYSQL_URL is not a URL")
	}
	dsn := fmt.Sprintf("%s@tcp(%s)%s", u.User, u.Host, u.Path)
	// Names must compare by bytes whatever the database's own collation.
	Exec(t, "mysql", dsn, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
	t.Cleanup(func() { Exec(t, "mysql", dsn, "DROP DATABASE "+name) })
	u.Path = "/" + name
	return u.String()
}

// Altered returns the URL with a part of it changed.
func Altered(t testing.TB, of string, change func(*url.URL)) string {
	t.Helper()
	u, err := url.Parse(of)
	if err != nil {
		t.Fatal("not a URL")
	}
	change(u)
	return u.String()
}

// Exec carries out a statement on a connection of its own.
func Exec(t testing.TB, driver, dsn, statement string) {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := db.ExecContext(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// ExecAll carries out statements.
func ExecAll(t testing.TB, db *sql.DB, statements ...string) {
	t.Helper()
	for _, q := range statements {
		if _, err := db.ExecContext(context.Background(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

// Rows reads a table, row by row, as text. Columns are optional; all are read by default.
func Rows(t testing.TB, db *sql.DB, table string, columns ...string) []string {
	t.Helper()
	return read(t, db, "SELECT "+cmp.Or(strings.Join(columns, ", "), "*")+" FROM "+table, func(columns []string, cells []any) string { return fmt.Sprint(columns, cells) })
}

// Layout returns the names of tables, columns and indexes.
func Layout(t testing.TB, kind string, db *sql.DB) []string {
	t.Helper()
	query := map[string]string{
		"SQLite": "SELECT m.type || ' ' || m.name || ' ' || COALESCE(c.name, '') FROM sqlite_schema m LEFT JOIN pragma_table_info(m.name) c",
		"Postgres": "SELECT c.relkind::text || ' ' || c.relname::text || ' ' || COALESCE(a.attname::text, '') FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 " +
			"WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind <> 't'",
		"MySQL": "SELECT CONCAT(table_name, ' ', column_name, ' ', column_type) FROM information_schema.columns WHERE table_schema = DATABASE() " +
			"UNION ALL SELECT CONCAT('index ', table_name, ' ', index_name, ' ', column_name) FROM information_schema.statistics WHERE table_schema = DATABASE()",
	}[kind]
	return read(t, db, query, func(_ []string, cells []any) string { return fmt.Sprint(cells[0]) })
}

// read returns the rows of a query as texts, in order.
func read(t testing.TB, db *sql.DB, query string, text func(columns []string, cells []any) string) []string {
	t.Helper()
	rows, err := db.QueryContext(context.Background(), query)
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
		all = append(all, text(columns, cells))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

//go:embed testdata/*.sql
var testdata embed.FS

// BeforePrefix returns the statements that make what the last release without the prefix job_ leaves: a row at least in
// each of its tables.
func BeforePrefix(t testing.TB, kind string) []string {
	t.Helper()
	text, err := testdata.ReadFile("testdata/before_prefix_" + strings.ToLower(kind) + ".sql")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), ";\n"), ";\n")
}

package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql" // the driver "mysql"
	"github.com/google/uuid"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"fibercrons/app/store"
)

// kind is a kind of database server that the tests run on.
type kind struct {
	name, env string
	// fresh returns the URL of an empty database that only this test uses.
	fresh func(t testing.TB, base string) string
}

var kinds = []kind{
	{"Postgres", "TEST_POSTGRES_URL", freshSchema},
	{"MySQL", "TEST_MYSQL_URL", freshDatabase},
}

// url is the URL of an empty database, or skips the test.
func (k kind) url(t testing.TB) string {
	t.Helper()
	base := os.Getenv(k.env)
	if base == "" {
		t.Skipf("%s is not set: start the server (docker compose --profile %s up -d) and set it", k.env, strings.ToLower(k.name))
	}
	return k.fresh(t, base)
}

// onServers runs a test on every kind of server.
func onServers(t *testing.T, run func(t *testing.T, k kind)) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) { run(t, k) })
	}
}

var freshCount atomic.Int64

func freshName() string {
	return fmt.Sprintf("fibercrons_%d_%s", freshCount.Add(1), strings.ReplaceAll(uuid.NewString()[:13], "-", ""))
}

func freshSchema(t testing.TB, base string) string {
	t.Helper()
	name := freshName()
	admin(t, "pgx", base, "CREATE SCHEMA "+name)
	t.Cleanup(func() { admin(t, "pgx", base, "DROP SCHEMA "+name+" CASCADE") })
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal("TEST_POSTGRES_URL is not a URL")
	}
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String()
}

func freshDatabase(t testing.TB, base string) string {
	t.Helper()
	name := freshName()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal("TEST_MYSQL_URL is not a URL")
	}
	dsn := fmt.Sprintf("%s@tcp(%s)%s", u.User, u.Host, u.Path)
	// Names must compare by bytes whatever the database's own collation.
	admin(t, "mysql", dsn, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
	t.Cleanup(func() { admin(t, "mysql", dsn, "DROP DATABASE "+name) })
	u.Path = "/" + name
	return u.String()
}

func admin(t testing.TB, driver, dsn, statement string) {
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

// openURL opens a store that the test closes.
func openURL(t testing.TB, url string) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), store.Options{URL: url, RetryFor: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

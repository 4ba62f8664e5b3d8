package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/internal/testdb"
	"fibercrons/app/store"
)

// After a fail-over old connections may lead to a server that is read-only by now, and new ones to one that is not.
// The old ones are given up as soon as one of them says so.
func TestServerFailover(t *testing.T) {
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		t.Parallel()
		f := map[string]func(*testing.T, testdb.Kind) failover{"Postgres": postgresFailover, "MySQL": mysqlFailover}[k.Name](t, k)
		s, err := store.Open(t.Context(), store.Options{URL: f.url, RetryFor: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		if err := s.DB().Exec("CREATE TABLE mine (n INTEGER)").Error; err != nil {
			t.Fatal(err)
		}
		writes := map[string]func() error{
			"ours": func() error {
				_, err := s.Sync(context.Background(), contract.Program{Definitions: []contract.Definition{{Name: "job"}}, At: time.Now().UTC()})
				return err
			},
			"the user's": func() error { return s.DB().Exec("INSERT INTO mine VALUES (?)", 1).Error },
			"the user's transaction": func() error {
				tx := s.DB().Begin()
				defer tx.Rollback()
				if err := tx.Exec("INSERT INTO mine VALUES (1)").Error; err != nil {
					return err
				}
				return tx.Commit().Error
			},
		}
		f.readOnly()
		for name, write := range writes {
			began := time.Now()
			for err := write(); ; err = write() { // the first are broken off
				if err != nil && strings.Contains(strings.ToLower(err.Error()), "read") {
					break
				}
				if time.Since(began) > time.Minute {
					t.Fatalf("%s: the server is read-only, and a write ended with %v", name, err)
				}
			}
		}
		f.writable()
		for name, write := range writes {
			failed := 0
			for err := write(); err != nil; err = write() {
				if failed++; failed > 20 { // as many as there are connections, and some
					t.Fatalf("%s: the server can be written, and a write ended with %v", name, err)
				}
			}
			t.Logf("%s: %d writes failed after the fail-over", name, failed)
		}
	})
}

// failover is a database whose connections lead to a read-only server while readOnly holds, and stay there.
type failover struct {
	url                string
	readOnly, writable func()
}

// postgresFailover has sessions begin read-only, which they stay.
func postgresFailover(t *testing.T, k testdb.Kind) failover {
	base := k.URL(t)
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	role := testdb.Name()
	u.User = url.UserPassword(role, role)
	run := func(statements ...string) {
		t.Helper()
		for _, q := range statements {
			testdb.Exec(t, "pgx", base, q)
		}
	}
	schema := u.Query().Get("search_path")
	run("CREATE ROLE "+role+" LOGIN PASSWORD '"+role+"'", "GRANT ALL ON SCHEMA "+schema+" TO "+role)
	t.Cleanup(func() { run("DROP OWNED BY "+role+" CASCADE", "DROP ROLE "+role) })
	anew := "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '" + role + "'"
	return failover{
		url:      u.String(),
		readOnly: func() { run("ALTER ROLE "+role+" SET default_transaction_read_only = on", anew) },
		writable: func() { run("ALTER ROLE " + role + " RESET default_transaction_read_only") },
	}
}

// mysqlFailover is the same by init_connect, which does not hold for administrators.
func mysqlFailover(t *testing.T, k testdb.Kind) failover {
	base := k.URL(t)
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	root := fmt.Sprintf("%s@tcp(%s)/", u.User, u.Host)
	user := testdb.Name()[:20]
	db, err := sql.Open("mysql", root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	run := func(q string) {
		t.Helper()
		if _, err := db.Exec(q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	name := strings.TrimPrefix(u.Path, "/")
	run("CREATE USER '" + user + "'@'%' IDENTIFIED BY 'x'")
	run("GRANT ALL ON " + name + ".* TO '" + user + "'@'%'")
	t.Cleanup(func() { run("DROP USER '" + user + "'@'%'") })
	u.User = url.UserPassword(user, "x")
	return failover{
		url: u.String(),
		readOnly: func() {
			run("SET GLOBAL init_connect = 'SET SESSION TRANSACTION READ ONLY'")
			t.Cleanup(func() { run("SET GLOBAL init_connect = ''") })
			rows, err := db.Query("SELECT id FROM information_schema.processlist WHERE user = ?", user)
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			var ids []int64
			for rows.Next() {
				var id int64
				if err := rows.Scan(&id); err != nil {
					t.Fatal(err)
				}
				ids = append(ids, id)
			}
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
			for _, id := range ids {
				run(fmt.Sprintf("KILL %d", id))
			}
		},
		writable: func() { run("SET GLOBAL init_connect = ''") },
	}
}

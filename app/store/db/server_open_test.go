package db_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"fibercrons/app/internal/testdb"
	"fibercrons/app/store/db"
)

func TestServerOpenSaysWhatIsWrong(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0") // nothing listens here once it is closed
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for scheme, params := range map[string][2]string{"postgres": {"sslmode=disable&connect_timeout=1", "sslmode=sideways"}, "mysql": {"timeout=1s", "tls=sideways"}} {
		for _, tt := range []struct {
			name, url string
			want      []string
		}{
			{"refused", fmt.Sprintf("%s://u:secret@%s/d?%s", scheme, free.Addr(), params[0]), []string{`the database "d" at ` + free.Addr().String(), "nothing listens there"}},
			{"unknown host", scheme + "://u:secret@no.such.host.invalid/d?" + params[0], []string{"no.such.host.invalid:", "no address"}},
			{"unknown parameter", scheme + "://u:secret@h/d?" + params[1], []string{"is not a", "special characters"}},
			{"not a URL", scheme + "://u:sec ret@h/d", []string{"is not a", "special characters"}},
		} {
			t.Run(scheme+" "+tt.name, func(t *testing.T) { refusedWith(t, tt.url, tt.want) })
		}
	}
	t.Run("postgres silent", func(t *testing.T) {
		refusedWith(t, fmt.Sprintf("postgres://u:secret@%s/d?sslmode=disable&connect_timeout=1", silent.Addr()), []string{"does not answer"})
	})
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		good := k.URL(t)
		base := os.Getenv(k.Env)
		newer := openURL(t, good)
		if _, err := newer.Writer().Exec("INSERT INTO job_migrations (version, name, applied_at) VALUES (99, 'later', 0)"); err != nil {
			t.Fatal(err)
		}
		refusedWith(t, good, []string{"schema version 99", "newer release"})
		refusedWith(t, testdb.Altered(t, base, func(u *url.URL) { u.Path = "/no_such_database" }), []string{`the database "no_such_database"`, "CREATE DATABASE"})

		name := testdb.Name()
		password := url.UserPassword(name, "secret")
		if k.Name == "Postgres" {
			testdb.Exec(t, "pgx", base, "CREATE ROLE "+name+" LOGIN PASSWORD 'secret'")
			t.Cleanup(func() { testdb.Exec(t, "pgx", base, "DROP ROLE "+name) })
			refusedWith(t, testdb.Altered(t, k.URL(t), func(u *url.URL) { u.User = password }), []string{"has no schema", "search_path"})
			return
		}
		dsn := "root@tcp(" + strings.TrimPrefix(testdb.Altered(t, base, func(u *url.URL) { u.Scheme, u.User, u.Path, u.RawQuery = "", nil, "", "" }), "//") + ")/"
		testdb.Exec(t, "mysql", dsn, "CREATE USER '"+name+"'@'%' IDENTIFIED BY 'secret'")
		t.Cleanup(func() { testdb.Exec(t, "mysql", dsn, "DROP USER '"+name+"'@'%'") })
		refusedWith(t, testdb.Altered(t, base, func(u *url.URL) { u.User = password }), []string{"GRANT ALL"})
		refusedWith(t, testdb.Altered(t, base, func(u *url.URL) { u.User = url.UserPassword(name, "another secret") }), []string{"does not accept user", name})
	})
}

func refusedWith(t *testing.T, url string, want []string) {
	t.Helper()
	began := time.Now()
	s, err := db.Open(context.Background(), db.Options{URL: url, RetryFor: 50 * time.Millisecond})
	if err == nil {
		s.Close()
		t.Fatalf("opened; want %v", want)
	}
	for _, w := range append(want, "open store: ") {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q lacks %q", err, w)
		}
	}
	if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q", err)
	}
	if took := time.Since(began); took > 5*time.Minute {
		t.Errorf("it took %s", took)
	}
}

// TestServerSockets opens the databases through the unix sockets that they have on this machine.
func TestServerSockets(t *testing.T) {
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		good := k.URL(t)
		s := openURL(t, good)
		query := "SELECT @@socket"
		if k.Name == "Postgres" {
			query = "SELECT split_part(current_setting('unix_socket_directories'), ',', 1)"
		}
		var path string
		if err := s.Writer().QueryRow(query).Scan(&path); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path); err != nil {
			t.Skip("the server's socket is not on this machine: ", err)
		}
		param := "socket"
		if k.Name == "Postgres" {
			param = "host"
		}
		for _, host := range []string{"", "localhost"} {
			at := testdb.Altered(t, good, func(u *url.URL) {
				q := u.Query()
				q.Set(param, path)
				u.Host, u.RawQuery = host, q.Encode()
			})
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			other, err := db.Open(ctx, db.Options{URL: at})
			cancel()
			if err != nil {
				t.Errorf("host %q, %s=%s: %v", host, param, path, err)
				continue
			}
			if err := other.Read(t.Context()).Exec("SELECT id FROM job_instances").Error; err != nil {
				t.Errorf("host %q, %s=%s: %v", host, param, path, err)
			}
			other.Close()
		}
	})
}

package store_test

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"fibercrons/app/contract"
	"fibercrons/app/internal/conformance"
	"fibercrons/app/internal/testdb"
)

// pooled starts a PgBouncer in transaction mode in front of the server of the tests. It returns the server's URL
// through the pooler, without any option.
func pooled(t testing.TB, connections int) string {
	t.Helper()
	base, program := os.Getenv("TEST_POSTGRES_URL"), os.Getenv("TEST_PGBOUNCER")
	if base == "" {
		t.Skip("TEST_POSTGRES_URL is not set")
	}
	if program == "" {
		t.Skip("TEST_PGBOUNCER is not set: install pgbouncer and set it to the program's path")
	}
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal("TEST_POSTGRES_URL is not a URL")
	}
	port := freePort(t)
	database := fmt.Sprintf("host=%s port=%s user=%s", u.Hostname(), orElse(u.Port(), "5432"), u.User.Username())
	if password, ok := u.User.Password(); ok {
		database += " password='" + strings.ReplaceAll(password, "'", "''") + "'"
	}
	config := fmt.Sprintf(`[databases]
* = %s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = %d
max_client_conn = 500
`, database, port, connections)
	if os.Getuid() == 0 {
		config += "user = nobody\n" // it refuses to be root
	}
	file := filepath.Join(t.TempDir(), "pgbouncer.ini")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	log := new(strings.Builder)
	cmd := exec.Command(program, file)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the pooler says:\n%s", last(log.String(), 2000))
		}
	})
	u.Host = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", u.Host)
		if err == nil {
			_ = conn.Close()
			return u.String()
		}
		if time.Now().After(deadline) {
			t.Fatalf("the pooler does not listen: %v\n%s", err, log)
		}
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

func last(text string, n int) string { return text[max(0, len(text)-n):] }

// The whole contract holds through a pooler that gives each transaction to another session.
func TestPoolerConformance(t *testing.T) {
	through := pooled(t, 8)
	conformance.Store(t, func(t *testing.T) contract.Store { return openURL(t, testdb.FreshSchema(t, through)) })
}

func TestPoolerSharing(t *testing.T) {
	through := pooled(t, 8)
	conformance.Replicas(t, func(t *testing.T) []contract.Store {
		url := testdb.FreshSchema(t, through)
		return []contract.Store{openURL(t, url), openURL(t, url), openURL(t, url)}
	})
}

// Another program whose transactions get the very session that ours have had finds it as it was.
func TestPoolerLeavesSessionsAsTheyWere(t *testing.T) {
	through := pooled(t, 1) // so that it is the very session
	foreign := func() map[string]string {
		t.Helper()
		state, err := sessionState(t.Context(), through)
		if err != nil {
			t.Fatal(err)
		}
		return state
	}
	before := foreign()
	if len(before) < 100 {
		t.Fatalf("only %d settings", len(before))
	}
	compare := func(when string) {
		t.Helper()
		now := foreign()
		if now["pg_backend_pid()"] != before["pg_backend_pid()"] {
			t.Fatalf("%s: another session was looked at", when)
		}
		maps.DeleteFunc(now, func(name, value string) bool { return before[name] == value })
		for name, value := range now {
			t.Errorf("%s: %s is %q, and was %q", when, name, value, before[name])
		}
	}
	t.Run("work", func(t *testing.T) {
		conformance.Store(t, func(t *testing.T) contract.Store {
			s := openURL(t, testdb.FreshSchema(t, through))
			if err := s.DB().Exec("CREATE TABLE mine (n INTEGER)").Error; err != nil {
				t.Error(err)
			}
			err := s.DB().Transaction(func(tx *gorm.DB) error { return tx.Exec("INSERT INTO mine VALUES (?)", 1).Error })
			if err != nil {
				t.Error(err)
			}
			compare("while stores are open")
			return s
		})
	})
	compare("after they were closed")
}

// sessionState is what another program finds: every setting, and what is kept by the session.
func sessionState(ctx context.Context, url string) (map[string]string, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `SELECT name, setting FROM pg_settings
		UNION ALL SELECT 'prepared statement ' || name, statement FROM pg_prepared_statements
		UNION ALL SELECT 'cursor ' || name, statement FROM pg_cursors WHERE name <> ''
		UNION ALL SELECT 'listens', channel FROM pg_listening_channels() AS channel
		UNION ALL SELECT 'advisory lock ' || objid, mode FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
		UNION ALL SELECT 'pg_backend_pid()', pg_backend_pid()::text`)
	if err != nil {
		return nil, err
	}
	state := make(map[string]string)
	var name string
	var value *string
	_, err = pgx.ForEachRow(rows, []any{&name, &value}, func() error {
		state[name] = fmt.Sprint(value == nil)
		if value != nil {
			state[name] = *value
		}
		return nil
	})
	return state, err
}

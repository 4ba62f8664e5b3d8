package server

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Each startup failure is a sentence with the thing and the remedy, and has its exit status.
func TestStartUpFailures(t *testing.T) {
	nothing := func(context.Context) error { return nil }
	for _, test := range []struct {
		name   string
		spoil  func(t *testing.T, f *fixture)
		status int
		want   []string
	}{
		{"port taken", func(t *testing.T, f *fixture) {
			taken, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { taken.Close() })
			f.env["PORT"] = strconv.Itoa(taken.Addr().(*net.TCPAddr).Port)
		}, exitUsage, []string{"127.0.0.1:", "the port is taken", "set PORT"}},
		{"address of another machine", func(_ *testing.T, f *fixture) {
			f.env["HOST"] = "192.0.2.1"
		}, exitUsage, []string{"192.0.2.1", "set HOST"}},
		{"two jobs of one name", func(_ *testing.T, f *fixture) {
			f.registry.Register("twice", "@daily", nothing)
			f.registry.Register("twice", "@hourly", nothing)
		}, exitUsage, []string{"server/startup_test.go:", `job "twice": the name is taken`}},
		{"several mistakes", func(_ *testing.T, f *fixture) {
			f.registry.Register("runs", "@daily", nothing)
			f.registry.Register("late", "61 * * * *", nothing)
		}, exitUsage, []string{"2 mistakes", `job "runs": the name is reserved`, "minute 61 is out of range 0-59"}},
		{"bad environment", func(_ *testing.T, f *fixture) {
			f.env["CRON_WORKERS"], f.env["LOG_LEVEL"] = "many", "loud"
		}, exitUsage, []string{"2 mistakes", `CRON_WORKERS="many"`, `LOG_LEVEL="loud"`}},
		{"misspelt token", func(_ *testing.T, f *fixture) {
			f.env["HOST"], f.env["CRON_OPERATOR_TOKN"] = "0.0.0.0", "0123456789abcdef"
			delete(f.env, "CRON_OPERATOR_TOKEN")
		}, exitUsage, []string{`HOST="0.0.0.0"`, "warning: CRON_OPERATOR_TOKN is not a variable", "the nearest one is CRON_OPERATOR_TOKEN"}},
		{"a database whose part is not in the build", func(_ *testing.T, f *fixture) {
			f.env["DATABASE_URL"] = "mysql://u:hunter2@127.0.0.1:1/d"
		}, exitUsage, []string{`DATABASE_URL needs the part "mysql"`, "go run ./cmd/cli add mysql"}},
		{"settings of other parts", func(_ *testing.T, f *fixture) {
			f.env["REDIS_URL"], f.env["CRON_EXECUTOR"], f.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = "redis://:hunter2@127.0.0.1:1", "asynq", "http://127.0.0.1:1"
			f.env["ALERT_EMAIL_TO"], f.env["ALERT_EMAIL_FROM"], f.env["SMTP_URL"] = "a@example.com", "b@example.com", "smtp://127.0.0.1:1"
		}, exitUsage, []string{
			`REDIS_URL needs the part "redis", which this program is built without: add it with go run ./cmd/cli add redis`,
			`CRON_EXECUTOR needs the part "asynq"`, `ALERT_EMAIL_TO needs the part "mail"`, `OTEL_EXPORTER_OTLP_ENDPOINT needs the part "otel"`,
		}},
		{"an argument", func(_ *testing.T, f *fixture) {
			f.args = []string{"--help"}
		}, exitUsage, []string{`no argument such as "--help"`, ".env.example", "cmd/cli"}},
		{"bad .env", func(t *testing.T, f *fixture) {
			f.envFile = filepath.Join(t.TempDir(), ".env")
			write(t, f.envFile, "PORT=3000\nthis is no line\n")
		}, exitUsage, []string{".env:2", "NAME=value"}},
		{"outward without a token", func(_ *testing.T, f *fixture) {
			f.env["HOST"] = "0.0.0.0"
			delete(f.env, "CRON_OPERATOR_TOKEN")
		}, exitUsage, []string{"HOST", "CRON_OPERATOR_TOKEN"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			test.spoil(t, f)
			status := f.run(t.Context(), nil)
			if status != test.status {
				t.Errorf("exit status %d, want %d", status, test.status)
			}
			for _, want := range test.want {
				if !strings.Contains(f.err.String(), want) {
					t.Errorf("no %q in %q", want, f.err.String())
				}
			}
		})
	}
}

func TestUnusableStore(t *testing.T) {
	const letter = "Dear database, you are not one. "
	for _, test := range []struct {
		name  string
		spoil func(t *testing.T, path string)
		want  string
	}{
		{"another kind of file", func(t *testing.T, path string) {
			write(t, path, strings.Repeat(letter, 200))
		}, "not an SQLite database"},
		{"corrupt", func(t *testing.T, path string) {
			whole := database(t)
			for i := 100; i < 4096; i++ { // the rest of the first page after the header
				whole[i] = 0xa5
			}
			write(t, path, string(whole))
		}, "is damaged"},
		{"unreadable", func(t *testing.T, path string) {
			write(t, path, string(database(t)))
			mode(t, path, 0o200)
		}, "cannot be read"},
		{"read-only file", func(t *testing.T, path string) {
			write(t, path, string(database(t)))
			mode(t, path, 0o400)
		}, "writable"},
		{"read-only folder", func(t *testing.T, path string) {
			mode(t, filepath.Dir(path), 0o500)
		}, "writable"},
		{"a folder", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o755); err != nil {
				t.Fatal(err)
			}
		}, "is a directory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			path := filepath.Join(t.TempDir(), "mine.db")
			f.env["DATABASE_URL"] = "sqlite://" + path
			test.spoil(t, path)
			before, _ := os.ReadFile(path)
			status := f.run(t.Context(), nil)
			if said := f.err.String(); status != exitStore || !strings.Contains(said, "mine.db") || !strings.Contains(said, test.want) {
				t.Errorf("exit status %d, stderr %q; want %d and %q", status, said, exitStore, test.want)
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
				t.Error("the user's file has changed")
			}
		})
	}
}

// database returns the content of a good database.
func database(t *testing.T) []byte {
	t.Helper()
	f := newFixture(t)
	_, stop := f.start(t)
	stop()
	text, err := os.ReadFile(strings.TrimPrefix(f.env["DATABASE_URL"], "sqlite://"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// mode sets permissions. They do not restrict the superuser.
func mode(t *testing.T, path string, m os.FileMode) {
	t.Helper()
	if os.Geteuid() == 0 {
		t.Skip("the superuser may read and write everything")
	}
	if err := os.Chmod(path, m); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(path, 0o700) })
}

// A stop that comes while the server starts is a stop, not a failure: a platform takes back what it has just deployed.
func TestStopDuringTheStart(t *testing.T) {
	f := newFixture(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if status := f.run(ctx, nil); status != exitDone {
		t.Errorf("exit status %d, want %d", status, exitDone)
	}
	if log := f.err.String(); !strings.Contains(log, "stopped before it served") || strings.Contains(log, "canceled") {
		t.Errorf("the log: %q", log)
	}
}

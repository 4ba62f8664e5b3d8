package env_test

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fibercrons/app/env"
)

const (
	operator = "operator-token-0123456789"
	viewer   = "viewer-token-0123456789"
)

// load reads env and nothing else.
func load(vars map[string]string) (env.Config, []string, error) {
	return env.Load(env.Env(vars), env.File(""))
}

func TestDefaults(t *testing.T) {
	c, warnings, err := load(empty())
	if err != nil || len(warnings) != 0 {
		t.Fatalf("an empty environment: warnings %v, error %v", warnings, err)
	}
	for _, field := range []struct {
		name      string
		got, want any
	}{
		{"APP_ENV", c.AppEnv, "development"},
		{"HOST", c.Host, "127.0.0.1"},
		{"PORT", c.Port, 3000},
		{"DATABASE_URL", c.Database, env.Database{Driver: env.SQLite, Path: "data/crons.db"}},
		{"REDIS_URL", c.Redis.Reveal(), ""},
		{"REDIS_PREFIX", c.RedisPrefix, "fibercrons"},
		{"CRON_ENABLED", c.Enabled, true},
		{"CRON_TIMEZONE", c.Timezone, time.UTC},
		{"CRON_WORKERS", c.Workers, 64},
		{"REDIS_URL", c.Redis.IsSet(), false},
		{"REDIS_PREFIX", c.RedisPrefix, "fibercrons"},
		{"CRON_EXECUTOR", c.Executor, env.ExecutorLocal},
		{"CRON_ROLE", c.Role, env.RoleAll},
		{"CRON_DEFAULT_TIMEOUT", c.DefaultTimeout, time.Duration(0)},
		{"CRON_DEFAULT_RETRIES", c.DefaultRetries, 0},
		{"CRON_DEFAULT_RETRY_DELAY", c.DefaultRetryDelay, time.Second},
		{"CRON_MAX_RETRY_DELAY", c.MaxRetryDelay, 5 * time.Minute},
		{"CRON_CATCH_UP_WINDOW", c.CatchUpWindow, time.Hour},
		{"CRON_LEASE", c.Lease, 30 * time.Second},
		{"CRON_SHUTDOWN_GRACE", c.ShutdownGrace, 25 * time.Second},
		{"CRON_KEEP_RUNS", c.KeepRuns, 1000},
		{"CRON_KEEP_FOR", c.KeepFor, 720 * time.Hour},
		{"CRON_MAX_RUN_LOG", c.MaxRunLog, env.Size(256 << 10)},
		{"CRON_OPERATOR_TOKEN", c.OperatorToken.Reveal(), ""},
		{"CRON_VIEWER_TOKEN", c.ViewerToken.Reveal(), ""},
		{"CRON_AUTH", c.Auth, env.AuthToken},
		{"CRON_ALLOWED_HOSTS", len(c.AllowedHosts), 0},
		{"ALERT_ALLOWED_HOSTS", len(c.AlertAllowedHosts), 0},
		{"LOG_LEVEL", c.LogLevel, slog.LevelInfo},
		{"LOG_FORMAT", c.LogFormat, env.LogAuto},
	} {
		if field.got != field.want {
			t.Errorf("%s is %v by default, want %v", field.name, field.got, field.want)
		}
	}
	if c.Addr() != "127.0.0.1:3000" || !c.Loopback() {
		t.Errorf("Addr is %s, Loopback %v", c.Addr(), c.Loopback())
	}
}

func TestValues(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, value string
		got         func(env.Config) any
		want        any
	}{
		{"APP_ENV", "production", func(c env.Config) any { return c.AppEnv }, "production"},
		{"HOST", "::1", func(c env.Config) any { return c.Addr() }, "[::1]:3000"},
		{"HOST", "LocalHost", func(c env.Config) any { return c.Loopback() }, true},
		{"HOST", "::ffff:127.0.0.1", func(c env.Config) any { return c.Loopback() }, true},
		{"HOST", "127.8.9.1", func(c env.Config) any { return c.Loopback() }, true},
		{"PORT", "0", func(c env.Config) any { return c.Port }, 0},
		{"PORT", " 65535 ", func(c env.Config) any { return c.Port }, 65535},
		{"PORT", "", func(c env.Config) any { return c.Port }, 3000},
		{"DATABASE_URL", "sqlite:///srv/a b%20c#.db", func(c env.Config) any { return c.Database.Path }, "/srv/a b%20c#.db"},
		{"DATABASE_URL", "SQLite://x.db", func(c env.Config) any { return c.Database.String() }, "sqlite://x.db"},
		{"REDIS_URL", "redis://cache", func(c env.Config) any { return c.Redis.Reveal() }, "redis://cache"},
		{"REDIS_URL", "redis://me:p%40ss@[::1]:6380/2", func(c env.Config) any { return c.Redis.Reveal() }, "redis://me:p%40ss@[::1]:6380/2"},
		{"REDIS_URL", "rediss://:p@cache:6380?skip_verify=true", func(c env.Config) any { return c.Redis.IsSet() }, true},
		{"REDIS_URL", "unix://:p@/run/redis.sock?db=2", func(c env.Config) any { return c.Redis.IsSet() }, true},
		{"REDIS_PREFIX", "billing:prod", func(c env.Config) any { return c.RedisPrefix }, "billing:prod"},
		{"CRON_ENABLED", "false", func(c env.Config) any { return c.Enabled }, false},
		{"CRON_TIMEZONE", "Europe/Berlin", func(c env.Config) any { return c.Timezone.String() }, berlin.String()},
		{"CRON_DEFAULT_TIMEOUT", "1d12h", func(c env.Config) any { return c.DefaultTimeout }, 36 * time.Hour},
		{"CRON_CATCH_UP_WINDOW", "0", func(c env.Config) any { return c.CatchUpWindow }, time.Duration(0)},
		{"CRON_SHUTDOWN_GRACE", "0s", func(c env.Config) any { return c.ShutdownGrace }, time.Duration(0)},
		{"CRON_KEEP_FOR", "30d", func(c env.Config) any { return c.KeepFor }, 720 * time.Hour},
		{"CRON_MAX_RUN_LOG", "1MiB", func(c env.Config) any { return c.MaxRunLog }, env.Size(1 << 20)},
		{"CRON_MAX_RUN_LOG", "4096", func(c env.Config) any { return c.MaxRunLog }, env.Size(4096)},
		{"CRON_OPERATOR_TOKEN", operator, func(c env.Config) any { return c.OperatorToken.Reveal() }, operator},
		{"CRON_ALLOWED_HOSTS", " Crons.example.com, ,10.0.0.7,::1,crons.example.com", func(c env.Config) any { return strings.Join(c.AllowedHosts, " ") }, "crons.example.com 10.0.0.7 ::1"},
		{"CRON_TRUSTED_PROXIES", " 127.0.0.1, 10.1.2.3/8,::1", func(c env.Config) any { return fmt.Sprint(c.Proxies()) }, "[127.0.0.1/32 10.0.0.0/8 ::1/128]"},
		{"ALERT_ALLOWED_HOSTS", "Chat.internal, chat.internal:8443,10.0.0.5,[::1]:8080, 10.0.0.0/8,fd00::/8,::1", func(c env.Config) any { return strings.Join(c.AlertAllowedHosts, " ") }, "chat.internal chat.internal:8443 10.0.0.5 [::1]:8080 10.0.0.0/8 fd00::/8 ::1"},
		{"LOG_LEVEL", "DEBUG", func(c env.Config) any { return c.LogLevel }, slog.LevelDebug},
		{"LOG_FORMAT", "Json", func(c env.Config) any { return c.LogFormat }, env.LogJSON},
	} {
		t.Run(test.name+"="+test.value, func(t *testing.T) {
			c, _, err := load(map[string]string{test.name: test.value})
			if err != nil {
				t.Fatal(err)
			}
			if got := test.got(c); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

// TestMistakes holds the whole sentence: it is what a person reads.
func TestMistakes(t *testing.T) {
	const (
		token    = "make one with: openssl rand -hex 32"
		database = "set it to sqlite:// and a file, such as sqlite://data/crons.db, or the URL of a postgres:// or mysql:// server, or remove it for the default sqlite://data/crons.db"
		redis    = "set it to a URL such as redis://127.0.0.1:6379/0, rediss:// for TLS, or unix:///run/redis.sock, or remove it"
		duration = "set it to 1s or more, or remove it for the default 30s"
		targets  = "set it to hostnames, IP addresses, either with a port, or ranges such as 10.0.0.0/8, separated by commas, or remove it"
	)
	for _, test := range []struct{ name, value, want string }{
		{"APP_ENV", "Production", `APP_ENV="Production": not a name in lower case; set it to a name in lower case such as development or production, or remove it for the default development`},
		{"HOST", "localhost:3000", `HOST="localhost:3000": not an IP address or hostname; set it to an IP address or a hostname, or remove it for the default 127.0.0.1`},
		{"HOST", "[::1]", `HOST="[::1]": more than a host; set it to the address alone, such as 127.0.0.1 or ::1, and the port in PORT`},
		{"HOST", "http://localhost", `HOST="http://localhost": more than a host; set it to the address alone, such as 127.0.0.1 or ::1, and the port in PORT`},
		{"HOST", "300.1.1.1", `HOST="300.1.1.1": not an IP address or hostname; set it to an IP address or a hostname, or remove it for the default 127.0.0.1`},
		{"HOST", "0.0.0.0", `HOST="0.0.0.0": would serve other machines without an operator token; set CRON_OPERATOR_TOKEN (` + token + `), or set HOST to 127.0.0.1, or let everyone do everything with CRON_AUTH=off`},
		{"PORT", "http", `PORT="http": not a whole number; set it to 0 to 65535, or remove it for the default 3000`},
		{"PORT", "65536", `PORT="65536": not a port; set it to 0 to 65535, or remove it for the default 3000`},
		{"PORT", "-1", `PORT="-1": not a port; set it to 0 to 65535, or remove it for the default 3000`},
		{"PORT", "99999999999", `PORT="99999999999": a number out of range; set it to 0 to 65535, or remove it for the default 3000`},
		{"DATABASE_URL", "data/crons.db", `DATABASE_URL=[hidden]: not a URL; ` + database},
		{"DATABASE_URL", "postgres://me:hunter2@db", `DATABASE_URL="postgres://...": names no database; write postgres://user:password@host/name`},
		{"DATABASE_URL", "postgres://db/crons", `DATABASE_URL="postgres://...": names no user; write postgres://user:password@host/name`},
		{"DATABASE_URL", "postgresql://me:hunter2@/crons", `DATABASE_URL="postgresql://...": names no host; write postgres://user:password@host/name`},
		{"DATABASE_URL", "mysql://me:hunter2@db:99999/crons", `DATABASE_URL="mysql://...": names an invalid port; write mysql://user:password@host/name`},
		{"DATABASE_URL", "mysql://me:hunt#er2@db/crons", `DATABASE_URL="mysql://...": not a URL; write mysql://user:password@host/name, with percent codes for special characters in the password (%40 for @, %2F for /, %23 for #)`},
		{"DATABASE_URL", "mariadb://me:hunter2@tcp(db:3306)/crons", `DATABASE_URL="mariadb://...": not a URL; write mysql://user:password@host/name, with percent codes for special characters in the password (%40 for @, %2F for /, %23 for #)`},
		{"DATABASE_URL", "oracle://me:hunter2@db", `DATABASE_URL="oracle://...": not a supported kind of database; ` + database},
		{"DATABASE_URL", "sqlite3://x.db", `DATABASE_URL="sqlite3://...": sqlite3:// is written sqlite:// here; ` + database},
		{"DATABASE_URL", "sqlite://", `DATABASE_URL="sqlite://": names no file; ` + database},
		{"DATABASE_URL", "sqlite://data/", `DATABASE_URL="sqlite://data/": names no file; ` + database},
		{"DATABASE_URL", "sqlite://x.db?_auth_pass=hunter2", `DATABASE_URL="sqlite://x.db?...": parameters after ? are not accepted, the store sets its own; ` + database},
		{"DATABASE_URL", "sqlite://:memory:", `DATABASE_URL="sqlite://:memory:": a database in memory is written sqlite::memory: and forgets every run at a restart; ` + database},
		{"DATABASE_URL", "sqlite://file:x.db", `DATABASE_URL="sqlite://file:x.db": a file: URI inside the URL is not accepted; ` + database},
		{"DATABASE_URL", "sqlite://~/x.db", `DATABASE_URL="sqlite://~/x.db": ~ is not expanded, write the folder out; ` + database},
		{"DATABASE_URL", "sqlite://x\x1b.db", `DATABASE_URL="sqlite://x\x1b.db": holds a control character; ` + database},
		{"REDIS_URL", "cache:6379", `REDIS_URL=[hidden]: not a URL (characters such as @ / # in a password are written %40 %2F %23); ` + redis},
		{"REDIS_URL", "redis://:hunter2/x@cache", `REDIS_URL=[hidden]: not a URL (characters such as @ / # in a password are written %40 %2F %23); ` + redis},
		{"REDIS_URL", "redis://:hunter2#x@cache", `REDIS_URL=[hidden]: not a URL (characters such as @ / # in a password are written %40 %2F %23); ` + redis},
		{"REDIS_URL", "redis://cache/0#hunter2", `REDIS_URL=[hidden]: has a #, which must be written %23; ` + redis},
		{"REDIS_URL", "http://:hunter2@cache", `REDIS_URL=[hidden]: not redis://, rediss:// or unix://; ` + redis},
		{"REDIS_URL", "redis://", `REDIS_URL=[hidden]: names no host; ` + redis},
		{"REDIS_URL", "redis://:hunter2@cache:0", `REDIS_URL=[hidden]: has an invalid port; ` + redis},
		{"REDIS_URL", "redis://cache/jobs", `REDIS_URL=[hidden]: has something other than a database number after the host; ` + redis},
		{"REDIS_URL", "redis://cache?db=-1", `REDIS_URL=[hidden]: has a db that is not a database number; ` + redis},
		{"REDIS_URL", "redis://cache?pool_size=9", `REDIS_URL=[hidden]: has a parameter after ? that is not accepted; known are db; ` + redis},
		{"REDIS_URL", "rediss://cache?skip_verify=1", `REDIS_URL=[hidden]: has a skip_verify that is not true or false; ` + redis},
		{"REDIS_URL", "unix://", `REDIS_URL=[hidden]: names no socket; ` + redis},
		{"REDIS_PREFIX", "a b", `REDIS_PREFIX="a b": not a prefix of keys; set it to letters, digits and ._:- such as fibercrons, or remove it for the default fibercrons`},
		{"CRON_ENABLED", "yes", `CRON_ENABLED="yes": not true or false; set it to true or false, or remove it for the default true`},
		{"CRON_TIMEZONE", "Europe/Berlim", `CRON_TIMEZONE="Europe/Berlim": not a time zone of the IANA database; set it to a name such as UTC or Europe/Berlin, or remove it for the default UTC`},
		{"CRON_TIMEZONE", "Local", `CRON_TIMEZONE="Local": a different zone on every machine, where a slot must be the same instant on all; set it to a name such as UTC or Europe/Berlin, or remove it for the default UTC`},
		{"CRON_WORKERS", "abc", `CRON_WORKERS="abc": not a whole number; set it to 1 or more, or remove it for the default 64`},
		{"CRON_WORKERS", "0", `CRON_WORKERS="0": below 1; set it to 1 or more, or remove it for the default 64`},
		{"REDIS_PREFIX", "a b", `REDIS_PREFIX="a b": not a prefix of keys; set it to letters, digits and ._:- such as fibercrons, or remove it for the default fibercrons`},
		{"CRON_EXECUTOR", "temporal", `CRON_EXECUTOR="temporal": not one of the accepted words; set it to local, river or asynq, or remove it for the default local`},
		{"CRON_EXECUTOR", "River", `CRON_EXECUTOR="River": needs Postgres, but DATABASE_URL names another database; set DATABASE_URL to postgres://user:password@host/name, or use asynq, which needs REDIS_URL`},
		{"CRON_EXECUTOR", "asynq", `CRON_EXECUTOR="asynq": needs Redis, but REDIS_URL is not set; set REDIS_URL to redis://host:6379, or use river, which needs DATABASE_URL to be postgres://`},
		{"CRON_ROLE", "boss", `CRON_ROLE="boss": not one of the accepted words; set it to all, scheduler or worker, or remove it for the default all`},
		{"CRON_ROLE", "worker", `CRON_ROLE="worker": needs a queue, but CRON_EXECUTOR is local; set CRON_EXECUTOR to river or asynq, or remove CRON_ROLE`},
		{"CRON_DEFAULT_TIMEOUT", "-1s", `CRON_DEFAULT_TIMEOUT="-1s": below 0; set it to a duration such as 10m, or 0 for none, or remove it for the default 0`},
		{"CRON_DEFAULT_RETRIES", "-1", `CRON_DEFAULT_RETRIES="-1": below 0; set it to 0 or more, or remove it for the default 0`},
		{"CRON_DEFAULT_RETRY_DELAY", "-1s", `CRON_DEFAULT_RETRY_DELAY="-1s": below 0; set it to a duration such as 1s, or remove it for the default 1s`},
		{"CRON_DEFAULT_RETRY_DELAY", "10m", `CRON_MAX_RETRY_DELAY="5m": shorter than CRON_DEFAULT_RETRY_DELAY, which is 10m0s; raise it, or lower CRON_DEFAULT_RETRY_DELAY`},
		{"CRON_MAX_RETRY_DELAY", "-1s", `CRON_MAX_RETRY_DELAY="-1s": below 0; set it to a duration such as 5m, or remove it for the default 5m`},
		{"CRON_CATCH_UP_WINDOW", "-1h", `CRON_CATCH_UP_WINDOW="-1h": below 0; set it to a duration such as 1h, or 0 for no catching up, or remove it for the default 1h`},
		{"CRON_LEASE", "999ms", `CRON_LEASE="999ms": below 1s; ` + duration},
		{"CRON_LEASE", "30", `CRON_LEASE="30": a duration without a unit (ms, s, m, h or d); ` + duration},
		{"CRON_LEASE", "soon", `CRON_LEASE="soon": not a duration; ` + duration},
		{"CRON_LEASE", "200000d", `CRON_LEASE="200000d": a duration out of range; ` + duration},
		{"CRON_SHUTDOWN_GRACE", "-1s", `CRON_SHUTDOWN_GRACE="-1s": below 0; set it to a duration such as 25s, or 0 to cancel at once, or remove it for the default 25s`},
		{"CRON_KEEP_RUNS", "0", `CRON_KEEP_RUNS="0": below 1; set it to 1 or more, or remove it for the default 1000`},
		{"CRON_KEEP_FOR", "59s", `CRON_KEEP_FOR="59s": below 1m; set it to 1m or more, such as 720h or 30d, or remove it for the default 720h`},
		{"CRON_MAX_RUN_LOG", "256KB", `CRON_MAX_RUN_LOG="256KB": not a size in B, KiB, MiB or GiB; set it to a size up to 1GiB such as 256KiB, 1MiB or 4096, or remove it for the default 256KiB`},
		{"CRON_MAX_RUN_LOG", "2GiB", `CRON_MAX_RUN_LOG="2GiB": above 1GiB; set it to a size up to 1GiB such as 256KiB, 1MiB or 4096, or remove it for the default 256KiB`},
		{"CRON_OPERATOR_TOKEN", "hunter2hunter2x", `CRON_OPERATOR_TOKEN=[hidden]: shorter than 16 characters; ` + token},
		{"CRON_OPERATOR_TOKEN", "correct horse battery staple", `CRON_OPERATOR_TOKEN=[hidden]: holds a space or another character that cannot be sent in a header; ` + token},
		{"CRON_VIEWER_TOKEN", "hunter2", `CRON_VIEWER_TOKEN=[hidden]: shorter than 16 characters; ` + token},
		{"CRON_AUTH", "none", `CRON_AUTH="none": not one of the accepted words; set it to token or off, or remove it for the default token`},
		{"CRON_ALLOWED_HOSTS", "a.example,https://b.example", `CRON_ALLOWED_HOSTS="a.example,https://b.example": "https://b.example" is not a hostname or IP address; set it to hostnames or IP addresses separated by commas, without scheme and port, or remove it`},
		{"CRON_TRUSTED_PROXIES", "10.0.0.1,proxy.internal", `CRON_TRUSTED_PROXIES="10.0.0.1,proxy.internal": "proxy.internal" is not an IP address or a range; set it to IP addresses or ranges such as 10.0.0.0/8, separated by commas, or remove it`},
		{"ALERT_ALLOWED_HOSTS", "https://chat.internal", `ALERT_ALLOWED_HOSTS="https://chat.internal": "https://chat.internal" is not a host, an address or a range; ` + targets},
		{"ALERT_ALLOWED_HOSTS", "chat.internal/hook", `ALERT_ALLOWED_HOSTS="chat.internal/hook": "chat.internal/hook" is not a host, an address or a range; ` + targets},
		{"ALERT_ALLOWED_HOSTS", "10.0.0.0/40", `ALERT_ALLOWED_HOSTS="10.0.0.0/40": "10.0.0.0/40" is not a host, an address or a range; ` + targets},
		{"ALERT_ALLOWED_HOSTS", "chat.internal:0", `ALERT_ALLOWED_HOSTS="chat.internal:0": "chat.internal:0" is not a host, an address or a range; ` + targets},
		{"ALERT_ALLOWED_HOSTS", "chat.internal:https", `ALERT_ALLOWED_HOSTS="chat.internal:https": "chat.internal:https" is not a host, an address or a range; ` + targets},
		{"ALERT_ALLOWED_HOSTS", "*", `ALERT_ALLOWED_HOSTS="*": "*" is not a host, an address or a range; ` + targets},
		{"LOG_LEVEL", "loud", `LOG_LEVEL="loud": not a log level; set it to debug, info, warn or error, or remove it for the default info`},
		{"LOG_FORMAT", "xml", `LOG_FORMAT="xml": not one of the accepted words; set it to auto, text or json, or remove it for the default auto`},
	} {
		t.Run(test.name+"="+test.value, func(t *testing.T) {
			_, _, err := load(map[string]string{test.name: test.value})
			want := "the configuration has a mistake:\n  " + test.want
			if err == nil || err.Error() != want {
				t.Errorf("got\n%v\nwant\n%s", err, want)
			}
		})
	}
}

func TestAllMistakesComeTogetherAndInOrder(t *testing.T) {
	_, warnings, err := load(map[string]string{
		"LOG_FORMAT": "xml", "CRON_WORKERS": "abc", "CRON_KEEP_RUNS": "0", "PORT": "70000", "CRON_WORKER": "3",
		"CRON_OPERATOR_TOKEN": "same-token-0123456789", "CRON_VIEWER_TOKEN": "same-token-0123456789",
	})
	failed, ok := errors.AsType[*env.Error](err)
	if !ok {
		t.Fatalf("got %v, want a *env.Error", err)
	}
	var names []string
	for _, m := range failed.Mistakes {
		names = append(names, m.Variable)
	}
	want := []string{"PORT", "CRON_WORKERS", "CRON_KEEP_RUNS", "CRON_VIEWER_TOKEN", "LOG_FORMAT"}
	if !slices.Equal(names, want) {
		t.Errorf("mistakes are %v, want %v", names, want)
	}
	text := err.Error()
	if !strings.HasPrefix(text, "the configuration has 5 mistakes:\n") || strings.Count(text, "\n") != 5 {
		t.Errorf("not a heading and a line each:\n%s", text)
	}
	if strings.Contains(text, "same-token") {
		t.Errorf("a token is in the text:\n%s", text)
	}
	if len(warnings) != 1 {
		t.Errorf("warnings are %q; they are wanted beside mistakes too", warnings)
	}
}

func TestAccess(t *testing.T) {
	for _, test := range []struct {
		name     string
		env      map[string]string
		refused  string
		warnings int
	}{
		{"loopback without tokens", map[string]string{"HOST": "::1"}, "", 0},
		{"outward without tokens", map[string]string{"HOST": "::"}, "HOST", 0},
		{"a hostname is outward", map[string]string{"HOST": "crons.internal"}, "HOST", 0},
		{"outward with the operator token", map[string]string{"HOST": "0.0.0.0", "CRON_OPERATOR_TOKEN": operator}, "", 0},
		{"outward with both tokens", map[string]string{"HOST": "0.0.0.0", "CRON_OPERATOR_TOKEN": operator, "CRON_VIEWER_TOKEN": viewer}, "", 0},
		{"outward with the viewer token only", map[string]string{"HOST": "0.0.0.0", "CRON_VIEWER_TOKEN": viewer}, "HOST", 0},
		{"outward, off said aloud", map[string]string{"HOST": "0.0.0.0", "CRON_AUTH": "off"}, "", 1},
		{"off on loopback", map[string]string{"CRON_AUTH": "off"}, "", 0},
		{"off makes tokens idle", map[string]string{"CRON_AUTH": "off", "CRON_OPERATOR_TOKEN": operator}, "", 1},
		{"a short token is the one mistake", map[string]string{"HOST": "0.0.0.0", "CRON_OPERATOR_TOKEN": "short"}, "CRON_OPERATOR_TOKEN", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, warnings, err := load(test.env)
			if len(warnings) != test.warnings {
				t.Errorf("warnings are %q, want %d", warnings, test.warnings)
			}
			if test.refused == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			failed, ok := errors.AsType[*env.Error](err)
			if !ok || len(failed.Mistakes) != 1 || failed.Mistakes[0].Variable != test.refused {
				t.Errorf("got %v, want one mistake about %s", err, test.refused)
			}
		})
	}
}

func TestUnknownVariables(t *testing.T) {
	_, warnings, err := load(map[string]string{
		"CRON_TIMEZON": "UTC", "CRON_EXECUTORS": "local", "CRON_ROLES": "", "CRONTAB": "x", "PATH": "/bin", "CRON_LEASE": "1m",
	})
	if err != nil {
		t.Fatal(err)
	}
	var named []string
	for _, w := range warnings {
		name, _, _ := strings.Cut(w, " ")
		named = append(named, name)
	}
	if want := []string{"CRON_EXECUTORS", "CRON_ROLES", "CRON_TIMEZON"}; !slices.Equal(named, want) {
		t.Fatalf("warned of %v, want %v", named, want)
	}
	const want = "CRON_TIMEZON is not a variable of this program and is ignored; the nearest one is CRON_TIMEZONE"
	if warnings[2] != want {
		t.Errorf("got  %s\nwant %s", warnings[2], want)
	}
}

// Kubernetes gives every pod variables for each Service: a Service named cron must not make noise.
func TestServiceLinksAreNoMistakes(t *testing.T) {
	vars := map[string]string{
		"CRON_PORT": "tcp://10.0.0.7:80", "CRON_SERVICE_HOST": "10.0.0.7", "CRON_SERVICE_PORT": "80", "CRON_SERVICE_PORT_HTTP": "80",
		"CRON_PORT_80_TCP": "tcp://10.0.0.7:80", "CRON_PORT_80_TCP_PROTO": "tcp", "CRON_PORT_80_TCP_PORT": "80", "CRON_PORT_80_TCP_ADDR": "10.0.0.7",
		"CRON_JOBS_SERVICE_HOST": "10.0.0.8", "CRON_JOBS_PORT": "udp://10.0.0.8:53", "CRON_JOBS_PORT_53_UDP_ADDR": "10.0.0.8",
	}
	if _, warnings, err := load(vars); err != nil || len(warnings) > 0 {
		t.Errorf("%v %v", warnings, err)
	}
	for name, value := range map[string]string{"CRON_PORT": "3000", "CRON_HOST": "10.0.0.7", "CRON_SERVICE": "x"} {
		if _, warnings, err := load(map[string]string{name: value}); err != nil || len(warnings) != 1 {
			t.Errorf("%s=%s: %v %v", name, value, warnings, err)
		}
	}
}

func TestNearest(t *testing.T) {
	var known []string
	for _, v := range env.Variables(new(env.Config)) {
		known = append(known, v.Name)
	}
	for misspelt, want := range map[string]string{
		"CRON_WORKER": "CRON_WORKERS", "CRON_TIME_ZONE": "CRON_TIMEZONE", "CRON_OPERATORTOKEN": "CRON_OPERATOR_TOKEN",
		"CRON_CATCHUP_WINDOW": "CRON_CATCH_UP_WINDOW", "CRON_KEEP_DAYS": "CRON_KEEP_RUNS", "CRON_SHUTDOWN_TIMEOUT": "CRON_SHUTDOWN_GRACE",
	} {
		if got := env.Nearest(misspelt, known); got != want {
			t.Errorf("nearest to %s is %s, want %s", misspelt, got, want)
		}
	}
}

func TestFile(t *testing.T) {
	for _, test := range []struct {
		name, text string
		env        map[string]string
		workers    int
		want       string // a part of the error
	}{
		{name: "values", text: "# comment\n\nexport CRON_WORKERS=7 # seven\nCRON_OPERATOR_TOKEN='with-$dollar#and-more'\n", workers: 7},
		{name: "no newline at the end", text: "CRON_WORKERS=7", workers: 7},
		{name: "windows", text: "\xef\xbb\xbfCRON_WORKERS=7\r\nPORT=1\r\n", workers: 7},
		{name: "the real environment wins", text: "CRON_WORKERS=7\n", env: map[string]string{"CRON_WORKERS": "8"}, workers: 8},
		{name: "an empty real one takes it back", text: "CRON_WORKERS=7\n", env: map[string]string{"CRON_WORKERS": ""}, workers: 64},
		{name: "a quoted value over two lines", text: "X=\"a\nb\"\nCRON_WORKERS=7\n", workers: 7},
		{name: "a mistake says where it is", text: "CRON_WORKERS=many\n", want: `CRON_WORKERS="many" in $FILE: not a whole number; `},
		{name: "a mistake in the real environment does not", text: "CRON_WORKERS=7\n", env: map[string]string{"CRON_WORKERS": "many"}, want: `CRON_WORKERS="many": not`},
		{name: "no sign", text: "PORT=1\nhunter2\nCRON_WORKERS=7\n", want: "$FILE:2: this line cannot be read; write it as NAME=value"},
		{name: "no sign, and a mistake in the real environment", text: "hunter2\n", env: map[string]string{"CRON_WORKERS": "many"}, want: "$FILE:1: this line cannot be read; write it as NAME=value, with '...' around a value that contains spaces, $ or #\n  CRON_WORKERS=\"many\": not"},
		{name: "no sign at the end", text: "PORT=1\n\nhunter2", want: "$FILE:3: "},
		{name: "a name with a space", text: "PORT=1\nMY PORT=hunter2\n", want: "$FILE:2: "},
		{name: "an open quote", text: "PORT=1\nKEY=\"hunter2\nCRON_WORKERS=7\n", want: "$FILE:2: "},
		{name: "an open quote closed by a later one", text: "PORT=1\nKEY=\"hunter2\nLEVEL=\"x\"\nA=1\n", want: "$FILE:2: "},
		{name: "text behind a quote", text: "KEY=\"a\" hunter2\nPORT=1\n", want: "$FILE:1: "},
		{name: "a variable from above", text: "N=7\nCRON_WORKERS=${N}\n", workers: 7},
		{name: "a variable from above in quotes", text: "N=7\nCRON_WORKERS=\"$N\"\n", workers: 7},
		{name: "an empty variable from above", text: "N=\nCRON_WORKERS=${N}7\n", workers: 7},
		{name: "a dollar sign that is none", text: "X=a$b\nY=\"\\$9\"\nZ=a\\$9\nW='$9'\nV=$\nCRON_WORKERS=7\n", workers: 7},
		{name: "escapes", text: `X="a\n\"b\\c\$"` + "\nCRON_WORKERS=7\n", workers: 7},
		{name: "spaces around the sign, and export", text: "export   CRON_WORKERS = 7\n", workers: 7},
		{name: "as in yaml", text: "CRON_WORKERS: 7\n", workers: 7},
		{name: "carriage returns alone", text: "# comment\rCRON_WORKERS=7\r", workers: 7},
		{name: "a comment behind a quote", text: "CRON_WORKERS=\"7\" # seven\n", workers: 7},
		{name: "a value that begins with a hash", text: "X=#fff\nCRON_WORKERS=7\n", workers: 7},
		{name: "a lost dollar sign", text: "PORT=1\nPASSWORD=hunter2$9b\n", want: "PASSWORD in $FILE:2: holds a $ that expands to nothing: no variable of that name is set above it in this file; put '...' around the value to keep the $"},
		{name: "a lost dollar sign in quotes", text: "PASSWORD=\"hunter2$A\"\n", want: "PASSWORD in $FILE:1: holds a $ that expands"},
		{name: "a lost dollar sign in braces", text: "\nPASSWORD=${HUNTER2}\n", want: "PASSWORD in $FILE:2: holds a $ that expands"},
		{name: "a variable from below", text: "PASSWORD=hunter2${X}\nX=1\n", want: "PASSWORD in $FILE:1: holds a $ that expands"},
		{name: "a default of a shell", text: "X=1\nPASSWORD=${X:-hunter2}\n", want: "PASSWORD in $FILE:2: holds a $ whose braces"},
		{name: "a brace of something else", text: "X=1\nPASSWORD={\"hunter2\":$X}\n", want: "PASSWORD in $FILE:2: holds a $ whose braces"},
		{name: "a command", text: "PASSWORD=$(cat hunter2)\n", want: "PASSWORD in $FILE:1: holds $(...)"},
		{name: "two at once", text: "A=$9\nB=\"\nx\"\nC=$9\n", want: "C in $FILE:4: holds a $"},
		{name: "a lost backslash", text: `PASSWORD="C:\temp\hunter2"`, want: "PASSWORD in $FILE:1: holds a backslash"},
		{name: "a lost quote", text: `PASSWORD="\"hunter2\""`, want: "PASSWORD in $FILE:1: begins or ends with"},
		{name: "a backslash that stays", text: `PASSWORD='it\'s hunter2'`, want: "PASSWORD in $FILE:1: holds \\' between"},
		{name: "a comment for a value", text: "PASSWORD= # hunter2\n", want: "PASSWORD in $FILE:1: unclear: an empty value"},
		{name: "a variable behind a quote", text: "PASSWORD='a'hunter2=c\n", want: "$FILE:1: this line"},
		{name: "a url without a name", text: "PORT=1\npostgres://hunter2@host/db\n", want: "$FILE:2: this line"},
		{name: "a utf-16 file", text: "\xff\xfeP\x00O\x00R\x00T\x00=\x001\x00", want: "$FILE: is not UTF-8 text; save it as UTF-8"},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), ".env")
			if err := os.WriteFile(file, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			vars := empty()
			maps.Copy(vars, test.env)
			c, _, err := env.Load(env.Env(vars), env.File(file))
			if test.want != "" {
				want := strings.ReplaceAll(test.want, "$FILE", file)
				if err == nil || !strings.Contains(err.Error(), "\n  "+want) {
					t.Errorf("got %v\nwant %s", err, want)
				}
				if err != nil && strings.Contains(err.Error(), "hunter2") {
					t.Errorf("the text of the file is in the error: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if c.Workers != test.workers {
				t.Errorf("CRON_WORKERS is %d, want %d", c.Workers, test.workers)
			}
		})
	}
}

func TestFileThatCannotBeRead(t *testing.T) {
	folder := t.TempDir()
	if _, _, err := env.Load(env.Env(empty()), env.File(filepath.Join(folder, "missing"))); err != nil {
		t.Errorf("a missing file is a mistake: %v", err)
	}
	_, _, err := env.Load(env.Env(empty()), env.File(folder))
	if err == nil || !strings.Contains(err.Error(), folder+": cannot be read: ") || !strings.Contains(err.Error(), "; make it a readable file, or remove it") {
		t.Errorf("a folder named as the file gives %v", err)
	}
}

// TestProcessEnvironment is the one test of the real environment and the real .env.
func TestProcessEnvironment(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile(".env", []byte("CRON_WORKERS=7\nPORT=7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, v := range env.Variables(new(env.Config)) {
		t.Setenv(v.Name, "")
		_ = os.Unsetenv(v.Name)
	}
	t.Setenv("PORT", "8")
	c, _, err := env.Load()
	if err != nil {
		t.Fatal(err)
	}
	if c.Workers != 7 || c.Port != 8 {
		t.Errorf("CRON_WORKERS=%d PORT=%d, want 7 of .env and 8 of the environment", c.Workers, c.Port)
	}
	if got := os.Getenv("CRON_WORKERS"); got != "" {
		t.Errorf("Load has put CRON_WORKERS=%s into the process environment", got)
	}
}

// empty keeps Load away from the environment of the test's process.
func empty() map[string]string { return map[string]string{} }

// OpenTelemetry's variables come from .env as from the environment, and are shown nowhere.
func TestVariablesOfOpenTelemetry(t *testing.T) {
	file := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(file, []byte("OTEL_SERVICE_NAME=shop\nOTEL_EXPORTER_OTLP_HEADERS='key=s3cr3t'\nOTHER=1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, warnings, err := env.Load(env.Env(map[string]string{"OTEL_SERVICE_NAME": "store", "OTEL_SDK_DISABLED": " "}), env.File(file))
	if err != nil || len(warnings) > 0 {
		t.Fatal(warnings, err)
	}
	if len(c.OTel) != 2 || c.OTel["OTEL_SERVICE_NAME"].Reveal() != "store" || c.OTel["OTEL_EXPORTER_OTLP_HEADERS"].Reveal() != "key=s3cr3t" {
		t.Errorf("there are %d", len(c.OTel))
	}
	if text := fmt.Sprintf("%v %+v %#v", c, c, c); strings.Contains(text, "s3cr3t") {
		t.Error("a secret is shown")
	}
}

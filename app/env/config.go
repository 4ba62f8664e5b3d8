package env

import (
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"
	// For time.LoadLocation in users' code: scratch containers and Windows have no zone database.
	_ "time/tzdata"
)

// Config holds the settings of the template. [Load], [Fill] and [New] make it, and it is valid if they return no error.
// It does not change afterwards, so it may be copied and shared freely.
type Config struct {
	// AppEnv is compared with the names in cron.Only.
	AppEnv string `env:"APP_ENV" envDefault:"development" want:"a name in lower case such as development or production" about:"Where this process runs; a job may be limited to some environments with Only(\"production\")."`

	// Host is an IP address or a hostname, without brackets and port. See [Config.Loopback].
	Host string `env:"HOST" envDefault:"127.0.0.1" want:"an IP address or a hostname" about:"Address to listen on; 0.0.0.0 serves other machines too and needs CRON_OPERATOR_TOKEN."`
	// Port 0 asks the operating system for a free one.
	Port int `env:"PORT" envDefault:"3000" want:"0 to 65535" about:"Port to listen on; 0 takes a free one."`

	// BasePath is empty, or begins with a slash and does not end with one.
	BasePath string `env:"CRON_BASE_PATH" want:"a path such as /ops" about:"Path under which a proxy in front publishes this server, if it strips that path from requests, such as /ops. X-Forwarded-Prefix of a trusted proxy goes before it."`

	// Database is secret because the URL of a database server carries a password.
	Database Database `env:"DATABASE_URL" envDefault:"sqlite://data/crons.db" secret:"true" want:"sqlite:// and a file, such as sqlite://data/crons.db, or the URL of a postgres:// or mysql:// server" about:"Database for state and runs: sqlite://relative/path.db or sqlite:///absolute/path.db, or sqlite::memory: for one process, lost when it ends; for more than one machine postgres://user:password@host:5432/name or mysql://user:password@host:3306/name (MariaDB too)."`

	// Redis is a URL, or empty for none. It is secret because it may carry a password.
	Redis Secret `env:"REDIS_URL" want:"a URL such as redis://127.0.0.1:6379/0, rediss:// for TLS, or unix:///run/redis.sock" about:"Redis shared by all replicas: redis://, rediss:// or unix://; empty is none. With SQLite it decides which replica runs a slot. CRON_EXECUTOR=asynq keeps its queue there. Needs the part redis."`
	// RedisPrefix begins every key.
	RedisPrefix string `env:"REDIS_PREFIX" envDefault:"fibercrons" want:"letters, digits and ._:- such as fibercrons" about:"Prefix of all keys in Redis; the same for all replicas of a program, different for each program on that Redis."`

	// Enabled false starts no job on schedule; manual runs still work.
	Enabled bool `env:"CRON_ENABLED" envDefault:"true" want:"true or false" about:"Whether jobs start on schedule in this process; with false, only manual runs."`
	// Timezone is never nil and never time.Local, so slots are the same on every machine.
	Timezone *time.Location `env:"CRON_TIMEZONE" envDefault:"UTC" want:"a name such as UTC or Europe/Berlin" about:"Time zone of schedules without their own."`
	// TZData has been passed to schedule.PreferHost by Load. It is one for the process: with two Configs the last counts.
	TZData TZData `env:"CRON_TZDATA" envDefault:"embedded" want:"embedded or host" about:"Time-zone data for computing slots: embedded is part of the build, the same on every machine; host prefers the machine's files, which must then be the same on all replicas."`
	// Workers is at least 1.
	Workers int `env:"CRON_WORKERS" envDefault:"64" want:"1 or more" about:"Maximum number of concurrent runs in this process."`
	// Executor is ExecutorLocal unless the requirements of the others are met.
	Executor Executor `env:"CRON_EXECUTOR" envDefault:"local" want:"local, river or asynq" about:"Where claimed runs execute: local is the process that claimed them; river (Postgres, DATABASE_URL) and asynq (Redis, REDIS_URL) are queues that every process can work, and need the part of that name: go run ./cmd/cli add river."`
	// Role is RoleAll if Executor is ExecutorLocal.
	Role Role `env:"CRON_ROLE" envDefault:"all" want:"all, scheduler or worker" about:"What this process does when CRON_EXECUTOR is a queue: scheduler only fills it, worker only works it, all does both."`

	// DefaultTimeout 0 means none.
	DefaultTimeout time.Duration `env:"CRON_DEFAULT_TIMEOUT" envDefault:"0" want:"a duration such as 10m, or 0 for none" about:"How long one attempt of a job without Timeout may take; 0 is unlimited."`
	// DefaultRetries counts the attempts after the first.
	DefaultRetries int `env:"CRON_DEFAULT_RETRIES" envDefault:"0" want:"0 or more" about:"How many times a job without Retry is retried after a failure."`
	// DefaultRetryDelay is at most MaxRetryDelay.
	DefaultRetryDelay time.Duration `env:"CRON_DEFAULT_RETRY_DELAY" envDefault:"1s" want:"a duration such as 1s" about:"Pause before the first retry; it grows from one retry to the next."`
	MaxRetryDelay     time.Duration `env:"CRON_MAX_RETRY_DELAY" envDefault:"5m" want:"a duration such as 5m" about:"The longest pause between two retries."`

	// CatchUpWindow 0 means that a missed slot is never run late.
	CatchUpWindow time.Duration `env:"CRON_CATCH_UP_WINDOW" envDefault:"1h" want:"a duration such as 1h, or 0 for no catching up" about:"Maximum age of a missed slot for catch-up; older ones are recorded as skipped."`
	// Lease is at least one second. It is renewed three times per period.
	Lease time.Duration `env:"CRON_LEASE" envDefault:"30s" want:"1s or more" about:"How long after its last heartbeat a process counts as dead."`
	// ShutdownGrace 0 cancels runs at once.
	ShutdownGrace time.Duration `env:"CRON_SHUTDOWN_GRACE" envDefault:"25s" want:"a duration such as 25s, or 0 to cancel at once" about:"How long runs may continue after SIGTERM before they are cancelled."`

	// KeepRuns is at least 1.
	KeepRuns int `env:"CRON_KEEP_RUNS" envDefault:"1000" want:"1 or more" about:"How many runs of each job are kept in the history."`
	// KeepFor is at least one minute.
	KeepFor time.Duration `env:"CRON_KEEP_FOR" envDefault:"720h" want:"1m or more, such as 720h or 30d" about:"How long a run is kept in the history; 30d is 30 days."`
	// MaxRunLog 0 keeps no log.
	MaxRunLog Size `env:"CRON_MAX_RUN_LOG" envDefault:"256KiB" want:"a size up to 1GiB such as 256KiB, 1MiB or 4096" about:"Maximum log size of one run; the rest is cut off and marked."`

	OperatorToken Secret `env:"CRON_OPERATOR_TOKEN" want:"16 characters or more; make one with: openssl rand -hex 32" about:"Token for all changes (openssl rand -hex 32); if empty, one is generated at each start."`
	ViewerToken   Secret `env:"CRON_VIEWER_TOKEN" want:"16 characters or more; make one with: openssl rand -hex 32" about:"Token for reading only. As soon as this one, the operator token or CRON_ALLOWED_HOSTS is set, reads need a token from everywhere."`
	// Auth is AuthToken unless CRON_AUTH says otherwise.
	Auth Auth `env:"CRON_AUTH" envDefault:"token" want:"token or off" about:"token requires the tokens above; off lets everyone who reaches the port do everything."`
	// AllowedHosts are in lower case, without port or brackets. If empty, the routes' guard allows its defaults.
	AllowedHosts []string `env:"CRON_ALLOWED_HOSTS" want:"hostnames or IP addresses separated by commas, without scheme and port" about:"Host names accepted in requests, separated by commas; empty allows the usual ones."`

	// TrustedProxies are addresses and ranges; see [Config.Proxies].
	TrustedProxies []string `env:"CRON_TRUSTED_PROXIES" want:"IP addresses or ranges such as 10.0.0.0/8, separated by commas" about:"Proxies whose X-Forwarded-For, -Host, -Proto and -Prefix are trusted, separated by commas: 127.0.0.1, 10.0.0.0/8; empty trusts none."`

	// AlertAllowedHosts are entries of outgoing.Options.Allow; see check.
	AlertAllowedHosts []string `env:"ALERT_ALLOWED_HOSTS" want:"hostnames, IP addresses, either with a port, or ranges such as 10.0.0.0/8, separated by commas" about:"Non-public targets that alerts and pings may call, separated by commas: mattermost.internal, 10.0.0.5:8080, 10.0.0.0/8."`

	// Proxy is passed on as a whole; see check.
	Proxy Proxy

	LogLevel slog.Level `env:"LOG_LEVEL" envDefault:"info" want:"debug, info, warn or error" about:"Minimum log level: debug, info, warn or error."`
	// LogFormat auto is resolved by the caller that opens the log and knows its output.
	LogFormat LogFormat `env:"LOG_FORMAT" envDefault:"auto" want:"auto, text or json" about:"text, json, or auto: coloured text on a terminal, JSON otherwise."`

	// OTel holds OpenTelemetry's own variables (OTEL_...), uninterpreted. Headers may hold a key, so all are secret.
	OTel map[string]Secret `env:"-"`

	Alerts Alerts

	settings []Setting
}

// Addr is Host and Port for net.Listen.
func (c Config) Addr() string { return net.JoinHostPort(c.Host, strconv.Itoa(c.Port)) }

// Proxies returns the networks of TrustedProxies.
func (c Config) Proxies() []netip.Prefix {
	var list []netip.Prefix
	for _, text := range c.TrustedProxies {
		if network, ok := network(text); ok {
			list = append(list, network)
		}
	}
	return list
}

// Loopback reports whether Host can be reached only from this machine. A hostname other than localhost counts as
// reachable from outside, because it may resolve to another address later.
func (c Config) Loopback() bool { return loopback(c.Host) }

// OnDatabase returns c with another database than that of DATABASE_URL, and what [Config.Settings] says of the variable.
func (c Config) OnDatabase(d Database, instead string) Config {
	c.Database, c.settings = d, slices.Clone(c.settings)
	for i := range c.settings {
		if c.settings[i].Name == "DATABASE_URL" {
			c.settings[i].Value = instead
		}
	}
	return c
}

// Settings lists every variable read with c, the user's included, with its value. It holds no secrets.
func (c Config) Settings() []Setting { return c.settings }

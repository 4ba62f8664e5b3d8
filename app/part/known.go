package part

// Info describes a part.
type Info struct {
	Name    string
	Package string // its path in the module
	Gives   string // in one line
}

// Known are the parts that there are. The order of names is that of the lists that people read.
var Known = []Info{
	{"sqlite", "app/store/sqlite", "SQLite, the default of DATABASE_URL"},
	{"postgres", "app/store/postgres", "PostgreSQL (DATABASE_URL=postgres://)"},
	{"mysql", "app/store/mysql", "MySQL and MariaDB (DATABASE_URL=mysql://)"},
	{"redis", "app/redis", "replicas agree by Redis (REDIS_URL)"},
	{"mail", "app/alert/mail", "alerts by email (ALERT_EMAIL_TO)"},
	{"metrics", "app/metrics", "GET /metrics for Prometheus"},
	{"river", "app/river", "runs go through a queue in Postgres (CRON_EXECUTOR=river)"},
	{"asynq", "app/asynq", "runs go through a queue in Redis (CRON_EXECUTOR=asynq)"},
	{"otel", "app/trace", "runs are OpenTelemetry traces (OTEL_EXPORTER_OTLP_ENDPOINT)"},
}

package assembly

import (
	"context"
	"log/slog"
	"slices"
	"strings"

	"fibercrons/app/env"
	"fibercrons/app/part"
)

// Missing is an [*env.Error] with the settings that need parts which are not in this build, or nil. database: the
// store is that of DATABASE_URL; queue: runs go through CRON_EXECUTOR.
func Missing(cfg env.Config, database, queue bool) error {
	var n needs
	if database {
		n.add("DATABASE_URL", cfg.Database.Driver)
	}
	if cfg.Redis.IsSet() {
		n.add("REDIS_URL", "redis")
	}
	if queue && cfg.Executor != env.ExecutorLocal {
		n.add("CRON_EXECUTOR", string(cfg.Executor))
	}
	if cfg.Alerts.EmailTo != "" {
		n.add("ALERT_EMAIL_TO", "mail")
	}
	n.add(tracing(cfg), "otel")
	return n.err()
}

// MissingDatabase is [Missing] for the store alone.
func MissingDatabase(cfg env.Config) error {
	var n needs
	n.add("DATABASE_URL", cfg.Database.Driver)
	return n.err()
}

// needs are mistakes about settings that need parts which are not in this build.
type needs []env.Mistake

// add notes that variable needs the part name, unless either is empty.
func (n *needs) add(variable, name string) {
	if variable != "" && name != "" && !slices.Contains(part.Built(), name) {
		*n = append(*n, env.Mistake{Problem: part.Missing(variable, name).Error()})
	}
}

func (n needs) err() error {
	if len(n) == 0 {
		return nil
	}
	return &env.Error{Mistakes: n}
}

// tracing is the variable that asks for spans; "": none does.
func tracing(cfg env.Config) string {
	value := func(name string) string { return strings.ToLower(strings.TrimSpace(cfg.OTel[name].Reveal())) }
	exporter := value("OTEL_TRACES_EXPORTER")
	if value("OTEL_SDK_DISABLED") == "true" || exporter == "none" {
		return ""
	}
	for _, name := range []string{"OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"} {
		if value(name) != "" {
			return name
		}
	}
	return ""
}

// Setup is what parts are made from.
func Setup(cfg env.Config, log *slog.Logger) part.Setup {
	return part.Setup{Config: cfg, Program: program(), Version: Version(), Proxy: Proxy(cfg).Func(), Log: log}
}

// Tracer makes spans, if a variable asks for them.
func Tracer(ctx context.Context, cfg env.Config, log *slog.Logger) part.Tracer {
	open, err := part.Tracers.Find(tracing(cfg), "otel")
	if err != nil {
		return part.Untraced
	}
	return open(ctx, Setup(cfg, log))
}

// Meter counts, if the program is built with metrics.
func Meter(cfg env.Config, jobs []string) part.Meter {
	open, err := part.Meters.Find("", "metrics")
	if err != nil {
		return part.Unmetered
	}
	return open(Setup(cfg, nil), jobs)
}

// OpenLink opens Redis.
func OpenLink(cfg env.Config, database string, log *slog.Logger) (part.Link, error) {
	open, err := part.Links.Find("REDIS_URL", "redis")
	if err != nil {
		return nil, err
	}
	return open(Setup(cfg, log), database)
}

// OpenQueue opens the queue that CRON_EXECUTOR names; nil: none.
func OpenQueue(ctx context.Context, cfg env.Config, log *slog.Logger) (part.Queue, error) {
	if cfg.Executor == env.ExecutorLocal {
		return nil, nil
	}
	open, err := part.Queues.Find("CRON_EXECUTOR", string(cfg.Executor))
	if err != nil {
		return nil, err
	}
	return open(ctx, Setup(cfg, log))
}

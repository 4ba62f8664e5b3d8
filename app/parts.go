package app

import (
	"context"
	"io"
	"log/slog"
	"path"
	"runtime/debug"
	"time"

	"fibercrons/app/alert"
	"fibercrons/app/asynq"
	"fibercrons/app/cron"
	"fibercrons/app/outgoing"
	"fibercrons/app/redis"
	"fibercrons/app/river"
	"fibercrons/app/store"
	"fibercrons/app/trace"
	"fibercrons/config"
)

// Queue is what carries claimed runs to whichever process works it.
type Queue interface {
	cron.Executor
	io.Closer
}

// Here leaves CRON_EXECUTOR aside: what is asked of this process goes on in this process. It is for
// programs that run a job on the spot, and for those that run none.
func Here() Option { return func(o *options) { o.here = true } }

// leave is how long a queue may take to stop beyond the grace of runs, which is itself followed by some
// seconds in which cancelled runs end.
const leave = 10 * time.Second

// openQueue opens the queue that CRON_EXECUTOR names; nil: none.
func openQueue(ctx context.Context, cfg config.Config, log *slog.Logger) (Queue, error) {
	grace := cfg.ShutdownGrace + leave
	switch cfg.Executor {
	case config.ExecutorRiver:
		q, err := river.Open(ctx, river.Options{
			URL: cfg.Database.Reveal(), Workers: cfg.Workers, Grace: grace, Rescue: max(time.Minute, 2*cfg.Lease), Log: log,
		})
		if err != nil {
			return nil, err
		}
		return q, nil
	case config.ExecutorAsynq:
		q, err := asynq.Open(asynq.Options{URL: cfg.Redis.Reveal(), Queue: cfg.RedisPrefix, Workers: cfg.Workers, Grace: grace, Log: log})
		if err != nil {
			return nil, err
		}
		return q, nil
	}
	return nil, nil
}

func role(cfg config.Config) cron.Role {
	switch cfg.Role {
	case config.RoleScheduler:
		return cron.SchedulerOnly
	case config.RoleWorker:
		return cron.WorkerOnly
	}
	return ""
}

// statements is nil without traces: the store then has nobody to tell.
func statements(traces *trace.Tracer) store.Span {
	if traces == nil {
		return nil
	}
	return traces.Statement
}

// service is the program's name: the last part of its module's path.
func service() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Path == "" {
		return ""
	}
	return path.Base(info.Main.Path)
}

// policy is what is told of jobs that do not say otherwise.
func policy(c config.Alerts) (p cron.AlertPolicy) {
	if c.On.Has("failed") {
		p.Failed = 1
	}
	if c.On.Has("late") {
		p.Late = c.LateAfter
	}
	if c.On.Has("overdue") {
		p.OverdueFactor = c.OverdueFactor
	}
	p.Missed, p.Recovered = c.On.Has("missed"), c.On.Has("recovered")
	return p
}

// settings are the channels that the environment names.
func settings(cfg config.Config) alert.Settings {
	c, reach := cfg.Alerts, outgoing.Options{Allow: cfg.AlertAllowedHosts}
	return alert.Settings{
		WebhookURL: c.WebhookURL.Reveal(), WebhookSecret: c.WebhookSecret.Reveal(), SlackURL: c.SlackURL.Reveal(),
		EmailTo: c.EmailTo, EmailFrom: c.EmailFrom, SMTP: c.SMTP.Reveal(),
		Client: outgoing.Client(reach), Dial: outgoing.DialContext(reach),
	}
}

func (a *App) closeRedis() error {
	if a.Redis == nil {
		return nil
	}
	return a.Redis.Close()
}

// meet opens Redis, if there is one. It does not wait for it: Redis may be away.
func (a *App) meet(ctx context.Context, o options) (p cron.Peers, err error) {
	if !a.Config.Redis.IsSet() {
		return p, nil
	}
	ro := redis.Options{URL: a.Config.Redis.Reveal(), Prefix: a.Config.RedisPrefix, Log: o.log}
	if a.Config.Database.Driver == config.SQLite && !o.readOnly { // the replicas have a file each
		if ro.Database, err = a.Store.Identity(ctx); err != nil {
			return p, err
		}
	}
	if a.Redis, err = redis.Open(ro); err != nil || o.readOnly {
		return p, err
	}
	a.Redis.Start()
	return a.Redis.Peers(), nil
}

// Package app ties the parts together and holds no rule of its own: [New] checks the registered
// jobs, opens the store and builds the scheduler, [App.Run] ticks, [App.Close] lets go.
//
// Inside a job [DB] and [Config] are what the application has for it: the scheduler hands every run
// a context that carries the App. They are in the context, not in package variables, so two
// applications in one test do not see each other. The same context is how a user's own services
// reach jobs; see cron.Registry.Use.
//
// Under failure: New either returns an App or leaves nothing open. Mistakes in jobs come first,
// before any file is touched.
package app

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"gorm.io/gorm"

	"fibercrons/app/alert"
	"fibercrons/app/cron"
	"fibercrons/app/store"
	"fibercrons/config"
)

// App is the assembled application.
type App struct {
	Config config.Config
	Crons  *cron.Scheduler
	Alerts *alert.Alerter
	Store  *store.Store
	Log    *slog.Logger
}

// Option changes what [New] assembles.
type Option func(*options)

type options struct {
	log      *slog.Logger
	readOnly bool
}

// Log is where the application logs. Optional. Default: slog.Default().
func Log(log *slog.Logger) Option { return func(o *options) { o.log = log } }

// ReadOnly is for looking only: no file is made or changed, and a database that does not exist yet
// is an empty one.
func ReadOnly() Option { return func(o *options) { o.readOnly = true } }

// New checks the jobs of registry, opens the store and builds the scheduler. Its error is a
// [*cron.Mistakes], or the store's.
func New(ctx context.Context, cfg config.Config, registry *cron.Registry, opts ...Option) (*App, error) {
	o := options{log: slog.Default()}
	for _, opt := range opts {
		opt(&o)
	}
	jobs, err := Jobs(cfg, registry)
	if err != nil {
		return nil, err
	}
	channels, err := alert.Channels(settings(cfg.Alerts))
	if err != nil {
		return nil, &cron.Mistakes{List: []string{err.Error()}}
	}
	db, err := store.Open(ctx, store.Options{URL: cfg.Database.String(), ReadOnly: o.readOnly, Logger: o.log})
	if err != nil {
		return nil, err
	}
	a := &App{Config: cfg, Store: db, Log: o.log}
	a.Alerts = alert.New(alert.Options{
		Store: db, Jobs: jobs, Channels: channels, Environment: cfg.AppEnv, Link: cfg.Alerts.Link, Keep: cfg.KeepFor,
		Context: a.Context, Log: o.log,
	})
	observers := []func(cron.Event){a.Alerts.Observe}
	a.Crons = cron.New(cron.Config{
		Store:     db,
		Jobs:      jobs,
		Workers:   cfg.Workers,
		Lease:     cfg.Lease,
		Grace:     cfg.ShutdownGrace,
		MaxRunLog: cmp.Or(int(cfg.MaxRunLog), -1), // 0 bytes are none; for the scheduler 0 is the default
		Disabled:  !cfg.Enabled,
		Context:   a.Context,
		Observe: func(e cron.Event) {
			for _, observe := range observers {
				observe(e)
			}
		},
		Log:     o.log,
		Version: Version(),
	})
	return a, nil
}

// Jobs returns the jobs of registry with the defaults of cfg filled in, or a [*cron.Mistakes]. It
// touches nothing.
func Jobs(cfg config.Config, registry *cron.Registry) ([]*cron.Job, error) {
	return registry.Jobs(cron.Defaults{
		Zone:          cfg.Timezone,
		Env:           cfg.AppEnv,
		Timeout:       cfg.DefaultTimeout,
		Retries:       cfg.DefaultRetries,
		RetryDelay:    cfg.DefaultRetryDelay,
		MaxRetryDelay: cfg.MaxRetryDelay,
		CatchUpWindow: cfg.CatchUpWindow,
		KeepRuns:      cfg.KeepRuns,
		KeepFor:       cfg.KeepFor,
		Alerts:        policy(cfg.Alerts),
	})
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
func settings(c config.Alerts) alert.Settings {
	return alert.Settings{
		WebhookURL: c.WebhookURL.Reveal(), WebhookSecret: c.WebhookSecret.Reveal(), SlackURL: c.SlackURL.Reveal(),
		EmailTo: c.EmailTo, EmailFrom: c.EmailFrom, SMTP: c.SMTP.Reveal(),
		Client: &http.Client{Timeout: 5 * time.Second},
	}
}

// Run ticks until ctx ends and then drains; see [cron.Scheduler.Run]. Alerts go on for as long.
func (a *App) Run(ctx context.Context) error {
	alerting, stop := context.WithCancel(context.WithoutCancel(ctx))
	var alerts sync.WaitGroup
	alerts.Go(func() { a.Alerts.Run(alerting) })
	err := a.Crons.Run(ctx)
	stop()
	alerts.Wait()
	return err
}

// Close closes the store. Call it after Run has returned.
func (a *App) Close() error { return a.Store.Close() }

type appKey struct{}

// Context returns a ctx in which [DB] and [Config] find the application. The scheduler calls it for
// every run; a test of a job can, too.
func (a *App) Context(ctx context.Context) context.Context {
	return context.WithValue(ctx, appKey{}, a)
}

// DB returns the database, for use inside a job. It panics when ctx does not come from a run.
func DB(ctx context.Context) *gorm.DB { return from(ctx, "app.DB").Store.DB().WithContext(ctx) }

// Config returns the configuration, for use inside a job. It panics when ctx does not come from a
// run.
func Config(ctx context.Context) config.Config { return from(ctx, "app.Config").Config }

func from(ctx context.Context, what string) *App {
	a, ok := ctx.Value(appKey{}).(*App)
	if !ok {
		panic(what + ": this context is not a run's; hand on the ctx that the job was given")
	}
	return a
}

// Version names the build: the module's version, or the commit it was built from.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	version := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && (version == "" || version == "(devel)") {
			version = s.Value
		}
	}
	if version == "" {
		return "(devel)"
	}
	return version
}

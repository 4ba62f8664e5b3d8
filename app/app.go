// Package app ties the parts together and holds no rule of its own: [New] checks the registered
// jobs, opens the store and builds the scheduler, [App.Run] ticks, [App.Close] lets go. What each part is
// told of the configuration is in parts.go.
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
	"errors"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"gorm.io/gorm"

	"fibercrons/app/alert"
	"fibercrons/app/cron"
	"fibercrons/app/metrics"
	"fibercrons/app/outgoing"
	"fibercrons/app/ping"
	"fibercrons/app/redis"
	"fibercrons/app/store"
	"fibercrons/app/trace"
	"fibercrons/config"
)

// App is the assembled application.
type App struct {
	Config config.Config
	Crons  *cron.Scheduler
	Alerts *alert.Alerter
	Store  *store.Store
	Queue  Queue         // nil with CRON_EXECUTOR=local
	Redis  *redis.Client // nil without REDIS_URL
	Log    *slog.Logger
	// Metrics is what is measured of all the others.
	Metrics *metrics.Metrics
	// Trace makes spans; nil: OpenTelemetry's variables do not ask for any.
	Trace *trace.Tracer

	pings *ping.Pinger
}

// Option changes what [New] assembles.
type Option func(*options)

type options struct {
	log      *slog.Logger
	readOnly bool
	here     bool
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
	traces := trace.Open(ctx, trace.Options{
		Get: func(name string) string { return cfg.OTel[name].Reveal() }, Service: service(), Version: Version(), Log: o.log, Console: os.Stdout,
	})
	jobs, err := registered(cfg, registry, traces)
	if err != nil {
		traces.Close(ctx)
		return nil, err
	}
	channels, err := alert.Channels(settings(cfg))
	if err != nil {
		traces.Close(ctx)
		return nil, &cron.Mistakes{List: []string{err.Error()}}
	}
	measured := metrics.New(metrics.Options{Jobs: names(jobs), Version: Version()})
	db, err := store.Open(ctx, store.Options{
		URL: cfg.Database.Reveal(), ReadOnly: o.readOnly, Logger: o.log,
		Committed: func(c store.Commit) { measured.Committed(c.Calls, c.Took, c.Err) },
		Span:      statements(traces),
	})
	if err != nil {
		traces.Close(ctx)
		return nil, err
	}
	a := &App{Config: cfg, Store: db, Log: o.log, Metrics: measured, Trace: traces}
	peers, err := a.meet(ctx, o)
	if err != nil {
		traces.Close(ctx)
		return nil, errors.Join(err, db.Close())
	}
	if !o.here && !o.readOnly {
		if a.Queue, err = openQueue(ctx, cfg, o.log); err != nil {
			traces.Close(ctx)
			return nil, errors.Join(err, a.closeRedis(), db.Close())
		}
	}
	a.pings = ping.New(ping.Options{
		Jobs:   jobs,
		Client: outgoing.Client(outgoing.Options{Allow: cfg.AlertAllowedHosts}),
		Logs:   db.Logs,
		Log:    o.log,
	})
	a.Alerts = alert.New(alert.Options{
		Store: db, Jobs: jobs, Channels: channels, Environment: cfg.AppEnv, Link: cfg.Alerts.Link, Keep: cfg.KeepFor,
		Context: a.Context, Log: o.log,
	})
	observers := []func(cron.Event){measured.Observe, a.Alerts.Observe}
	if a.pings != nil {
		observers = append(observers, a.pings.Observe)
	}
	c := cron.Config{
		Executor:  a.Queue,
		Role:      role(cfg),
		Store:     db,
		Jobs:      jobs,
		Workers:   cfg.Workers,
		Lease:     cfg.Lease,
		Grace:     cfg.ShutdownGrace,
		MaxRunLog: cmp.Or(int(cfg.MaxRunLog), -1), // 0 bytes are none; for the scheduler 0 is the default
		Disabled:  !cfg.Enabled,
		Peers:     peers,
		Context:   a.Context,
		Claimed:   measured.Claimed,
		Log:       o.log,
		Version:   Version(),
	}
	if traces != nil {
		observers = append(observers, traces.Observe)
		c.TraceID, c.Asked = traces.TraceID, traces.Asked
	}
	c.Observe = all(observers)
	a.Crons = cron.New(c)
	measured.Watch(a.Crons, db.Queued)
	return a, nil
}

// all hands an event to each of the observers, which must not block.
func all(observers []func(cron.Event)) func(cron.Event) {
	return func(e cron.Event) {
		for _, observe := range observers {
			observe(e)
		}
	}
}

func names(jobs []*cron.Job) []string {
	list := make([]string, len(jobs))
	for i, j := range jobs {
		list[i] = j.Name
	}
	return list
}

// Jobs returns the jobs of registry with the defaults of cfg filled in, or a [*cron.Mistakes]. It
// touches nothing.
func Jobs(cfg config.Config, registry *cron.Registry) ([]*cron.Job, error) {
	return registered(cfg, registry, nil)
}

func registered(cfg config.Config, registry *cron.Registry, traces *trace.Tracer) ([]*cron.Job, error) {
	d := cron.Defaults{
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
	}
	if traces != nil {
		d.Use = []cron.Middleware{traces.Attempt}
	}
	return registry.Jobs(d)
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

// flush is how long pings that wait may take at the end.
const flush = 5 * time.Second

// Close sends the pings that wait and what is left of the traces, and closes the store, the queue and Redis. Call it after Run has returned.
func (a *App) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), flush)
	defer cancel()
	a.pings.Close(ctx)
	a.Trace.Close(ctx)
	var queue error
	if a.Queue != nil {
		queue = a.Queue.Close()
	}
	return errors.Join(queue, a.closeRedis(), a.Store.Close())
}

type appKey struct{}

// Context returns a ctx in which [DB] and [Config] find the application. The scheduler calls it for
// every run; a test of a job can, too.
func (a *App) Context(ctx context.Context) context.Context {
	return context.WithValue(ctx, appKey{}, a)
}

// DB returns the database, for use inside a job. It panics when ctx does not come from a run.
func DB(ctx context.Context) *gorm.DB { return from(ctx, "app.DB").Store.DB().WithContext(ctx) }

// HTTP returns a client for requests to others, for use inside a job. When the program traces, its
// requests are part of the run's trace, which they hand on. It panics when ctx does not come from a
// run.
func HTTP(ctx context.Context) *http.Client {
	return &http.Client{Transport: from(ctx, "app.HTTP").Trace.Transport(nil)}
}

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

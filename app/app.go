// Package app ties the parts together and holds no rule of its own: [New] checks the registered
// jobs, opens the store and builds the scheduler, [App.Run] ticks, [App.Close] lets go. What each part is
// told of the configuration is in package assembly.
//
// Inside a job [DB] and [Config] are what the application has for it: the scheduler hands every run
// a context that carries the App. They are in the context, not in package variables, so two
// applications in one test do not see each other. The same context is how a user's own services
// reach jobs; see cron.Registry.Use.
//
// Under failure: New either returns an App or leaves nothing open. Mistakes in jobs come first,
// before any file is touched.
//
// # In a program of your own
//
// A program that has a main, settings, a log and a web server already makes an App by [New], with the Config of env.Load
// or env.New, and mounts its API by package web. It imports the parts that it needs, such as app/store/postgres. An App
// installs no signal handler, and changes neither slog's default nor the environment; when Close has returned nothing
// of it runs any more. Several Apps, each with a registry and a database, do not see each other. They share what the
// process has once: the parts of the build, the channels of alert.Use, and CRON_TZDATA.
//
// What is the program's to do:
//
//   - slog.SetDefault(slog.New(cron.LogHandler(handler))). Jobs log by slog.InfoContext(ctx, ...), which is slog's default
//     logger. Its lines are kept with the run, and bear its job and attempt, only if LogHandler is around its handler. So do
//     those of any other logger that is made so; [Log] is for what the App itself has to say.
//   - End the context of [App.Run], wait for it, then [App.Close], then close what [WithGorm] was given.
package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"gorm.io/gorm"

	"fibercrons/app/alert"
	"fibercrons/app/assembly"
	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/env"
	"fibercrons/app/feed"
	"fibercrons/app/internal/background"
	"fibercrons/app/ops"
	"fibercrons/app/outgoing"
	"fibercrons/app/part"
	"fibercrons/app/ping"
	"fibercrons/app/store"
	"fibercrons/app/store/row"
	"fibercrons/app/tokens"
)

// App is the assembled application.
type App struct {
	Config  env.Config
	Crons   ops.Crons
	Feed    *feed.Feed
	Alerts  *alert.Alerter
	Store   *store.Store
	Queue   part.Queue // nil with CRON_EXECUTOR=local
	Redis   part.Link  // nil without REDIS_URL
	Log     *slog.Logger
	Metrics part.Meter     // what is measured of all the others
	Trace   part.Tracer    // part.Untraced unless OpenTelemetry's variables ask for spans
	Tokens  *tokens.Tokens // of those who may read and change, for what serves the application

	pings     *ping.Pinger
	transport http.RoundTripper                     // of HTTP; nil: http.DefaultTransport
	context   func(context.Context) context.Context // nil: adds nothing
	tasks     *background.Group
}

// Option changes what [New] assembles.
type Option func(*options)

type options struct {
	log      *slog.Logger
	context  func(context.Context) context.Context
	readOnly bool
	here     bool

	migrations []row.Migration
	gorm       *gorm.DB
	lent       bool // gorm counts, also nil
}

// Log is where the application logs. Optional. Default: slog.Default().
func Log(log *slog.Logger) Option { return func(o *options) { o.log = log } }

// WithContext adds values of the user's to the context of every run, such as settings: app.WithContext(cfg.Context).
func WithContext(add func(context.Context) context.Context) Option {
	return func(o *options) { o.context = add }
}

// Migrations make the user's own tables, each once, in this order. Optional. Default: none.
func Migrations(list []row.Migration) Option { return func(o *options) { o.migrations = list } }

// WithGorm has the application work on a database that the program has opened itself, on Postgres or MySQL, and leaves
// DATABASE_URL aside: its tables are there, its statements go by connections of that pool, and [DB] is that handle. The
// App never closes it. Close the App first. A cmd/cli beside it opens DATABASE_URL: let that name the same database, and
// on Postgres the same schema.
//
// Its pool must allow five connections or more (SetMaxOpenConns). The App takes up to four of them and keeps two, so that
// heartbeats do not wait for the program's transactions. Nothing of gorm.Config changes the App's own statements, and
// nothing of its own is left in a session. On Postgres the pool has pgx's driver, as gorm's postgres.Open has. On MySQL
// its DSN says interpolateParams=true and no columnsWithAlias; a readTimeout bounds how long reads wait for a dead network.
//
// SQLite is refused, since the store needs connections of its own there, and CRON_EXECUTOR=river, which opens
// DATABASE_URL.
func WithGorm(db *gorm.DB) Option { return func(o *options) { o.gorm, o.lent = db, true } }

// ReadOnly is for looking only: no file is made or changed, and a database that does not exist yet
// is an empty one.
func ReadOnly() Option { return func(o *options) { o.readOnly = true } }

// Here leaves CRON_EXECUTOR aside: what is asked of this process goes on in this process. It is for
// programs that run a job on the spot, and for those that run none.
func Here() Option { return func(o *options) { o.here = true } }

// New checks the jobs of registry, opens the store and builds the scheduler. Its error is a [*cron.Mistakes], an
// [*env.Error], or the store's.
func New(ctx context.Context, cfg env.Config, registry *cron.Registry, opts ...Option) (_ *App, err error) {
	o := options{log: slog.Default()}
	for _, opt := range opts {
		opt(&o)
	}
	queue := !o.here && !o.readOnly
	if err := assembly.Missing(cfg, false, queue); err != nil { // the database: openStore
		return nil, err
	}
	a := &App{Config: cfg, Log: o.log, context: o.context, Trace: assembly.Tracer(ctx, cfg, o.log), tasks: background.New()}
	a.Tokens = tokens.New(cfg.OperatorToken.Reveal(), cfg.ViewerToken.Reveal())
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	a.transport = assembly.Transport(cfg)
	jobs, err := registry.Jobs(assembly.Defaults(cfg, a.Trace))
	if err != nil {
		return nil, err
	}
	channels, err := assembly.Channels(cfg)
	if err != nil {
		return nil, &cron.Mistakes{List: []string{err.Error()}}
	}
	a.Metrics = assembly.Meter(cfg, names(jobs))
	if err := a.openStore(ctx, o); err != nil {
		return nil, err
	}
	peers, err := a.meet(ctx, o)
	if err != nil {
		return nil, err
	}
	if queue {
		if a.Queue, err = assembly.OpenQueue(ctx, cfg, o.log); err != nil {
			return nil, err
		}
	}
	a.pings = ping.New(ping.Options{Jobs: jobs, Client: outgoing.Client(assembly.Outgoing(cfg)), Logs: a.Store.Logs, Log: o.log})
	a.Alerts = alert.New(alert.Options{
		Store: a.Store, Jobs: jobs, Channels: channels, Environment: cfg.AppEnv, Link: cfg.Alerts.Link, Keep: cfg.KeepFor,
		Context: a.Context, Log: o.log,
	})
	c := assembly.Scheduler(cfg)
	c.Store, c.Jobs, c.Executor, c.Peers, c.Log = a.Store, jobs, a.Queue, peers, o.log
	c.Context, c.Claimed, c.Observe = a.Context, a.Metrics.Claimed, a.observe
	if a.Trace != part.Untraced {
		c.TraceID, c.Asked = a.Trace.TraceID, a.Trace.Asked
	}
	a.Crons = ops.New(c)
	a.Feed = feed.New(a.Crons)
	a.Metrics.Watch(a.Crons.Scheduler, a.Store.Queued)
	return a, nil
}

// observe tells everybody who observes, none of whom may block, of an event.
func (a *App) observe(e contract.Event) {
	a.Metrics.Observe(e)
	a.Alerts.Observe(e)
	a.pings.Observe(e)
	a.Trace.Observe(e)
}

// Database returns the URL of the configured database, or an [*env.Error] if the program is built without its part.
func Database(cfg env.Config) (url string, err error) {
	if err := assembly.MissingDatabase(cfg); err != nil {
		return "", err
	}
	return cfg.Database.Reveal(), nil
}

func (a *App) openStore(ctx context.Context, o options) error {
	url, err := Database(a.Config)
	switch {
	case !o.lent && err != nil:
		return err
	case o.lent && o.gorm == nil:
		return errors.New("app.WithGorm was given nil")
	case o.lent && a.Config.Executor == env.ExecutorRiver && !o.here:
		return errors.New("CRON_EXECUTOR=river opens DATABASE_URL, which app.WithGorm leaves aside: use local or asynq")
	}
	so := store.Options{
		URL: url, Gorm: o.gorm, ReadOnly: o.readOnly, Lease: a.Config.Lease, Migrations: o.migrations, Logger: o.log,
		Committed: func(c store.Commit) { a.Metrics.Committed(c.Calls, c.Took, c.Err) },
	}
	if a.Trace != part.Untraced {
		so.Span = a.Trace.Statement
	}
	if a.Store, err = store.Open(ctx, so); err != nil || !o.lent {
		return err
	}
	host, name := a.Store.Location()
	a.Config = a.Config.OnDatabase(env.Database{Driver: o.gorm.Name(), Host: host, Name: name}, "not used: app.WithGorm")
	return nil
}

// meet opens Redis, if there is one. It does not wait for it: Redis may be away.
func (a *App) meet(ctx context.Context, o options) (p contract.Peers, err error) {
	if !a.Config.Redis.IsSet() {
		return p, nil
	}
	own := ""                                                  // all replicas share one database
	if a.Config.Database.Driver == env.SQLite && !o.readOnly { // the replicas have a file each
		if own, err = a.Store.Identity(ctx); err != nil {
			return p, err
		}
	}
	if a.Redis, err = assembly.OpenLink(a.Config, own, o.log); err != nil || o.readOnly {
		return p, err
	}
	a.Redis.Start()
	return a.Redis.Peers(), nil
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
func Jobs(cfg env.Config, registry *cron.Registry) ([]*cron.Job, error) {
	return registry.Jobs(assembly.Defaults(cfg, part.Untraced))
}

// Missing returns an [*env.Error] with every setting that needs a part which this program is built without, or nil.
func Missing(cfg env.Config) error { return assembly.Missing(cfg, true, true) }

// Run ticks until ctx ends and then drains; see [scheduler.Scheduler.Run]. Alerts go on for as long.
func (a *App) Run(ctx context.Context) error {
	alerting, stop := context.WithCancel(context.WithoutCancel(ctx))
	var alerts sync.WaitGroup
	alerts.Go(func() { a.Alerts.Run(alerting) })
	err := a.Crons.Run(ctx)
	stop()
	alerts.Wait()
	return err
}

// Go calls work in a goroutine, with a context that ends with [App.Close], which waits for it. After Close it returns
// false instead.
func (a *App) Go(work func(context.Context)) bool { return a.tasks.Go(work) }

// flush is how long pings that wait may take at the end.
const flush = 5 * time.Second

// Close sends the pings that wait and what is left of the traces, and closes the queue, Redis and the
// store. Call it after Run has returned.
func (a *App) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), flush)
	defer cancel()
	a.tasks.Close()
	a.pings.Close(ctx)
	a.Trace.Close(ctx)
	if a.Feed != nil {
		a.Feed.Close()
	}
	if t, ok := a.transport.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
	var queue, redis, store error
	if a.Queue != nil {
		queue = a.Queue.Close()
	}
	if a.Redis != nil {
		redis = a.Redis.Close()
	}
	if a.Store != nil {
		store = a.Store.Close()
	}
	return errors.Join(queue, redis, store)
}

// Version names the build: what it was told, the module's version, or the commit it was built from.
func Version() string { return assembly.Version() }

type appKey struct{}

// Context returns a ctx in which [DB], [Schedules], [Enqueue] and the like find the application. The scheduler calls it
// for every run; a route or the test of a job can, too.
func (a *App) Context(ctx context.Context) context.Context {
	if a.context != nil {
		ctx = a.context(ctx)
	}
	return context.WithValue(ctx, appKey{}, a)
}

// DB returns the database, for use inside a job: the configured one, or the handle that [WithGorm] was given, with its
// own plugins, names and pool. It panics when ctx does not come from a run. On SQLite keep transactions short: one that
// keeps the jobs waiting is rolled back after 10 s; see [store.Store.DB]. Do not close it.
func DB(ctx context.Context) *gorm.DB { return from(ctx, "app.DB").Store.DB().WithContext(ctx) }

// HTTP returns a client for requests to others, for use inside a job. When the program traces, its
// requests are part of the run's trace, which they hand on. It panics when ctx does not come from a
// run. Proxies are those of HTTPS_PROXY, HTTP_PROXY and NO_PROXY, in .env too.
func HTTP(ctx context.Context) *http.Client {
	a := from(ctx, "app.HTTP")
	return &http.Client{Transport: a.Trace.Transport(a.transport)}
}

// Config returns the settings of the template, for use inside a job; config.From returns the user's besides. It
// panics when ctx does not come from a run.
func Config(ctx context.Context) env.Config { return from(ctx, "app.Config").Config }

// Schedules returns the stored schedules, for use inside a job, in a route of the template with c.UserContext(), and
// elsewhere with a context of [App.Context]. It panics when ctx is none of these.
func Schedules(ctx context.Context) ops.Schedules {
	return from(ctx, "app.Schedules").Crons.Stored(caller(ctx), nil)
}

// SchedulesTx is [Schedules] in a transaction of [DB]: nothing of it counts until that is committed. What is due at once
// begins within a second of it. tx is used by one goroutine at a time, as always in gorm.
//
// A tx that is no transaction of [DB] is the error of each of its methods.
func SchedulesTx(tx *gorm.DB) ops.Schedules {
	a, in, err := within(tx, "app.SchedulesTx")
	if err != nil {
		return ops.NoSchedules(err)
	}
	return a.Crons.Stored(caller(tx.Statement.Context), in)
}

// Enqueue records a run of a job and returns it. Any process begins it: as soon as a worker is free, or with [cron.At]
// then. It is not lost when processes end, waits for its turn unless the job's runs may overlap, and for the end of a
// pause of the job. args is as in [cron.Schedule]. With [cron.Key] a second call returns the first one's run. Errors: a
// [*cron.NoJobError], a [*cron.ArgsError], or the store's. ctx is as of [Schedules].
func Enqueue(ctx context.Context, job string, args any, options ...cron.EnqueueOption) (cron.Record, error) {
	return from(ctx, "app.Enqueue").enqueue(ctx, nil, job, args, options)
}

// EnqueueTx is [Enqueue] in a transaction of [DB]: the run exists when that is committed, and begins within a second of
// it. The record has only what the request says.
func EnqueueTx(tx *gorm.DB, job string, args any, options ...cron.EnqueueOption) (cron.Record, error) {
	a, in, err := within(tx, "app.EnqueueTx")
	if err != nil {
		return cron.Record{}, err
	}
	return a.enqueue(tx.Statement.Context, in, job, args, options)
}

func (a *App) enqueue(ctx context.Context, in contract.Transaction, job string, args any, options []cron.EnqueueOption) (cron.Record, error) {
	var o cron.EnqueueOptions
	for _, option := range options {
		option(&o)
	}
	return a.Crons.Enqueue(ctx, in, job, args, o, caller(ctx).Actor)
}

// within returns the application and the store's view of a transaction of the user's.
func within(tx *gorm.DB, what string) (*App, contract.Transaction, error) {
	a := from(tx.Statement.Context, what)
	in, err := a.Store.In(tx)
	return a, in, err
}

// caller names the program, or the job that a run belongs to, as the author of changes.
func caller(ctx context.Context) contract.Caller {
	if run := cron.RunFrom(ctx); run != nil {
		return contract.Caller{Actor: "job " + run.Job(), Origin: run.ID()}
	}
	return contract.Caller{Actor: "program", Origin: "program"}
}

func from(ctx context.Context, what string) *App {
	a, ok := ctx.Value(appKey{}).(*App)
	if !ok {
		panic(what + ": this context is not a run's; hand on the ctx that the job was given, or in a route App.Context")
	}
	return a
}

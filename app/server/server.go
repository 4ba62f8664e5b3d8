// Package server is the program cmd/server: it loads the settings, assembles the application, and runs its jobs and its
// web server until it is asked to stop.
//
// Startup checks configuration, jobs, database and address before it does any work. Each mistake is a sentence with its
// remedy and its own exit status. The first SIGINT, SIGTERM or SIGHUP stops the process in the opposite order: the web
// server accepts no more requests, running jobs may finish within CRON_SHUTDOWN_GRACE, the rest is cancelled and
// recorded. A second signal ends the process at once; another process settles its runs. A closed pipe behind stdout or
// stderr loses only the output.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"fibercrons/app"
	"fibercrons/app/cron"
	"fibercrons/app/env"
	"fibercrons/app/internal/console"
	"fibercrons/app/ops"
	"fibercrons/app/store/row"
	"fibercrons/app/web/site"
)

// The exit statuses, the same as the CLI's.
const (
	exitDone   = 0
	exitFailed = 1 // an error while serving
	exitUsage  = 2 // configuration, jobs or address
	exitStore  = 3 // the store is unusable
)

// Program is the parts that differ between programs.
type Program struct {
	Jobs       *cron.Registry
	Load       env.Loader
	Migrations []row.Migration // of the user's own tables
	Routes     site.Routes
}

// Main runs p until the process is asked to stop, and returns the exit status. A second signal exits at once.
func Main(p Program) int {
	ctx, stop := console.Context()
	defer stop()
	return run(ctx, process{Program: p, args: os.Args[1:], out: os.Stdout, err: os.Stderr})
}

// process is what the server uses besides the network; tests replace it.
type process struct {
	Program
	args     []string // must be empty
	out, err io.Writer
	config   []env.Option
	serving  func(*site.Site) // called before the first request
}

// run serves until ctx ends and returns the exit status.
func run(ctx context.Context, p process) int {
	if len(p.args) > 0 {
		return p.fail(exitUsage, fmt.Errorf("server takes no argument such as %q; it is configured by the environment, see .env.example; cmd/cli has the commands", p.args[0]))
	}
	cfg, own, warnings, err := p.Load(p.config...)
	if err != nil {
		// A misspelt variable often explains a missing one. There is no log yet.
		for _, w := range warnings {
			fmt.Fprintln(p.err, "warning: "+console.Inert(w))
		}
		return p.fail(exitUsage, err)
	}
	log := slog.New(cron.LogHandler(console.Log(p.err, cfg.LogLevel, cfg.LogFormat)))
	slog.SetDefault(log) // jobs use slog.InfoContext
	for _, w := range warnings {
		log.Warn(w)
	}
	a, err := app.New(ctx, cfg, p.Jobs, app.Log(log), app.WithContext(own), app.Migrations(p.Migrations))
	if mistakes, ok := errors.AsType[*cron.Mistakes](err); ok {
		return p.fail(exitUsage, listed(mistakes))
	}
	if mistakes, ok := errors.AsType[*env.Error](err); ok {
		return p.fail(exitUsage, mistakes)
	}
	if err != nil {
		return p.unstarted(ctx, log, exitStore, err)
	}
	web := site.New(a, site.Limits{}, p.Routes)
	if err := web.Listen(ctx); err != nil {
		return p.unstarted(ctx, log, exitUsage, errors.Join(err, a.Close()))
	}
	p.announce(ctx, a, web)
	forget := context.AfterFunc(ctx, func() { log.Info("stopping; a second signal ends at once", "grace", cfg.ShutdownGrace) })
	defer forget()
	err = serve(ctx, a, web)
	if err = errors.Join(err, a.Close()); err != nil {
		return p.fail(exitFailed, err)
	}
	log.Info("stopped")
	return exitDone
}

// serve runs the scheduler and the web server until ctx ends. The scheduler ends last, to drain runs of the last
// requests.
func serve(ctx context.Context, a *app.App, web *site.Site) error {
	crons, stopCrons := context.WithCancel(context.WithoutCancel(ctx))
	defer stopCrons()
	ctx, stopWeb := context.WithCancel(ctx)
	defer stopWeb()
	ended := make(chan error, 1)
	go func() {
		ended <- a.Run(crons)
		stopWeb() // a server without a scheduler must not look alive
	}()
	err := web.Serve(ctx)
	stopCrons()
	return errors.Join(err, <-ended)
}

// announce logs the address and the next run.
func (p process) announce(ctx context.Context, a *app.App, web *site.Site) {
	if p.serving != nil {
		p.serving(web)
	}
	attrs := []any{"url", web.URL() + "/crons", "database", a.Config.Database.String()}
	if jobs, err := a.Crons.Jobs(ctx, ops.Filter{}); err == nil {
		attrs = append(attrs, "jobs", len(jobs), "next", upcoming(jobs))
	}
	if a.Queue != nil {
		attrs = append(attrs, "executor", a.Config.Executor, "role", a.Config.Role)
	}
	a.Log.Info("serving", attrs...)
	if link := web.LoginLink(); link != "" {
		// Only for the person who started it: a log would keep it.
		fmt.Fprintf(p.out, "operator link (no CRON_OPERATOR_TOKEN is set; this one lasts until the server stops):\n  %s\n", link)
	}
}

func upcoming(jobs []ops.JobView) string {
	var first *ops.JobView
	for i, j := range jobs {
		if j.NextRun != nil && (first == nil || j.NextRun.Before(*first.NextRun)) {
			first = &jobs[i]
		}
	}
	if first == nil {
		return "none"
	}
	return first.Name + " at " + first.NextRun.Format(time.RFC3339)
}

// unstarted returns the exit status of a start that err has ended. A signal in the middle of it is no failure.
func (p process) unstarted(ctx context.Context, log *slog.Logger, status int, err error) int {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		log.Info("stopped before it served")
		return exitDone
	}
	return p.fail(status, err)
}

// fail prints the error and returns status.
func (p process) fail(status int, err error) int {
	fmt.Fprintln(p.err, console.Lines(err.Error()))
	return status
}

func listed(m *cron.Mistakes) error {
	if len(m.List) == 1 {
		return errors.New("a job has a mistake:\n  " + m.List[0])
	}
	return fmt.Errorf("there are %d mistakes in the jobs:\n  %s", len(m.List), strings.Join(m.List, "\n  "))
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"fibercrons/app"
	"fibercrons/app/cron"
	"fibercrons/app/env"
	"fibercrons/cmd/internal/console"
	"fibercrons/config"
	"fibercrons/routes"
)

// The exit statuses, the same as the CLI's.
const (
	exitDone   = 0
	exitFailed = 1   // something broke while it served
	exitUsage  = 2   // configuration, jobs or address
	exitStore  = 3   // the store is unusable
	exitAtOnce = 130 // a second signal, as shells count it
)

// program is what the server touches besides the network; a test brings its own.
type program struct {
	args     []string // there are none
	out, err io.Writer
	registry *cron.Registry
	config   []env.Option
	serving  func(*routes.Server) // called when requests are about to be answered
}

// run serves until ctx ends and returns the exit status.
func run(ctx context.Context, p program) int {
	if len(p.args) > 0 {
		return p.fail(exitUsage, fmt.Errorf("server takes no argument such as %q; the environment tells it what to do, see .env.example, and cmd/cli has the commands", p.args[0]))
	}
	cfg, warnings, err := config.Load(p.config...)
	if err != nil {
		// A misspelt variable is often why another is missing. There is no log yet to warn in.
		for _, w := range warnings {
			fmt.Fprintln(p.err, "warning: "+console.Inert(w))
		}
		return p.fail(exitUsage, err)
	}
	log := slog.New(cron.LogHandler(console.Log(p.err, cfg.LogLevel, cfg.LogFormat)))
	slog.SetDefault(log) // jobs log by slog.InfoContext
	for _, w := range warnings {
		log.Warn(w)
	}
	a, err := app.New(ctx, cfg.Config, p.registry, app.Log(log), app.WithContext(cfg.Context))
	if mistakes, ok := errors.AsType[*cron.Mistakes](err); ok {
		return p.fail(exitUsage, listed(mistakes))
	}
	if err != nil {
		return p.fail(exitStore, err)
	}
	web := routes.New(a)
	if err := web.Listen(ctx); err != nil {
		return p.fail(exitUsage, errors.Join(err, a.Close()))
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

// serve ticks and answers requests until ctx ends. The scheduler outlives the web server: whatever
// a last request has started is drained with the rest.
func serve(ctx context.Context, a *app.App, web *routes.Server) error {
	crons, stopCrons := context.WithCancel(context.WithoutCancel(ctx))
	defer stopCrons()
	ctx, stopWeb := context.WithCancel(ctx)
	defer stopWeb()
	ended := make(chan error, 1)
	go func() {
		ended <- a.Run(crons)
		stopWeb() // a scheduler that cannot run is not to look alive
	}()
	err := web.Serve(ctx)
	stopCrons()
	return errors.Join(err, <-ended)
}

// announce says where the server is and what it is about to do.
func (p program) announce(ctx context.Context, a *app.App, web *routes.Server) {
	if p.serving != nil {
		p.serving(web)
	}
	attrs := []any{"url", web.URL() + "/crons", "database", a.Config.Database.String()}
	if jobs, err := a.Crons.Jobs(ctx, cron.Filter{}); err == nil {
		attrs = append(attrs, "jobs", len(jobs), "next", upcoming(jobs))
	}
	if a.Queue != nil {
		attrs = append(attrs, "executor", a.Config.Executor, "role", a.Config.Role)
	}
	a.Log.Info("serving", attrs...)
	if link := web.LoginLink(); link != "" {
		// For whoever started it; a log would keep it.
		fmt.Fprintf(p.out, "operator link (no CRON_OPERATOR_TOKEN is set; this one lasts until the server stops):\n  %s\n", link)
	}
}

func upcoming(jobs []cron.JobView) string {
	var first *cron.JobView
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

// fail tells what is wrong and what to do about it, and returns the status.
func (p program) fail(status int, err error) int {
	fmt.Fprintln(p.err, console.Lines(err.Error()))
	return status
}

func listed(m *cron.Mistakes) error {
	if len(m.List) == 1 {
		return errors.New("a job is registered wrongly:\n  " + m.List[0])
	}
	return fmt.Errorf("there are %d mistakes in the jobs:\n  %s", len(m.List), strings.Join(m.List, "\n  "))
}

package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/user"

	"fibercrons/app"
	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/env"
	"fibercrons/app/internal/console"
	"fibercrons/app/ops"
	"fibercrons/app/scheduler"
)

// settings loads the configuration; warnings go to stderr, once, and beside mistakes too: a misspelt
// variable is often why another is missing.
func (p *program) settings() (env.Config, error) {
	cfg, own, warnings, err := p.Load(p.config...)
	p.own = own
	if !p.warned {
		for _, w := range warnings {
			fmt.Fprintln(p.err, "warning: "+console.Inert(w))
		}
		p.warned = true
	}
	return cfg, err
}

// jobs returns what is registered, without a look at any database.
func (p *program) jobs() (env.Config, []*cron.Job, error) {
	cfg, err := p.settings()
	if err != nil {
		return cfg, nil, err
	}
	jobs, err := app.Jobs(cfg, p.Jobs)
	return cfg, jobs, err
}

// job returns one registered job.
func (p *program) job(name string) (env.Config, *cron.Job, error) {
	cfg, jobs, err := p.jobs()
	if err != nil {
		return cfg, nil, err
	}
	j, err := scheduler.Find(jobs, name)
	return cfg, j, err
}

// open opens the database, which is made if there is none yet, and gives the jobs a scheduler that
// does not tick. What is run is run here, also where the servers share their runs by a queue.
func (p *program) open(ctx context.Context, opts ...app.Option) (*app.App, error) {
	cfg, _, err := p.jobs() // so that mistakes are not taken for the store's
	if err != nil {
		return nil, err
	}
	log := slog.New(console.Log(p.err, max(cfg.LogLevel, slog.LevelWarn), cfg.LogFormat))
	a, err := app.New(ctx, cfg, p.Jobs, append([]app.Option{app.Log(log), app.Here(), app.WithContext(p.own), app.Migrations(p.Migrations)}, opts...)...)
	return a, asked(err)
}

// look is open for commands that only read: where there is no database yet there is nothing to read,
// and none is made.
func (p *program) look(ctx context.Context) (ops.Crons, func(), error) {
	a, err := p.open(ctx, app.ReadOnly())
	if err != nil {
		return ops.Crons{}, nil, err
	}
	return a.Crons, func() { p.close(a) }, nil
}

func (p *program) close(a *app.App) {
	if err := a.Close(); err != nil {
		fmt.Fprintln(p.err, "warning: close store: "+console.Inert(err.Error()))
	}
}

// hand is the scheduler in the hands of whoever types: what is changed through it is kept in the
// audit, as a change over HTTP is.
func hand(a *app.App) ops.Audited { return a.Crons.By(caller()) }

// caller is whoever types.
func caller() contract.Caller {
	who := contract.Caller{Actor: "cli", Origin: "cli"}
	if u, err := user.Current(); err == nil && u.Username != "" {
		who.Actor = "cli:" + u.Username
	}
	if host, err := os.Hostname(); err == nil {
		who.Origin = "cli@" + host
	}
	return who
}

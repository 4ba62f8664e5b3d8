package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"

	"fibercrons/app"
	"fibercrons/app/cli/term"
	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/env"
	"fibercrons/app/internal/console"
	"fibercrons/app/scheduler"
	"fibercrons/app/store/row"
)

// Program is what differs between two programs.
type Program struct {
	Jobs       *cron.Registry
	Load       env.Loader
	Migrations []row.Migration // of the user's own tables
}

// program is everything a command uses besides its arguments; a test brings its own.
type program struct {
	Program
	in       io.Reader
	out, err io.Writer
	config   []env.Option
	dir      string                                // the module's root, for commands that read or write source
	own      func(context.Context) context.Context // set with the settings
	warned   bool                                  // of settings
}

// settings loads the configuration. Warnings go to stderr, once, and also beside mistakes: a misspelt variable is often
// why another is missing.
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

// jobs returns the registered jobs. It opens no database.
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

// reading opens the application for a command that only reads. Without a database it is empty, and none is made.
func (p *program) reading(ctx context.Context, do func(*app.App) error) error {
	return p.changing(ctx, do, app.ReadOnly())
}

// changing opens the application for a command that changes something. It makes a database if there is none, so the
// command first checks whether the job exists.
func (p *program) changing(ctx context.Context, do func(*app.App) error, opts ...app.Option) error {
	a, err := p.open(ctx, opts...)
	if err != nil {
		return err
	}
	defer p.close(a)
	return asked(do(a))
}

// open gives the jobs a scheduler that does not tick. Runs execute in this process, also where the servers share them
// by a queue.
func (p *program) open(ctx context.Context, opts ...app.Option) (*app.App, error) {
	cfg, _, err := p.jobs() // first: its errors are not the store's
	if err != nil {
		return nil, err
	}
	log := slog.New(console.Log(p.err, max(cfg.LogLevel, slog.LevelWarn), cfg.LogFormat))
	a, err := app.New(ctx, cfg, p.Jobs, append([]app.Option{app.Log(log), app.Here(), app.WithContext(p.own), app.Migrations(p.Migrations)}, opts...)...)
	return a, asked(err)
}

func (p *program) close(a *app.App) {
	if err := a.Close(); err != nil {
		fmt.Fprintln(p.err, "warning: close store: "+console.Inert(err.Error()))
	}
}

// caller is who typed the command, for the audit log.
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

// print writes a listing.
func (p *program) print(format string, l term.Listing) error {
	return term.Print(p.out, p.err, format, l)
}

// answer writes a value as JSON, or says the same in one line.
func (p *program) answer(format string, value any, line string) error {
	if format == term.AsJSON {
		return term.JSON(p.out, value)
	}
	fmt.Fprintln(p.out, line)
	return nil
}

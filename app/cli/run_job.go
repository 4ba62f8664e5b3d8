package cli

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fibercrons/app"
	"fibercrons/app/cli/term"
	"fibercrons/app/cron"
	"fibercrons/app/internal/console"
	"fibercrons/app/scheduler"
)

func (p *program) runJob() *cobra.Command {
	var name, arguments, at string
	var force bool
	cmd := &cobra.Command{
		Use:   "run-job NAME",
		Short: "Run a job here and now, log to the terminal, and record the run; or record it for later",
		Long: `Run a job in this process and wait for it. Its log goes to stderr and is kept with the run, as if
the server had run it. Ctrl-C, or the end of the terminal, cancels the run; that is recorded, too.

With --at the run is recorded for later, and any server on this database runs it then.`,
		Example: `  cli run-job hello
  cli run-job report --args '{"month": "2027-01"}'
  cli run-job report --at 2027-01-31T09:00:00Z`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: p.completeJob,
	}
	cmd.Flags().StringVar(&name, "name", "", "the job's name, in place of the argument")
	cmd.Flags().StringVar(&arguments, "args", "", "the job's arguments, a JSON object (default the job's own)")
	cmd.Flags().BoolVar(&force, "force", false, "run though the job is paused or running")
	cmd.Flags().StringVar(&at, "at", "", "record the run for later: an instant, or a time from now such as 2h")
	_ = cmd.RegisterFlagCompletionFunc("name", p.completeJob)
	return shows(cmd, func(ctx context.Context, args []string, format string) error {
		switch {
		case len(args) == 1 && name != "" && name != args[0]:
			return usage("two jobs are named, %q and %q; name one", args[0], name)
		case len(args) == 1:
			name = args[0]
		case name == "":
			return usage("run-job needs a job's name; see: cli list")
		}
		request := scheduler.Request{Force: force}
		var err error
		if request.Args, err = readArgs(arguments); err != nil {
			return err
		}
		if at != "" {
			if request.At, err = ahead("--at", at, time.Now()); err != nil {
				return err
			}
		}
		return p.working(ctx, name, func(a *app.App) error {
			record, err := a.Crons.By(caller()).Trigger(context.WithoutCancel(ctx), name, request)
			if err != nil {
				return err
			}
			if record.Deferred {
				return p.answer(format, record, fmt.Sprintf("job %s runs at %s (run %s)", record.Job, term.Clock(record.NextAt.UTC(), time.UTC), record.ID))
			}
			records := []cron.Record{record}
			if err := await(ctx, a, records); err != nil {
				return err
			}
			return p.report(format, records)
		})
	})
}

// working opens the application for running a job in this process: what the job logs goes to stderr and is kept with
// the run.
func (p *program) working(ctx context.Context, job string, do func(*app.App) error) error {
	cfg, _, err := p.job(job)
	if err != nil {
		return err // before a database is made for a job that does not exist
	}
	log := slog.New(cron.LogHandler(console.Log(p.err, cfg.LogLevel, cfg.LogFormat)))
	a, err := p.open(ctx, app.Log(log))
	if err != nil {
		return err
	}
	before := slog.Default()
	slog.SetDefault(log) // jobs log by slog.InfoContext
	defer func() {
		if err := a.Crons.Close(context.WithoutCancel(ctx)); err != nil {
			fmt.Fprintln(p.err, "warning: "+console.Inert(err.Error()))
		}
		p.close(a)
		slog.SetDefault(before)
	}()
	return asked(do(a))
}

// await waits for runs to end. If ctx ends first, it cancels them and still waits, so the records say so. It cancels the
// last one first: a run that waits for another would begin as soon as that has ended. A second Ctrl-C ends the process,
// and the runs are swept as interrupted.
func await(ctx context.Context, a *app.App, records []cron.Record) error {
	for i, r := range records {
		ended, err := a.Crons.Await(ctx, r.ID)
		if err == nil {
			records[i] = ended
			continue
		}
		if ctx.Err() == nil {
			return err
		}
		ctx = context.WithoutCancel(ctx)
		for _, left := range slices.Backward(records[i:]) {
			if _, err := a.Crons.By(caller()).Cancel(ctx, left.ID); err != nil {
				return err
			}
		}
		return await(ctx, a, records[i:])
	}
	return nil
}

// unsuccessful is an error without a text if a run did not succeed.
func unsuccessful(records []cron.Record) error {
	for _, r := range records {
		if r.Status != cron.Succeeded {
			return &statusError{status: exitFailed}
		}
	}
	return nil
}

// report shows how runs ended. Its error is that of [unsuccessful].
func (p *program) report(format string, records []cron.Record) error {
	if format == term.AsJSON && len(records) == 1 {
		if err := term.JSON(p.out, records[0]); err != nil {
			return err
		}
		return unsuccessful(records)
	}
	for _, r := range records {
		line := fmt.Sprintf("job %s %s", r.Job, outcome(r.Status, r.Reason).Text)
		if r.Duration != nil {
			line += " in " + term.Duration(r.Duration).Text
		}
		if r.Attempt > 1 {
			line += fmt.Sprintf(", attempt %d", r.Attempt)
		}
		if first, _, _ := strings.Cut(r.Error, "\n"); first != "" {
			line += ": " + first
		}
		fmt.Fprintf(p.out, "%s (run %s)\n", console.Inert(line), r.ID)
		if r.Stack != "" {
			fmt.Fprintln(p.err, console.Lines(r.Stack))
		}
	}
	return unsuccessful(records)
}

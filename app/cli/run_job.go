package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"fibercrons/app"
	"fibercrons/app/cron"
	"fibercrons/app/internal/console"
	"fibercrons/app/scheduler"
)

func (p *program) runJob() *cobra.Command {
	var name, arguments string
	var force bool
	cmd := &cobra.Command{
		Use:   "run-job NAME",
		Short: "Run a job here and now, log to the terminal, and record the run",
		Long: `Run a job in this process and wait for it. Its log goes to stderr and is kept with the run, as if
the server had run it. Ctrl-C, or the end of the terminal, cancels the run; that is recorded, too.`,
		Example: `  cli run-job hello
  cli run-job report --args '{"month": "2027-01"}'`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: p.completeJob,
	}
	cmd.Flags().StringVar(&name, "name", "", "the job's name, in place of the argument")
	cmd.Flags().StringVar(&arguments, "args", "", "the job's arguments, a JSON object (default the job's own)")
	cmd.Flags().BoolVar(&force, "force", false, "run though the job is paused or running")
	_ = cmd.RegisterFlagCompletionFunc("name", p.completeJob)
	var format *string
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) == 1 && name != "" && name != args[0]:
			return usage("two jobs are named, %q and %q; name one", args[0], name)
		case len(args) == 1:
			name = args[0]
		case name == "":
			return usage("run-job needs a job's name; see: cli list")
		}
		request := scheduler.Request{Force: force}
		if arguments != "" {
			if !json.Valid([]byte(arguments)) {
				return usage(`--args is not JSON; write it as --args '{"name": "value"}'`)
			}
			request.Args = json.RawMessage(arguments)
		}
		record, err := p.runHere(cmd.Context(), name, request)
		if err != nil {
			return err
		}
		return p.report(*format, []cron.Record{record})
	}
	format = output(cmd, objectFormats...)
	return cmd
}

// runHere triggers a run in this process and waits until it has ended.
func (p *program) runHere(ctx context.Context, name string, request scheduler.Request) (cron.Record, error) {
	a, done, err := p.worker(ctx, name)
	if err != nil {
		return cron.Record{}, err
	}
	defer done()
	record, err := hand(a).Trigger(context.WithoutCancel(ctx), name, request)
	if err != nil {
		return cron.Record{}, asked(err)
	}
	records := []cron.Record{record}
	err = await(ctx, a, records)
	return records[0], err
}

// worker opens the application for running job name in this process: what the job logs goes to
// stderr and is kept with the run.
func (p *program) worker(ctx context.Context, name string) (*app.App, func(), error) {
	cfg, _, err := p.job(name)
	if err != nil {
		return nil, nil, err // before a database is made for a job that does not exist
	}
	log := slog.New(cron.LogHandler(console.Log(p.err, cfg.LogLevel, cfg.LogFormat)))
	a, err := p.open(ctx, app.Log(log))
	if err != nil {
		return nil, nil, err
	}
	before := slog.Default()
	slog.SetDefault(log) // jobs log by slog.InfoContext
	return a, func() {
		if err := a.Crons.Close(context.WithoutCancel(ctx)); err != nil {
			fmt.Fprintln(p.err, "warning: "+console.Inert(err.Error()))
		}
		p.close(a)
		slog.SetDefault(before)
	}, nil
}

// await waits for the ends of runs. When ctx ends first they are cancelled, and their ends waited for: the
// records then say so. The last one goes first, since one that waits for another would begin as soon as that
// has ended. A second Ctrl-C ends the process, and the runs are swept as interrupted.
func await(ctx context.Context, a *app.App, records []cron.Record) error {
	for i, r := range records {
		ended, err := a.Crons.Await(ctx, r.ID)
		if err == nil {
			records[i] = ended
			continue
		}
		if ctx.Err() == nil {
			return asked(err)
		}
		ctx = context.WithoutCancel(ctx)
		for _, left := range slices.Backward(records[i:]) {
			if _, err := hand(a).Cancel(ctx, left.ID); err != nil {
				return asked(err)
			}
		}
		return await(ctx, a, records[i:])
	}
	return nil
}

// report shows how runs ended; it is an error when one did not succeed.
func (p *program) report(format string, records []cron.Record) error {
	var failed error
	for _, r := range records {
		if r.Status != cron.Succeeded {
			failed = &statusError{status: exitFailed}
		}
	}
	if format == "json" && len(records) == 1 {
		if err := printJSON(p.out, records[0]); err != nil {
			return err
		}
		return failed
	}
	for _, r := range records {
		line := fmt.Sprintf("job %s %s", r.Job, outcome(r.Status, r.Reason).text)
		if r.Duration != nil {
			line += " in " + duration(r.Duration).text
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
	return failed
}

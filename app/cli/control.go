package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"fibercrons/app"
	"fibercrons/app/cli/term"
	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

func (p *program) pause() *cobra.Command {
	var reason, until string
	cmd := &cobra.Command{
		Use:               "pause NAME",
		Short:             "Pause a job: its slots are recorded as skipped until it is resumed",
		Example:           `  cli pause report --reason "partner is down" --until 2h`,
		Args:              one("NAME"),
		ValidArgsFunction: p.completeJob,
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why; it is shown wherever the job is")
	cmd.Flags().StringVar(&until, "until", "", "resume by itself then: an instant, or a time from now such as 2h")
	return shows(cmd, func(ctx context.Context, args []string, format string) error {
		pause, line := contract.Pause{Job: args[0], Reason: reason}, fmt.Sprintf("job %s is paused until it is resumed", args[0])
		if until != "" {
			var err error
			if pause.Until, err = ahead("--until", until, time.Now()); err != nil {
				return err
			}
			line = fmt.Sprintf("job %s is paused until %s", args[0], term.Clock(pause.Until.Truncate(time.Second), time.UTC))
		}
		return p.setPause(ctx, pause, format, line)
	})
}

func (p *program) resume() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "resume NAME",
		Short:             "Resume a paused job",
		Args:              one("NAME"),
		ValidArgsFunction: p.completeJob,
	}
	return shows(cmd, func(ctx context.Context, args []string, format string) error {
		return p.setPause(ctx, contract.Pause{Job: args[0], Resume: true}, format, fmt.Sprintf("job %s is resumed", args[0]))
	})
}

func (p *program) setPause(ctx context.Context, pause contract.Pause, format, line string) error {
	if _, _, err := p.job(pause.Job); err != nil {
		return err
	}
	return p.changing(ctx, func(a *app.App) error {
		view, err := a.Crons.By(caller()).Pause(ctx, pause)
		if err != nil {
			return err
		}
		return p.answer(format, view, line)
	})
}

func (p *program) cancel() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "cancel RUN",
		Short:             "Cancel a run, in whichever process it runs: by its id, or by a job's name for the job's newest active run",
		Args:              one("run id or job name"),
		ValidArgsFunction: p.completeJob,
	}
	return shows(cmd, func(ctx context.Context, args []string, format string) error {
		var record cron.Record
		err := p.reading(ctx, func(a *app.App) (err error) { // first: a database is not made to find nothing in it
			record, err = findRun(ctx, a.Crons, args[0], cron.Running, cron.Queued)
			return err
		})
		if err != nil {
			return err
		}
		return p.changing(ctx, func(a *app.App) error {
			record, err := a.Crons.By(caller()).Cancel(ctx, record.ID)
			if err != nil {
				return err
			}
			line := fmt.Sprintf("run %s of job %s was asked to stop; follow it with: cli logs -f %s", record.ID, record.Job, record.ID)
			if record.Status.Ended() {
				line = fmt.Sprintf("run %s of job %s has ended: %s", record.ID, record.Job, outcome(record.Status, record.Reason).Text)
			}
			return p.answer(format, record, line)
		})
	})
}

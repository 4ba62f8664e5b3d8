package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"fibercrons/app/cron"
)

func (p *program) cancel() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "cancel RUN",
		Short:             "Cancel a run, in whichever process it runs: by its id, or by a job's name for the job's newest active run",
		Args:              one("run id or job name"),
		ValidArgsFunction: p.completeJob,
	}
	var format *string
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		record, err := p.activeRun(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		a, err := p.open(cmd.Context())
		if err != nil {
			return err
		}
		defer p.close(a)
		if record, err = hand(a).Cancel(cmd.Context(), record.ID); err != nil {
			return asked(err)
		}
		if *format == "json" {
			return printJSON(p.out, record)
		}
		if record.Status.Ended() {
			fmt.Fprintf(p.out, "run %s of job %s has ended: %s\n", record.ID, record.Job, outcome(record.Status, record.Reason).text)
			return nil
		}
		fmt.Fprintf(p.out, "run %s of job %s was asked to stop; follow it with: cli logs -f %s\n", record.ID, record.Job, record.ID)
		return nil
	}
	format = output(cmd, objectFormats...)
	return cmd
}

// activeRun finds the run without making a database where there is none.
func (p *program) activeRun(ctx context.Context, word string) (cron.Record, error) {
	crons, done, err := p.look(ctx)
	if err != nil {
		return cron.Record{}, err
	}
	defer done()
	return findRun(ctx, crons, word, cron.Running, cron.Queued)
}

package cli

import (
	"fibercrons/app/contract"
	"fmt"
	"time"

	"github.com/spf13/cobra"
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
	var format *string
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		request := contract.Pause{Job: args[0], Reason: reason}
		if until != "" {
			var err error
			if request.Until, err = parseMoment("--until", until, time.Now()); err != nil {
				return err
			}
		}
		said := fmt.Sprintf("job %s is paused until it is resumed", args[0])
		if !request.Until.IsZero() {
			said = fmt.Sprintf("job %s is paused until %s", args[0], clock(request.Until.Truncate(time.Second), time.UTC))
		}
		return p.setPause(cmd, request, *format, said)
	}
	format = output(cmd, objectFormats...)
	return cmd
}

func (p *program) resume() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "resume NAME",
		Short:             "Resume a paused job",
		Args:              one("NAME"),
		ValidArgsFunction: p.completeJob,
	}
	var format *string
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return p.setPause(cmd, contract.Pause{Job: args[0], Resume: true}, *format, fmt.Sprintf("job %s is resumed", args[0]))
	}
	format = output(cmd, objectFormats...)
	return cmd
}

func (p *program) setPause(cmd *cobra.Command, request contract.Pause, format, said string) error {
	if _, _, err := p.job(request.Job); err != nil {
		return err // before a database is made for a job that does not exist
	}
	a, err := p.open(cmd.Context())
	if err != nil {
		return err
	}
	defer p.close(a)
	view, err := hand(a).Pause(cmd.Context(), request)
	if err != nil {
		return asked(err)
	}
	if format == "json" {
		return printJSON(p.out, view)
	}
	fmt.Fprintln(p.out, said)
	return nil
}

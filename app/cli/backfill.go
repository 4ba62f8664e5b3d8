package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"fibercrons/app/cron"
)

func (p *program) backfill() *cobra.Command {
	var from, to string
	var dry bool
	cmd := &cobra.Command{
		Use:   "backfill NAME --from INSTANT --to INSTANT",
		Short: "Run a job here for past slots on purpose; each run's Slot() is the slot it works for",
		Example: `  cli backfill report --from 2027-01-01T00:00:00Z --to 2027-02-01T00:00:00Z --dry-run
  cli backfill report --from 2027-01-01T00:00:00Z --to 2027-02-01T00:00:00Z`,
		Args:              one("NAME"),
		ValidArgsFunction: p.completeJob,
	}
	cmd.Flags().StringVar(&from, "from", "", "the first instant, RFC 3339; a slot on it counts")
	cmd.Flags().StringVar(&to, "to", "", "the last instant, RFC 3339; a slot on it counts (default now)")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only list the slots")
	var format *string
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		start, end, err := period(from, to, time.Now())
		if err != nil {
			return err
		}
		if dry {
			return p.slots(cmd.Context(), args[0], start, end, *format)
		}
		a, done, err := p.worker(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		defer done()
		records, err := hand(a).Backfill(context.WithoutCancel(cmd.Context()), args[0], start, end)
		if err != nil {
			return asked(err)
		}
		if err := await(cmd.Context(), a, records); err != nil {
			return err
		}
		if *format == "table" && len(records) > 0 {
			return p.report(*format, records)
		}
		if err := p.print(*format, runListing(records, "no slot in that period")); err != nil {
			return err
		}
		for _, r := range records {
			if r.Status != cron.Succeeded {
				return &statusError{status: exitFailed}
			}
		}
		return nil
	}
	format = output(cmd, listFormats...)
	return cmd
}

func period(from, to string, now time.Time) (start, end time.Time, err error) {
	if from == "" {
		return start, end, usage("backfill needs --from, an instant such as 2027-01-31T09:00:00Z")
	}
	if start, err = parseInstant("--from", from); err != nil {
		return start, end, err
	}
	end = now
	if to != "" {
		if end, err = parseInstant("--to", to); err != nil {
			return start, end, err
		}
	}
	if end.Before(start) {
		return start, end, usage("--from %s is after --to %s; swap them", start.Format(time.RFC3339), end.Format(time.RFC3339))
	}
	if end.After(now) {
		return start, end, usage("--to %s is in the future; a backfill is for past slots", end.Format(time.RFC3339))
	}
	return start, end, nil
}

// slots lists what a backfill would run.
func (p *program) slots(ctx context.Context, name string, start, end time.Time, format string) error {
	crons, done, err := p.look(ctx)
	if err != nil {
		return err
	}
	defer done()
	slots, err := crons.BackfillSlots(ctx, name, start, end)
	if err != nil {
		return asked(err)
	}
	l := listing{columns: []column{{title: "SLOT"}}, objects: slots}
	for _, t := range slots {
		l.rows = append(l.rows, []cell{instant(&t, time.UTC)})
	}
	return p.print(format, l)
}

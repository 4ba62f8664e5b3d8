package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"fibercrons/app"
	"fibercrons/app/cli/term"
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
	return lists(cmd, func(ctx context.Context, args []string, format string) error {
		if from == "" {
			return usage("backfill needs --from, an instant such as 2027-01-31T09:00:00Z")
		}
		now := time.Now()
		start, end, err := period(from, to, now, now)
		if err != nil {
			return err
		}
		if end.After(now) {
			return usage("--to %s is in the future; a backfill is for past slots", end.Format(time.RFC3339))
		}
		if dry {
			return p.slots(ctx, args[0], start, end, format)
		}
		return p.working(ctx, args[0], func(a *app.App) error {
			records, err := a.Crons.By(caller()).Backfill(context.WithoutCancel(ctx), args[0], start, end)
			if err != nil {
				return err
			}
			if err := await(ctx, a, records); err != nil {
				return err
			}
			if format == term.AsTable && len(records) > 0 {
				return p.report(format, records)
			}
			if err := p.print(format, runListing(records, "no slot in that period")); err != nil {
				return err
			}
			return unsuccessful(records)
		})
	})
}

// slots lists what a backfill would run.
func (p *program) slots(ctx context.Context, name string, start, end time.Time, format string) error {
	return p.reading(ctx, func(a *app.App) error {
		slots, err := a.Crons.BackfillSlots(ctx, name, start, end)
		if err != nil {
			return err
		}
		l := term.Listing{Columns: []term.Column{{Title: "SLOT"}}, Objects: slots}
		for _, t := range slots {
			l.Rows = append(l.Rows, []term.Cell{term.Instant(&t, time.UTC)})
		}
		return p.print(format, l)
	})
}

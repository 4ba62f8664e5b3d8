package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fibercrons/app"
	"fibercrons/app/cli/term"
	"fibercrons/app/ops"
)

func (p *program) timeline() *cobra.Command {
	var from, to string
	cmd := &cobra.Command{
		Use:   "timeline",
		Short: "List what ran and what is due, in order of time",
		Example: `  cli timeline
  cli timeline --from 2027-01-01T00:00:00Z --to 2027-01-02T00:00:00Z -o json`,
		Args: none,
	}
	cmd.Flags().StringVar(&from, "from", "", "begin at this instant, RFC 3339 (default an hour ago)")
	cmd.Flags().StringVar(&to, "to", "", "end at this instant, RFC 3339 (default in an hour)")
	return lists(cmd, func(ctx context.Context, _ []string, format string) error {
		start, end, err := period(from, to, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
		if err != nil {
			return err
		}
		return p.reading(ctx, func(a *app.App) error {
			t, err := a.Crons.Timeline(ctx, start, end)
			if err != nil {
				return err
			}
			if format == term.AsJSON {
				return term.JSON(p.out, t)
			}
			if err := p.print(format, timelineListing(t)); err != nil {
				return err
			}
			if format == term.AsTable {
				p.printRest(t)
			}
			return nil
		})
	})
}

func timelineListing(t ops.Timeline) term.Listing {
	l := term.Listing{
		Columns: []term.Column{{Title: "AT"}, {Title: "JOB", Elastic: true}, {Title: "STATUS"}, {Title: "RUN", Extra: 1}},
		Empty:   "nothing ran and nothing is due in that time",
	}
	for _, r := range t.Runs {
		at := r.StartedAt
		if at == nil {
			at = r.Slot
		}
		l.Rows = append(l.Rows, []term.Cell{term.Second(at), term.Text(r.Job), outcome(r.Status, r.Reason), term.Text(r.ID)})
	}
	for _, s := range t.Slots {
		l.Rows = append(l.Rows, []term.Cell{term.Instant(&s.At, time.UTC), term.Text(s.Job), {Text: "due", Data: "due", Tone: term.Faint}, term.None()})
	}
	return l
}

// printRest says what the list leaves out.
func (p *program) printRest(t ops.Timeline) {
	for _, d := range t.Dense {
		fmt.Fprintf(p.out, "job %s is due more often than can be listed\n", d.Job)
	}
	for _, h := range t.Herds {
		var hints []string
		for _, hint := range h.Hint {
			hints = append(hints, fmt.Sprintf("%s: %q", hint.Job, hint.Use))
		}
		line := fmt.Sprintf("%d jobs are due in the minute of %s", h.Jobs, term.Clock(h.At, time.UTC))
		if len(hints) > 0 {
			line += "; spread them, as in " + strings.Join(hints, ", ")
		}
		fmt.Fprintln(p.out, line)
	}
	if t.Truncated {
		fmt.Fprintln(p.out, "there is more; ask for a shorter time")
	}
}

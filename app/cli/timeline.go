package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

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
	var format *string
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		start, end := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		if from != "" {
			if start, err = parseInstant("--from", from); err != nil {
				return err
			}
		}
		if to != "" {
			if end, err = parseInstant("--to", to); err != nil {
				return err
			}
		}
		if end.Before(start) {
			return usage("--from %s is after --to %s; swap them", start.Format(time.RFC3339), end.Format(time.RFC3339))
		}
		crons, done, err := p.look(cmd.Context())
		if err != nil {
			return err
		}
		defer done()
		t, err := crons.Timeline(cmd.Context(), start, end)
		if err != nil {
			return asked(err)
		}
		if *format == "json" {
			return printJSON(p.out, t)
		}
		if err := p.print(*format, timelineListing(t)); err != nil {
			return err
		}
		if *format == "table" {
			p.printRest(t)
		}
		return nil
	}
	format = output(cmd, listFormats...)
	return cmd
}

func timelineListing(t ops.Timeline) listing {
	l := listing{
		columns: []column{{title: "AT"}, {title: "JOB", elastic: true}, {title: "STATUS"}, {title: "RUN", extra: 1}},
		empty:   "nothing ran and nothing is due in that time",
	}
	for _, r := range t.Runs {
		at := r.StartedAt
		if at == nil {
			at = r.Slot
		}
		l.rows = append(l.rows, []cell{instant(second(at), time.UTC), text(r.Job), outcome(r.Status, r.Reason), text(r.ID)})
	}
	for _, s := range t.Slots {
		l.rows = append(l.rows, []cell{instant(&s.At, time.UTC), text(s.Job), {text: "due", data: "due", tone: faint}, {text: "-", tone: faint}})
	}
	return l
}

// printRest says what a list of instants does not.
func (p *program) printRest(t ops.Timeline) {
	for _, d := range t.Dense {
		fmt.Fprintf(p.out, "job %s is due more often than can be listed\n", d.Job)
	}
	for _, h := range t.Herds {
		var hints []string
		for _, hint := range h.Hint {
			hints = append(hints, fmt.Sprintf("%s: %q", hint.Job, hint.Use))
		}
		line := fmt.Sprintf("%d jobs are due in the minute of %s", h.Jobs, clock(h.At, time.UTC))
		if len(hints) > 0 {
			line += "; spread them, as in " + strings.Join(hints, ", ")
		}
		fmt.Fprintln(p.out, line)
	}
	if t.Truncated {
		fmt.Fprintln(p.out, "there is more; ask for a shorter time")
	}
}

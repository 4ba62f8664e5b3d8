package cli

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fibercrons/app"
	"fibercrons/app/cli/term"
	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

func (p *program) history() *cobra.Command {
	var limit int
	var status []string
	var since string
	var schedule string
	cmd := &cobra.Command{
		Use:   "history [NAME]",
		Short: "List the runs of a job, or of all jobs, newest first",
		Example: `  cli history hello
  cli history --schedule tenant-42/daily
  cli history --status failed,interrupted -o csv`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: p.completeJob,
	}
	cmd.Flags().IntVarP(&limit, "limit", "n", 20, "how many runs")
	cmd.Flags().StringSliceVar(&status, "status", nil, "only runs of these statuses")
	cmd.Flags().StringVar(&schedule, "schedule", "", "only runs of the stored schedule with this ID")
	cmd.Flags().StringVar(&since, "since", "", "only runs queued at or after this instant, RFC 3339")
	return lists(cmd, func(ctx context.Context, args []string, format string) (err error) {
		q := contract.Query{Limit: limit, Schedule: schedule}
		if err := inRange("--limit", limit, 10_000); err != nil {
			return err
		}
		for _, s := range status {
			err := checkStatus(cron.Status(s), "a run's", cron.Queued, cron.Running, cron.Succeeded, cron.Failed, cron.Cancelled, cron.Skipped, cron.Interrupted)
			if err != nil {
				return err
			}
			q.Statuses = append(q.Statuses, cron.Status(s))
		}
		if q.Since, err = instant("--since", since, time.Time{}); err != nil {
			return err
		}
		if len(args) == 1 {
			q.Job = args[0]
		}
		return p.reading(ctx, func(a *app.App) error {
			records, err := a.Crons.Records(ctx, q)
			if err != nil {
				return err
			}
			return p.print(format, runListing(records, "no runs"))
		})
	})
}

func runListing(records []cron.Record, empty string) term.Listing {
	if records == nil {
		records = []cron.Record{}
	}
	l := term.Listing{
		Columns: []term.Column{
			{Title: "ID"}, {Title: "JOB", Elastic: true}, {Title: "STORED SCHEDULE", Key: "schedule", Elastic: true, Rare: true}, {Title: "STATUS"}, {Title: "TRIGGER", Extra: 4}, {Title: "SLOT", Extra: 3},
			{Title: "STARTED", Key: "started_at", Extra: 1}, {Title: "DURATION", Key: "duration_ms", Right: true, Extra: 2},
			{Title: "ATTEMPT", Right: true, Extra: 5}, {Title: "ERROR", Elastic: true},
		},
		Objects: records,
		Empty:   empty,
	}
	for _, r := range records {
		slot := r.Slot
		if slot == nil {
			slot = r.DataSlot
		}
		failure := term.Text(r.Error)
		if line, rest, more := strings.Cut(r.Error, "\n"); more && strings.TrimSpace(rest) != "" {
			failure.Text = line + " …"
		}
		l.Rows = append(l.Rows, []term.Cell{
			term.Text(r.ID), term.Text(r.Job), term.Text(r.ScheduleID()), standing(&r), term.Text(string(r.Trigger)), term.Instant(slot, time.UTC),
			term.Second(r.StartedAt), term.Duration(r.Duration), term.Number(int64(r.Attempt)), failure,
		})
	}
	return l
}

func outcome(s cron.Status, reason cron.Reason) term.Cell {
	c := term.Cell{Text: string(s), Data: string(s), Tone: toneOf(s)}
	if reason != "" {
		c.Text += " (" + string(reason) + ")"
	}
	return c
}

// standing is the outcome of a run, or that it is overdue.
func standing(r *cron.Record) term.Cell {
	c := outcome(r.Status, r.Reason)
	if r.Overdue {
		c.Text, c.Tone = c.Text+" (overdue)", term.Bad
	}
	return c
}

func toneOf(s cron.Status) term.Tone {
	switch s {
	case cron.Succeeded:
		return term.Good
	case cron.Failed, cron.Interrupted:
		return term.Bad
	case cron.Running, cron.Queued, cron.Cancelled:
		return term.Warm
	}
	return term.Faint
}

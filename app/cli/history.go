package cli

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

var statuses = []cron.Status{
	cron.Queued, cron.Running, cron.Succeeded, cron.Failed, cron.Cancelled, cron.Skipped, cron.Interrupted,
}

func (p *program) history() *cobra.Command {
	var limit int
	var status []string
	var since string
	cmd := &cobra.Command{
		Use:   "history [NAME]",
		Short: "List the runs of a job, or of all jobs, newest first",
		Example: `  cli history hello
  cli history --status failed,interrupted -o csv`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: p.completeJob,
	}
	cmd.Flags().IntVarP(&limit, "limit", "n", 20, "how many runs")
	cmd.Flags().StringSliceVar(&status, "status", nil, "only runs of these statuses")
	cmd.Flags().StringVar(&since, "since", "", "only runs queued at or after this instant, RFC 3339")
	var format *string
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		q := contract.Query{Limit: limit}
		if limit < 1 || limit > 10_000 {
			return usage("--limit %d is out of range 1-10000", limit)
		}
		for _, s := range status {
			if !slices.Contains(statuses, cron.Status(s)) {
				return usage("--status %q is not a run's status; use queued, running, succeeded, failed, cancelled, skipped or interrupted", s)
			}
			q.Statuses = append(q.Statuses, cron.Status(s))
		}
		if since != "" {
			var err error
			if q.Since, err = parseInstant("--since", since); err != nil {
				return err
			}
		}
		if len(args) == 1 {
			q.Job = args[0]
		}
		crons, done, err := p.look(cmd.Context())
		if err != nil {
			return err
		}
		defer done()
		records, err := crons.Records(cmd.Context(), q)
		if err != nil {
			return asked(err)
		}
		return p.print(*format, runListing(records, "no runs"))
	}
	format = output(cmd, listFormats...)
	return cmd
}

func runListing(records []cron.Record, empty string) listing {
	if records == nil {
		records = []cron.Record{}
	}
	l := listing{
		columns: []column{
			{title: "ID"}, {title: "JOB", elastic: true}, {title: "STATUS"}, {title: "TRIGGER", extra: 4}, {title: "SLOT", extra: 3},
			{title: "STARTED", key: "started_at", extra: 1}, {title: "DURATION", key: "duration_ms", right: true, extra: 2},
			{title: "ATTEMPT", right: true, extra: 5}, {title: "ERROR", elastic: true},
		},
		objects: records,
		empty:   empty,
	}
	for _, r := range records {
		slot := r.Slot
		if slot == nil {
			slot = r.DataSlot
		}
		failure := text(r.Error)
		if line, rest, more := strings.Cut(r.Error, "\n"); more && strings.TrimSpace(rest) != "" {
			failure.text = line + " …"
		}
		l.rows = append(l.rows, []cell{
			text(r.ID), text(r.Job), standing(&r), text(string(r.Trigger)), instant(slot, time.UTC),
			instant(second(r.StartedAt), time.UTC), duration(r.Duration), number(int64(r.Attempt)), failure,
		})
	}
	return l
}

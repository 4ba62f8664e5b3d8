package cli

import (
	"time"

	"github.com/spf13/cobra"

	"fibercrons/app/contract"
	"fibercrons/app/ops"
)

func (p *program) list() *cobra.Command {
	var filter ops.Filter
	var status string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the jobs: schedule, status, last and next run",
		Example: `  cli list --tag billing
  cli list --status paused -o json`,
		Args: none,
	}
	cmd.Flags().StringVar(&filter.Tag, "tag", "", "only jobs with this tag")
	cmd.Flags().StringVar(&status, "status", "", "only jobs that are scheduled, running, paused or disabled")
	cmd.Flags().StringVarP(&filter.Search, "search", "s", "", "only jobs with this text in name, description or tags")
	var format *string
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		switch filter.Status = contract.JobStatus(status); filter.Status {
		case "", contract.JobScheduled, contract.JobRunning, contract.JobPaused, contract.JobDisabled:
		default:
			return usage("--status %q is not a job's status; use scheduled, running, paused or disabled", status)
		}
		crons, done, err := p.look(cmd.Context())
		if err != nil {
			return err
		}
		defer done()
		views, err := crons.Jobs(cmd.Context(), filter)
		if err != nil {
			return asked(err)
		}
		empty := `no jobs yet; write one with: go run ./cmd/cli new hello "*/5 * * * *"`
		if filter != (ops.Filter{}) {
			empty = "no job matches"
		}
		return p.print(*format, jobListing(views, empty))
	}
	format = output(cmd, listFormats...)
	return cmd
}

func jobListing(views []ops.JobView, empty string) listing {
	l := listing{
		columns: []column{
			{title: "NAME", elastic: true}, {title: "SCHEDULE", key: "schedules", elastic: true}, {title: "TIMEZONE", extra: 4},
			{title: "STATUS"}, {title: "LAST RUN", extra: 1}, {title: "LAST STATUS"}, {title: "NEXT RUN"},
			{title: "RUNS", right: true, extra: 3}, {title: "FAILURES", right: true, extra: 2},
		},
		objects: views,
		empty:   empty,
	}
	for _, v := range views {
		last := cell{text: "-", tone: faint}
		if v.LastStatus != nil {
			last = outcome(*v.LastStatus, "")
		}
		l.rows = append(l.rows, []cell{
			text(v.Name), expressions(v), text(v.Timezone), jobStatus(v.Status),
			instant(second(v.LastRun), time.UTC), last, instant(v.NextRun, time.UTC),
			number(v.Runs), number(v.Failures),
		})
	}
	return l
}

func expressions(v ops.JobView) cell {
	c := text(v.Expr)
	for _, also := range v.Schedules {
		if also != v.Expr {
			c.text += "; " + also
			c.data += "; " + also
		}
	}
	return c
}

func jobStatus(s contract.JobStatus) cell {
	c := text(string(s))
	switch s {
	case contract.JobRunning:
		c.tone = good
	case contract.JobPaused:
		c.tone = warm
	case contract.JobDisabled:
		c.tone = faint
	}
	return c
}

package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"fibercrons/app"
	"fibercrons/app/cli/term"
	"fibercrons/app/contract"
	"fibercrons/app/ops"
)

func (p *program) list() *cobra.Command {
	var filter ops.Filter
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the jobs: schedule, status, last and next run",
		Example: `  cli list --tag billing
  cli list --status paused -o json`,
		Args: none,
	}
	cmd.Flags().StringVar(&filter.Tag, "tag", "", "only jobs with this tag")
	cmd.Flags().StringVar((*string)(&filter.Status), "status", "", "only jobs that are scheduled, running, paused or disabled")
	cmd.Flags().StringVarP(&filter.Search, "search", "s", "", "only jobs with this text in name, description or tags")
	return lists(cmd, func(ctx context.Context, _ []string, format string) error {
		if filter.Status != "" {
			err := checkStatus(filter.Status, "a job's", contract.JobScheduled, contract.JobRunning, contract.JobPaused, contract.JobDisabled)
			if err != nil {
				return err
			}
		}
		return p.reading(ctx, func(a *app.App) error {
			views, err := a.Crons.Jobs(ctx, filter)
			if err != nil {
				return err
			}
			empty := `no jobs yet; write one with: go run ./cmd/cli new hello "*/5 * * * *"`
			if filter != (ops.Filter{}) {
				empty = "no job matches"
			}
			return p.print(format, jobListing(views, empty))
		})
	})
}

func jobListing(views []ops.JobView, empty string) term.Listing {
	l := term.Listing{
		Columns: []term.Column{
			{Title: "NAME", Elastic: true}, {Title: "SCHEDULE", Key: "schedules", Elastic: true}, {Title: "TIMEZONE", Extra: 4},
			{Title: "STATUS"}, {Title: "LAST RUN", Extra: 1}, {Title: "LAST STATUS"}, {Title: "NEXT RUN"},
			{Title: "RUNS", Right: true, Extra: 3}, {Title: "FAILURES", Right: true, Extra: 2},
		},
		Objects: views,
		Empty:   empty,
	}
	for _, v := range views {
		last := term.None()
		if v.LastStatus != nil {
			last = outcome(*v.LastStatus, "")
		}
		l.Rows = append(l.Rows, []term.Cell{
			term.Text(v.Name), expressions(v), term.Text(v.Timezone), jobStatus(v.Status),
			term.Second(v.LastRun), last, term.Instant(v.NextRun, time.UTC),
			term.Number(v.Runs), term.Number(v.Failures),
		})
	}
	return l
}

func expressions(v ops.JobView) term.Cell {
	c := term.Text(v.Expr)
	for _, also := range v.Schedules {
		if also != v.Expr {
			c.Text += "; " + also
			c.Data += "; " + also
		}
	}
	return c
}

func jobStatus(s contract.JobStatus) term.Cell {
	c := term.Text(string(s))
	switch s {
	case contract.JobRunning:
		c.Tone = term.Good
	case contract.JobPaused:
		c.Tone = term.Warm
	case contract.JobDisabled:
		c.Tone = term.Faint
	}
	return c
}

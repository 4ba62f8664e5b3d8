package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fibercrons/app"
	"fibercrons/app/alert"
	"fibercrons/app/cli/term"
)

func (p *program) alert() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "alert",
		Short: "Look at alerts, try their channels, and silence them",
		Args:  none,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.alertList(), p.alertTest(), p.alertSilence(), p.alertUnsilence(), p.alertSilences())
	return cmd
}

func (p *program) alertList() *cobra.Command {
	var q alert.Query
	cmd := &cobra.Command{
		Use:   "list [JOB]",
		Short: "List alerts, newest first, and how they were delivered",
		Example: `  cli alert list
  cli alert list hello --status pending`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: p.completeJob,
	}
	cmd.Flags().IntVarP(&q.Limit, "limit", "n", 20, "how many alerts")
	cmd.Flags().StringVar((*string)(&q.Status), "status", "", "only alerts of this status: pending, sent, failed, silenced")
	return lists(cmd, func(ctx context.Context, args []string, format string) error {
		if err := inRange("--limit", q.Limit, 10_000); err != nil {
			return err
		}
		if q.Status != "" {
			if err := checkStatus(q.Status, "an alert's", alert.Pending, alert.Sent, alert.Failed, alert.Silenced); err != nil {
				return err
			}
		}
		if len(args) == 1 {
			q.Job = args[0]
		}
		return p.reading(ctx, func(a *app.App) error {
			list, _, err := a.Alerts.Alerts(ctx, q)
			if err != nil {
				return err
			}
			return p.print(format, alertListing(list))
		})
	})
}

func alertListing(list []alert.Alert) term.Listing {
	if list == nil {
		list = []alert.Alert{}
	}
	l := term.Listing{
		Columns: []term.Column{
			{Title: "ID", Extra: 4}, {Title: "AT"}, {Title: "JOB", Elastic: true}, {Title: "KIND"}, {Title: "STATUS"},
			{Title: "DETAIL", Elastic: true}, {Title: "CHANNELS", Extra: 2, Elastic: true}, {Title: "RUN", Extra: 3}, {Title: "ERROR", Extra: 1, Elastic: true},
		},
		Objects: list,
		Empty:   "no alerts",
	}
	for i := range list {
		a := &list[i]
		var ways []string
		for _, d := range a.Deliveries {
			ways = append(ways, d.Channel+" "+string(d.Status))
		}
		failure, _, _ := strings.Cut(a.Error, "\n")
		l.Rows = append(l.Rows, []term.Cell{
			term.Text(a.ID), term.Second(&a.At), {Text: a.Subject(), Data: a.Job}, term.Text(string(a.Kind)), alertStatus(a.Status), term.Text(a.Detail),
			term.Text(strings.Join(ways, ", ")), term.Text(a.Run), {Text: failure, Data: a.Error},
		})
	}
	return l
}

func alertStatus(s alert.Status) term.Cell {
	c := term.Text(string(s))
	switch s {
	case alert.Sent:
		c.Tone = term.Good
	case alert.Failed:
		c.Tone = term.Bad
	case alert.Pending:
		c.Tone = term.Warm
	default:
		c.Tone = term.Faint
	}
	return c
}

func (p *program) alertTest() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Send a test through every channel, and tell what came of it",
		Args:  none,
	}
	return lists(cmd, func(ctx context.Context, _ []string, format string) error {
		return p.reading(ctx, func(a *app.App) error {
			if len(a.Alerts.Channels()) == 0 {
				return usage("no channel of alerts is set up; set ALERT_WEBHOOK_URL, ALERT_SLACK_URL, or ALERT_EMAIL_TO with SMTP_URL")
			}
			results := a.Alerts.Test(ctx)
			l := term.Listing{
				Columns: []term.Column{{Title: "CHANNEL"}, {Title: "RESULT", Key: "sent"}, {Title: "TOOK", Key: "took_ms", Right: true}, {Title: "ERROR", Elastic: true}},
				Objects: results,
			}
			failed := 0
			for _, r := range results {
				result := term.Cell{Text: "sent", Data: "true", Tone: term.Good}
				if !r.Sent {
					result = term.Cell{Text: "failed", Data: "false", Tone: term.Bad}
					failed++
				}
				l.Rows = append(l.Rows, []term.Cell{term.Text(r.Channel), result, term.Duration(&r.TookMS), term.Text(r.Error)})
			}
			if err := p.print(format, l); err != nil {
				return err
			}
			if failed > 0 {
				return &statusError{exitFailed, fmt.Sprintf("%d of %d channels did not take the test", failed, len(results))}
			}
			return nil
		})
	})
}

func (p *program) alertSilence() *cobra.Command {
	var length, reason string
	var all bool
	cmd := &cobra.Command{
		Use:   "silence JOB",
		Short: "Keep the alerts of a job, or of all jobs, from being sent for a time",
		Example: `  cli alert silence report --for 2h --reason "partner is down"
  cli alert silence --all --for 2027-01-31T12:00:00Z`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: p.completeJob,
	}
	cmd.Flags().StringVar(&length, "for", "", "how long, such as 2h, or until when")
	cmd.Flags().StringVar(&reason, "reason", "", "why; it is shown wherever the silence is")
	cmd.Flags().BoolVar(&all, "all", false, "all jobs")
	return shows(cmd, func(ctx context.Context, args []string, format string) error {
		switch {
		case all == (len(args) == 1):
			return usage("name one JOB, or give --all; see %s --help", cmd.CommandPath())
		case length == "":
			return usage("--for is missing; give a time such as 2h")
		}
		until, err := ahead("--for", length, time.Now())
		if err != nil {
			return err
		}
		job := ""
		if !all {
			job = args[0]
			if _, _, err := p.job(job); err != nil {
				return err
			}
		}
		return p.changing(ctx, func(a *app.App) error {
			s, err := a.Alerts.By(caller()).Silence(ctx, job, until, reason)
			if err != nil {
				return err
			}
			return p.answer(format, s, fmt.Sprintf("alerts of %s are silenced until %s (%s)", silenced(s), term.Clock(s.Until.Truncate(time.Second), time.UTC), s.ID))
		})
	})
}

func silenced(s alert.Silence) string {
	if s.Job == "" {
		return "all jobs"
	}
	return "job " + s.Job
}

func (p *program) alertUnsilence() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "unsilence ID|JOB",
		Short: "End a silence before its time, or every one of a job",
		Args:  one("ID or JOB"),
	}
	return shows(cmd, func(ctx context.Context, args []string, format string) error {
		return p.changing(ctx, func(a *app.App) error {
			list, err := a.Alerts.Silences(ctx, false)
			if err != nil {
				return err
			}
			ended, lines := []alert.Silence{}, []string{}
			for _, s := range list {
				if s.ID != args[0] && (s.Job == "" || s.Job != args[0]) {
					continue
				}
				s, err := a.Alerts.By(caller()).Unsilence(ctx, s.ID)
				if err != nil {
					return err
				}
				ended, lines = append(ended, s), append(lines, "the silence of "+silenced(s)+" has ended")
			}
			if len(ended) == 0 {
				return notFound("no silence in force has the ID or the job %q; cli alert silences lists them", args[0])
			}
			return p.answer(format, ended, strings.Join(lines, "\n"))
		})
	})
}

func (p *program) alertSilences() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "silences",
		Short: "List the silences in force",
		Args:  none,
	}
	cmd.Flags().BoolVar(&all, "all", false, "those that are over, too")
	return lists(cmd, func(ctx context.Context, _ []string, format string) error {
		return p.reading(ctx, func(a *app.App) error {
			list, err := a.Alerts.Silences(ctx, all)
			if err != nil {
				return err
			}
			l := term.Listing{
				Columns: []term.Column{
					{Title: "ID"}, {Title: "JOB", Elastic: true}, {Title: "UNTIL"}, {Title: "BY", Extra: 1}, {Title: "REASON", Elastic: true}, {Title: "ENDED", Extra: 2},
				},
				Objects: list,
				Empty:   "no silences",
			}
			for _, s := range list {
				job := term.Text(s.Job)
				if s.Job == "" {
					job = term.Cell{Text: "all jobs"}
				}
				l.Rows = append(l.Rows, []term.Cell{term.Text(s.ID), job, term.Second(&s.Until), term.Text(s.By), term.Text(s.Reason), term.Second(s.EndedAt)})
			}
			return p.print(format, l)
		})
	})
}

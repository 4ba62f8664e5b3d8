package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fibercrons/app"
	"fibercrons/app/alert"
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
	var status string
	cmd := &cobra.Command{
		Use:   "list [JOB]",
		Short: "List alerts, newest first, and how they were delivered",
		Example: `  cli alert list
  cli alert list hello --status pending`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: p.completeJob,
	}
	cmd.Flags().IntVarP(&q.Limit, "limit", "n", 20, "how many alerts")
	cmd.Flags().StringVar(&status, "status", "", "only alerts of this status: pending, sent, failed, silenced")
	var format *string
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if q.Limit < 1 || q.Limit > 10_000 {
			return usage("--limit %d is out of range 1-10000", q.Limit)
		}
		switch q.Status = alert.Status(status); q.Status {
		case "", alert.Pending, alert.Sent, alert.Failed, alert.Silenced:
		default:
			return usage("--status %q is not an alert's status; use pending, sent, failed or silenced", status)
		}
		if len(args) == 1 {
			q.Job = args[0]
		}
		a, err := p.open(cmd.Context(), app.ReadOnly())
		if err != nil {
			return err
		}
		defer p.close(a)
		list, _, err := a.Alerts.Alerts(cmd.Context(), q)
		if err != nil {
			return asked(err)
		}
		return p.print(*format, alertListing(list))
	}
	format = output(cmd, listFormats...)
	return cmd
}

func alertListing(list []alert.Alert) listing {
	if list == nil {
		list = []alert.Alert{}
	}
	l := listing{
		columns: []column{
			{title: "ID", extra: 4}, {title: "AT"}, {title: "JOB", elastic: true}, {title: "KIND"}, {title: "STATUS"},
			{title: "DETAIL", elastic: true}, {title: "CHANNELS", extra: 2, elastic: true}, {title: "RUN", extra: 3}, {title: "ERROR", extra: 1, elastic: true},
		},
		objects: list,
		empty:   "no alerts",
	}
	for i := range list {
		a := &list[i]
		var ways []string
		for _, d := range a.Deliveries {
			ways = append(ways, d.Channel+" "+string(d.Status))
		}
		failure, _, _ := strings.Cut(a.Error, "\n")
		l.rows = append(l.rows, []cell{
			text(a.ID), instant(second(&a.At), time.UTC), text(a.Job), text(string(a.Kind)), alertStatus(a.Status), text(a.Detail),
			text(strings.Join(ways, ", ")), text(a.Run), {text: failure, data: a.Error},
		})
	}
	return l
}

func alertStatus(s alert.Status) cell {
	c := text(string(s))
	switch s {
	case alert.Sent:
		c.tone = good
	case alert.Failed:
		c.tone = bad
	case alert.Pending:
		c.tone = warm
	default:
		c.tone = faint
	}
	return c
}

func (p *program) alertTest() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Send a test through every channel, and tell what came of it",
		Args:  none,
	}
	var format *string
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		a, err := p.open(cmd.Context(), app.ReadOnly())
		if err != nil {
			return err
		}
		defer p.close(a)
		if len(a.Alerts.Channels()) == 0 {
			return usage("no channel of alerts is set up; set ALERT_WEBHOOK_URL, ALERT_SLACK_URL, or ALERT_EMAIL_TO with SMTP_URL")
		}
		results := a.Alerts.Test(cmd.Context())
		l := listing{
			columns: []column{{title: "CHANNEL"}, {title: "RESULT", key: "sent"}, {title: "TOOK", key: "took_ms", right: true}, {title: "ERROR", elastic: true}},
			objects: results,
		}
		failed := 0
		for _, r := range results {
			result := cell{text: "sent", data: "true", tone: good}
			if !r.Sent {
				result = cell{text: "failed", data: "false", tone: bad}
				failed++
			}
			l.rows = append(l.rows, []cell{text(r.Channel), result, duration(&r.TookMS), text(r.Error)})
		}
		if err := p.print(*format, l); err != nil {
			return err
		}
		if failed > 0 {
			return &statusError{exitFailed, fmt.Sprintf("%d of %d channels did not take the test", failed, len(results))}
		}
		return nil
	}
	format = output(cmd, listFormats...)
	return cmd
}

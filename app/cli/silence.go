package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"fibercrons/app"
	"fibercrons/app/alert"
)

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
	var format *string
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case all == (len(args) == 1):
			return usage("name one JOB, or give --all; see %s --help", cmd.CommandPath())
		case length == "":
			return usage("--for is missing; give a time such as 2h")
		}
		until, err := parseMoment("--for", length, time.Now())
		if err != nil {
			return err
		}
		job := ""
		if len(args) == 1 {
			job = args[0]
			if _, _, err := p.job(job); err != nil {
				return err // before a database is made for a job that does not exist
			}
		}
		a, err := p.open(cmd.Context())
		if err != nil {
			return err
		}
		defer p.close(a)
		s, err := a.Alerts.By(caller()).Silence(cmd.Context(), job, until, reason)
		if err != nil {
			return asked(err)
		}
		if *format == "json" {
			return printJSON(p.out, s)
		}
		fmt.Fprintf(p.out, "alerts of %s are silenced until %s (%s)\n", silenced(s), clock(s.Until.Truncate(time.Second), time.UTC), s.ID)
		return nil
	}
	format = output(cmd, objectFormats...)
	return cmd
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
	var format *string
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		a, err := p.open(cmd.Context())
		if err != nil {
			return err
		}
		defer p.close(a)
		list, err := a.Alerts.Silences(cmd.Context(), false)
		if err != nil {
			return asked(err)
		}
		ended := []alert.Silence{}
		for _, s := range list {
			if s.ID != args[0] && (s.Job == "" || s.Job != args[0]) {
				continue
			}
			s, err := a.Alerts.By(caller()).Unsilence(cmd.Context(), s.ID)
			if err != nil {
				return asked(err)
			}
			ended = append(ended, s)
		}
		if len(ended) == 0 {
			return notFound("no silence in force has the ID or the job %q; cli alert silences lists them", args[0])
		}
		if *format == "json" {
			return printJSON(p.out, ended)
		}
		for _, s := range ended {
			fmt.Fprintf(p.out, "the silence of %s has ended\n", silenced(s))
		}
		return nil
	}
	format = output(cmd, objectFormats...)
	return cmd
}

func (p *program) alertSilences() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "silences",
		Short: "List the silences in force",
		Args:  none,
	}
	cmd.Flags().BoolVar(&all, "all", false, "those that are over, too")
	var format *string
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		a, err := p.open(cmd.Context(), app.ReadOnly())
		if err != nil {
			return err
		}
		defer p.close(a)
		list, err := a.Alerts.Silences(cmd.Context(), all)
		if err != nil {
			return asked(err)
		}
		l := listing{
			columns: []column{{title: "ID"}, {title: "JOB", elastic: true}, {title: "UNTIL"}, {title: "BY", extra: 1}, {title: "REASON", elastic: true}, {title: "ENDED", extra: 2}},
			objects: list,
			empty:   "no silences",
		}
		for _, s := range list {
			job := text(s.Job)
			if s.Job == "" {
				job = cell{text: "all jobs"}
			}
			l.rows = append(l.rows, []cell{text(s.ID), job, instant(second(&s.Until), time.UTC), text(s.By), text(s.Reason), instant(second(s.EndedAt), time.UTC)})
		}
		return p.print(*format, l)
	}
	format = output(cmd, listFormats...)
	return cmd
}

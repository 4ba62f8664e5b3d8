package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fibercrons/app"
	"fibercrons/app/cli/term"
	"fibercrons/app/cron"
	"fibercrons/app/internal/console"
	"fibercrons/app/internal/texts"
	"fibercrons/app/schedule"
)

// maxCount is the limit of --count: slots of a year of days, and quick.
const maxCount = 1000

// upcoming is what next answers.
type upcoming struct {
	Expr        string      `json:"expr"`
	Schedules   []string    `json:"schedules,omitempty"` // of a job that has several
	Timezone    string      `json:"timezone"`
	Description string      `json:"description"`
	Next        []time.Time `json:"next"`
}

func (p *program) next() *cobra.Command {
	var q question
	var from string
	var count int
	cmd := &cobra.Command{
		Use:   "next NAME | --expr EXPR",
		Short: "Tell when a job, or any expression, fires next",
		Example: `  cli next hello
  cli next --expr "30 2 * * *" --tz Europe/Berlin --from 2027-03-27T00:00:00Z --count 3`,
		ValidArgsFunction: p.completeJob,
	}
	q.flags(cmd)
	cmd.Flags().StringVar(&from, "from", "", "count from this instant, RFC 3339 (default now)")
	cmd.Flags().IntVarP(&count, "count", "n", 5, "how many slots")
	return lists(cmd, func(ctx context.Context, args []string, format string) error {
		after, err := instant("--from", from, time.Now())
		if err != nil {
			return err
		}
		if err := inRange("--count", count, maxCount); err != nil {
			return err
		}
		subject, err := p.subject(ctx, q, args)
		if err != nil {
			return err
		}
		found := subject.upcoming(after, count)
		if format == term.AsJSON {
			return term.JSON(p.out, found)
		}
		return p.print(format, found.listing(after, subject.zone))
	})
}

func (u upcoming) listing(after time.Time, zone *time.Location) term.Listing {
	l := term.Listing{
		Columns: []term.Column{{Title: "NEXT"}, {Title: "UTC"}, {Title: "IN", Right: true}},
		Empty:   fmt.Sprintf("%s never fires after %s", u.Expr, term.Clock(after, zone)),
	}
	if zone == time.UTC {
		l.Columns = []term.Column{{Title: "NEXT"}, {Title: "IN", Right: true}}
	}
	for _, t := range u.Next {
		row := []term.Cell{term.Instant(&t, zone), term.Instant(&t, time.UTC), term.Text(texts.Duration(t.Sub(after).Round(time.Second)))}
		row[0].Data = t.In(zone).Format(time.RFC3339Nano)
		if zone == time.UTC {
			row = []term.Cell{row[0], row[2]}
		}
		l.Rows = append(l.Rows, row)
	}
	return l
}

// question is a job's name or an expression, as next and explain take it.
type question struct {
	expr, zone string
}

func (q *question) flags(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&q.expr, "expr", "e", "", "an expression in place of a job's name")
	cmd.Flags().StringVar(&q.zone, "tz", "", "time zone to read the expression in; with a job, to show its slots in (default CRON_TIMEZONE)")
}

// subject is what a question is about.
type subject struct {
	name      string // of the job; Empty: a bare expression
	exprs     []string
	schedules []schedule.Schedule
	zone      *time.Location // to show instants in
}

// subject finds what the question is about. A job's name has no space and no @, and every expression has one of them, so
// they cannot be confused.
func (p *program) subject(ctx context.Context, q question, args []string) (subject, error) {
	word := strings.Join(args, " ")
	switch {
	case q.expr != "" && word != "":
		return subject{}, usage("give a job's name or --expr, not both")
	case q.expr == "" && word == "":
		return subject{}, usage(`give a job's name, or an expression as in --expr "*/5 * * * *"`)
	case strings.ContainsAny(word, " @\t"):
		q.expr, word = word, ""
	}
	if word != "" {
		return p.jobSubject(ctx, word, q.zone)
	}
	cfg, err := p.settings()
	if err != nil {
		return subject{}, err
	}
	zone := cfg.Timezone
	if q.zone != "" {
		if zone, err = schedule.LoadLocation(q.zone); err != nil {
			return subject{}, usage("--tz: %v", err)
		}
	}
	s, err := schedule.Parse(q.expr, schedule.Options{Location: zone})
	if err != nil {
		return subject{}, usage("%q: %v", q.expr, err)
	}
	return subject{exprs: []string{q.expr}, schedules: []schedule.Schedule{s}, zone: s.Location()}, nil
}

func (p *program) jobSubject(ctx context.Context, name, zone string) (subject, error) {
	_, job, err := p.job(name)
	if err != nil {
		return subject{}, err
	}
	s := subject{name: job.Name, exprs: job.Exprs, schedules: job.Schedules, zone: job.Zone}
	p.override(ctx, &s)
	if zone != "" {
		if s.zone, err = schedule.LoadLocation(zone); err != nil {
			return subject{}, usage("--tz: %v", err)
		}
	}
	return s, nil
}

// override uses the schedule that somebody gave the job at run time, if any. An unusable store is a warning: the answer
// is then the schedule in the code.
func (p *program) override(ctx context.Context, s *subject) {
	err := p.reading(ctx, func(a *app.App) error {
		job, err := a.Crons.Job(ctx, s.name)
		if err != nil || job.Override == nil {
			return nil //nolint:nilerr // without it there still is an answer
		}
		zone, err := schedule.LoadLocation(job.Timezone)
		if err != nil {
			return nil //nolint:nilerr // as above
		}
		if parsed, err := schedule.Parse(job.Expr, schedule.Options{Location: zone, Seed: s.name}); err == nil {
			s.exprs, s.schedules, s.zone = []string{job.Expr}, []schedule.Schedule{parsed}, parsed.Location()
		}
		return nil
	})
	if err != nil {
		fmt.Fprintf(p.err, "warning: %s; this is the schedule in the code\n", console.Inert(err.Error()))
	}
}

func (s subject) upcoming(after time.Time, count int) upcoming {
	u := upcoming{Expr: s.exprs[0], Timezone: s.schedules[0].Location().String(), Description: s.text(), Next: []time.Time{}}
	if len(s.exprs) > 1 {
		u.Schedules = s.exprs
	}
	job := cron.Job{Schedules: s.schedules}
	for t, ok := job.Next(after); ok && len(u.Next) < count; t, ok = job.Next(t) {
		u.Next = append(u.Next, t.In(s.zone))
	}
	return u
}

// text is the schedule in plain English.
func (s subject) text() string {
	var parts []string
	for _, one := range s.schedules {
		parts = append(parts, one.Describe())
	}
	return strings.Join(parts, "; also ")
}

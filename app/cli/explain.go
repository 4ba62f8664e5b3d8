package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fibercrons/app/cli/term"
)

// explanation is what explain answers about one expression.
type explanation struct {
	Expr        string       `json:"expr"`
	Canonical   string       `json:"canonical"`
	Timezone    string       `json:"timezone"`
	Description string       `json:"description"`
	Fields      []fieldSense `json:"fields"`
	Rule        string       `json:"rule,omitempty"`
	Next        []time.Time  `json:"next"`
	Notes       []string     `json:"notes"`
}

func (p *program) explain() *cobra.Command {
	var q question
	var from string
	cmd := &cobra.Command{
		Use:   "explain NAME | EXPR",
		Short: "Explain a schedule: field by field, in plain English, and what daylight saving does to it",
		Example: `  cli explain hello
  cli explain "30 2 * * MON-FRI" --tz Europe/Berlin`,
		ValidArgsFunction: p.completeJob,
	}
	q.flags(cmd)
	cmd.Flags().StringVar(&from, "from", "", "look ahead from this instant, RFC 3339 (default now)")
	return shows(cmd, func(ctx context.Context, args []string, format string) error {
		after, err := instant("--from", from, time.Now())
		if err != nil {
			return err
		}
		subject, err := p.subject(ctx, q, args)
		if err != nil {
			return err
		}
		found := make([]explanation, len(subject.schedules))
		for i := range found {
			found[i] = subject.explain(i, after)
		}
		switch {
		case format == term.AsJSON && len(found) == 1:
			return term.JSON(p.out, found[0])
		case format == term.AsJSON:
			return term.JSON(p.out, found)
		}
		for i, e := range found {
			if i > 0 {
				fmt.Fprintln(p.out)
			}
			p.printExplanation(e, subject.zone)
		}
		return nil
	})
}

// lookahead is how far notes on daylight saving reach: every change of a year.
const lookahead = 366 * 24 * time.Hour

func (s subject) explain(i int, after time.Time) explanation {
	one := s.schedules[i]
	e := explanation{
		Expr: s.exprs[i], Canonical: one.String(), Timezone: one.Location().String(), Description: one.Describe(),
		Fields: senses(s.exprs[i], one.String(), s.name), Next: []time.Time{}, Notes: []string{},
	}
	if f := e.Fields; len(f) >= 5 && f[len(f)-3].restricted() && f[len(f)-1].restricted() {
		e.Rule = "Day of month and day of week are both restricted: a day that matches either of them counts."
	}
	if s.name == "" && strings.Contains(withoutZone(one.String()), "H") {
		e.Rule = strings.TrimSpace(e.Rule + "\nH is another value for every job's name: ask for the job by its name.")
	}
	for t, ok := one.Next(after); ok && len(e.Next) < 5; t, ok = one.Next(t) {
		e.Next = append(e.Next, t.In(s.zone))
	}
	for _, n := range one.Notes(after, after.Add(lookahead)) {
		e.Notes = append(e.Notes, n.Text)
	}
	return e
}

func (p *program) printExplanation(e explanation, zone *time.Location) {
	pairs := [][2]string{{"expression", e.Expr}}
	if e.Canonical != e.Expr {
		pairs = append(pairs, [2]string{"that is", e.Canonical})
	}
	pairs = append(pairs, [2]string{"meaning", e.Description}, [2]string{"timezone", e.Timezone})
	var next []string
	for _, t := range e.Next {
		next = append(next, term.Clock(t, zone))
	}
	pairs = append(pairs, [2]string{"next", strings.Join(next, "\n")}, [2]string{"clock", strings.Join(e.Notes, "\n")})
	term.Facts(p.out, pairs...)
	if len(e.Fields) == 0 {
		return
	}
	fmt.Fprintln(p.out)
	l := term.Listing{Columns: []term.Column{{Title: "FIELD"}, {Title: "VALUE"}, {Title: "MATCHES"}}}
	for _, f := range e.Fields {
		l.Rows = append(l.Rows, []term.Cell{term.Text(f.Field), term.Text(f.Value), term.Text(f.Meaning)})
	}
	term.Table(p.out, l)
	if e.Rule != "" {
		fmt.Fprintln(p.out, "\n"+e.Rule)
	}
}

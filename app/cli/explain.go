package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fibercrons/app/schedule"
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
	var format *string
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		after := time.Now()
		if from != "" {
			var err error
			if after, err = parseInstant("--from", from); err != nil {
				return err
			}
		}
		subject, err := p.subject(cmd.Context(), q, args)
		if err != nil {
			return err
		}
		found := make([]explanation, len(subject.schedules))
		for i := range found {
			found[i] = subject.explain(i, after)
		}
		if *format == "json" {
			if len(found) == 1 {
				return printJSON(p.out, found[0])
			}
			return printJSON(p.out, found)
		}
		for i, e := range found {
			if i > 0 {
				fmt.Fprintln(p.out)
			}
			p.printExplanation(e, subject.zone)
		}
		return nil
	}
	format = output(cmd, objectFormats...)
	return cmd
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
		next = append(next, clock(t, zone))
	}
	pairs = append(pairs, [2]string{"next", strings.Join(next, "\n")}, [2]string{"clock", strings.Join(e.Notes, "\n")})
	facts(p.out, pairs...)
	if len(e.Fields) == 0 {
		return
	}
	fmt.Fprintln(p.out)
	l := listing{columns: []column{{title: "FIELD"}, {title: "VALUE"}, {title: "MATCHES"}}}
	for _, f := range e.Fields {
		l.rows = append(l.rows, []cell{text(f.Field), text(f.Value), text(f.Meaning)})
	}
	printTable(p.out, l)
	if e.Rule != "" {
		fmt.Fprintln(p.out, "\n"+e.Rule)
	}
}

// fieldSense is one field of an expression.
type fieldSense struct {
	Field   string `json:"field"`
	Value   string `json:"value"`
	Meaning string `json:"meaning"`
}

// restricted is crontab(5)'s word: a field that starts with * or ? is not.
func (f fieldSense) restricted() bool { return f.Value[0] != '*' && f.Value[0] != '?' }

// field describes a place in an expression of six. span holds all of its values, from the epoch on,
// when the fields before it are at their first.
type field struct {
	name  string
	span  time.Duration
	value func(time.Time) int
	names []string
	all   int
}

var places = []field{
	{"second", time.Minute, time.Time.Second, nil, 60},
	{"minute", time.Hour, time.Time.Minute, nil, 60},
	{"hour", 24 * time.Hour, time.Time.Hour, nil, 24},
	{"day of month", 31 * 24 * time.Hour, time.Time.Day, nil, 31},
	{"month", 365 * 24 * time.Hour, func(t time.Time) int { return int(t.Month()) }, []string{
		"", "January", "February", "March", "April", "May", "June", "July",
		"August", "September", "October", "November", "December",
	}, 12},
	{"day of week", 7 * 24 * time.Hour, func(t time.Time) int { return int(t.Weekday()) }, []string{
		"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
	}, 7},
}

// senses explains each field of an expression. It asks the schedule package what a field matches
// when it stands alone, so that nothing here can disagree with what will happen.
func senses(expr, canonical, seed string) []fieldSense {
	values := strings.Fields(withoutZone(expr))
	if len(values) == 0 || values[0][0] == '@' {
		values = strings.Fields(withoutZone(canonical)) // a macro, unless it is @every or @at
	}
	first := len(places) - len(values)
	if first < 0 || first > 1 || values[0][0] == '@' {
		return []fieldSense{}
	}
	list := make([]fieldSense, len(values))
	for i, value := range values {
		f := places[first+i]
		list[i] = fieldSense{Field: f.name, Value: value, Meaning: f.sense(first+i, value, seed)}
	}
	return list
}

func withoutZone(expr string) string {
	expr = strings.TrimSpace(expr)
	if strings.HasPrefix(expr, "TZ=") || strings.HasPrefix(expr, "CRON_TZ=") {
		_, expr, _ = strings.Cut(expr, " ")
	}
	return expr
}

func (f field) sense(place int, value, seed string) string {
	alone := []string{"0", "0", "0", "1", "*", "*"}
	switch f.name {
	case "second", "minute", "hour":
		for i := place + 1; i < len(alone); i++ {
			alone[i] = "*"
		}
	case "day of week", "day of month":
		alone[3] = "*"
	}
	alone[place] = value
	s, err := schedule.Parse(strings.Join(alone, " "), schedule.Options{Seed: seed})
	if err != nil {
		return value // it never fires alone; the whole has been accepted
	}
	if strings.ContainsAny(strings.TrimPrefix(strings.ToUpper(f.digits(value)), "H"), "LW#") {
		return strings.TrimPrefix(strings.TrimPrefix(s.Describe(), "At 00:00 "), "on ")
	}
	var values []int
	for t := range s.Between(time.Unix(0, -1), time.Unix(0, 0).Add(f.span-1)) {
		values = append(values, f.value(t.UTC()))
	}
	if f.name == "day of week" {
		values = sorted(values) // the epoch is a Thursday
	}
	return f.words(values)
}

// digits is value without the names of months and days, which hold an L or a W.
func (f field) digits(value string) string {
	value = strings.ToUpper(value)
	for _, name := range f.names {
		if len(name) >= 3 {
			value = strings.ReplaceAll(value, strings.ToUpper(name[:3]), "0")
		}
	}
	return value
}

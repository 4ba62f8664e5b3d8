package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fibercrons/app"
	"fibercrons/app/cli/term"
	"fibercrons/app/contract"
	"fibercrons/app/ops"
	"fibercrons/app/schedule"
)

func (p *program) schedule() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "schedule",
		Short: "Look at stored schedules, make, change, pause, import and export them",
		Args:  none,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		p.scheduleList(), p.scheduleShow(), p.schedulePut(), p.scheduleDelete(),
		p.schedulePause(), p.scheduleResume(), p.scheduleImport(), p.scheduleExport(),
	)
	return cmd
}

// filterFlags adds the flags that select stored schedules. The result is the query, to be called when they are parsed.
func (p *program) filterFlags(cmd *cobra.Command) func() (contract.ScheduleQuery, error) {
	var q contract.ScheduleQuery
	var paused bool
	var meta []string
	cmd.Flags().StringVar(&q.Job, "job", "", "only schedules of this job")
	cmd.Flags().StringVarP(&q.Search, "search", "s", "", "only schedules with this text in the ID or in a value of the metadata")
	cmd.Flags().StringArrayVar(&meta, "meta", nil, "only schedules with this in the metadata, as in plan=pro; may be repeated")
	cmd.Flags().BoolVar(&paused, "paused", false, "only paused schedules; --paused=false: only others")
	_ = cmd.RegisterFlagCompletionFunc("job", p.completeJob)
	return func() (_ contract.ScheduleQuery, err error) {
		if cmd.Flags().Changed("paused") {
			q.Paused = &paused
		}
		q.Meta, err = pairs("--meta", meta)
		return q, err
	}
}

// pairs reads the values of a flag that is given as key=value.
func pairs(flag string, values []string) (map[string]string, error) {
	if len(values) == 0 {
		return nil, nil
	}
	m := map[string]string{}
	for _, text := range values {
		key, value, ok := strings.Cut(text, "=")
		if _, twice := m[key]; !ok || key == "" || twice {
			return nil, usage("%s %q is not a new key with a value; write it as %s plan=pro", flag, text, flag)
		}
		m[key] = value
	}
	return m, nil
}

func (p *program) scheduleList() *cobra.Command {
	var limit int
	var cursor string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List stored schedules, by ID",
		Example: `  cli schedule list --job send-report --meta plan=pro
  cli schedule list --search tenant-42 -o json`,
		Args: none,
	}
	filter := p.filterFlags(cmd)
	cmd.Flags().IntVarP(&limit, "limit", "n", 50, "how many schedules")
	cmd.Flags().StringVar(&cursor, "cursor", "", "only IDs after this one; the page before names it")
	return lists(cmd, func(ctx context.Context, _ []string, format string) error {
		if err := inRange("--limit", limit, 10_000); err != nil {
			return err
		}
		q, err := filter()
		if err != nil {
			return err
		}
		q.Limit, q.After = limit, cursor
		return p.reading(ctx, func(a *app.App) error {
			page, err := a.Crons.Schedules(ctx, q)
			if err != nil {
				return err
			}
			if format == term.AsJSON {
				return term.JSON(p.out, page)
			}
			if err := p.print(format, scheduleListing(page.Items)); err != nil {
				return err
			}
			if page.Next != "" {
				fmt.Fprintf(p.err, "there are more; see them with: --cursor %q\n", page.Next)
			}
			return nil
		})
	})
}

func scheduleListing(views []ops.ScheduleView) term.Listing {
	l := term.Listing{
		Columns: []term.Column{
			{Title: "ID", Elastic: true}, {Title: "JOB", Elastic: true}, {Title: "SCHEDULE", Key: "expr", Elastic: true}, {Title: "TIMEZONE", Extra: 3},
			{Title: "STATUS"}, {Title: "LAST RUN", Extra: 1}, {Title: "LAST STATUS"}, {Title: "NEXT RUN"}, {Title: "RUNS", Right: true, Extra: 2},
		},
		Objects: views,
		Empty:   "no stored schedules",
	}
	for i := range views {
		v := &views[i]
		last := term.None()
		if v.LastStatus != nil {
			last = outcome(*v.LastStatus, "")
		}
		l.Rows = append(l.Rows, []term.Cell{
			term.Text(v.ID), term.Text(v.Job), term.Text(v.Expr), term.Text(v.Timezone), scheduleStatus(v),
			term.Second(v.LastRun), last, term.Instant(v.NextRun, time.UTC), term.Number(v.Runs),
		})
	}
	return l
}

// scheduleStatus is where a schedule stands, in one word.
func scheduleStatus(v *ops.ScheduleView) term.Cell {
	switch {
	case v.Orphaned:
		c := term.Text("orphaned")
		c.Tone = term.Bad
		return c
	case v.Paused:
		c := term.Text("paused")
		c.Tone = term.Warm
		return c
	case v.NextRun == nil:
		c := term.Text("idle")
		c.Tone = term.Faint
		return c
	}
	return term.Text("scheduled")
}

func (p *program) scheduleShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show everything about one stored schedule",
		Args:  one("ID"),
	}
	return shows(cmd, func(ctx context.Context, args []string, format string) error {
		return p.reading(ctx, func(a *app.App) error {
			detail, err := a.Crons.Schedule(ctx, args[0])
			if err != nil {
				return err
			}
			if format == term.AsJSON {
				return term.JSON(p.out, detail)
			}
			term.Facts(p.out, describeSchedule(&detail)...)
			return nil
		})
	})
}

func describeSchedule(d *ops.ScheduleDetail) [][2]string {
	zone, err := schedule.LoadLocation(d.Timezone)
	if err != nil {
		zone = time.UTC
	}
	clock := func(t *time.Time) string {
		if t == nil {
			return ""
		}
		return term.Clock(*t, zone)
	}
	var meta, next []string
	for _, key := range slices.Sorted(maps.Keys(d.Meta)) {
		meta = append(meta, key+"="+d.Meta[key])
	}
	for i := range d.NextSlots {
		next = append(next, clock(&d.NextSlots[i]))
	}
	last := "never"
	if d.LastStatus != nil {
		last = string(*d.LastStatus)
		if d.LastRun != nil {
			last = term.Clock(d.LastRun.Truncate(time.Second), zone) + " " + last
		}
		if d.LastRunID != nil {
			last += " (run " + *d.LastRunID + ")"
		}
	}
	runs := fmt.Sprint(d.Runs)
	if d.MaxRuns > 0 {
		runs += fmt.Sprintf(" of at most %d", d.MaxRuns)
	}
	changed := term.Clock(d.UpdatedAt.Truncate(time.Second), zone)
	if d.UpdatedBy != "" {
		changed += " by " + d.UpdatedBy
	}
	arguments := string(d.Args)
	if arguments == "null" {
		arguments = ""
	}
	return [][2]string{
		{"id", d.ID},
		{"job", d.Job},
		{"schedule", d.Expr},
		{"", d.Description},
		{"timezone", d.Timezone},
		{"from", clock(d.From)},
		{"until", clock(d.Until)},
		{"status", scheduleStatus(&d.ScheduleView).Text},
		{"pause", pauseText(d.Pause, zone)},
		{"arguments", arguments},
		{"metadata", strings.Join(meta, "\n")},
		{"next", strings.Join(next, "\n")},
		{"notes", strings.Join(d.Notes, "\n")},
		{"last run", last},
		{"runs", runs},
		{"made", term.Clock(d.CreatedAt.Truncate(time.Second), zone)},
		{"changed", changed},
	}
}

func (p *program) schedulePut() *cobra.Command {
	var in ops.ScheduleInput
	var arguments, from, until string
	var meta []string
	cmd := &cobra.Command{
		Use:   "put ID --job JOB --expr EXPR",
		Short: "Make a stored schedule, or change all of it",
		Long: `Make a stored schedule, or change all of it: what is left out has its default. Its slots begin with the change.
The same again changes nothing.`,
		Example: `  cli schedule put tenant-42/daily --job send-report --expr "0 9 * * MON-FRI" --tz Europe/Berlin --args '{"tenant": 42}'`,
		Args:    one("ID"),
	}
	flags := cmd.Flags()
	flags.StringVar(&in.Job, "job", "", "the job that it runs")
	flags.StringVarP(&in.Expr, "expr", "e", "", "when it runs: a cron expression, a macro, @every or @at")
	flags.StringVar(&in.Timezone, "tz", "", "time zone to read the expression in (default the job's)")
	flags.StringVar(&arguments, "args", "", "the arguments of its runs, a JSON object (default the job's own)")
	flags.StringVar(&from, "from", "", "no slot before this instant, RFC 3339")
	flags.StringVar(&until, "until", "", "no slot after this instant, RFC 3339")
	flags.Int64Var(&in.MaxRuns, "max-runs", 0, "how many of its slots run (default no limit)")
	flags.StringArrayVar(&meta, "meta", nil, "metadata, as in plan=pro; may be repeated")
	flags.BoolVar(&in.Paused, "paused", false, "it is paused until it is resumed")
	_ = cmd.RegisterFlagCompletionFunc("job", p.completeJob)
	return shows(cmd, func(ctx context.Context, args []string, format string) (err error) {
		in.ID = args[0]
		switch {
		case in.Job == "":
			return usage("--job is missing; name the job that the schedule runs, see: cli list")
		case in.Expr == "":
			return usage(`--expr is missing; give an expression such as --expr "0 9 * * MON-FRI"`)
		}
		if in.Args, err = readArgs(arguments); err != nil {
			return err
		}
		if in.From, err = instant("--from", from, time.Time{}); err != nil {
			return err
		}
		if in.Until, err = instant("--until", until, time.Time{}); err != nil {
			return err
		}
		if in.Meta, err = pairs("--meta", meta); err != nil {
			return err
		}
		if _, _, err := p.job(in.Job); err != nil {
			return err
		}
		return p.changing(ctx, func(a *app.App) error {
			put, err := a.Crons.By(caller()).PutSchedule(ctx, in.Schedule(), 0)
			if err != nil {
				return err
			}
			line := fmt.Sprintf("schedule %s is %s; ", put.ID, put.Outcome)
			switch {
			case put.NextRun != nil:
				line += "it runs next at " + term.Clock(*put.NextRun, time.UTC)
			case put.Paused:
				line += "it is paused"
			default:
				line += "it has no next run"
			}
			return p.answer(format, put, line)
		})
	})
}

// readArgs reads --args.
func readArgs(text string) (json.RawMessage, error) {
	if text == "" {
		return nil, nil
	}
	if !json.Valid([]byte(text)) {
		return nil, usage(`--args is not JSON; write it as --args '{"name": "value"}'`)
	}
	return json.RawMessage(text), nil
}

func (p *program) scheduleDelete() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "delete ID",
		Short: "Delete a stored schedule; what it has running goes on",
		Args:  one("ID"),
	}
	return shows(cmd, func(ctx context.Context, args []string, format string) error {
		return p.changingSchedule(ctx, args[0], func(a *app.App) error {
			was, err := a.Crons.By(caller()).DeleteSchedule(ctx, args[0], 0)
			if err != nil {
				return err
			}
			return p.answer(format, was, fmt.Sprintf("schedule %s is deleted", was.ID))
		})
	})
}

func (p *program) schedulePause() *cobra.Command {
	var reason, until string
	cmd := &cobra.Command{
		Use:     "pause ID",
		Short:   "Pause a stored schedule: its slots do not run until it is resumed",
		Example: `  cli schedule pause tenant-42/daily --reason "has not paid" --until 48h`,
		Args:    one("ID"),
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why; it is shown wherever the schedule is")
	cmd.Flags().StringVar(&until, "until", "", "resume by itself then: an instant, or a time from now such as 2h")
	return shows(cmd, func(ctx context.Context, args []string, format string) error {
		pause, line := contract.PauseSchedule{ID: args[0], Reason: reason}, fmt.Sprintf("schedule %s is paused until it is resumed", args[0])
		if until != "" {
			var err error
			if pause.Until, err = ahead("--until", until, time.Now()); err != nil {
				return err
			}
			line = fmt.Sprintf("schedule %s is paused until %s", args[0], term.Clock(pause.Until.Truncate(time.Second), time.UTC))
		}
		return p.setSchedulePause(ctx, pause, format, line)
	})
}

func (p *program) scheduleResume() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "resume ID",
		Short: "Resume a paused schedule",
		Args:  one("ID"),
	}
	return shows(cmd, func(ctx context.Context, args []string, format string) error {
		return p.setSchedulePause(ctx, contract.PauseSchedule{ID: args[0], Resume: true}, format, fmt.Sprintf("schedule %s is resumed", args[0]))
	})
}

func (p *program) setSchedulePause(ctx context.Context, pause contract.PauseSchedule, format, line string) error {
	return p.changingSchedule(ctx, pause.ID, func(a *app.App) error {
		view, err := a.Crons.By(caller()).PauseSchedule(ctx, pause)
		if err != nil {
			return err
		}
		return p.answer(format, view, line)
	})
}

// changingSchedule is changing for a schedule that exists: a database is not made to find nothing in it.
func (p *program) changingSchedule(ctx context.Context, id string, do func(*app.App) error) error {
	err := p.reading(ctx, func(a *app.App) error {
		_, err := a.Crons.Schedule(ctx, id)
		return err
	})
	if err != nil {
		return err
	}
	return p.changing(ctx, do)
}

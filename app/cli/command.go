package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fibercrons/app/cli/term"
	"fibercrons/app/env"
)

// one requires exactly one argument.
func one(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usage("%s takes one %s, not %d; see %s --help", cmd.Name(), name, len(args), cmd.CommandPath())
		}
		return nil
	}
}

// none refuses arguments. An argument of a command with subcommands is an unknown one of those.
func none(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case !cmd.HasSubCommands():
		return usage("%s takes no argument such as %q; see %s --help", cmd.Name(), args[0], cmd.CommandPath())
	}
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return usage("unknown command %q; did you mean %s %s?", args[0], cmd.CommandPath(), near[0])
	}
	return usage("unknown command %q; see %s --help", args[0], cmd.CommandPath())
}

// completeJob completes the names of jobs in the shell.
func (p *program) completeJob(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	_, jobs, err := p.jobs()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names := make([]cobra.Completion, len(jobs))
	for i, j := range jobs {
		names[i] = j.Name
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// lists adds -o to a command that lists, and runs it by do.
func lists(cmd *cobra.Command, do func(ctx context.Context, args []string, format string) error) *cobra.Command {
	return formatted(cmd, []string{term.AsTable, term.AsJSON, term.AsCSV}, do)
}

// shows is lists for a command about one thing, which has no CSV.
func shows(cmd *cobra.Command, do func(ctx context.Context, args []string, format string) error) *cobra.Command {
	return formatted(cmd, []string{term.AsTable, term.AsJSON}, do)
}

func formatted(cmd *cobra.Command, formats []string, do func(context.Context, []string, string) error) *cobra.Command {
	known := strings.Join(formats, ", ")
	format := cmd.Flags().StringP("output", "o", term.AsTable, known)
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !slices.Contains(formats, *format) {
			return usage("-o %q is not a format of %s; use %s", *format, cmd.Name(), known)
		}
		return do(cmd.Context(), args, *format)
	}
	return cmd
}

// instant is the value of a flag that names one, or absent.
func instant(flag, value string, absent time.Time) (time.Time, error) {
	if value == "" {
		return absent, nil
	}
	t, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return t, usage("%s %q is not an instant; write it as 2027-01-31T09:00:00Z or with an offset such as +01:00", flag, value)
	}
	return t, nil
}

// period is the value of --from and --to.
func period(from, to string, start, end time.Time) (_, _ time.Time, err error) {
	if start, err = instant("--from", from, start); err != nil {
		return start, end, err
	}
	if end, err = instant("--to", to, end); err != nil {
		return start, end, err
	}
	if end.Before(start) {
		return start, end, usage("--from %s is after --to %s; swap them", start.Format(time.RFC3339), end.Format(time.RFC3339))
	}
	return start, end, nil
}

// ahead is the value of a flag that takes an instant, or a duration from now such as 2h or 1d.
func ahead(flag, value string, now time.Time) (time.Time, error) {
	if d, err := env.ParseDuration(strings.TrimPrefix(value, "+")); err == nil && d > 0 {
		return now.Add(d), nil
	}
	t, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return t, usage("%s %q is neither an instant such as 2027-01-31T09:00:00Z nor a time from now such as 2h", flag, value)
	}
	if !t.After(now) {
		return t, usage("%s %s has passed; give an instant in the future", flag, value)
	}
	return t, nil
}

// inRange checks a number from 1 to most.
func inRange(flag string, n, most int) error {
	if n < 1 || n > most {
		return usage("%s %d is out of range 1-%d", flag, n, most)
	}
	return nil
}

// checkStatus checks the value of --status: "a job's", "a run's".
func checkStatus[S ~string](value S, whose string, choices ...S) error {
	if slices.Contains(choices, value) {
		return nil
	}
	words := make([]string, len(choices))
	for i, c := range choices {
		words[i] = string(c)
	}
	last := len(words) - 1
	return usage("--status %q is not %s status; use %s or %s", value, whose, strings.Join(words[:last], ", "), words[last])
}

package cli

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fibercrons/app/env"
)

// one asks for exactly one argument, by its name.
func one(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usage("%s takes one %s, not %d; see %s --help", cmd.Name(), name, len(args), cmd.CommandPath())
		}
		return nil
	}
}

// none asks for no argument. What stands behind a command that has others below it is one it does not have.
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

// completeJob offers the names of the jobs to the shell.
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

// parseInstant reads the value of a flag that names an instant.
func parseInstant(flag, value string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return t, usage("%s %q is not an instant; write it as 2027-01-31T09:00:00Z or with an offset such as +01:00", flag, value)
	}
	return t, nil
}

// parseMoment reads an instant, or a duration from now such as 2h or 1d.
func parseMoment(flag, value string, now time.Time) (time.Time, error) {
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

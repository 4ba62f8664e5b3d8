package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"fibercrons/app"
	"fibercrons/app/cli/source"
	"fibercrons/app/cli/term"
	"fibercrons/app/cron"
	"fibercrons/app/env"
	"fibercrons/app/internal/console"
)

// findings is what check answers.
type findings struct {
	OK       bool     `json:"ok"`
	Jobs     int      `json:"jobs"`
	Mistakes []string `json:"mistakes"`
	Warnings []string `json:"warnings"` // with the advice at the end

	advice []string // not counted by --strict: the shortest job does not follow it
}

func (p *program) check() *cobra.Command {
	var strict bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check jobs and configuration, for CI: every mistake in one go",
		Long: `Check what is registered, the configuration, and, where the source is, the files in jobs/ that Go
would leave out of the build without a word. Mistakes end with exit status 2; with --strict
warnings do, too, but for the advice to give every job a timeout.`,
		Args: none,
	}
	cmd.Flags().BoolVar(&strict, "strict", false, "take warnings for mistakes")
	return shows(cmd, func(_ context.Context, _ []string, format string) error {
		f := p.examine()
		if strict {
			f.Mistakes, f.Warnings = append(f.Mistakes, f.Warnings...), []string{}
		}
		f.Warnings = append(f.Warnings, f.advice...)
		f.OK = len(f.Mistakes) == 0
		if format == term.AsJSON {
			if err := term.JSON(p.out, f); err != nil {
				return err
			}
		} else {
			p.printFindings(f)
		}
		if !f.OK {
			return &statusError{status: exitUsage}
		}
		return nil
	})
}

func (p *program) printFindings(f findings) {
	for _, m := range f.Mistakes {
		fmt.Fprintln(p.err, console.Inert(m))
	}
	for _, w := range f.Warnings {
		fmt.Fprintln(p.err, "warning: "+console.Inert(w))
	}
	if f.OK {
		fmt.Fprintf(p.out, "%s: no mistakes, %s\n", term.Count(f.Jobs, "job"), term.Count(len(f.Warnings), "warning"))
	}
}

// examine checks everything, also after a mistake.
func (p *program) examine() findings {
	f := findings{Mistakes: []string{}, Warnings: []string{}}
	cfg, _, warnings, err := p.Load(p.config...)
	f.Warnings = append(f.Warnings, warnings...)
	if err == nil {
		err = app.Missing(cfg)
	}
	if wrong, ok := errors.AsType[*env.Error](err); ok {
		for _, m := range wrong.Mistakes {
			f.Mistakes = append(f.Mistakes, m.String())
		}
		// Check the jobs with the defaults.
		cfg, _, _, err = p.Load(env.Env(map[string]string{}), env.File(""))
	}
	if err != nil {
		f.Mistakes = append(f.Mistakes, err.Error())
		return f
	}
	jobs, err := app.Jobs(cfg, p.Jobs)
	if wrong, ok := errors.AsType[*cron.Mistakes](err); ok {
		f.Mistakes = append(f.Mistakes, wrong.List...)
	} else if err != nil {
		f.Mistakes = append(f.Mistakes, err.Error())
	}
	f.Jobs = len(jobs)
	f.Warnings = append(f.Warnings, doubts(jobs, cfg.Workers, time.Now())...)
	f.advice = endless(jobs)
	mistakes, warnings, err := source.Unbuilt(p.dir)
	if err != nil {
		mistakes = append(mistakes, err.Error())
	}
	f.Mistakes = append(f.Mistakes, slices.Compact(mistakes)...)
	f.Warnings = append(f.Warnings, warnings...)
	return f
}

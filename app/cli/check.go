package cli

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"fibercrons/app"
	"fibercrons/app/cron"
	"fibercrons/app/env"
	"fibercrons/app/internal/console"
)

// findings is what check answers.
type findings struct {
	OK       bool     `json:"ok"`
	Jobs     int      `json:"jobs"`
	Mistakes []string `json:"mistakes"`
	Warnings []string `json:"warnings"` // in the end with the advice

	advice []string // no mistakes even to those who are strict: the shortest job has none of it
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
	var format *string
	cmd.RunE = func(*cobra.Command, []string) error {
		f := p.examine()
		if strict {
			f.Mistakes, f.Warnings = append(f.Mistakes, f.Warnings...), []string{}
		}
		f.Warnings = append(f.Warnings, f.advice...)
		f.OK = len(f.Mistakes) == 0
		if *format == "json" {
			if err := printJSON(p.out, f); err != nil {
				return err
			}
		} else {
			p.printFindings(f)
		}
		if !f.OK {
			return &statusError{status: exitUsage}
		}
		return nil
	}
	format = output(cmd, objectFormats...)
	return cmd
}

func (p *program) printFindings(f findings) {
	for _, m := range f.Mistakes {
		fmt.Fprintln(p.err, console.Inert(m))
	}
	for _, w := range f.Warnings {
		fmt.Fprintln(p.err, "warning: "+console.Inert(w))
	}
	if f.OK {
		fmt.Fprintf(p.out, "%s: no mistakes, %s\n", count(f.Jobs, "job"), count(len(f.Warnings), "warning"))
	}
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// examine looks at everything, whatever is wrong with the first of it.
func (p *program) examine() findings {
	f := findings{Mistakes: []string{}, Warnings: []string{}}
	cfg, _, warnings, err := p.Load(p.config...)
	f.Warnings = append(f.Warnings, warnings...)
	if wrong, ok := errors.AsType[*env.Error](err); ok {
		for _, m := range wrong.Mistakes {
			f.Mistakes = append(f.Mistakes, m.String())
		}
		// The jobs are checked as they would be with the defaults.
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
	mistakes, warnings, err := unbuilt(p.dir)
	if err != nil {
		mistakes = append(mistakes, err.Error())
	}
	f.Mistakes = append(f.Mistakes, slices.Compact(mistakes)...)
	f.Warnings = append(f.Warnings, warnings...)
	return f
}

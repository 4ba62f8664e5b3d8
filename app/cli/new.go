package cli

import (
	"context"
	"errors"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"fibercrons/app"
	"fibercrons/app/cli/source"
	"fibercrons/app/cron"
	"fibercrons/app/env"
	"fibercrons/app/scheduler"
)

func (p *program) new() *cobra.Command {
	return &cobra.Command{
		Use:     "new NAME EXPR",
		Short:   "Write a new job into jobs/",
		Example: `  cli new cleanup "30 2 * * *"`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usage(`new takes a name and an expression, as in: cli new cleanup "30 2 * * *"`)
			}
			return nil
		},
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(_ *cobra.Command, args []string) error {
			return p.writeJob(args[0], strings.Join(args[1:], " ")) // forgotten quotes
		},
	}
}

func (p *program) writeJob(name, expr string) error {
	if strings.Contains(expr, "go.mod") {
		return usage(`the shell has replaced a * by the names of files; put quotes around the expression, as in "*/5 * * * *"`)
	}
	module, err := source.Module(p.dir)
	if err != nil {
		return err
	}
	cfg, err := p.settings()
	if err != nil {
		return err
	}
	if err := proper(cfg, name, expr); err != nil {
		return err
	}
	if jobs, err := app.Jobs(cfg, p.Jobs); err == nil { // mistakes in other jobs do not matter here
		if j, err := scheduler.Find(jobs, name); err == nil {
			return usage("job %q exists already, in %s; choose another name", name, j.Source)
		}
	}
	text, err := jobSource(module, name, expr)
	if err != nil {
		return err
	}
	path := filepath.Join("jobs", source.JobFile(name))
	file, err := os.OpenFile(filepath.Join(p.dir, path), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // source is for everyone to read
	switch {
	case errors.Is(err, fs.ErrExist):
		return usage("%s exists already and is left as it is; choose another name", path)
	case errors.Is(err, fs.ErrNotExist):
		return usage("there is no folder jobs/ here; run this where go.mod is")
	case err != nil:
		return usage("%v", err)
	}
	if _, err := file.Write(text); err != nil {
		return errors.Join(usage("write %s: %v", path, err), file.Close())
	}
	if err := file.Close(); err != nil {
		return usage("write %s: %v", path, err)
	}
	fmt.Fprintf(p.out, "wrote %s; try it with: go run ./cmd/cli run-job %s\n", path, name)
	return nil
}

// proper checks name and expr by registering a job in a registry of its own.
func proper(cfg env.Config, name, expr string) error {
	trial := cron.NewRegistry()
	trial.Register(name, expr, func(context.Context) error { return nil })
	_, err := app.Jobs(cfg, trial)
	mistakes, ok := errors.AsType[*cron.Mistakes](err)
	if !ok {
		return err
	}
	text := make([]string, len(mistakes.List))
	for i, m := range mistakes.List {
		_, text[i], _ = strings.Cut(m, ": ") // without its file and line
	}
	return usage("%s", strings.Join(text, "\n"))
}

func jobSource(module, name, expr string) ([]byte, error) {
	return format.Source(fmt.Appendf(nil, `package jobs

import (
	"context"
	"log/slog"

	%q
)

func init() {
	cron.Register(%q, %q, func(ctx context.Context) error {
		slog.InfoContext(ctx, %q)
		return nil
	})
}
`, module+"/app/cron", name, expr, name))
}

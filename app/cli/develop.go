package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"fibercrons/app/cli/dev"
	"fibercrons/app/cli/source"
	"fibercrons/app/cli/template"
	"fibercrons/app/cli/term"
	"fibercrons/app/internal/console"
)

func (p *program) init() *cobra.Command {
	return &cobra.Command{
		Use:   "init MODULE",
		Short: "Begin a program of your own in a fresh copy of the template",
		Long: `Give the module your own path (as rename does), write .env with fresh tokens, put a README of your program in
place of the template's, and remove what only the template needs: its CI, guides, changelog and screenshot. A
.env or a README of yours is left as it is, so a second time changes nothing.`,
		Example:           `  go run ./cmd/cli init example.com/me/app`,
		Args:              one("module path"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(_ *cobra.Command, args []string) error {
			if err := source.CheckModule(args[0]); err != nil {
				return err
			}
			did, err := template.Begin(p.dir, args[0])
			for _, line := range did {
				fmt.Fprintln(p.out, line)
			}
			if err != nil {
				return usage("%v; give the same command again when that is put right", err)
			}
			if len(did) == 0 {
				fmt.Fprintf(p.out, "nothing to do: the program %s has begun already\n", args[0])
				return nil
			}
			fmt.Fprintln(p.out, "start it: go run ./cmd/cli dev")
			return nil
		},
	}
}

func (p *program) rename() *cobra.Command {
	return &cobra.Command{
		Use:   "rename MODULE",
		Short: "Give the module another path: in go.mod, in every import, and wherever else it is written",
		Example: `  go run ./cmd/cli rename example.com/me/app
  go build ./...`,
		Args:              one("module path"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(_ *cobra.Command, args []string) error {
			return p.renameModule(args[0])
		},
	}
}

func (p *program) renameModule(to string) error {
	if err := source.CheckModule(to); err != nil {
		return err
	}
	from, err := source.Module(p.dir)
	if err != nil {
		return err
	}
	edits, err := source.Rename(p.dir, from, to)
	if err != nil {
		return usage("%v; nothing was changed", err)
	}
	if err := source.Apply(edits); err != nil {
		return usage("%v; nothing was changed", err)
	}
	if err := template.Record(p.dir); err != nil {
		return usage("the module is %s now; write %s: %v; give the same command again when that is put right", to, template.RecordFile, err)
	}
	if len(edits) == 0 {
		fmt.Fprintf(p.out, "the module is %s already\n", to)
		return nil
	}
	fmt.Fprintf(p.out, "the module is %s now; files changed: %d\n", to, len(edits))
	return nil
}

func (p *program) update() *cobra.Command {
	var o template.Options
	var into string
	cmd := &cobra.Command{
		Use:   "update",
		Short: "Bring a newer version of the template into this program",
		Long: `Replace the template's files (app/ but for app/parts/, and a few beside it) by those of another version,
and merge go.mod, Dockerfile, docker-compose.yml, .gitignore, .dockerignore, .golangci.yml and the list of
parts: your changes stay, the template's come in. Everything else is yours and not touched.

It is all or nothing. The new tree is made in .update, and takes its place only when it builds. When one of
the template's files was edited here, or both sides changed the same lines of a merged one, nothing is
changed, and the message says what to do.

The source is a git repository (URL or folder), a folder, or a zip as GitHub makes it; by default it is
the URL of the last --from, or the git remote "template" or "origin"; folders and zips are not remembered. What
the program has now is recorded in app/template.json by init, rename and update. A program from before that file is compared with the history
of a git repository, and a program that has no update command is updated from a newer copy of the template,
by --into.`,
		Example: `  cli update
  cli update --from https://example.com/template.git --to v1.2.0
  cli update --from ~/Downloads/template.zip --dry-run
  go run ./cmd/cli update --into ../my-program    # in a newer copy of the template`,
		Args: none,
	}
	cmd.Flags().StringVar(&o.From, "from", "", "a URL, a folder or a zip to get the template from")
	cmd.Flags().StringVar(&o.To, "to", "", "the version: a tag, a branch or a commit (default the newest)")
	cmd.Flags().StringVar(&into, "into", "", "the program to update (default this one); the source is then this folder")
	cmd.Flags().StringArrayVar(&o.Keep, "keep", nil, "leave a merged file as it is, for one whose changes clash")
	cmd.Flags().BoolVar(&o.Unverified, "unverified", false, "update even if the program does not build with the new version")
	cmd.Flags().BoolVar(&o.DryRun, "dry-run", false, "do everything but the change itself")
	_ = cmd.RegisterFlagCompletionFunc("to", cobra.NoFileCompletions)
	_ = cmd.RegisterFlagCompletionFunc("keep", cobra.FixedCompletions(template.Merged(), cobra.ShellCompDirectiveNoFileComp))
	return shows(cmd, func(ctx context.Context, _ []string, format string) error {
		o.Dir = p.dir
		if into != "" {
			if o.Dir = into; o.From == "" {
				o.From = p.dir
			}
		}
		o.Say = func(step string) { fmt.Fprintln(p.err, console.Inert(step)+" ...") }
		report, err := template.Update(ctx, o)
		if err != nil {
			return updateError(err)
		}
		if format == term.AsJSON {
			return term.JSON(p.out, report)
		}
		p.printUpdate(report, o.DryRun)
		return nil
	})
}

// updateError says why an update was not made. One that was interrupted too late has no error.
func updateError(err error) error {
	refused, ok := errors.AsType[*template.RefusedError](err)
	switch {
	case ok:
		return &statusError{exitRefused, refused.Text}
	case errors.Is(err, context.Canceled):
		return usage("interrupted; nothing was changed")
	}
	return usage("%v", err)
}

func (p *program) printUpdate(r template.Report, dry bool) {
	say := func(format string, a ...any) { fmt.Fprintln(p.out, console.Lines(fmt.Sprintf(format, a...))) }
	if len(r.Written)+len(r.Removed) == 0 {
		say("nothing to do: the program has version %s of the template", r.Is)
		return
	}
	if r.News != "" {
		say("%s\n", r.News)
	}
	did := "updated"
	if dry {
		did = "would update"
	}
	say("%s from version %s of the template to %s: %s written, %s removed", did, r.Was, r.Is, term.Count(len(r.Written), "file"), term.Count(len(r.Removed), "file"))
	var outside []string
	for _, name := range append(r.Written, r.Removed...) {
		if !strings.HasPrefix(name, "app/") {
			outside = append(outside, name)
		}
	}
	for _, list := range []struct {
		what  string
		names []string
	}{
		{"outside of app/", outside},
		{"merged with your changes", r.Merged},
		{"brought back, since they were missing", r.Restored},
	} {
		if len(list.names) > 0 {
			say("  %s: %s", list.what, strings.Join(list.names, ", "))
		}
	}
	if len(r.Steps) > 0 {
		say("the database: the next start of the server, or cli migrate, adds\n  %s\nafter which older versions of the program do not start on it: back it up", strings.Join(r.Steps, "\n  "))
	} else {
		say("the database: its tables stay as they are")
	}
	for _, n := range r.Notes {
		say("note: %s", n)
	}
	if dry {
		say("nothing was changed (--dry-run)")
	}
}

func (p *program) dev() *cobra.Command {
	return &cobra.Command{
		Use:   "dev",
		Short: "Run the server, and build and restart it on each change of its source or of .env",
		Long: `Build and start the server, and do both again when a Go file, an embedded one, go.mod or .env changes; tests
are not looked at. While it builds the server goes on, and when it does not build the errors are shown and
the server stays. A server that is replaced ends its runs as at a deploy, for CRON_SHUTDOWN_GRACE at most.
Ctrl-C ends the server and this command, a second one at once.`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := source.Module(p.dir); err != nil {
				return err
			}
			out := p.out
			if o, ok := out.(*console.Output); ok {
				out = o.Writer // the terminal itself, so that the server knows it as one
			}
			return dev.Run(cmd.Context(), dev.Options{Dir: p.dir, Package: "./cmd/server", Out: out, Err: p.err})
		},
	}
}

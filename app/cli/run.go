// Package cli is the program cmd/cli, which looks at the jobs and drives them: what is registered, when it runs next,
// what it did, and runs, pauses or cancels it. It works on the server's database, whether a server is running or
// not, and with the same jobs: they are compiled in.
//
// One file is one command. A command returns an error and nothing else decides about the end: [Main]
// prints it as one sentence with its remedy and turns it into the exit status, see exit.go. Commands
// that only ask about jobs open no database, and commands that only read create none.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/spf13/cobra"

	"fibercrons/app/cron"
	"fibercrons/app/env"
	"fibercrons/app/internal/console"
	"fibercrons/app/store/row"
)

// Program is what one program differs in from another.
type Program struct {
	Jobs       *cron.Registry
	Load       env.Loader
	Migrations []row.Migration // of the user's own tables
}

// Main executes the command line of the process and returns the exit status. The first signal to stop ends the
// command's context, a second one the process.
func Main(p Program) int {
	ctx, stop := console.Context()
	defer stop()
	return run(ctx, os.Args[1:], &program{Program: p, out: os.Stdout, err: os.Stderr, dir: "."})
}

// program is everything a command touches besides its arguments; a test brings its own.
type program struct {
	Program
	out, err io.Writer
	config   []env.Option
	dir      string                                // the module's root, for commands that read or write source
	own      func(context.Context) context.Context // set with the settings
	warned   bool                                  // of what is wrong with the settings
}

// run executes one command line and returns the exit status.
func run(ctx context.Context, args []string, p *program) int {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	out := &console.Output{Writer: p.out, Failed: stop}
	p.out = out
	root := p.command()
	root.SetArgs(args)
	root.SetOut(p.out)
	root.SetErr(p.err)
	err := root.ExecuteContext(ctx)
	if out.Err != nil {
		err = unwritten(err, out.Err)
	}
	if err != nil && err.Error() != "" {
		fmt.Fprintln(p.err, console.Lines(err.Error()))
	}
	return status(err)
}

// unwritten is how a command ends whose output could not be written. A reader that has seen enough, such as head, is
// no failure; what the command has to say besides, such as that a job failed, is still said.
func unwritten(err, write error) error {
	var said *statusError
	switch {
	case errors.As(err, &said):
		return err
	case errors.Is(write, syscall.EPIPE):
		return nil
	}
	return &statusError{exitFailed, "write output: " + write.Error()}
}

func (p *program) command() *cobra.Command {
	root := &cobra.Command{
		Use:           "cli",
		Short:         "Look at the cron jobs of this program, and drive them",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          none,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		CompletionOptions: cobra.CompletionOptions{
			DisableDefaultCmd: true, // ours has the exit codes and the help of the others
		},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage("%v; see %s --help", err, cmd.CommandPath())
	})
	root.AddCommand(
		p.list(), p.show(), p.next(), p.explain(), p.check(),
		p.runJob(), p.backfill(), p.pause(), p.resume(), p.cancel(),
		p.history(), p.logs(), p.timeline(), p.status(), p.alert(),
		p.new(), p.rename(), p.migrate(), p.export(), p.version(), p.completion(),
	)
	return root
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/spf13/cobra"

	"fibercrons/app/internal/console"
)

// Main executes the command line of the process and returns the exit status. The first signal to stop ends the
// command's context, a second one the process.
func Main(p Program) int {
	ctx, stop := console.Context()
	defer stop()
	return execute(ctx, os.Args[1:], &program{Program: p, in: os.Stdin, out: os.Stdout, err: os.Stderr, dir: "."})
}

// execute runs one command line and returns the exit status.
func execute(ctx context.Context, args []string, p *program) int {
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

// unwritten is the error of a command whose output could not be written. A reader that stops early, such as head, is no
// failure. The command's own error, such as that a job failed, comes first.
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
		p.history(), p.logs(), p.timeline(), p.status(), p.schedule(), p.alert(),
		p.new(), p.init(), p.rename(), p.add(), p.remove(), p.update(), p.dev(), p.migrate(), p.export(), p.version(), p.completion(),
	)
	return root
}

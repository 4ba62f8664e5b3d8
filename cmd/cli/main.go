// Command cli looks at the jobs and drives them: what is registered, when it runs next, what it did,
// and runs, pauses or cancels it. It works on the server's database, whether a server is running or
// not, and with the same jobs: they are compiled in.
//
// One file is one command. A command returns an error and nothing else decides about the end: [run]
// prints it as one sentence with its remedy and turns it into the exit status, see exit.go. Commands
// that only ask about jobs open no database, and commands that only read create none.
package main

import (
	"context"
	"os"

	"fibercrons/app/cron"
	"fibercrons/cmd/internal/console"
	_ "fibercrons/jobs"
)

func main() {
	ctx, stop := context.WithCancel(context.Background())
	console.OnSignals(stop, func() { os.Exit(exitAtOnce) })
	os.Exit(run(ctx, os.Args[1:], &program{out: os.Stdout, err: os.Stderr, registry: cron.Default, dir: "."}))
}

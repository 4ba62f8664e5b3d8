// Command server runs the jobs on schedule and serves the API that watches and drives them.
//
// Startup checks configuration, jobs, database and address before it does any work; each mistake is a
// sentence with its remedy and an exit status of its own. The first SIGINT, SIGTERM or SIGHUP stops it in
// the opposite order: the web server takes no more requests, running jobs have CRON_SHUTDOWN_GRACE to
// finish, the rest is cancelled and recorded. A second signal ends the process at once; what it leaves is
// swept by the next. A closed pipe behind stdout or stderr costs the output and nothing else.
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
	os.Exit(run(ctx, program{args: os.Args[1:], out: os.Stdout, err: os.Stderr, registry: cron.Default}))
}

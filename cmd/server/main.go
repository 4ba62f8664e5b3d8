// Command server runs the jobs on schedule and serves the API that watches and drives them.
//
// It starts in an order in which whatever can be wrong is found before anything has happened:
// configuration, jobs, database, address; each mistake is a sentence with its remedy and an exit
// status of its own. The first SIGINT or SIGTERM stops it in the opposite order: the web server
// takes no more requests, running jobs have CRON_SHUTDOWN_GRACE to finish, the rest is cancelled
// and recorded. A second signal ends the process at once; what it leaves is swept by the next.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"fibercrons/app/cron"
	_ "fibercrons/jobs"
)

func main() {
	ctx, stop := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		stop()
		await(signals, time.Now())
		os.Exit(exitAtOnce)
	}()
	os.Exit(run(ctx, program{args: os.Args[1:], out: os.Stdout, err: os.Stderr, registry: cron.Default}))
}

// echo is how long after the first signal another is the same one: timeout(1) and some process
// managers signal the process and then its whole group.
const echo = 100 * time.Millisecond

func await(signals <-chan os.Signal, first time.Time) {
	for range signals {
		if time.Since(first) > echo {
			return
		}
	}
}

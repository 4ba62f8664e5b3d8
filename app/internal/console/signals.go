package console

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// echo is how long after the first signal another is the same one: timeout(1), a terminal that closes and some
// process managers signal the process and then its whole group.
const echo = 100 * time.Millisecond

// OnSignals calls first when the process is asked to stop, by SIGINT, SIGTERM or SIGHUP, and second when it is asked
// again. SIGHUP stays ignored where the process was started that way, as by nohup(1).
//
// A write to a pipe without a reader returns an error from then on and ends the process no more (SIGPIPE): a program
// is not to die in the middle of a run because nobody reads its log. Commands that it starts get SIGPIPE as usual.
func OnSignals(first, second func()) {
	stops := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		stops = append(stops, syscall.SIGHUP)
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, stops...)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // nobody looks there: the error of the write says it
	go func() {
		<-signals
		asked := time.Now()
		first()
		for range signals {
			if time.Since(asked) > echo {
				second()
				return
			}
		}
	}()
}

// ExitAtOnce is the status of a process that a second signal has ended, as shells count it.
const ExitAtOnce = 130

// Context returns a context that ends when the process is asked to stop; asked again, the process exits at once.
func Context() (context.Context, context.CancelFunc) {
	ctx, stop := context.WithCancel(context.Background())
	OnSignals(stop, func() {
		os.Exit(ExitAtOnce) //nolint:forbidigo // whoever asks twice does not wait for main
	})
	return ctx, stop
}

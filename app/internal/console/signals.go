package console

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// echo is how long after the first signal another one counts as the same: timeout(1), a closing terminal and some
// process managers signal the process and then its whole group.
const echo = 100 * time.Millisecond

// OnSignals calls first at the first SIGINT, SIGTERM or SIGHUP, and second at the next. SIGHUP stays ignored if the
// process was started that way, as by nohup(1).
//
// It also makes a write to a closed pipe return an error instead of ending the process by SIGPIPE, so that a run does
// not die because nobody reads its log. Commands that the process starts get SIGPIPE as usual.
func OnSignals(first, second func()) {
	stops := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		stops = append(stops, syscall.SIGHUP)
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, stops...)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // not received: the write returns an error
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

// ExitAtOnce is the exit status after a second signal, as in shells.
const ExitAtOnce = 130

// Context returns a context that ends at the first signal. A second signal exits the process at once.
func Context() (context.Context, context.CancelFunc) {
	ctx, stop := context.WithCancel(context.Background())
	OnSignals(stop, func() {
		os.Exit(ExitAtOnce) //nolint:forbidigo // a second signal does not wait for main
	})
	return ctx, stop
}

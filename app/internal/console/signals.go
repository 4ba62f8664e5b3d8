package console

import (
	"context"
	"os"
	"os/signal"
	"sync"
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
	last := new(lastWords)
	ctx, stop := context.WithCancel(context.WithValue(context.Background(), lastKey{}, last))
	OnSignals(stop, func() {
		last.say()
		os.Exit(ExitAtOnce) //nolint:forbidigo // a second signal does not wait for main
	})
	return ctx, stop
}

// AtOnce has do called when a second signal exits the process of [Context], until remove is called. Do must not wait.
func AtOnce(ctx context.Context, do func()) (remove func()) {
	last, ok := ctx.Value(lastKey{}).(*lastWords)
	if !ok {
		return func() {}
	}
	last.set(do)
	return func() { last.set(nil) }
}

type lastKey struct{}

// lastWords is what happens before the process exits at once.
type lastWords struct {
	mu sync.Mutex
	do func()
}

func (l *lastWords) set(do func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.do = do
}

func (l *lastWords) say() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.do != nil {
		l.do()
	}
}

//go:build unix

package console_test

import (
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"fibercrons/app/internal/console"
)

// SIGHUP stops the process like SIGTERM. A signal right after the first is its echo.
func TestSignals(t *testing.T) {
	if signal.Ignored(syscall.SIGHUP) {
		t.Skip("SIGHUP is ignored here, as under nohup(1)")
	}
	first, second := make(chan struct{}), make(chan struct{})
	console.OnSignals(func() { close(first) }, func() { close(second) })
	send := func(s syscall.Signal) {
		if err := syscall.Kill(os.Getpid(), s); err != nil {
			t.Fatal(err)
		}
	}
	send(syscall.SIGPIPE)
	send(syscall.SIGHUP)
	<-first
	select {
	case <-second:
		t.Error("one signal counts as two")
	default:
	}
	for asked := time.NewTicker(50 * time.Millisecond); ; { // until one is not an echo any more
		select {
		case <-second:
			return
		case <-asked.C:
			send(syscall.SIGHUP)
		}
	}
}

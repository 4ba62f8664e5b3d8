package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"fibercrons/app/crontest"
)

// broken is a writer that fails, after a while.
type broken struct {
	after int
	err   error
}

func (b *broken) Write(p []byte) (int, error) {
	if b.after -= len(p); b.after < 0 {
		return 0, b.err
	}
	return len(p), nil
}

// Output that cannot be written is a failure, and a reader that has seen enough is none.
func TestOutputThatCannotBeWritten(t *testing.T) {
	f := newFixture(t)
	f.registry.Register("hello", "@hourly", func(context.Context) error { return nil })
	f.registry.Register("fails", "@hourly", func(context.Context) error { return errors.New("out of paper") })
	f.run("run-job", "hello")
	full := &os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC}
	gone := &os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EPIPE}
	for _, test := range []struct {
		args       string
		full, gone int
	}{
		{"list", exitFailed, exitDone},
		{"list -o json", exitFailed, exitDone},
		{"list -o csv", exitFailed, exitDone},
		{"show hello", exitFailed, exitDone},
		{"next hello", exitFailed, exitDone},
		{"explain @daily", exitFailed, exitDone},
		{"history hello", exitFailed, exitDone},
		{"timeline", exitFailed, exitDone},
		{"status", exitFailed, exitDone},
		{"check", exitFailed, exitDone},
		{"export alerts", exitFailed, exitDone},
		{"version", exitFailed, exitDone},
		{"migrate", exitFailed, exitDone},
		{"completion bash", exitFailed, exitDone},
		{"--help", exitFailed, exitDone},
		{"run-job hello", exitFailed, exitDone},
		{"run-job fails", exitFailed, exitFailed}, // the job's status is not lost
		{"show nobody", exitNotFound, exitNotFound},
	} {
		for _, after := range []int{0, 10} {
			for _, writer := range []struct {
				err    error
				status int
			}{{full, test.full}, {gone, test.gone}} {
				var stderr bytes.Buffer
				p := &program{out: &broken{after, writer.err}, err: &stderr, Program: Program{Jobs: f.registry, Load: load}, dir: f.dir, config: f.options()}
				status := execute(t.Context(), strings.Fields(test.args), p)
				if status != writer.status {
					t.Errorf("%s, %v: exit status %d, want %d: %s", test.args, writer.err, status, writer.status, stderr.String())
				}
				said := strings.Contains(stderr.String(), "write output: ")
				if want := errors.Is(writer.err, syscall.ENOSPC) && writer.status == exitFailed && test.args != "run-job fails"; said != want {
					t.Errorf("%s, %v: stderr %q", test.args, writer.err, stderr.String())
				}
			}
		}
	}
}

// A log that is followed ends when nobody reads it, and the run goes on.
func TestFollowedLogEndsWithItsReader(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		f := newFixture(t)
		f.registry.Register("long", "@yearly", func(ctx context.Context) error {
			for i := range 60 {
				slog.InfoContext(ctx, "step", "n", i)
				time.Sleep(10 * time.Second)
			}
			return ctx.Err()
		})
		ended := make(chan result, 1)
		go func() { ended <- f.run("run-job", "long") }()
		time.Sleep(25 * time.Second)
		began := time.Now()
		p := &program{out: &broken{200, syscall.EPIPE}, err: io.Discard, Program: Program{Jobs: f.registry, Load: load}, dir: f.dir, config: f.options()}
		if status := execute(t.Context(), []string{"logs", "-f", "long"}, p); status != exitDone {
			t.Errorf("exit status %d", status)
		}
		if took := time.Since(began); took > 2*time.Minute {
			t.Errorf("it was followed for %s", took)
		}
		if r := <-ended; r.status != exitDone {
			t.Errorf("the run: %+v", r)
		}
	})
}

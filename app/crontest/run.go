package crontest

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"sync"
	"testing"

	"fibercrons/app/cron"
	"fibercrons/app/scheduler"
)

// Outcome is the result of a run: its record, and what a record cannot hold.
type Outcome struct {
	cron.Record // Status, Progress, Result, Stack and so on

	// Err is the error of the run, nil if it succeeded: the job's own error, a [*cron.PanicError] or a
	// [*cron.TimeoutError]. If the arguments were refused it is a [*cron.ArgsError], there is no run, and Status is
	// empty.
	Err error

	// Logs are the lines of the run's log: those logged by slog's default logger with the context of the job.
	Logs []cron.LogLine
}

// Run runs a registered job once, in a real run context and with all of its wrappers, and returns when it and its hooks
// have ended. No schedule is active, other jobs do not run, nothing is stored, and [cron.Only] is ignored. An unknown
// job and mistakes in registrations fail the test; the outcome holds everything that the job does.
//
// Until it returns, Run replaces slog's default logger. Lines of the job go to the test's output, all others to the
// previous logger.
func Run(t testing.TB, job string, options ...Option) Outcome {
	t.Helper()
	seen := &witness{}
	s, j := arrange(t, job, options, []cron.Middleware{seen.middleware}, "Args", "Slot", "Retries")
	seen.once = !s.retries
	defer listen()()

	sched := scheduler.New(scheduler.Config{
		Store: NewMemory(), Jobs: []*cron.Job{j}, Disabled: true, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Context: func(ctx context.Context) context.Context {
			if s.context != nil {
				ctx = s.context(ctx)
			}
			return context.WithValue(ctx, testKey{}, t)
		},
	})
	ctx := context.WithoutCancel(t.Context())
	defer func() {
		if err := sched.Close(ctx); err != nil {
			t.Errorf("crontest: %v", err)
		}
	}()
	rec, err := sched.Trigger(ctx, job, scheduler.Request{Args: s.json(t), Slot: s.slot, Actor: "crontest"})
	if refused := new(cron.ArgsError); errors.As(err, &refused) {
		return Outcome{Err: refused}
	}
	if err == nil {
		rec, err = sched.Await(ctx, rec.ID)
	}
	out := Outcome{Record: rec, Err: seen.verdict(rec)}
	if err == nil {
		out.Logs, err = sched.Store().Logs(ctx, rec.ID, 0, math.MaxInt)
	}
	if err != nil {
		t.Fatalf("crontest: run job %q: %v", job, err)
	}
	return out
}

// witness is the outermost user wrapper. It keeps the error of the last attempt.
type witness struct {
	once bool // one attempt only

	mu    sync.Mutex
	err   error
	cause error // why the attempt's context has ended, if it has
}

func (w *witness) middleware(next cron.Func) cron.Func {
	return func(ctx context.Context) error {
		err := next(ctx)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.err, w.cause = err, context.Cause(ctx)
		switch {
		case !w.once:
			return err
		case err == nil && ctx.Err() != nil:
			return cron.NoRetry(w.cause) // the attempt has failed in any case
		}
		return cron.NoRetry(err)
	}
}

// verdict returns the error of the run.
func (w *witness) verdict(rec cron.Record) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case rec.Status == cron.Succeeded:
		return nil
	case w.err != nil && w.err.Error() == rec.Error:
		return w.err
	}
	return &failure{text: rec.Error, chain: []error{w.err, w.cause}}
}

// failure is an error as recorded, with the errors in it.
type failure struct {
	text  string
	chain []error
}

func (f *failure) Error() string { return f.text }

func (f *failure) Unwrap() []error { return f.chain }

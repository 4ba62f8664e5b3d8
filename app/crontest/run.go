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

// Outcome is what came of a run: its record, and what a record cannot hold.
type Outcome struct {
	cron.Record // Status, Progress, Result, Stack and so on

	// Err is what the run failed with, nil if it succeeded: the job's own error, a
	// [*cron.PanicError], a [*cron.TimeoutError]. When the arguments were refused it is a
	// [*cron.ArgsError], and there is no run: Status is empty.
	Err error

	// Logs are the lines that were kept with the run: those that the job, and what it calls,
	// logged by slog's default logger with the context of the job.
	Logs []cron.LogLine
}

// Run runs a registered job once, in a real run context and inside of all of its wrappers, and
// returns when it and its hooks have ended. The clock and the other jobs stand still, nothing is stored, and
// neither [cron.Only] nor a schedule keeps the job from running. An unknown job and mistakes in
// a registration end the test; whatever the job does is in the outcome.
//
// Until it returns, Run stands in slog's default logger. Lines of the job go to the test's
// output, all others where they went before.
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

// witness keeps the error of the last attempt, as the outermost of the users' wrappers.
type witness struct {
	once bool // one attempt only

	mu    sync.Mutex
	err   error
	cause error // of the end of the attempt's context, if it has ended
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
			return cron.NoRetry(w.cause) // it has failed in any case
		}
		return cron.NoRetry(err)
	}
}

// verdict returns what the run failed with.
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

// failure is an error as it was recorded, with the errors it was made of.
type failure struct {
	text  string
	chain []error
}

func (f *failure) Error() string { return f.text }

func (f *failure) Unwrap() []error { return f.chain }

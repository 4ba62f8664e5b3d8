package cron_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/scheduler"
)

// runOnce runs a job of r by hand, as cli run-job does, and prints what became of it.
func runOnce(r *cron.Registry, name string, req scheduler.Request) {
	ctx := context.Background()
	jobs, err := r.Jobs(cron.Defaults{})
	if err != nil {
		fmt.Println(err)
		return
	}
	s := scheduler.New(scheduler.Config{Store: crontest.NewMemory(), Jobs: jobs, Log: slog.New(slog.DiscardHandler)})
	defer s.Close(ctx)
	rec, err := s.Trigger(ctx, name, req)
	if err == nil {
		rec, err = s.Await(ctx, rec.ID)
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(rec.Status, rec.Error+string(rec.Result))
}

func ExampleRegister() {
	r := cron.NewRegistry() // in a job's file: cron.Register, in init
	r.Register("hello", "*/5 * * * *", func(context.Context) error {
		fmt.Println("hello")
		return nil
	})
	runOnce(r, "hello", scheduler.Request{})
	// Output:
	// hello
	// succeeded
}

// A dead man's switch is told of every run. Its address is a secret, and shown by its host alone.
func ExamplePing() {
	r := cron.NewRegistry()
	r.Register("backup", "0 3 * * *", func(context.Context) error { return nil }, cron.Ping("https://hc-ping.com/0a1b2c3d"))
	jobs, err := r.Jobs(cron.Defaults{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(jobs[0].Ping)
	// Output:
	// hc-ping.com
}

func ExampleBefore() {
	r := cron.NewRegistry()
	r.Register("report", "0 9 * * *", func(context.Context) error {
		fmt.Println("report")
		return nil
	}, cron.Before(func(ctx context.Context) error {
		fmt.Println("before", cron.RunFrom(ctx).Job())
		return errors.New("this is logged, and keeps nothing from happening")
	}))
	runOnce(r, "report", scheduler.Request{})
	// Output:
	// before report
	// report
	// succeeded
}

// The record is kept when After is called.
func ExampleAfter() {
	r := cron.NewRegistry()
	ended := make(chan cron.Outcome, 1)
	r.Register("report", "0 9 * * *", func(ctx context.Context) error { return cron.RunFrom(ctx).Result("sent") },
		cron.After(func(_ context.Context, o cron.Outcome) error {
			ended <- o
			return nil
		}))
	runOnce(r, "report", scheduler.Request{})
	o := <-ended
	fmt.Println(o.Job, o.Status, o.Err)
	// Output:
	// succeeded "sent"
	// report succeeded <nil>
}

var errNoPaper = errors.New("no paper")

func ExampleOnFailure() {
	r := cron.NewRegistry()
	ended := make(chan cron.Outcome, 1)
	r.Register("report", "0 9 * * *", func(context.Context) error { return fmt.Errorf("print: %w", errNoPaper) },
		cron.OnFailure(func(_ context.Context, o cron.Outcome) error {
			ended <- o
			return nil
		}))
	runOnce(r, "report", scheduler.Request{})
	o := <-ended
	fmt.Println(o.Error, errors.Is(o.Err, errNoPaper))
	// Output:
	// failed print: no paper
	// print: no paper true
}

// A slot that is due while the job runs is skipped, unless Overlap says otherwise.
func ExampleOnSkip() {
	r := cron.NewRegistry()
	skipped := make(chan cron.Reason, 1)
	r.Register("slow", "@every 50ms", func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}, cron.OnSkip(func(_ context.Context, o cron.Outcome) error {
		select {
		case skipped <- o.Reason:
		default: // one is enough here
		}
		return nil
	}))
	jobs, err := r.Jobs(cron.Defaults{})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- scheduler.New(scheduler.Config{Store: crontest.NewMemory(), Jobs: jobs, Log: slog.New(slog.DiscardHandler)}).Run(ctx)
	}()
	fmt.Println(<-skipped)
	stop()
	fmt.Println(<-ended)
	// Output:
	// overlap
	// <nil>
}

// A hook of all jobs.
func ExampleRegistry_Hook() {
	r := cron.NewRegistry() // in a job's file: cron.Default
	ended := make(chan cron.Outcome, 1)
	r.Hook(cron.Hooks{After: func(_ context.Context, o cron.Outcome) error {
		ended <- o
		return nil
	}})
	r.Register("report", "0 9 * * *", func(context.Context) error { return errNoPaper })
	runOnce(r, "report", scheduler.Request{})
	o := <-ended
	fmt.Println(o.Job, o.Status)
	// Output:
	// failed no paper
	// report failed
}

// Mistakes are reported together, when the program starts.
func ExampleRegistry_Jobs() {
	r := cron.NewRegistry()
	r.Register("Report", "0 0 30 2 *", nil)
	_, err := r.Jobs(cron.Defaults{})
	var m *cron.Mistakes
	if errors.As(err, &m) {
		fmt.Println(len(m.List), "mistakes")
	}
	// Output:
	// 3 mistakes
}

func ExampleArgs() {
	type report struct {
		To     string `json:"to" jsonschema:"who gets it"`
		Copies int    `json:"copies"`
	}
	r := cron.NewRegistry()
	r.Register("report", "0 9 * * MON-FRI", func(ctx context.Context) error {
		args := cron.ArgsFrom[report](ctx)
		return cron.RunFrom(ctx).Result(fmt.Sprintf("%d for %s", args.Copies, args.To))
	}, cron.Args(report{To: "ann", Copies: 1}))
	runOnce(r, "report", scheduler.Request{})
	runOnce(r, "report", scheduler.Request{Args: []byte(`{"copies": 3}`)})
	runOnce(r, "report", scheduler.Request{Args: []byte(`{"copys": 3, "to": 7}`)})
	// Output:
	// succeeded "1 for ann"
	// succeeded "3 for ann"
	// arguments of job "report": /copys: the job has no such argument; did you mean "copies"?; /to: a JSON number where the type must be string
}

// A wrapper of all jobs hands them what they share.
func ExampleRegistry_Use() {
	type clientKey struct{}
	r := cron.NewRegistry()
	r.Use(func(next cron.Func) cron.Func {
		return func(ctx context.Context) error {
			return next(context.WithValue(ctx, clientKey{}, "the client"))
		}
	})
	r.Register("job", "@daily", func(ctx context.Context) error {
		return cron.RunFrom(ctx).Result(ctx.Value(clientKey{}))
	})
	runOnce(r, "job", scheduler.Request{})
	// Output:
	// succeeded "the client"
}

func ExampleUse() {
	loud := func(next cron.Func) cron.Func {
		return func(ctx context.Context) error {
			fmt.Println("before")
			defer fmt.Println("after")
			return next(ctx)
		}
	}
	r := cron.NewRegistry()
	r.Register("job", "@daily", func(context.Context) error {
		fmt.Println("the job")
		return nil
	}, cron.Use(loud))
	runOnce(r, "job", scheduler.Request{})
	// Output:
	// before
	// the job
	// after
	// succeeded
}

func ExampleNoRetry() {
	r := cron.NewRegistry()
	r.Register("job", "@daily", func(ctx context.Context) error {
		fmt.Println("attempt", cron.RunFrom(ctx).Attempt())
		return cron.NoRetry(errors.New("no such customer"))
	}, cron.Retry(5))
	runOnce(r, "job", scheduler.Request{})
	// Output:
	// attempt 1
	// failed no such customer
}

func ExampleExponential() {
	r := cron.NewRegistry()
	r.Register("job", "@daily", func(context.Context) error { return nil }, cron.Retry(5, cron.Exponential(time.Second)))
	jobs, err := r.Jobs(cron.Defaults{MaxRetryDelay: 10 * time.Second})
	if err != nil {
		fmt.Println(err)
		return
	}
	b := jobs[0].Policies.Backoff
	fmt.Println(b)
	for retry := 1; retry <= 5; retry++ {
		fmt.Println(b.Delay(retry, 0), "to", b.Delay(retry, 1))
	}
	// Output:
	// 1s, doubling, up to 10s
	// 800ms to 1.2s
	// 1.6s to 2.4s
	// 3.2s to 4.8s
	// 6.4s to 9.6s
	// 6.666666666s to 10s
}

func ExampleLogHandler() {
	log := slog.New(cron.LogHandler(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "run" { // differ each time
				return slog.Attr{}
			}
			return a
		},
	})))
	r := cron.NewRegistry()
	r.Register("sync", "@daily", func(ctx context.Context) error {
		log.InfoContext(ctx, "signing in", "user", "ann", "password", "hunter2")
		return nil
	})
	runOnce(r, "sync", scheduler.Request{})
	// Output:
	// level=INFO msg="signing in" user=ann password=[redacted] job=sync attempt=1
	// succeeded
}

package crontest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/crontest"
)

type reportArgs struct {
	Copies int    `json:"copies"`
	To     string `json:"to"`
}

func (a reportArgs) Validate() error {
	if a.Copies < 1 {
		return errors.New("copies must be at least 1")
	}
	return nil
}

// mailer is a service that the job gets by its context.
type mailer struct{ sent []string }

type mailerKey struct{}

var errNoDay = errors.New("no day")

func report(ctx context.Context) error {
	run, args := cron.RunFrom(ctx), cron.ArgsFrom[reportArgs](ctx)
	if run.Slot().IsZero() {
		return errNoDay
	}
	m, _ := ctx.Value(mailerKey{}).(*mailer)
	for i := range args.Copies {
		run.Progress(int64(i+1), int64(args.Copies), "sending")
		slog.InfoContext(ctx, "sent", "to", args.To)
		m.sent = append(m.sent, args.To+" "+run.Slot().Format(time.DateOnly))
	}
	return run.Result(map[string]int{"sent": args.Copies})
}

func reports() *cron.Registry {
	r := cron.NewRegistry()
	r.Register("report", "0 9 * * MON-FRI", report, cron.Args(reportArgs{Copies: 1, To: "ann"}),
		cron.In("Europe/Berlin"), cron.Only("production"), cron.Retry(5))
	return r
}

func TestRun(t *testing.T) {
	m := &mailer{}
	got := crontest.Run(t, "report", crontest.Registry(reports()),
		crontest.Args(reportArgs{Copies: 2, To: "bob"}),
		crontest.Slot(time.Date(2027, 3, 29, 7, 0, 0, 0, time.UTC)),
		crontest.Context(func(ctx context.Context) context.Context { return context.WithValue(ctx, mailerKey{}, m) }))
	if got.Status != cron.Succeeded || got.Err != nil {
		t.Fatalf("%s, %v", got.Status, got.Err)
	}
	if want := "[bob 2027-03-29 bob 2027-03-29]"; fmt.Sprint(m.sent) != want {
		t.Errorf("sent %v, want %s", m.sent, want)
	}
	if string(got.Result) != `{"sent":2}` || got.Progress == nil || *got.Progress != (cron.Progress{Done: 2, Total: 2, Text: "sending"}) {
		t.Errorf("result %s, progress %+v", got.Result, got.Progress)
	}
	if len(got.Logs) != 2 || got.Logs[0].Message != "sent" || string(got.Logs[0].Attrs) != `{"to":"bob"}` {
		t.Errorf("logs: %+v", got.Logs)
	}
}

func TestRunTakesArgumentsAsJSONOverTheDefaults(t *testing.T) {
	m := &mailer{}
	got := crontest.Run(t, "report", crontest.Registry(reports()),
		crontest.Args(map[string]any{"copies": 3}), crontest.Slot(time.Date(2027, 3, 29, 7, 0, 0, 0, time.UTC)),
		crontest.Context(func(ctx context.Context) context.Context { return context.WithValue(ctx, mailerKey{}, m) }))
	if got.Err != nil || fmt.Sprint(m.sent) != "[ann 2027-03-29 ann 2027-03-29 ann 2027-03-29]" {
		t.Errorf("%v, sent %v", got.Err, m.sent)
	}
}

func TestRunRefusesArguments(t *testing.T) {
	for _, slot := range []time.Time{{}, time.Unix(1e9, 0)} {
		got := crontest.Run(t, "report", crontest.Registry(reports()), crontest.Args(reportArgs{}), crontest.Slot(slot))
		var refused *cron.ArgsError
		if !errors.As(got.Err, &refused) || got.Status != "" {
			t.Errorf("%v, status %q; want an ArgsError and no run", got.Err, got.Status)
		}
	}
}

func TestRunReturnsTheJobsOwnError(t *testing.T) {
	type custom struct{ error }
	boom := &custom{errors.New("boom")}
	var calls int
	tests := []struct {
		name    string
		job     cron.Func
		options []cron.Option
		status  cron.Status
		is      func(error) bool
		text    string
	}{
		{"error", func(context.Context) error { calls++; return fmt.Errorf("send: %w", boom) }, []cron.Option{cron.Retry(5)}, cron.Failed,
			func(err error) bool { return errors.Is(err, boom) }, "send: boom"},
		{"final error", func(context.Context) error { calls++; return cron.NoRetry(boom) }, nil, cron.Failed,
			func(err error) bool { return errors.Is(err, boom) }, "boom"},
		{"panic", func(context.Context) error { calls++; panic(boom) }, []cron.Option{cron.Retry(5)}, cron.Failed,
			func(err error) bool { var p *cron.PanicError; return errors.As(err, &p) && errors.Is(err, boom) }, "run_test.go"},
		{"timeout", func(ctx context.Context) error { calls++; <-ctx.Done(); return fmt.Errorf("%w: %w", boom, ctx.Err()) },
			[]cron.Option{cron.Timeout(time.Second), cron.Retry(5)}, cron.Failed,
			func(err error) bool {
				var late *cron.TimeoutError
				return errors.As(err, &late) && errors.Is(err, boom) && errors.Is(err, context.DeadlineExceeded)
			}, "timed out after 1s"},
		{"timeout ignored", func(ctx context.Context) error { calls++; <-ctx.Done(); return nil },
			[]cron.Option{cron.Timeout(time.Second), cron.Retry(5)}, cron.Failed,
			func(err error) bool { var late *cron.TimeoutError; return errors.As(err, &late) }, "timed out after 1s"},
		{"end of the goroutine", func(context.Context) error { calls++; runtime.Goexit(); return nil }, nil, cron.Failed,
			func(err error) bool { return err != nil }, "Goexit"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			crontest.Bubble(t, func(t *testing.T) {
				calls = 0
				r := cron.NewRegistry()
				r.Register("job", "@yearly", tt.job, tt.options...)
				got := crontest.Run(t, "job", crontest.Registry(r))
				if got.Status != tt.status || !tt.is(got.Err) || !strings.Contains(got.Err.Error(), tt.text) {
					t.Errorf("%s, %T %v", got.Status, got.Err, got.Err)
				}
				if calls != 1 {
					t.Errorf("%d attempts, want 1", calls)
				}
			})
		})
	}
}

func TestRetries(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		r := cron.NewRegistry()
		r.Register("job", "@yearly", func(ctx context.Context) error {
			if n := cron.RunFrom(ctx).Attempt(); n < 3 {
				return fmt.Errorf("attempt %d", n)
			}
			return nil
		}, cron.Retry(5, cron.Fixed(time.Hour)))
		began := time.Now()
		got := crontest.Run(t, "job", crontest.Registry(r), crontest.Retries())
		if got.Err != nil || got.Attempt != 3 || time.Since(began) != 2*time.Hour {
			t.Errorf("%v, attempt %d after %s", got.Err, got.Attempt, time.Since(began))
		}
	})
}

var atStart = slog.Default()

// TestSlogIsLeftAsItWas looks at slog and log around a run, also where slog's own handler is
// the default one.
func TestSlogIsLeftAsItWas(t *testing.T) {
	var buf bytes.Buffer
	defer log.SetOutput(log.Writer())
	log.SetOutput(&buf)
	r := cron.NewRegistry()
	r.Register("job", "@yearly", func(ctx context.Context) error {
		slog.InfoContext(ctx, "of the job")
		slog.Info("of the program")
		log.Print("of package log")
		return nil
	})
	got := crontest.Run(t, "job", crontest.Registry(r))
	if slog.Default() != atStart {
		t.Error("slog's default logger is another one")
	}
	if len(got.Logs) != 1 || got.Logs[0].Message != "of the job" {
		t.Errorf("%+v", got.Logs)
	}
	if text := buf.String(); strings.Contains(text, "of the job") || !strings.Contains(text, "of the program") || !strings.Contains(text, "of package log") {
		t.Errorf("the program's log is %q", text)
	}
}

// fake is a testing.TB that notes what ends the test.
type fake struct {
	testing.TB
	said string
}

func (f *fake) Fatalf(format string, a ...any) {
	f.said = fmt.Sprintf(format, a...)
	runtime.Goexit()
}

func (f *fake) Errorf(format string, a ...any) { f.said = fmt.Sprintf(format, a...) }

// said returns what test ends with.
func said(t *testing.T, test func(t testing.TB)) string {
	f := &fake{TB: t}
	done := make(chan struct{})
	go func() { defer close(done); test(f) }()
	<-done
	return f.said
}

func TestMistakesEndTheTest(t *testing.T) {
	wrong := cron.NewRegistry()
	wrong.Register("job", "61 * * * *", report)
	tests := []struct {
		name string
		test func(t testing.TB)
		want string
	}{
		{"unknown job", func(t testing.TB) { crontest.Run(t, "repord", crontest.Registry(reports())) }, `no job "repord" is registered; there are ["report"]`},
		{"mistake in a registration", func(t testing.TB) { crontest.Run(t, "job", crontest.Registry(wrong)) }, "crontest/run_test.go"},
		{"option without a meaning", func(t testing.TB) { crontest.Run(t, "report", crontest.Registry(reports()), crontest.From(time.Now())) }, "option From is not supported here"},
		{"arguments without JSON", func(t testing.TB) {
			crontest.Run(t, "report", crontest.Registry(reports()), crontest.Args(make(chan int)))
		}, "Args: json"},
		{"no instant", func(t testing.TB) { crontest.AssertNext(t, "report", "today", nil, crontest.Registry(reports())) }, "cannot parse"},
		{"other slots", func(t testing.TB) {
			crontest.AssertNext(t, "report", "2027-03-27T00:00:00Z", []string{"2027-03-29T09:00:00+01:00"}, crontest.Registry(reports()))
		}, `at   ["2027-03-29T09:00:00+02:00"]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := said(t, tt.test); !strings.Contains(got, tt.want) {
				t.Errorf("said %q, want %q in it", got, tt.want)
			}
		})
	}
}

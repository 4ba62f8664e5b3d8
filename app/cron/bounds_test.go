package cron_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/internal/bubble"
	"fibercrons/app/scheduler"
)

// huge is what no log, no store and no network should be given.
var huge = strings.Repeat("ä", 10<<20)

const mark = "bytes left out]"

type longError struct{ calls *int }

func (e longError) Error() string { *e.calls++; return huge }

type longValue struct{ Text, More string }

type longText struct{}

func (longText) MarshalText() ([]byte, error) { return []byte(huge), nil }
func (longText) String() string               { return huge }

type longJSON struct{}

func (longJSON) MarshalJSON() ([]byte, error) { return json.Marshal(huge) }

type longFormat struct{}

func (longFormat) Error() string { return "short" }
func (longFormat) Format(f fmt.State, verb rune) {
	if verb == 'v' && f.Flag('+') {
		fmt.Fprint(f, huge)
	}
}

// Whatever a job returns or panics with, nobody behind it meets more than the bound.
func TestErrorsAreBounded(t *testing.T) {
	var calls int
	failure := longError{&calls}
	tests := []struct {
		name string
		job  cron.Func
		is   error
		has  string
		opts []cron.Option
	}{
		{"error", func(context.Context) error { return failure }, failure, "ää", nil},
		{"wrapped", func(context.Context) error { return fmt.Errorf("why: %w", failure) }, failure, "why: ää", nil},
		{"joined", func(context.Context) error { return errors.Join(failure, failure) }, failure, "ää", nil},
		{"no retry", func(context.Context) error { return cron.NoRetry(failure) }, failure, "ää", []cron.Option{cron.Retry(2, cron.Fixed(0))}},
		{"panic", func(context.Context) error { panic(huge) }, nil, "panic at cron/bounds_test.go:", nil},
		{"panic with an error", func(context.Context) error { panic(failure) }, failure, "panic at cron/bounds_test.go:", nil},
		{"broken text", func(context.Context) error { return errors.New(huge[1:] + "\x00") }, nil, "\ufffdää", nil},
		{"after its timeout", func(ctx context.Context) error { <-ctx.Done(); return failure }, failure, "timed out after 10ms: ää",
			[]cron.Option{cron.Timeout(10 * time.Millisecond)}},
		{"of a wrapper", bubble.Nothing, failure, "wrapper: ää", []cron.Option{cron.Use(func(next cron.Func) cron.Func {
			return func(ctx context.Context) error { return errors.Join(fmt.Errorf("wrapper: %w", failure), next(ctx)) }
		})}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			var hooked string
			opts := append(slices.Clone(tt.opts), cron.OnFailure(func(_ context.Context, o cron.Outcome) error {
				hooked = o.Error
				if n := len(o.Err.Error()); n > 17<<10 {
					t.Errorf("the hook is given %d bytes", n)
				}
				return failure
			}))
			calls = 0
			rec := loggedRun(t, &log, tt.job, opts...)
			if rec.Status != cron.Failed || len(rec.Error) > 17<<10 || !strings.Contains(rec.Error, tt.has) || !strings.HasSuffix(rec.Error, mark) || strings.Count(rec.Error, mark) != 1 || !utf8.ValidString(rec.Error) {
				t.Errorf("%s, %d bytes: %.60q ... %q", rec.Status, len(rec.Error), rec.Error, rec.Error[max(0, len(rec.Error)-60):])
			}
			if a := rec.Attempts[0].Error; len(a) > 3<<10 || !strings.HasSuffix(a, mark) {
				t.Errorf("the attempt has %d bytes", len(a))
			}
			if hooked != rec.Error {
				t.Errorf("the hook is told %d bytes, the record has %d", len(hooked), len(rec.Error))
			}
			if n := len(rec.Stack); n > 65<<10 {
				t.Errorf("the stack has %d bytes", n)
			}
			if n := log.Len(); n > 200<<10 || !strings.Contains(log.String(), mark) {
				t.Errorf("the program's log has %d bytes", n)
			}
			if calls > 4 { // once by the function, by the wrapper, and by the hook
				t.Errorf("Error was called %d times", calls)
			}
			got := runFunc(t, tt.job, tt.opts...)
			if tt.is != nil && !errors.Is(got.Err, tt.is) {
				t.Errorf("it is no longer %T", tt.is)
			}
			if strings.HasPrefix(tt.name, "panic") && !errors.As(got.Err, new(*cron.PanicError)) {
				t.Errorf("it is no longer a panic: %T", got.Err)
			}
		})
	}
}

// loggedRun runs a job once, and returns its record and, in log, what the program logs, as JSON.
func loggedRun(t *testing.T, log *bytes.Buffer, job cron.Func, opts ...cron.Option) cron.Record {
	t.Helper()
	r := cron.NewRegistry()
	r.Register("job", "@yearly", job, opts...)
	jobs, err := r.Jobs(bubble.Defaults)
	if err != nil {
		t.Fatal(err)
	}
	s := scheduler.New(scheduler.Config{Store: crontest.NewMemory(), Jobs: jobs, Disabled: true, Log: slog.New(cron.LogHandler(slog.NewJSONHandler(log, nil)))})
	rec, err := s.Trigger(t.Context(), "job", scheduler.Request{})
	if err == nil {
		rec, err = s.Await(t.Context(), rec.ID)
	}
	if err := errors.Join(err, s.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	return rec
}

// Nor is a log line, with a run or without one, in the text of either handler and in what the run keeps.
func TestLogLinesAreBounded(t *testing.T) {
	var calls int
	many := make([]any, 0, 2000)
	for i := range 1000 {
		many = append(many, fmt.Sprint("k", i), huge[:20<<10])
	}
	tests := []struct {
		name string
		log  func(ctx context.Context, l *slog.Logger)
		want string // in the line that is kept; a regular expression
	}{
		{"message", func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, huge) }, `^ä+… \[\d+ bytes left out\]`},
		{"string", func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "m", "a", huge, "b", 1) }, `"a":"ä+… \[\d+ bytes left out\]","b":1`},
		{"error", func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "m", "a", longError{&calls}) }, `"a":"ä+… \[\d+ bytes left out\]"`},
		{"error with a long form", func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "m", "a", longFormat{}) }, `"a":"ä+… \[\d+ bytes left out\]"`},
		{"struct", func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "m", "a", longValue{"x", huge}) }, `"a":"\[left out: a cron_test.longValue of more than \d+ bytes\]"`},
		{"with a secret", func(ctx context.Context, l *slog.Logger) {
			l.InfoContext(ctx, "m", "a", map[string]string{"password": "hunter2", "b": huge})
		}, `"a":"\[left out: a map\[string\]string of more than`},
		{"pointers", func(ctx context.Context, l *slog.Logger) {
			l.InfoContext(ctx, "m", "a", []any{map[string]any{"x": &longValue{More: huge}}})
		}, `\[left out: a \[\]interface {} of`},
		{"bytes", func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "m", "a", []byte(huge)) }, `\[left out: a \[\]uint8 of`},
		{"a long list", func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "m", "a", make([]int, 10<<20)) }, `\[left out: a \[\]int of`},
		{"text of its own", func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "m", "a", longText{}) }, `\[left out: a cron_test.longText of`},
		{"JSON of its own", func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "m", "a", longJSON{}) }, `\[left out: a cron_test.longJSON of`},
		{"JSON of a field's own", func(ctx context.Context, l *slog.Logger) {
			l.InfoContext(ctx, "m", "a", struct{ A longJSON }{})
		}, `\[left out: a struct`},
		{"key", func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "m", huge, 1) }, `"ä+… \[\d+ bytes left out\]":1`},
		{"many", func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "m", many...) }, `"k0":"ä+`},
		{"group", func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "m", slog.Group("g", "a", huge)) }, `"g":{"a":"ä+…`},
		{"with", func(ctx context.Context, l *slog.Logger) { l.With("a", huge[:10<<10], "b", huge).InfoContext(ctx, "m") }, ``},
		{"with, again and again", func(ctx context.Context, l *slog.Logger) {
			for range 100 {
				l = l.With("a", huge)
			}
			l.WithGroup(huge).InfoContext(ctx, "m", "a", huge)
		}, ``},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, handler := range []func(*bytes.Buffer) slog.Handler{
				func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
				func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
			} {
				var out bytes.Buffer
				l := slog.New(cron.LogHandler(handler(&out)))
				tt.log(t.Context(), l)
				got := runFunc(t, func(ctx context.Context) error { tt.log(ctx, l); return nil })
				if n := out.Len(); n > 2*100<<10 || n == 0 || strings.Contains(out.String(), "hunter2") {
					t.Errorf("two lines have %d bytes", n)
				}
				if len(got.Logs) != 1 {
					t.Fatalf("%d lines kept", len(got.Logs))
				}
				line := got.Logs[0]
				kept := line.Message + string(line.Attrs)
				if len(line.Message) > 17<<10 || len(line.Attrs) > 17<<10 || !regexp.MustCompile(tt.want).MatchString(kept) {
					t.Errorf("kept %d bytes: %.100s", len(kept), kept)
				}
			}
		})
	}
}

// What is short is as it was: types, errors that panic, pointers that are nil.
func TestShortAttributesStayAsTheyAre(t *testing.T) {
	var bare, through bytes.Buffer
	keep := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	o := &slog.HandlerOptions{ReplaceAttr: keep}
	for _, l := range []*slog.Logger{slog.New(slog.NewTextHandler(&bare, o)), slog.New(cron.LogHandler(slog.NewTextHandler(&through, o)))} {
		l.Info("m", "n", 1, "d", time.Second, "e", errors.New("e"), "nil", nil, "nil error", (*nilError)(nil), "b", []byte("x"), "s", longValue{"a", "b"},
			slog.Group("g", "a", 1), slog.Group("", "inline", 2), "p", &longValue{}, "long enough", strings.Repeat("x", 16<<10))
	}
	if re := regexp.MustCompile(`0x[0-9a-f]+`); re.ReplaceAllString(bare.String(), "") != re.ReplaceAllString(through.String(), "") {
		t.Errorf("%s\nbecame\n%s", bare.String(), through.String())
	}
}

func TestOtherTextsAreBounded(t *testing.T) {
	r := cron.NewRegistry()
	r.Register("described", "@yearly", bubble.Nothing, cron.Describe(huge))
	r.Register("owned", "@yearly", bubble.Nothing, cron.Meta("owner", huge))
	r.Register("named", "@yearly", bubble.Nothing, cron.Meta(huge, "x"))
	_, err := r.Jobs(bubble.Defaults)
	if err == nil || len(err.Error()) > 8<<10 || strings.Count(err.Error(), "and the rest elsewhere") != 3 {
		t.Errorf("%.1000v", err)
	}
	r = cron.NewRegistry()
	r.Register("job", "@yearly", bubble.Nothing, cron.Args(longRefusal{}))
	got := run(t, r, "job", crontest.Args(json.RawMessage(`{"n":2}`)))
	var refused *cron.ArgsError
	if !errors.As(got.Err, &refused) || len(refused.Error()) > 2<<10 || !strings.HasSuffix(refused.Error(), mark) {
		t.Errorf("%.1000v", got.Err)
	}
	before := runFunc(t, bubble.Nothing, cron.Before(func(context.Context) error { return errors.New(huge) }))
	if n := len(before.Logs); n != 1 || len(before.Logs[0].Message) > 17<<10 {
		t.Errorf("%d lines", n)
	}
}

type longRefusal struct {
	N int `json:"n"`
}

func (r longRefusal) Validate() error {
	if r.N > 1 {
		return errors.New(huge)
	}
	return nil
}

package cron_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"fibercrons/app/cron"
	"fibercrons/app/crontest"
)

// run runs a job of r once.
func run(t *testing.T, r *cron.Registry, job string, options ...crontest.Option) crontest.Outcome {
	t.Helper()
	return crontest.Run(t, job, append(options, crontest.Registry(r), crontest.Defaults(defaults))...)
}

// runFunc runs fn once as a job with options.
func runFunc(t *testing.T, fn cron.Func, options ...cron.Option) crontest.Outcome {
	t.Helper()
	r := cron.NewRegistry()
	r.Register("job", "@yearly", fn, options...)
	return run(t, r, "job")
}

// buffer is a bytes.Buffer for concurrent use.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// captureLog makes slog write to a buffer until the test ends.
func captureLog(t *testing.T) *buffer {
	t.Helper()
	out, before := &buffer{}, slog.Default()
	slog.SetDefault(slog.New(cron.LogHandler(slog.NewJSONHandler(out, nil))))
	t.Cleanup(func() { slog.SetDefault(before) })
	return out
}

func TestFirstListedIsOutermost(t *testing.T) {
	var order []string
	mark := func(name string) cron.Middleware {
		return func(next cron.Func) cron.Func {
			return func(ctx context.Context) error {
				order = append(order, name)
				defer func() { order = append(order, "/"+name) }()
				return next(ctx)
			}
		}
	}
	r := cron.NewRegistry()
	r.Use(mark("a"), mark("b"))
	r.Register("job", "@yearly", func(context.Context) error { order = append(order, "job"); return nil },
		cron.Use(mark("d"), mark("e")), cron.Use(cron.Chain(mark("f"), nil, mark("g"))))
	r.Use(mark("c")) // later, and still outside of the job's own
	run(t, r, "job")
	if got, want := strings.Join(order, " "), "a b c d e f g job /g /f /e /d /c /b /a"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestWrappersSeePanicsAsErrors lets the job, an inner or an outer wrapper panic: all further
// out get an error.
func TestWrappersSeePanicsAsErrors(t *testing.T) {
	for _, who := range []string{"job", "inner", "outer"} {
		t.Run(who, func(t *testing.T) {
			var saw []string
			wrapper := func(name string) cron.Middleware {
				return func(next cron.Func) cron.Func {
					return func(ctx context.Context) error {
						if who == name {
							panic("no")
						}
						err := next(ctx)
						var p *cron.PanicError
						if errors.As(err, &p) {
							saw = append(saw, name)
						}
						return err
					}
				}
			}
			r := cron.NewRegistry()
			r.Use(wrapper("outer"))
			r.Register("job", "@yearly", func(context.Context) error {
				if who == "job" {
					panic("no")
				}
				return nil
			}, cron.Use(wrapper("inner")))
			got := run(t, r, "job")
			var p *cron.PanicError
			if got.Status != cron.Failed || !errors.As(got.Err, &p) || !strings.HasPrefix(p.At, "cron/middleware_test.go:") {
				t.Errorf("%s, %v", got.Status, got.Err)
			}
			want := map[string][]string{"job": {"inner", "outer"}, "inner": {"outer"}, "outer": nil}[who]
			if !slices.Equal(saw, want) {
				t.Errorf("%v saw the panic, want %v", saw, want)
			}
		})
	}
}

// A wrapper may turn an error into none, the other way round, and call the function twice.
func TestWrappersDecide(t *testing.T) {
	boom := errors.New("boom")
	calls := 0
	fails := func(context.Context) error { calls++; return boom }
	forgive := func(next cron.Func) cron.Func {
		return func(ctx context.Context) error { _ = next(ctx); return nil }
	}
	twice := func(next cron.Func) cron.Func {
		return func(ctx context.Context) error { return errors.Join(next(ctx), next(ctx)) }
	}
	if got := runFunc(t, fails, cron.Use(forgive)); got.Status != cron.Succeeded {
		t.Errorf("forgiven: %s", got.Status)
	}
	if got := runFunc(t, fails, cron.Use(twice)); calls != 3 || !errors.Is(got.Err, boom) || got.Error != "boom\nboom" {
		t.Errorf("%d calls, %v", calls, got.Err)
	}
}

func TestLabels(t *testing.T) {
	var got string
	wrapper := func(next cron.Func) cron.Func {
		return func(ctx context.Context) error {
			got = fmt.Sprint(cron.TagsFrom(ctx), cron.MetaFrom(ctx, "owner"), cron.MetaFrom(ctx, "other"))
			return next(ctx)
		}
	}
	runFunc(t, nop, cron.Tags("a", "b"), cron.Meta("owner", "billing"), cron.Use(wrapper))
	if want := fmt.Sprint([]string{"a", "b"}, "billing", ""); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	runFunc(t, nop, cron.Use(wrapper))
	if want := fmt.Sprint([]string(nil), "", ""); got != want {
		t.Errorf("without labels %q, want %q", got, want)
	}
	if cron.TagsFrom(t.Context()) != nil || cron.MetaFrom(t.Context(), "owner") != "" {
		t.Error("labels outside of a job")
	}
}

// elsewhere registers a job that is wrong in another file than those of registry_test.go.
func elsewhere(r *cron.Registry) { r.Register("z", "x", nop) }

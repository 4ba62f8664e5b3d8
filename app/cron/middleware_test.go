package cron_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"fibercrons/app/cron"
	"fibercrons/app/internal/bubble"
)

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
	runFunc(t, bubble.Nothing, cron.Tags("a", "b"), cron.Meta("owner", "billing"), cron.Use(wrapper))
	if want := fmt.Sprint([]string{"a", "b"}, "billing", ""); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	runFunc(t, bubble.Nothing, cron.Use(wrapper))
	if want := fmt.Sprint([]string(nil), "", ""); got != want {
		t.Errorf("without labels %q, want %q", got, want)
	}
	if cron.TagsFrom(t.Context()) != nil || cron.MetaFrom(t.Context(), "owner") != "" {
		t.Error("labels outside of a job")
	}
}

// elsewhere registers a job that is wrong in another file than those of registry_test.go.
func elsewhere(r *cron.Registry) { r.Register("z", "x", bubble.Nothing) }

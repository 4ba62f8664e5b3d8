package cron_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/internal/bubble"
	"fibercrons/app/scheduler"
)

// diary notes what happens in which order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(format string, a ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf(format, a...))
}

func (d *diary) take() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	text := strings.Join(d.lines, "; ")
	d.lines = nil
	return text
}

// hooks are all four, which note under a name.
func (d *diary) hooks(name string) cron.Hooks {
	end := func(hook string) func(context.Context, cron.Outcome) error {
		return func(_ context.Context, o cron.Outcome) error {
			d.note("%s %s %s", name, hook, strings.TrimSpace(string(o.Status)+" "+string(o.Reason)))
			return nil
		}
	}
	return cron.Hooks{
		Before: func(ctx context.Context) error {
			d.note("%s before %d", name, cron.RunFrom(ctx).Attempt())
			return nil
		},
		After: end("after"), OnFailure: end("failure"), OnSkip: end("skip"),
	}
}

func (d *diary) options(name string) []cron.Option {
	h := d.hooks(name)
	return []cron.Option{cron.Before(h.Before), cron.After(h.After), cron.OnFailure(h.OnFailure), cron.OnSkip(h.OnSkip)}
}

func TestHooksStandAroundTheRun(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		var d diary
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
			r.Hook(d.hooks("all"))
			r.Register("works", "@yearly", func(context.Context) error { d.note("works"); return nil }, d.options("own")...)
			r.Register("fails", "@yearly", func(ctx context.Context) error {
				d.note("fails")
				return errors.New("no luck")
			}, append(d.options("own"), cron.Retry(1))...)
			r.Register("plain", "@yearly", func(context.Context) error { d.note("plain"); return nil })
			r.Register("long", "@yearly", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
			r.Hook(cron.Hooks{Before: func(context.Context) error { d.note("later before"); return nil }})
		})
		for job, want := range map[string]string{
			"works": "all before 1; later before; own before 1; works; all after succeeded; own after succeeded",
			"fails": "all before 1; later before; own before 1; fails; fails; all failure failed; all after failed; own after failed; own failure failed",
			"plain": "all before 1; later before; plain; all after succeeded",
		} {
			if _, err := p.Sched.Trigger(t.Context(), job, scheduler.Request{}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			if got := d.take(); got != want {
				t.Errorf("%s\n got %s\nwant %s", job, got, want)
			}
		}
		rec, err := p.Sched.Trigger(t.Context(), "long", scheduler.Request{})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if _, err := p.Sched.Cancel(t.Context(), rec.ID, "somebody"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if got, want := d.take(), "all before 1; later before; all after cancelled requested"; got != want {
			t.Errorf("cancelled\n got %s\nwant %s", got, want)
		}
		p.Stop()
	})
}

var errLuck = errors.New("no luck")

// After comes when the record is kept, with what the function returned and the context of the run.
func TestAfterSeesTheRecord(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		store := crontest.NewMemory()
		type service struct{}
		seen := 0
		p := bubble.Start(t, store, func(r *cron.Registry) {
			r.Register("job", "@yearly", func(context.Context) error { return fmt.Errorf("charge: %w", errLuck) }, cron.Tags("mail"),
				cron.After(func(ctx context.Context, o cron.Outcome) error {
					seen++
					kept, err := store.Run(ctx, o.ID)
					if err != nil || kept.Status != cron.Failed || kept.EndedAt == nil {
						t.Errorf("the record is %+v (%v)", kept, err)
					}
					if o.Status != cron.Failed || o.Error != "charge: no luck" || !errors.Is(o.Err, errLuck) || !o.EndedAt.Equal(*kept.EndedAt) || o.Attempt != 1 {
						t.Errorf("the outcome is %+v", o)
					}
					if run := cron.RunFrom(ctx); run.ID() != o.ID || run.Job() != "job" {
						t.Errorf("the run is %v", run)
					}
					if ctx.Value(service{}) != "client" || !slices.Equal(cron.TagsFrom(ctx), []string{"mail"}) || ctx.Err() != nil {
						t.Errorf("the context is %v", ctx)
					}
					if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) != 10*time.Second {
						t.Errorf("the deadline is %v", deadline)
					}
					return cron.RunFrom(ctx).Result("too late")
				}))
		}, func(c *scheduler.Config) {
			c.Context = func(ctx context.Context) context.Context { return context.WithValue(ctx, service{}, "client") }
		})
		rec, err := p.Sched.Trigger(t.Context(), "job", scheduler.Request{})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		p.Stop()
		if kept, err := store.Run(t.Context(), rec.ID); err != nil || kept.Result != nil || seen != 1 {
			t.Errorf("seen %d times, and the record says %s (%v)", seen, kept.Result, err)
		}
	})
}

func TestOnSkip(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		var mu sync.Mutex
		told := map[string]int{}
		hook := cron.OnSkip(func(ctx context.Context, o cron.Outcome) error {
			mu.Lock()
			defer mu.Unlock()
			told[o.Job+" "+string(o.Reason)]++
			if o.Status != cron.Skipped || o.Slot == nil || o.Slot.Second() != 0 || o.Err != nil || cron.RunFrom(ctx) != nil {
				t.Errorf("told %+v", o)
			}
			return nil
		})
		register := func(r *cron.Registry) {
			r.Register("busy", "* * * * *", bubble.Sleepy(3*time.Minute+30*time.Second), hook)
			r.Register("paused", "* * * * *", bubble.Sleepy(0), hook)
			r.Register("free", "* * * * *", bubble.Sleepy(0), hook, cron.CatchUp(cron.None))
			r.Register("late", "* * * * *", bubble.Sleepy(0), hook, cron.StartWithin(time.Second), cron.Limit("one", 1))
			r.Register("hog", "59 59 * * * *", bubble.Sleepy(10*time.Second), cron.Limit("one", 1))
		}
		store := crontest.NewMemory()
		p := bubble.Start(t, store, register)
		if _, err := p.Sched.Pause(t.Context(), contract.Pause{Job: "paused"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3*time.Minute + time.Second)
		p.Stop()
		if want := map[string]int{"busy overlap": 2, "paused paused": 3}; !maps.Equal(told, want) {
			t.Errorf("told %v, want %v", told, want)
		}
		clear(told)
		time.Sleep(10 * time.Minute) // down until 00:13
		p = bubble.Start(t, store, register)
		time.Sleep(time.Second)
		p.Stop()
		for _, job := range []string{"busy", "paused", "free", "late"} {
			n := 0
			for _, rec := range p.Runs(job) {
				if rec.Status == cron.Skipped && rec.QueuedAt.Minute() >= 13 {
					n++
				}
			}
			sum := 0
			for key, k := range told {
				if strings.HasPrefix(key, job+" ") {
					sum += k
				}
			}
			if n == 0 || sum != n {
				t.Errorf("%s: told of %d skips of %d (%v)", job, sum, n, told)
			}
		}
	})
}

// Whatever a hook does, the run, the other hooks and the scheduler go on, and the log says it.
func TestHooksChangeNothing(t *testing.T) {
	deaf := make(chan struct{})
	for _, test := range []struct {
		name string
		hook func(ctx context.Context) error
		want string
		took time.Duration // beyond the function's own
	}{
		{"error", func(context.Context) error { return errors.New("no hook") }, "no hook", 0},
		{"panic", func(context.Context) error { panic("at the hook") }, "panic at cron/hooks_test.go:", 0},
		{"typed nil", func(context.Context) error { return (*cron.TimeoutError)(nil) }, "nil pointer dereference", 0},
		{"goexit", func(context.Context) error { runtime.Goexit(); return nil }, "runtime.Goexit", 0},
		{"hangs", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, "context deadline exceeded", 10 * time.Second},
		{"deaf", func(context.Context) error { <-deaf; return nil }, "was abandoned", 11 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			crontest.Bubble(t, func(t *testing.T) {
				deaf = make(chan struct{})
				var d diary
				var log buffer
				end := func(ctx context.Context, _ cron.Outcome) error { return test.hook(ctx) }
				p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
					r.Hook(cron.Hooks{Before: test.hook, OnFailure: end, After: end, OnSkip: end}, d.hooks("next"))
					r.Register("job", "@yearly", func(context.Context) error { d.note("job"); return errLuck })
					r.Register("skips", "* * * * *", bubble.Sleepy(90*time.Second))
				}, func(c *scheduler.Config) { c.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
				if _, err := p.Sched.Pause(t.Context(), contract.Pause{Job: "skips"}); err != nil {
					t.Fatal(err)
				}
				rec, err := p.Sched.Trigger(t.Context(), "job", scheduler.Request{})
				if err != nil {
					t.Fatal(err)
				}
				rec, err = p.Sched.Await(t.Context(), rec.ID)
				if err != nil || rec.Status != cron.Failed || rec.Error != "no luck" || *rec.Duration != test.took.Milliseconds() {
					t.Errorf("the run %s: %s in %d ms (%v)", rec.Status, rec.Error, *rec.Duration, err)
				}
				time.Sleep(50 * time.Second)
				synctest.Wait()
				if got, want := d.take(), "next before 1; job; next failure failed; next after failed"; got != want {
					t.Errorf("\n got %s\nwant %s", got, want)
				}
				lines, err := p.Sched.Logs(t.Context(), rec.ID, 0, 10)
				if err != nil || len(lines) != 1 || lines[0].Level != "ERROR" || !strings.Contains(lines[0].Message, test.want) {
					t.Errorf("kept with the run: %+v (%v)", lines, err)
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				if got := d.take(); !strings.HasPrefix(got, "next skip skipped paused") {
					t.Errorf("after the skip: %s", got)
				}
				text := log.String()
				for _, hook := range []string{"Before", "OnFailure", "After", "OnSkip"} {
					if line := lineWith(text, `"hook":"`+hook+`"`); !strings.Contains(line, test.want) || !strings.Contains(line, `"job":"`) {
						t.Errorf("%s: logged %s", hook, line)
					}
				}
				p.Stop()
				close(deaf)
			})
		})
	}
}

func lineWith(text, part string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			return line
		}
	}
	return ""
}

func TestShutdownWaitsForHooks(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		var d diary
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
			r.Register("job", "@yearly", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
				cron.After(func(_ context.Context, o cron.Outcome) error {
					time.Sleep(3 * time.Second)
					d.note("after %s %s", o.Status, o.Reason)
					return nil
				}))
		})
		if _, err := p.Sched.Trigger(t.Context(), "job", scheduler.Request{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		p.Stop()
		if got := d.take(); got != "after cancelled shutdown" {
			t.Errorf("at the end: %q", got)
		}
	})
}

// A hook that hangs does not keep the process from ending, and what waits behind it is counted.
func TestShutdownDoesNotWaitForeverForHooks(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		deaf := make(chan struct{})
		var log buffer
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
			r.Register("job", "@yearly", bubble.Sleepy(0), cron.After(func(context.Context, cron.Outcome) error { <-deaf; return nil }))
		}, func(c *scheduler.Config) {
			c.Workers, c.Grace, c.Log = 1, 2*time.Second, slog.New(slog.NewJSONHandler(&log, nil))
		})
		for range 5 {
			rec, err := p.Sched.Trigger(t.Context(), "job", scheduler.Request{})
			if err == nil {
				_, err = p.Sched.Await(t.Context(), rec.ID)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		p.Stop()
		if took := time.Since(began); took > 8*time.Second {
			t.Errorf("stopping took %s", took)
		}
		if line := lineWith(log.String(), "calls of hooks were dropped"); !strings.Contains(line, `"number":4`) {
			t.Errorf("logged %s", log.String())
		}
		close(deaf)
	})
}

// Hooks that are slower than what happens take a bounded part of the memory.
func TestHooksThatWaitAreBounded(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		store := crontest.NewMemory()
		var log buffer
		called := make(chan struct{}, 20_000)
		release := make(chan struct{})
		register := func(r *cron.Registry) {
			r.Register("job", "@every 1s", bubble.Sleepy(0), cron.CatchUp(cron.None, cron.Within(24*time.Hour)), cron.OnSkip(func(context.Context, cron.Outcome) error {
				<-release
				called <- struct{}{}
				return nil
			}))
		}
		bubble.Start(t, store, register).Stop()
		time.Sleep(4 * time.Hour) // 14,400 slots
		p := bubble.Start(t, store, register, func(c *scheduler.Config) { c.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
		synctest.Wait()
		close(release)
		synctest.Wait()
		if n := len(called); n < 10_000 || n > 10_100 {
			t.Errorf("called for %d skips", n)
		}
		if strings.Count(log.String(), "dropping calls") != 1 {
			t.Errorf("logged %s", log.String())
		}
		p.Stop()
	})
}

func TestHookMistakes(t *testing.T) {
	r := cron.NewRegistry()
	r.Hook(cron.Hooks{}, cron.Hooks{Before: bubble.Nothing})
	r.Register("job", "@yearly", bubble.Nothing, cron.Before(nil), cron.After(nil), cron.OnFailure(nil), cron.OnSkip(nil))
	_, err := r.Jobs(cron.Defaults{})
	var m *cron.Mistakes
	if !errors.As(err, &m) || len(m.List) != 5 || m.List[0] != "Registry.Hook: hooks 1 hold no function" || !strings.HasSuffix(m.List[1], "Before needs a function") {
		t.Errorf("got %v", err)
	}
}

// A test of a job has its hooks, and is over when they are.
func TestHooksInTests(t *testing.T) {
	var d diary
	r := cron.NewRegistry()
	r.Hook(d.hooks("all"))
	r.Register("job", "@yearly", bubble.Nothing, d.options("own")...)
	run(t, r, "job")
	if got, want := d.take(), "all before 1; own before 1; all after succeeded; own after succeeded"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

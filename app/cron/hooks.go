package cron

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"fibercrons/app/internal/runkey"
	"fibercrons/app/internal/texts"
)

// Outcome is the end of a run, or a skipped slot, as a hook receives it.
type Outcome struct {
	Record       // as stored; for a skipped slot mainly Job, Slot and Reason
	Err    error // the last attempt's error, or nil if the run did not end by an error of the function
}

// Hooks are a user's functions around every run; see [Before], [After], [OnFailure] and [OnSkip]. Nil functions are
// ignored. In one Hooks value, OnFailure is called before After.
type Hooks struct {
	Before    func(ctx context.Context) error
	OnFailure func(ctx context.Context, o Outcome) error
	After     func(ctx context.Context, o Outcome) error
	OnSkip    func(ctx context.Context, o Outcome) error
}

// Hook adds hooks to every job of the registry, registered before or after. They are called in the given order, before
// the job's own hooks.
func (r *Registry) Hook(hooks ...Hooks) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sealed {
		slog.Error("a hook registered after the start is ignored; call Hook from init", "source", callSite().String())
		return
	}
	r.hooks = append(r.hooks, hooks...)
}

// Before is called once in a run, before the first call of the function, which waits for it. An error or a panic is
// logged, also in the run's log, and does not stop the run; use a wrapper ([Use]) for that.
//
// For all hooks: those of the registry are called first, one after the other. Their context carries the run and the
// values of scheduler.Config.Context, but not those of wrappers. It ends after 10 s; a hook that continues for more
// than another second is abandoned, which is logged. A hook is called at most once. To process every end of a run, also
// after a crash, read the history.
func Before(hook func(ctx context.Context) error) Option {
	return hooked(Hooks{Before: hook}, "Before")
}

// After is called when the end of a run was recorded: succeeded, failed or cancelled, after the last attempt. It takes
// no worker, and a shutdown waits for it as for runs. It cannot change the record. It is not called for a run that has
// lost its lease or whose process died.
func After(hook func(ctx context.Context, o Outcome) error) Option {
	return hooked(Hooks{After: hook}, "After")
}

// OnFailure is [After] for failed runs. A failed attempt with a retry is not a failed run.
func OnFailure(hook func(ctx context.Context, o Outcome) error) Option {
	return hooked(Hooks{OnFailure: hook}, "OnFailure")
}

// OnSkip is called when a slot was recorded as skipped; Reason says why. There is no run then, and [RunFrom] returns
// nil. It is not called for a refused manual run, which has no slot.
func OnSkip(hook func(ctx context.Context, o Outcome) error) Option {
	return hooked(Hooks{OnSkip: hook}, "OnSkip")
}

func hooked(h Hooks, name string) Option {
	return func(d *definition) {
		if h.empty() {
			d.mistake("%s needs a function", name)
			return
		}
		d.hooks = append(d.hooks, h)
	}
}

func (h Hooks) empty() bool {
	return h.Before == nil && h.After == nil && h.OnFailure == nil && h.OnSkip == nil
}

// hookSet is a job's hooks by the time of their call.
type hookSet struct {
	before []Func
	after  []endHook // of ended runs, except failed ones
	failed []endHook
	skip   []endHook
}

type endHook struct {
	name string
	call func(context.Context, Outcome) error
}

// newHookSet returns nil if there is no hook.
func newHookSet(shared, own []Hooks) *hookSet {
	var set hookSet
	for _, list := range [][]Hooks{shared, own} {
		for _, h := range list {
			if h.Before != nil {
				set.before = append(set.before, h.Before)
			}
			if h.OnFailure != nil {
				set.failed = append(set.failed, endHook{"OnFailure", h.OnFailure})
			}
			if h.After != nil {
				set.failed = append(set.failed, endHook{"After", h.After})
				set.after = append(set.after, endHook{"After", h.After})
			}
			if h.OnSkip != nil {
				set.skip = append(set.skip, endHook{"OnSkip", h.OnSkip})
			}
		}
	}
	if set.before == nil && set.failed == nil && set.skip == nil {
		return nil
	}
	return &set
}

// hooksOf returns the hooks for an end or a skip with that status.
func (j *Job) hooksOf(status Status) []endHook {
	switch {
	case j.hooks == nil:
		return nil
	case status == Skipped:
		return j.hooks.skip
	case status == Failed:
		return j.hooks.failed
	}
	return j.hooks.after
}

// HasHooks reports whether there are hooks for an end or a skip with that status.
func (j *Job) HasHooks(status Status) bool { return len(j.hooksOf(status)) > 0 }

// CallHooks calls the hooks for o, one after the other. run is nil for a skipped slot. It reports whether some were
// left out because ctx had ended.
func (j *Job) CallHooks(ctx context.Context, run *Run, o Outcome, log *slog.Logger) (left bool) {
	if run != nil {
		ctx = context.WithValue(ctx, runkey.Key{}, run)
	}
	_ = Chain(labels(j.Tags, j.Metadata))(func(labelled context.Context) error {
		for _, h := range j.hooksOf(o.Status) {
			if left = ctx.Err() != nil; left {
				break
			}
			if err := callHook(labelled, func(ctx context.Context) error { return h.call(ctx, o) }); err != nil {
				logHook(log, h.name, j.Name, o.ID, err)
			}
		}
		return nil
	})(ctx)
	return left
}

// beforehand calls the hooks before the first attempt.
func (h *hookSet) beforehand() Middleware {
	if h == nil || h.before == nil {
		return nil
	}
	return func(next Func) Func {
		return func(ctx context.Context) error {
			if run := RunFrom(ctx); run != nil && run.Attempt() == 1 {
				for _, hook := range h.before {
					if err := callHook(ctx, hook); err != nil {
						logHook(run.host.Logger(), "Before", run.job.Name, run.id, err)
						run.log(time.Now(), "ERROR", "hook Before: "+texts.OfError(err))
					}
				}
			}
			return next(ctx)
		}
	}
}

const (
	hookTime  = 10 * time.Second
	hookGrace = time.Second // after that
)

var errHookAbandoned = fmt.Errorf("the hook ignored the end of its context for %s and was abandoned; pass its context on to whatever it waits for", hookGrace)

// callHook calls a hook in its own goroutine, so that the caller survives panics, Goexit and hooks that do not return.
func callHook(ctx context.Context, hook Func) error {
	ctx, cancel := context.WithTimeout(ctx, hookTime)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		err := ErrGoexit
		defer func() { done <- err }()
		err = isolate(hook)(ctx)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	timer := time.NewTimer(hookGrace)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return errHookAbandoned
	}
}

func logHook(log *slog.Logger, hook, job, run string, err error) {
	attrs := []slog.Attr{slog.String("hook", hook), slog.String("job", job), slog.String("run", run), slog.String("error", err.Error())}
	var p *PanicError
	if errors.As(err, &p) {
		attrs = append(attrs, slog.String("stack", p.Stack))
	}
	log.LogAttrs(context.Background(), slog.LevelError, "hook failed; the run's outcome is unchanged", attrs...)
}

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

// Outcome is how a run has ended, or why a slot was skipped, as a hook sees it.
type Outcome struct {
	Record       // as it was kept; of a slot that was skipped Job, Slot and Reason say most
	Err    error // what the last attempt returned; nil: no error of the function ended the run
}

// Hooks are functions of a user's around every run; see [Before], [After], [OnFailure] and
// [OnSkip]. Those that are nil are left out. Of one value OnFailure comes before After.
type Hooks struct {
	Before    func(ctx context.Context) error
	OnFailure func(ctx context.Context, o Outcome) error
	After     func(ctx context.Context, o Outcome) error
	OnSkip    func(ctx context.Context, o Outcome) error
}

// Hook has hooks called for every job of the registry, registered before or after, ahead of the
// job's own. They are called in the order in which they are given.
func (r *Registry) Hook(hooks ...Hooks) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sealed {
		slog.Error("a hook of all jobs that comes after the start is ignored; call Hook from init", "source", callSite().String())
		return
	}
	r.hooks = append(r.hooks, hooks...)
}

// Before is called once in a run, before the function is called for the first time, and is waited
// for. An error or a panic is logged, also with the run, and keeps nothing from happening: what
// should is a wrapper's ([Use]).
//
// All hooks have this in common: of several, those of the registry come first, one after the
// other. Their context carries the run and what scheduler.Config.Context puts there, but not what wrappers
// do. It ends after 10 s; a hook that goes on for more than a second beyond that is left behind,
// which is logged. A hook is called at most once: whoever must hear of each end, also of those in a
// crash, reads the history.
func Before(hook func(ctx context.Context) error) Option {
	return hooked(Hooks{Before: hook}, "Before")
}

// After is called when the end of a run was recorded: succeeded, failed or cancelled, after the last
// attempt. It takes no worker, and a shutdown waits for it as long as for runs. What it returns,
// logs or does to the run changes no record. It is not called for a run that has lost its lease, nor
// for one whose process died.
func After(hook func(ctx context.Context, o Outcome) error) Option {
	return hooked(Hooks{After: hook}, "After")
}

// OnFailure is [After] for runs that have failed. A failure that a retry follows is none yet.
func OnFailure(hook func(ctx context.Context, o Outcome) error) Option {
	return hooked(Hooks{OnFailure: hook}, "OnFailure")
}

// OnSkip is called when a slot was recorded as skipped; Reason says why. There is no run then:
// [RunFrom] returns nil. A run by hand that is refused is not a slot.
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

// hookSet is what of a job's hooks is called when.
type hookSet struct {
	before []Func
	after  []endHook // of runs that have ended, but for those that failed
	failed []endHook
	skip   []endHook
}

type endHook struct {
	name string
	call func(context.Context, Outcome) error
}

// newHookSet returns nil when there is no hook: then nothing is done about them at all.
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

// hooksOf returns the hooks that are to hear of an end or a skip of that status.
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

// HasHooks says whether a hook is to hear of an end or a skip of that status.
func (j *Job) HasHooks(status Status) bool { return len(j.hooksOf(status)) > 0 }

// CallHooks calls the hooks that are to hear of o, one after the other. run is nil for a slot that
// was skipped. It says whether some were left out, since ctx had ended.
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

var errDeafHook = fmt.Errorf("the hook ignored the end of its context for %s and was abandoned; pass its context on to whatever it waits for", hookGrace)

// callHook calls a hook in a goroutine of its own: a panic, the end of the goroutine and a deaf ear
// for the context stay there.
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
		return errDeafHook
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

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
				logHook(log, h.name, j.Name, o.ID, o.ScheduleID(), err)
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
						logHook(run.host.Logger(), "Before", run.job.Name, run.id, run.stored, err)
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

func logHook(log *slog.Logger, hook, job, run, schedule string, err error) {
	attrs := []slog.Attr{slog.String("hook", hook), slog.String("job", job), slog.String("run", run), slog.String("error", err.Error())}
	if schedule != "" {
		attrs = append(attrs, slog.String("schedule", schedule))
	}
	var p *PanicError
	if errors.As(err, &p) {
		attrs = append(attrs, slog.String("stack", p.Stack))
	}
	log.LogAttrs(context.Background(), slog.LevelError, "hook failed; the run's outcome is unchanged", attrs...)
}

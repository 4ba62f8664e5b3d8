package cron

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// logging logs the start (debug) and the end (info or error) of an attempt, only in the program's log, not in the
// run's.
func logging(next Func) Func {
	return func(ctx context.Context) error {
		run := RunFrom(ctx)
		if run == nil {
			return next(ctx)
		}
		log := run.host.Logger()
		if log.Enabled(context.Background(), slog.LevelDebug) {
			log.LogAttrs(context.Background(), slog.LevelDebug, "attempt started", run.logAttrs(ctx)...)
		}
		if !log.Enabled(context.Background(), slog.LevelError) {
			return next(ctx)
		}
		start, err := time.Now(), ErrGoexit
		defer func() { run.logEnd(ctx, err, time.Since(start)) }()
		err = next(ctx)
		return err
	}
}

func (r *Run) logEnd(ctx context.Context, err error, took time.Duration) {
	level, message := slog.LevelInfo, "attempt succeeded"
	var again *RetryLater
	switch {
	case errors.As(err, &again):
		level, message = slog.LevelWarn, "attempt failed, will retry"
	case err != nil && ctx.Err() != nil:
		level, message = slog.LevelWarn, "attempt cancelled"
	case err != nil:
		level, message = slog.LevelError, "attempt failed"
	}
	if !r.host.Logger().Enabled(context.Background(), level) {
		return
	}
	attrs := append(r.logAttrs(ctx), slog.Duration("took", took))
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	if again != nil {
		attrs = append(attrs, slog.Duration("retry_in", again.After))
	}
	var p *PanicError
	if errors.As(err, &p) {
		attrs = append(attrs, slog.String("stack", p.Stack))
	}
	r.host.Logger().LogAttrs(context.Background(), level, message, attrs...)
}

func (r *Run) logAttrs(ctx context.Context) []slog.Attr {
	attrs := make([]slog.Attr, 0, 11)
	attrs = append(attrs, slog.String("job", r.job.Name), slog.String("run", r.id), slog.Int("attempt", int(r.attempt.Load())))
	if id := r.Schedule(); id != "" {
		attrs = append(attrs, slog.String("schedule", id))
	}
	if trace := r.trace(); trace != "" {
		attrs = append(attrs, slog.String("trace_id", trace))
	}
	if r.slot != 0 {
		attrs = append(attrs, slog.Time("slot", r.slot.UTC()))
	}
	if tags := TagsFrom(ctx); len(tags) > 0 {
		attrs = append(attrs, slog.Any("tags", tags))
	}
	return attrs
}

package crontest

import (
	"context"
	"log"
	"log/slog"
	"slices"
	"sync"
	"testing"

	"fibercrons/app/cron"
)

type testKey struct{}

// listener counts the users of slog's default logger, because tests may run in parallel.
var listener struct {
	mu     sync.Mutex
	n      int
	before *slog.Logger
}

// listen replaces slog's default logger until the returned function is called.
func listen() (leave func()) {
	l := &listener
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.n++; l.n == 1 {
		l.before = slog.Default()
		setDefault(slog.New(cron.LogHandler(&toTests{otherwise: l.before.Handler()})))
	}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.n--; l.n == 0 {
			setDefault(l.before)
		}
	}
}

// setDefault is slog.SetDefault without its effect on package log. Otherwise slog's own handler, which writes to
// package log, would wait for itself.
func setDefault(l *slog.Logger) {
	writer, flags := log.Writer(), log.Flags()
	slog.SetDefault(l)
	log.SetOutput(writer)
	log.SetFlags(flags)
}

// toTests writes the log of a job under test to the output of its test.
type toTests struct {
	otherwise slog.Handler
	with      []func(slog.Handler) slog.Handler
}

func (h *toTests) Enabled(ctx context.Context, level slog.Level) bool {
	return testOf(ctx) != nil || h.otherwise.Enabled(ctx, level)
}

func (h *toTests) Handle(ctx context.Context, rec slog.Record) error {
	t := testOf(ctx)
	if t == nil {
		return h.otherwise.Handle(ctx, rec)
	}
	var out slog.Handler = slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})
	for _, apply := range h.with {
		out = apply(out)
	}
	return out.Handle(ctx, rec)
}

func (h *toTests) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.and(func(next slog.Handler) slog.Handler { return next.WithAttrs(attrs) })
}

func (h *toTests) WithGroup(name string) slog.Handler {
	return h.and(func(next slog.Handler) slog.Handler { return next.WithGroup(name) })
}

func (h *toTests) and(apply func(slog.Handler) slog.Handler) slog.Handler {
	return &toTests{otherwise: apply(h.otherwise), with: append(slices.Clip(h.with), apply)}
}

func testOf(ctx context.Context) testing.TB {
	t, _ := ctx.Value(testKey{}).(testing.TB)
	return t
}

package cron_test

import (
	"bytes"
	"log/slog"
	"sync"
	"testing"

	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/internal/bubble"
)

// run runs a job of r once.
func run(t *testing.T, r *cron.Registry, job string, options ...crontest.Option) crontest.Outcome {
	t.Helper()
	return crontest.Run(t, job, append(options, crontest.Registry(r), crontest.Defaults(bubble.Defaults))...)
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

package scheduler_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
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

// told is what a process reports about runs that ignore their context.
type told struct {
	mu     sync.Mutex
	log    bytes.Buffer
	events []contract.Event
}

func (w *told) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(line)
}

func (w *told) watch(c *scheduler.Config) {
	c.Log = slog.New(cron.LogHandler(slog.NewJSONHandler(w, nil)))
	c.Observe = func(e contract.Event) {
		if e.Kind == contract.RunOverdue {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.events = append(w.events, e)
		}
	}
}

const goesOn = "the function still runs although its context has ended"

// lines returns those of the program's log.
func (w *told) lines(t *testing.T) (lines []map[string]any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for line := range strings.Lines(w.log.String()) {
		if strings.Contains(line, goesOn) {
			var l map[string]any
			if err := json.Unmarshal([]byte(line), &l); err != nil {
				t.Fatal(err)
			}
			lines = append(lines, l)
		}
	}
	return lines
}

// A function that ignores its context is reported once in each attempt, whatever ended the context.
func TestFunctionsThatIgnoreTheirContextAreToldOf(t *testing.T) {
	late := func(d time.Duration) cron.Func {
		return func(ctx context.Context) error { <-ctx.Done(); time.Sleep(d); return ctx.Err() }
	}
	cancel := func(p *bubble.Program) {
		if _, err := p.Sched.Cancel(context.Background(), p.Runs("job")[0].ID, "ann"); err != nil {
			p.T.Error(err)
		}
	}
	tests := []struct {
		name string
		job  cron.Func
		opts []cron.Option
		act  func(p *bubble.Program) // 10 s after the start
		want []string                // the reason, for each report
	}{
		{"timeout", late(40 * time.Second), []cron.Option{cron.Timeout(10 * time.Second)}, nil, []string{"timed out after 10s"}},
		{"each attempt", late(20 * time.Second), []cron.Option{cron.Timeout(10 * time.Second), cron.Retry(1, cron.Fixed(time.Second))}, nil,
			[]string{"timed out after 10s", "timed out after 10s"}},
		{"cancel", late(40 * time.Second), nil, cancel, []string{"cancelled by ann"}},
		{"cancel before the timeout", late(40 * time.Second), []cron.Option{cron.Timeout(12 * time.Second)}, cancel, []string{"cancelled by ann"}},
		{"cancel after the timeout", late(40 * time.Second), []cron.Option{cron.Timeout(2 * time.Second)}, cancel, []string{"timed out after 2s"}},
		{"a few seconds", late(4 * time.Second), []cron.Option{cron.Timeout(10 * time.Second)}, nil, nil},
		{"no timeout", func(context.Context) error { time.Sleep(30 * time.Second); return nil }, nil, nil, nil},
		{"obeys", late(0), nil, cancel, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			crontest.Bubble(t, func(t *testing.T) {
				var w told
				p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) { r.Register("job", "0 * * * *", tt.job, tt.opts...) }, w.watch)
				time.Sleep(time.Hour + 10*time.Second - time.Since(time.Now().Truncate(time.Hour)))
				synctest.Wait()
				if tt.act != nil {
					tt.act(p)
				}
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				rec := p.Runs("job")[0]
				lines := w.lines(t)
				if len(lines) != len(tt.want) || len(w.events) != len(tt.want) {
					t.Fatalf("%d lines and %d events, want %d", len(lines), len(w.events), len(tt.want))
				}
				for i, why := range tt.want {
					l, e := lines[i], w.events[i]
					if l["job"] != "job" || l["run"] != rec.ID || l["attempt"] != float64(i+1) || l["why"] != why || l["level"] != "ERROR" || l["since"] == nil {
						t.Errorf("line %v", l)
					}
					if e.Job != "job" || e.Record.ID != rec.ID || e.Record.Error != why || !e.Record.Overdue {
						t.Errorf("event %+v", e)
					}
				}
				kept, err := p.Sched.Logs(t.Context(), rec.ID, 0, 100)
				if err != nil {
					t.Fatal(err)
				}
				n := 0
				for _, l := range kept {
					if strings.HasPrefix(l.Message, "["+goesOn) {
						n++
					}
				}
				if n != len(tt.want) {
					t.Errorf("the run's log says it %d times", n)
				}
				p.Stop()
			})
		})
	}
}

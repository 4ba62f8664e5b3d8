package cron_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/internal/bubble"
	"fibercrons/app/scheduler"
)

func TestAttemptsAreLogged(t *testing.T) {
	boom := errors.New("boom")
	tests := []struct {
		name    string
		job     cron.Func
		options []cron.Option
		want    []string // level, message and error of the lines
	}{
		{"success", bubble.Nothing, nil, []string{"DEBUG attempt started", "INFO attempt succeeded"}},
		{"failure", func(context.Context) error { return boom }, nil, []string{"DEBUG attempt started", "ERROR attempt failed: boom"}},
		{"retry", func(ctx context.Context) error {
			if cron.RunFrom(ctx).Attempt() == 1 {
				return boom
			}
			return nil
		}, []cron.Option{cron.Retry(1, cron.Fixed(time.Minute))}, []string{
			"DEBUG attempt started", "WARN attempt failed, will retry: boom in 1m0s", "DEBUG attempt started", "INFO attempt succeeded"}},
		{"panic", func(context.Context) error { panic(boom) }, nil, []string{"DEBUG attempt started", "ERROR attempt failed: panic with a stack"}},
		{"timeout", bubble.Sleepy(time.Hour), []cron.Option{cron.Timeout(time.Second)}, []string{"DEBUG attempt started", "ERROR attempt failed: timed out after 1s"}},
		{"goexit", func(context.Context) error { runtime.Goexit(); return nil }, nil, []string{
			"DEBUG attempt started", "ERROR attempt failed: the function ended its goroutine by runtime.Goexit"}},
		{"cancel", bubble.Sleepy(10 * time.Hour), []cron.Option{cron.Timeout(20 * time.Hour)}, []string{"DEBUG attempt started", "WARN attempt cancelled: context canceled"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			crontest.Bubble(t, func(t *testing.T) {
				var buf bytes.Buffer
				log := slog.New(slog.NewJSONHandler(&buf, &slog.HandlerOptions{Level: slog.LevelDebug}))
				p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
					r.Register("job", "0 * * * *", tt.job, append(tt.options, cron.Tags("a"))...)
				}, func(c *scheduler.Config) { c.Log = log })
				time.Sleep(time.Hour + 5*time.Minute)
				id := p.Runs("job")[0].ID
				if tt.name == "cancel" {
					if _, err := p.Sched.Cancel(t.Context(), id, "ann"); err != nil {
						t.Fatal(err)
					}
				}
				p.Stop()

				var got []string
				for line := range strings.Lines(buf.String()) {
					var l struct {
						Level, Msg, Error, Stack, Job, Run, Slot string
						Tags                                     []string
						Retry                                    time.Duration `json:"retry_in"`
					}
					if err := json.Unmarshal([]byte(line), &l); err != nil {
						t.Fatal(err)
					}
					if !strings.HasPrefix(l.Msg, "attempt") {
						continue
					}
					if l.Job != "job" || l.Run != id || l.Slot != "2000-01-01T01:00:00Z" || fmt.Sprint(l.Tags) != "[a]" {
						t.Errorf("stamped with %s", line)
					}
					text := l.Level + " " + l.Msg
					switch {
					case l.Stack != "":
						text += ": panic with a stack"
					case l.Error != "":
						text += ": " + l.Error
					}
					if l.Retry > 0 {
						text += " in " + l.Retry.String()
					}
					got = append(got, text)
				}
				if fmt.Sprint(got) != fmt.Sprint(tt.want) {
					t.Errorf("%q, want %q", got, tt.want)
				}
				if lines, err := p.Sched.Logs(t.Context(), id, 0, 10); err != nil || len(lines) != 0 {
					t.Errorf("kept with the run: %+v, %v", lines, err)
				}
			})
		})
	}
}

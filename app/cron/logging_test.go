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

	"fibercrons/app/contract"
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

// Every line about a run of a stored schedule says which, whoever logs it; no other line does.
func TestLinesNameTheSchedule(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		var buf bytes.Buffer
		log := slog.New(cron.LogHandler(slog.NewJSONHandler(&buf, &slog.HandlerOptions{Level: slog.LevelDebug})))
		store := crontest.NewMemory()
		p := bubble.Start(t, store, func(r *cron.Registry) {
			r.Register("job", "0 * * * *", func(ctx context.Context) error {
				log.InfoContext(ctx, "inside")
				log.WithGroup("g").InfoContext(ctx, "inside", "a", 1)
				time.Sleep(20 * time.Second) // its timeout is ignored
				return errors.New("boom")
			}, cron.Timeout(5*time.Second), cron.Retry(1, cron.Fixed(time.Minute)), cron.OnFailure(func(context.Context, cron.Outcome) error { return errors.New("no pager") }))
		}, func(c *scheduler.Config) { c.Log = log })
		if _, err := p.Sched.PutSchedules(t.Context(), []scheduler.PutSchedule{{Schedule: cron.Schedule{ID: "t/1", Job: "job", Expr: "30 * * * *"}}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(45 * time.Minute)
		id := p.Runs("job")[0].ID
		dead := contract.Claim{
			Fence: contract.Fence{ID: "dead", Token: 1}, Job: "job", Schedule: "t/1", Trigger: cron.ByHand, Status: cron.Running,
			Overlap: cron.Allow, Instance: "dead", Lease: time.Second, At: time.Now(),
		}
		if _, err := store.Claim(t.Context(), []contract.Claim{dead}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Minute)
		p.Stop()
		said, own := map[string]bool{}, 0
		for line := range strings.Lines(buf.String()) {
			var l struct{ Msg, Run, Job, Schedule string }
			if err := json.Unmarshal([]byte(line), &l); err != nil {
				t.Fatal(err)
			}
			switch {
			case l.Run == id || l.Run == dead.ID:
				if said[l.Msg] = true; l.Schedule != "t/1" || l.Job != "job" {
					t.Errorf("does not say the schedule: %s", line)
				}
			case l.Schedule != "":
				t.Errorf("of no schedule: %s", line)
			case l.Run != "":
				own++
			}
		}
		for _, message := range []string{
			"attempt started", "attempt failed", "attempt failed, will retry", "inside", "hook failed; the run's outcome is unchanged", "a run of a dead process was settled",
			"the function still runs although its context has ended; pass ctx to everything it waits for, and set WaitDelay on an exec.Cmd",
		} {
			if !said[message] {
				t.Errorf("%q was not logged of the schedule's run", message)
			}
		}
		if own == 0 {
			t.Error("nothing was logged of the job's own run")
		}
	})
}

package alert_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fibercrons/app/alert"
	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/scheduler"
)

var everything = cron.AlertPolicy{Failed: 1, Recovered: true, Late: 5 * time.Minute, Missed: true, OverdueFactor: 3}

// outcomes is a job that fails where the text has an f, and goes on as the last letter says.
func outcomes(text string) cron.Func {
	var n atomic.Int64
	return func(context.Context) error {
		i := min(int(n.Add(1))-1, len(text)-1)
		if text[i] == 'f' {
			return errJob
		}
		return nil
	}
}

// sleeps is a job that takes so long each time, and goes on as the last does.
func sleeps(times ...time.Duration) cron.Func {
	var n atomic.Int64
	return func(ctx context.Context) error {
		i := min(int(n.Add(1))-1, len(times)-1)
		select {
		case <-time.After(times[i]):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// deaf is a job that takes so long, whatever its context says.
func deaf(d time.Duration) cron.Func {
	return func(context.Context) error { time.Sleep(d); return nil }
}

func TestMatrix(t *testing.T) {
	const minutely = "* * * * *"
	for _, c := range []struct {
		name     string
		register func(*cron.Registry)
		act      func(t *testing.T, p *process) // between the first and the second half
		half     time.Duration
		replicas int
		down     time.Duration // between the halves nobody is there
		defaults cron.AlertPolicy
		want     []string
		says     string // in the detail of the first
	}{
		{
			name: "failed after the last retry",
			register: func(r *cron.Registry) {
				r.Register("job", minutely, outcomes("f"), cron.Retry(2, cron.Fixed(time.Second)))
			},
			want: []string{"failed job"}, says: "failed after 3 attempts",
		},
		{
			name: "a retry that helps is no failure",
			register: func(r *cron.Registry) {
				r.Register("job", minutely, outcomes("fs"), cron.Retry(2, cron.Fixed(time.Second)))
			},
		},
		{
			name:     "failed and still failing is told once",
			register: func(r *cron.Registry) { r.Register("job", minutely, outcomes("f")) },
			half:     20 * time.Minute,
			want:     []string{"failed job"},
		},
		{
			name:     "n in a row",
			register: func(r *cron.Registry) { r.Register("job", minutely, outcomes("f"), cron.Alert(cron.OnFailed(3))) },
			half:     3 * time.Minute,
			want:     []string{"failed job"}, says: "failed 3 times in a row",
		},
		{
			name: "fewer than n in a row",
			register: func(r *cron.Registry) {
				r.Register("job", minutely, outcomes("ffsffs"), cron.Alert(cron.OnFailed(3)))
			},
			half: 10 * time.Minute,
		},
		{
			name:     "recovered",
			register: func(r *cron.Registry) { r.Register("job", minutely, outcomes("sffs")) },
			half:     4 * time.Minute,
			want:     []string{"failed job", "recovered job"},
		},
		{
			name:     "failed again after a recovery",
			register: func(r *cron.Registry) { r.Register("job", minutely, outcomes("fsfs")) },
			half:     4 * time.Minute,
			want:     []string{"failed job", "recovered job", "failed job", "recovered job"},
		},
		{
			name:     "up and down between two looks",
			register: func(r *cron.Registry) { r.Register("job", "@every 100ms", outcomes("fsfs")) },
			half:     10 * time.Second,
			want:     []string{"failed job", "recovered job", "failed job", "recovered job"},
		},
		{
			name: "recoveries are not told",
			register: func(r *cron.Registry) {
				r.Register("job", minutely, outcomes("fs"), cron.Alert(cron.NoAlerts(cron.AlertRecovered)))
			},
			want: []string{"failed job"},
		},
		{
			name: "late while it waits",
			register: func(r *cron.Registry) {
				r.Register("holds", "* * * * *", sleeps(time.Hour), cron.Limit("g", 1), cron.Alert(cron.NoAlerts()))
				r.Register("waits", "30 1 * * * *", sleeps(time.Second), cron.Limit("g", 1), cron.Alert(cron.OnLate(2*time.Minute)))
			},
			half: 20 * time.Minute,
			want: []string{"late waits"}, says: "has not started 2m after its slot",
		},
		{
			name: "caught up within the limit",
			register: func(r *cron.Registry) {
				r.Register("job", minutely, sleeps(time.Millisecond), cron.Alert(cron.OnLate(10*time.Minute)))
			},
			half: 90 * time.Second, down: 30*time.Minute + 30*time.Second,
		},
		{
			name: "late after a downtime",
			register: func(r *cron.Registry) {
				r.Register("job", "0 * * * *", sleeps(time.Millisecond), cron.Alert(cron.OnLate(10*time.Minute)))
			},
			half: 50 * time.Minute, down: 40 * time.Minute,
			want: []string{"late job"}, says: "started 30m after its slot",
		},
		{
			name: "late beyond its start deadline",
			register: func(r *cron.Registry) {
				r.Register("job", "0 * * * *", sleeps(time.Millisecond), cron.StartWithin(time.Minute), cron.Alert(cron.OnLate(10*time.Minute)))
			},
			half: 50 * time.Minute, down: 40 * time.Minute,
			want: []string{"late job"}, says: "was skipped: could not start within",
		},
		{
			name:     "on time",
			register: func(r *cron.Registry) { r.Register("job", minutely, sleeps(time.Second)) },
			half:     10 * time.Minute, defaults: everything,
		},
		{
			name: "missed",
			register: func(r *cron.Registry) {
				r.Register("job", minutely, sleeps(time.Second), cron.CatchUp(cron.None), cron.Alert(cron.OnMissed()))
			},
			half: 90 * time.Second, down: 30 * time.Minute,
			want: []string{"missed job"}, says: "30 slots were missed, the first at 2000-01-01 00:02:00 UTC",
		},
		{
			name: "overdue by a limit",
			register: func(r *cron.Registry) {
				r.Register("job", minutely, sleeps(10*time.Minute), cron.Alert(cron.OnOverdue(90*time.Second)))
			},
			half: 4 * time.Minute,
			want: []string{"overdue job"}, says: "has been running for longer than 1m30s",
		},
		{
			name: "overdue by its p95",
			register: func(r *cron.Registry) {
				r.Register("job", minutely, sleeps(append(slices.Repeat([]time.Duration{10 * time.Second}, 25), 50*time.Second)...), cron.Alert(cron.OverdueFactor(3)))
			},
			half: 13*time.Minute + 30*time.Second,
			want: []string{"overdue job"}, says: "30s, which is 3 times its usual 10s (p95)",
		},
		{
			name: "a timeout that is ignored",
			register: func(r *cron.Registry) {
				r.Register("job", "2 0 * * *", deaf(2*time.Minute), cron.Timeout(10*time.Second))
			},
			half: 3 * time.Minute,
			want: []string{"overdue job", "failed job"}, says: "is still running although its context has ended (timed out after 10s)",
		},
		{
			name: "a cancellation that is ignored",
			register: func(r *cron.Registry) {
				r.Register("job", "2 0 * * *", deaf(2*time.Minute))
			},
			half: 3 * time.Minute,
			act: func(t *testing.T, p *process) {
				recs, err := p.crons.Records(t.Context(), contract.Query{Job: "job", Statuses: []cron.Status{cron.Running}})
				if err != nil || len(recs) != 1 {
					t.Fatalf("%d runs, error %v", len(recs), err)
				}
				if _, err := p.crons.Cancel(t.Context(), recs[0].ID, "tester"); err != nil {
					t.Error(err)
				}
			},
			want: []string{"overdue job"}, says: "(cancelled by tester)",
		},
		{
			name: "a timeout that is ignored, of which nobody is to be told",
			register: func(r *cron.Registry) {
				r.Register("job", "2 0 * * *", deaf(2*time.Minute), cron.Timeout(10*time.Second), cron.Alert(cron.NoAlerts(cron.AlertOverdue)))
			},
			half: 3 * time.Minute,
			want: []string{"failed job"},
		},
		{
			name: "too few runs for a p95",
			register: func(r *cron.Registry) {
				r.Register("job", minutely, sleeps(append(slices.Repeat([]time.Duration{10 * time.Second}, 5), 50*time.Second)...), cron.Alert(cron.OverdueFactor(3)))
			},
			half: 5 * time.Minute,
		},
		{
			name:     "paused",
			register: func(r *cron.Registry) { r.Register("job", "*/5 * * * *", outcomes("f")) },
			defaults: everything,
			act: func(t *testing.T, p *process) {
				if _, err := p.crons.Pause(t.Context(), contract.Pause{Job: "job"}); err != nil {
					t.Error(err)
				}
			},
			half: 4 * time.Minute,
		},
		{
			name:     "disabled",
			register: func(r *cron.Registry) { r.Register("job", minutely, outcomes("f"), cron.Only("production")) },
			defaults: everything,
			act: func(t *testing.T, p *process) {
				rec, err := p.crons.Trigger(t.Context(), "job", scheduler.Request{})
				if err == nil {
					rec, err = p.crons.Await(t.Context(), rec.ID)
				}
				if err != nil || rec.Status != cron.Failed {
					t.Errorf("run is %s, error %v", rec.Status, err)
				}
			},
		},
		{
			name: "cancelled",
			register: func(r *cron.Registry) {
				r.Register("job", minutely, sleeps(time.Hour), cron.Alert(cron.NoAlerts(cron.AlertOverdue)))
			},
			defaults: everything, half: 90 * time.Second,
			act: func(t *testing.T, p *process) {
				recs, err := p.crons.Records(t.Context(), contract.Query{Job: "job", Statuses: []cron.Status{cron.Running}})
				if err != nil || len(recs) != 1 {
					t.Fatalf("%d runs, error %v", len(recs), err)
				}
				if _, err := p.crons.Cancel(t.Context(), recs[0].ID, "tester"); err != nil {
					t.Error(err)
				}
				if _, err := p.crons.Pause(t.Context(), contract.Pause{Job: "job"}); err != nil {
					t.Error(err)
				}
			},
		},
		{
			name:     "no alerts",
			register: func(r *cron.Registry) { r.Register("job", minutely, outcomes("f"), cron.Alert(cron.NoAlerts())) },
			defaults: everything,
		},
		{
			name: "three replicas",
			register: func(r *cron.Registry) {
				r.Register("job", minutely, outcomes("ffffffff"))
				r.Register("other", minutely, outcomes("ssf"))
			},
			half: 5 * time.Minute, replicas: 3,
			want: []string{"failed job", "failed other"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			crontest.Bubble(t, func(t *testing.T) {
				if c.half == 0 {
					c.half = 2 * time.Minute
				}
				if c.defaults == (cron.AlertPolicy{}) {
					c.defaults = cron.AlertPolicy{Failed: 1, Recovered: true}
				}
				at, channel := file(t), &recorder{}
				jobs := jobsOf(t, c.defaults, c.register)
				work := func() (all []*process) {
					for range max(1, c.replicas) {
						all = append(all, begin(t, at, jobs, alert.Options{Channels: []alert.Channel{channel}}))
					}
					time.Sleep(c.half)
					return all
				}
				all := work()
				if c.down > 0 {
					for _, p := range all {
						p.end()
					}
					time.Sleep(c.down)
					all = work()
				} else {
					if c.act != nil {
						c.act(t, all[0])
					}
					time.Sleep(c.half)
				}
				time.Sleep(30 * time.Second) // for what was noticed to be sent
				raised := all[0].all()
				for _, p := range all {
					p.end()
				}
				if told := channel.told(); !slices.Equal(told, append([]string{}, c.want...)) {
					t.Errorf("told %q, want %q", told, c.want)
				}
				if len(raised) != len(c.want) {
					t.Errorf("%d alerts were raised, want %d", len(raised), len(c.want))
				}
				for i, a := range raised {
					if a.Status != alert.Sent || len(a.Deliveries) != 1 || a.Deliveries[0].Attempts != 1 {
						t.Errorf("alert %+v is not sent once", a)
					}
					if i == 0 && !strings.Contains(a.Detail, c.says) {
						t.Errorf("says %q, want %q", a.Detail, c.says)
					}
				}
			})
		})
	}
}

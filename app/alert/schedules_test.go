package alert_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fibercrons/app/alert"
	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/scheduler"
)

// tenants is a job whose stored schedules, and own runs under "", each have outcomes as in [outcomes].
type tenants struct {
	mu   sync.Mutex
	plan map[string]string
	all  string // of the others
	runs map[string]int
}

func (x *tenants) run(ctx context.Context) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	id := cron.RunFrom(ctx).Schedule()
	plan := x.plan[id]
	if plan == "" {
		plan = x.all
	}
	if x.runs == nil {
		x.runs = map[string]int{}
	}
	i := min(x.runs[id], len(plan)-1)
	x.runs[id]++
	if i >= 0 && plan[i] == 'f' {
		return errJob
	}
	return nil
}

// set has all schedules go on like this.
func (x *tenants) set(all string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.all = all
}

func (p *process) put(list ...cron.Schedule) {
	p.t.Helper()
	puts := make([]scheduler.PutSchedule, len(list))
	for i := range list {
		puts[i].Schedule = list[i]
	}
	for some := range slices.Chunk(puts, 500) {
		if _, err := p.crons.By(contract.Caller{Actor: "ada"}).PutSchedules(context.Background(), some); err != nil {
			p.t.Fatal(err)
		}
	}
}

// told are the alerts of all messages, as "kind subject".
func (r *recorder) subjects() []string {
	told := []string{}
	for _, m := range r.messages() {
		for i := range m.Alerts {
			told = append(told, string(m.Alerts[i].Kind)+" "+m.Alerts[i].Subject())
		}
	}
	return told
}

// One tenant's runs neither close another's alert nor count for it, and the same goes for the job's own runs.
func TestSchedulesAreApart(t *testing.T) {
	for name, c := range map[string]struct {
		alerts  cron.AlertPolicy
		own     string // expression
		outcome map[string]string
		want    []string
	}{
		"a success does not close another's alert": {
			alerts: failing, own: "* * * * *",
			outcome: map[string]string{"a": "f", "b": "s", "": "s"},
			want:    []string{"failed job (a)"},
		},
		"nor the alert of the job's own runs": {
			alerts: failing, own: "* * * * *",
			outcome: map[string]string{"a": "s", "b": "s", "": "f"},
			want:    []string{"failed job"},
		},
		"each recovers by itself": {
			alerts: failing, own: "* * * * *",
			outcome: map[string]string{"a": "fs", "b": "ffffs", "": "ffs"},
			want:    []string{"failed job", "failed job (a)", "failed job (b)", "recovered job", "recovered job (a)", "recovered job (b)"},
		},
		"failures in a row are each one's": {
			alerts: cron.AlertPolicy{Failed: 3, Recovered: true}, own: "* * * * *",
			outcome: map[string]string{"a": "ffsffs", "b": "fffs", "": "ffs"},
			want:    []string{"failed job (b)", "recovered job (b)"},
		},
		"failures in a row of the job's own runs": {
			alerts: cron.AlertPolicy{Failed: 3}, own: "* * * * *",
			outcome: map[string]string{"a": "s", "b": "s", "": "f"},
			want:    []string{"failed job"},
		},
		"an on-demand job": {
			alerts: failing, own: cron.OnDemand,
			outcome: map[string]string{"a": "fs", "b": "s"},
			want:    []string{"failed job (a)", "recovered job (a)"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			crontest.Bubble(t, func(t *testing.T) {
				channel, job, at := &recorder{}, &tenants{plan: c.outcome}, file(t)
				jobs := jobsOf(t, c.alerts, func(r *cron.Registry) { r.Register("job", c.own, job.run) })
				o := alert.Options{Channels: []alert.Channel{channel}}
				p, other := begin(t, at, jobs, o), begin(t, at, jobs, o)
				p.put(cron.Schedule{ID: "a", Job: "job", Expr: "20 * * * * *"}, cron.Schedule{ID: "b", Job: "job", Expr: "40 * * * * *"})
				time.Sleep(8 * time.Minute)
				all := p.all()
				p.end()
				other.end()
				got := channel.subjects()
				if slices.Sort(got); !slices.Equal(got, c.want) || len(all) != len(c.want) {
					t.Errorf("told %q, want %q; raised %d", got, c.want, len(all))
				}
			})
		})
	}
}

// Missed, late and overdue are each schedule's, too: once an hour for each, with its name.
func TestTimedAlertsOfSchedules(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		channel, at := &recorder{}, file(t)
		jobs := jobsOf(t, cron.AlertPolicy{}, func(r *cron.Registry) {
			r.Register("missed", cron.OnDemand, sleeps(time.Second), cron.CatchUp(cron.None), cron.Alert(cron.OnMissed()))
			r.Register("late", cron.OnDemand, sleeps(time.Second), cron.Alert(cron.OnLate(10*time.Minute)))
			r.Register("slow", cron.OnDemand, func(ctx context.Context) error {
				run := cron.RunFrom(ctx)
				d := 10 * time.Second
				if run.Schedule() == "big" || run.Schedule() == "hangs" && run.Slot().Minute() >= 30 {
					d = 50 * time.Second
				}
				time.Sleep(d)
				return nil
			}, cron.Alert(cron.OverdueFactor(3)))
		})
		o := alert.Options{Channels: []alert.Channel{channel}}
		p := begin(t, at, jobs, o)
		for _, job := range []string{"missed", "late"} {
			p.put(cron.Schedule{ID: job + "/1", Job: job, Expr: "*/15 * * * *"}, cron.Schedule{ID: job + "/2", Job: job, Expr: "*/20 * * * *"}, cron.Schedule{ID: job + "/3", Job: job, Expr: "58 * * * *"})
		}
		p.put(cron.Schedule{ID: "big", Job: "slow", Expr: "* * * * *"}, cron.Schedule{ID: "hangs", Job: "slow", Expr: "* * * * *"})
		time.Sleep(31*time.Minute + 55*time.Second)
		got := channel.subjects()
		slices.Sort(got)
		if want := []string{"overdue slow (hangs)", "overdue slow (hangs)"}; !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
		seen := len(channel.subjects())
		p.put(cron.Schedule{ID: "big", Job: "slow", Expr: "@yearly"}, cron.Schedule{ID: "hangs", Job: "slow", Expr: "@yearly"})
		time.Sleep(6 * time.Second)
		p.end()
		time.Sleep(24*time.Minute - 4*time.Second) // 0:56: two of each are due meanwhile
		p = begin(t, at, jobs, o)
		time.Sleep(90 * time.Second)
		all := p.all()
		p.end()
		got = channel.subjects()[seen:]
		slices.Sort(got)
		if want := []string{"late late (late/1)", "late late (late/2)", "missed missed (missed/1)", "missed missed (missed/2)"}; !slices.Equal(got, want) {
			t.Errorf("told %q, want %q: %+v", got, want, all)
		}
	})
}

// An outage that hits thousands of schedules of a job makes one message that a person can read, and few rows. Afterwards
// a schedule that fails by itself has its own alert again.
func TestManySchedulesFail(t *testing.T) {
	many := 1000
	if crontest.UnderRace {
		many = 250
	}
	crontest.Bubble(t, func(t *testing.T) {
		channel, job, at := &recorder{}, &tenants{all: "f"}, file(t)
		jobs := jobsOf(t, failing, func(r *cron.Registry) {
			r.Register("send-report", cron.OnDemand, job.run)
			r.Register("other", "0 5 0 1 * *", outcomes("f"))
		})
		o := alert.Options{Channels: []alert.Channel{channel}}
		p, second := begin(t, at, jobs, o), begin(t, at, jobs, o)
		var list []cron.Schedule
		for i := range many {
			list = append(list, cron.Schedule{ID: fmt.Sprintf("tenant-%04d", i), Job: "send-report", Expr: "*/5 * * * *"})
		}
		p.put(list...)
		time.Sleep(9 * time.Minute)
		got := channel.messages()
		if len(got) != 1 {
			t.Fatalf("%d messages, want 1", len(got))
		}
		m := got[0]
		if m.Total != many+1 || m.Kinds[cron.AlertFailed] != many+1 || len(m.Groups) != 1 || m.Groups[0].Total != many || len(m.Lines()) != 2 || m.More() != 0 {
			t.Errorf("tells of %d, %v, %+v, more %d", m.Total, m.Kinds, m.Groups, m.More())
		}
		text, names := m.Text(), strings.Join(m.Groups[0].Schedules, ", ")
		if want := fmt.Sprintf("send-report: %d schedules failed: %s and %d more", many, names, many-3); !strings.Contains(text, want) || len(m.Groups[0].Schedules) != 3 {
			t.Errorf("text:\n%s\nwant %s", text, want)
		}
		if m.Title != fmt.Sprintf("[test] %d alerts: %[1]d failed", many+1) || !strings.Contains(text, "other failed") || strings.Count(text, errJob.Error()) != 2 {
			t.Errorf("title %q, text:\n%s", m.Title, text)
		}
		if n := len(p.all()); n > 110 {
			t.Errorf("%d alerts were raised", n)
		}
		job.set("s")
		time.Sleep(5 * time.Minute)
		got = channel.messages()
		if len(got) != 2 || !strings.Contains(got[1].Title, "[test] send-report: 100 schedules succeeded again: tenant-") {
			t.Errorf("%d messages, the last %q", len(got), got[len(got)-1].Title)
		}
		time.Sleep(61 * time.Minute)
		seen := len(channel.subjects())
		job.mu.Lock()
		job.plan = map[string]string{"tenant-0007": "f"}
		job.mu.Unlock()
		time.Sleep(6 * time.Minute)
		if told := channel.subjects()[seen:]; !slices.Equal(told, []string{"failed send-report (tenant-0007)"}) {
			t.Errorf("told %q", told)
		}
		p.end()
		second.end()
	})
}

// Nothing waits for the success of a schedule that is gone or has had its last slot.
func TestAlertsOfSchedulesThatEnd(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		channel, job := &recorder{}, &tenants{all: "f"}
		jobs := jobsOf(t, failing, func(r *cron.Registry) { r.Register("job", cron.OnDemand, job.run) })
		p := begin(t, file(t), jobs, alert.Options{Channels: []alert.Channel{channel}})
		p.put(cron.Schedule{ID: "deleted", Job: "job", Expr: "* * * * *"}, cron.Schedule{ID: "once", Job: "job", Expr: "@at 2000-01-01T00:01:00Z"},
			cron.Schedule{ID: "paused", Job: "job", Expr: "* * * * *"})
		time.Sleep(90 * time.Second)
		by := p.crons.By(contract.Caller{Actor: "ada"})
		if _, err := by.DeleteSchedule(t.Context(), "deleted", 0); err != nil {
			t.Fatal(err)
		}
		if _, err := by.PauseSchedule(t.Context(), contract.PauseSchedule{ID: "paused"}); err != nil {
			t.Fatal(err)
		}
		open := func() (ids []string) {
			for _, a := range p.all() {
				if a.Open {
					ids = append(ids, a.Schedule)
				}
			}
			slices.Sort(ids)
			return ids
		}
		stir := func() { // a commit, so that there is a scan
			if _, err := p.crons.Pause(t.Context(), contract.Pause{Job: "job", Until: time.Now().Add(time.Second)}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
		}
		stir()
		if got := open(); !slices.Equal(got, []string{"once", "paused"}) {
			t.Errorf("open: %q", got)
		}
		time.Sleep(time.Hour)
		stir()
		if got := open(); !slices.Equal(got, []string{"paused"}) {
			t.Errorf("open after an hour: %q", got)
		}
		if n := len(p.all()); n != 3 {
			t.Errorf("%d alerts: %+v", n, p.all())
		}
		p.end()
	})
}

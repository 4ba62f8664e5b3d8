//go:build unix

package store_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/plan"
	"fibercrons/app/scheduler"
	"fibercrons/app/store"
)

// shift lets a scheduler work on a file from one instant of fake time to another. The bubble that
// it works in begins in the year 2000, whatever an earlier one has seen: so the clock of a later
// shift may stand before the end of an earlier one.
type shift struct {
	from, to time.Time
	file     string
	marks    string
	jobs     func(*marker) []*cron.Job
	lease    time.Duration
}

func (s shift) work(t *testing.T) {
	t.Helper()
	crontest.Bubble(t, func(t *testing.T) {
		time.Sleep(time.Until(s.from))
		m, err := os.OpenFile(s.marks, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		sched := scheduler.New(scheduler.Config{
			Store: leftAlone{open(t, s.file)}, Jobs: s.jobs(&marker{w: m}), Grace: time.Minute, Lease: s.lease, Version: "0",
			Log: slog.New(slog.DiscardHandler),
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- sched.Run(ctx) }()
		time.Sleep(time.Until(s.to))
		synctest.Wait()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// leftAlone is a store of jobs that nobody reschedules: asking every three seconds of fake time
// would be most of the work.
type leftAlone struct{ *store.Store }

func (leftAlone) Overrides(context.Context) ([]plan.Override, error) { return nil, nil }

func jobsOf(t *testing.T, register func(*cron.Registry)) []*cron.Job {
	t.Helper()
	r := cron.NewRegistry()
	register(r)
	jobs, err := r.Jobs(cron.Defaults{CatchUpWindow: 72 * time.Hour, Env: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return jobs
}

// The clock is set while the program is down, as far as a day forward or back. Forward, what lies
// between is missed and settled by each job's policy; back, nothing is done again, and jobs are
// due again when the clock has passed what is settled.
func TestFaultClockJump(t *testing.T) {
	jumps := []time.Duration{time.Second, time.Minute, time.Hour, 24 * time.Hour}
	if crontest.UnderRace && !*faultAsked {
		jumps = []time.Duration{time.Second, time.Hour}
	}
	for _, by := range jumps {
		for _, by := range []time.Duration{by, -by} {
			t.Run(by.String(), func(t *testing.T) { testClockJump(t, by) })
		}
	}
}

func testClockJump(t *testing.T, by time.Duration) {
	jobs := func(m *marker) []*cron.Job {
		return jobsOf(t, func(r *cron.Registry) {
			for _, p := range []cron.CatchUpPolicy{cron.Latest, cron.All, cron.None} {
				r.Register(string(p), "* * * * *", m.body(0, false), cron.CatchUp(p), cron.Keep(0, 0))
			}
		})
	}
	dir := t.TempDir()
	at := time.Date(2000, 2, 28, 23, 50, 30, 0, time.UTC) // leap day ahead
	first := shift{at, at.Add(10 * time.Minute), filepath.Join(dir, "crons.db"), filepath.Join(dir, "marks"), jobs, 24 * time.Hour}
	first.work(t)
	second := first
	second.from = first.to.Add(by)
	second.to = second.from.Add(10*time.Minute + max(-by, 0))
	second.work(t)

	s := open(t, first.file)
	marks := readMarks(t, first.marks, 0)
	w := observe(t, s, jobs(nil), marks)
	w.hurt = map[int]bool{}
	report(t, w.violations())
	began := 0
	for _, m := range marks {
		switch at := time.UnixMicro(m.At); {
		case m.Kind != "start":
		case at.Before(first.to):
			began++
		case by < 0 && m.Slot <= first.to.UnixMilli():
			t.Errorf("attempt of %s began again", m.attempt().slotOf)
		}
	}
	if want := 3 * 10; by > 0 && began != want {
		t.Errorf("%d attempts before the jump, want %d", began, want)
	}
	for _, j := range w.timed {
		if got, want := w.states[j.Name].Watermark, second.to.Truncate(time.Minute); !got.Equal(want) {
			t.Errorf("%s is settled up to %s, and it is %s", j.Name, got, want)
		}
	}
	late := map[string]int{}
	for _, r := range w.rows {
		if cron.Trigger(r.TriggeredBy) == cron.ByCatchUp {
			late[r.Job]++
		}
	}
	missed := int(second.from.Sub(first.to) / time.Minute)
	if missed < 0 {
		missed = 0
	}
	if late["latest"] != min(missed, 1) || late["all"] != min(missed, 100) || late["none"] != 0 {
		t.Errorf("%d slots were missed; of these ran %v", missed, late)
	}
	t.Logf("the clock jumps by %s: %d missed, caught up %v; %s", by, missed, late, w.figures())
}

// Many jobs of many schedules in zones with and without daylight saving: each slot has one row, and
// starts on time. At length it is a whole year, else the days on which something is unusual.
func TestFaultYear(t *testing.T) {
	type stretch struct {
		name  string
		month time.Month
		date  int
		hours int
	}
	jobs, stretches := 200, []stretch{{"spring", 3, 25, 30}} // Lord Howe, Berlin
	switch {
	case *faultLong:
		jobs, stretches = 100, []stretch{{"year", 1, 2, 366 * 24}}
	case *faultAsked:
		stretches = append(stretches,
			stretch{"leap day", 2, 28, 49},
			stretch{"spring in America", 4, 2, 24},
			stretch{"the Olympic games", 8, 26, 30}, // Lord Howe, months earlier than else
			stretch{"autumn", 10, 28, 36},           // Berlin, New York
			stretch{"new year", 12, 31, 30},
		)
	case crontest.UnderRace:
		jobs = 50
	}
	for _, s := range stretches {
		from := time.Date(2000, s.month, s.date, 0, 0, 1, 0, time.UTC)
		t.Run(s.name, func(t *testing.T) { testStretch(t, jobs, from, from.Add(time.Duration(s.hours)*time.Hour)) })
	}
}

func testStretch(t *testing.T, n int, from, to time.Time) {
	jobs := func(m *marker) []*cron.Job {
		return jobsOf(t, func(r *cron.Registry) { manyJobs(r, m.body(0, false), n) })
	}
	dir := t.TempDir()
	s := shift{from, to, filepath.Join(dir, "crons.db"), filepath.Join(dir, "marks"), jobs, 24 * time.Hour}
	s.work(t)
	w := observe(t, open(t, s.file), jobs(nil), readMarks(t, s.marks, 0))
	w.hurt = map[int]bool{}
	report(t, w.violations())
	late := 0
	for _, r := range w.rows {
		if status := cron.Status(r.Status); status != cron.Succeeded || r.Attempt != 1 || int64(r.StartedAt) != r.Slot.Int64 {
			late++
		}
	}
	if late > 0 {
		t.Errorf("%d of %d slots were not started on time, or not once", late, len(w.rows))
	}
	t.Logf("%d jobs from %s to %s: %s, %d late", len(w.timed), from.Format(time.DateOnly), to.Format(time.DateOnly), w.figures(), late)
}

// manyJobs registers n jobs of all kinds of schedules.
func manyJobs(r *cron.Registry, fn cron.Func, n int) {
	chance := rand.New(rand.NewPCG(*faultSeed, 3))
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kolkata"}
	for i := range n {
		minute, hour := chance.IntN(60), chance.IntN(4) // the hours in which clocks change
		expr := []string{
			fmt.Sprintf("%d %d * * *", minute, hour),
			fmt.Sprintf("%d %d * * 1-5", minute, hour),
			fmt.Sprintf("%d %d 1,15,L * *", minute, hour),
			fmt.Sprintf("%d %d * * SUNL,FRI#2", minute, hour),
			fmt.Sprintf("%d */6 * * *", minute),
			fmt.Sprintf("%d 1-3 * * *", minute),
			"H H * * *",
			"@every 7h",
			fmt.Sprintf("%d %d %d * MON", minute, hour, 1+chance.IntN(28)),
			fmt.Sprintf("%d %d %d * * 0", chance.IntN(60), minute, hour),
		}[i%10]
		if i%50 == 49 {
			expr = fmt.Sprintf("%d * * * *", minute)
		}
		r.Register(fmt.Sprintf("job-%d", i), expr, fn, cron.In(zones[chance.IntN(len(zones))]), cron.Keep(0, 0))
	}
}

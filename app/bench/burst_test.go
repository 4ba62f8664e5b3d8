package bench

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-co-op/gocron/v2"
	"github.com/reugn/go-quartz/job"
	"github.com/reugn/go-quartz/quartz"
	robfig "github.com/robfig/cron/v3"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/scheduler"
)

// clock runs n jobs of a library that are all due at one second, and calls run(i) in each.
type clock struct {
	name  string
	start func(b *testing.B, n int, at time.Time, run func(i int)) (stop func())
}

var clocks = []clock{
	{"fibercrons", startFibercrons},
	{"robfig", startRobfig},
	{"gocron", startGocron},
	{"go-quartz", startQuartz},
}

// BenchmarkBurst has 10,000 jobs due on one second, with bodies that do nothing, and measures how late each is
// called. The peers start goroutines and keep nothing; fibercrons commits each start to an SQLite file before it
// calls the job. go-quartz is given a threshold under which it drops nothing.
func BenchmarkBurst(b *testing.B) {
	const n = 10_000
	for _, c := range clocks {
		b.Run(c.name, func(b *testing.B) {
			var all []lateness
			for range b.N {
				all = append(all, latenessOf(burst(b, c, n)))
			}
			reportMedians(b, all)
		})
	}
}

func burst(b *testing.B, c clock, n int) []time.Duration {
	lead := 2*time.Second + time.Duration(n)*200*time.Microsecond // to register them
	at := time.Now().Add(lead).Truncate(time.Second).Add(time.Second)
	late := make([]time.Duration, n)
	var called sync.WaitGroup
	called.Add(n)
	stop := c.start(b, n, at, func(i int) {
		late[i] = time.Since(at)
		called.Done()
	})
	runtime.GC() // what registering has left behind is not part of the burst
	if time.Now().After(at) {
		b.Fatalf("%s: %d jobs were not registered within %s", c.name, n, lead)
	}
	called.Wait()
	stop()
	return late
}

// lateness sums up one burst.
type lateness struct{ p50, p99, max time.Duration }

func latenessOf(late []time.Duration) lateness {
	slices.Sort(late)
	return lateness{late[len(late)/2], late[len(late)*99/100], late[len(late)-1]}
}

// reportMedians reports the medians over all bursts.
func reportMedians(b *testing.B, all []lateness) {
	for unit, of := range map[string]func(lateness) time.Duration{
		"p50-ms": func(l lateness) time.Duration { return l.p50 },
		"p99-ms": func(l lateness) time.Duration { return l.p99 },
		"max-ms": func(l lateness) time.Duration { return l.max },
	} {
		var each []time.Duration
		for _, l := range all {
			each = append(each, of(l))
		}
		slices.Sort(each)
		b.ReportMetric(float64(each[len(each)/2])/1e6, unit)
	}
	b.ReportMetric(0, "ns/op")
}

var quiet = slog.New(slog.DiscardHandler)

// second is the expression, with seconds, of the second that at is in.
func second(at time.Time, weekday string) string {
	at = at.UTC()
	return fmt.Sprintf("%d %d %d * * %s", at.Second(), at.Minute(), at.Hour(), weekday)
}

func startFibercrons(b *testing.B, n int, at time.Time, run func(int)) func() {
	r := cron.NewRegistry()
	for i := range n {
		r.Register(fmt.Sprintf("job-%d", i), second(at, "*"), func(context.Context) error { run(i); return nil })
	}
	return serve(b, r, openSQLite(b))
}

// serve runs a scheduler for the jobs of r until the returned function is called.
func serve(b *testing.B, r *cron.Registry, store contract.Store, change ...func(*scheduler.Config)) (stop func()) {
	b.Helper()
	jobs, err := r.Jobs(cron.Defaults{CatchUpWindow: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	cfg := scheduler.Config{Store: store, Jobs: jobs, Log: quiet}
	for _, c := range change {
		c(&cfg)
	}
	s := scheduler.New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	for s.Ready(ctx) != nil {
		time.Sleep(time.Millisecond)
	}
	return func() {
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	}
}

func startRobfig(b *testing.B, n int, at time.Time, run func(int)) func() {
	c := robfig.New(robfig.WithSeconds(), robfig.WithLocation(time.UTC))
	for i := range n {
		if _, err := c.AddFunc(second(at, "*"), func() { run(i) }); err != nil {
			b.Fatal(err)
		}
	}
	c.Start()
	return func() { <-c.Stop().Done() }
}

func startGocron(b *testing.B, n int, at time.Time, run func(int)) func() {
	s, err := gocron.NewScheduler(gocron.WithLocation(time.UTC))
	if err != nil {
		b.Fatal(err)
	}
	for i := range n {
		if _, err := s.NewJob(gocron.CronJob(second(at, "*"), true), gocron.NewTask(func() { run(i) })); err != nil {
			b.Fatal(err)
		}
	}
	s.Start()
	return func() { _ = s.Shutdown() }
}

func startQuartz(b *testing.B, n int, at time.Time, run func(int)) func() {
	s, err := quartz.NewStdScheduler(quartz.WithOutdatedThreshold(time.Hour))
	if err != nil {
		b.Fatal(err)
	}
	for i := range n {
		trigger, err := quartz.NewCronTriggerWithLoc(second(at, "?"), time.UTC)
		if err != nil {
			b.Fatal(err)
		}
		f := job.NewFunctionJob(func(context.Context) (int, error) { run(i); return 0, nil })
		if err := s.ScheduleJob(quartz.NewJobDetail(f, quartz.NewJobKey(fmt.Sprint(i))), trigger); err != nil {
			b.Fatal(err)
		}
	}
	s.Start(context.Background())
	return func() { s.Stop(); s.Wait(context.Background()) }
}

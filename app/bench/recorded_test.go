package bench

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/scheduler"
	"fibercrons/app/store"
)

func openSQLite(b *testing.B) *store.Store {
	b.Helper()
	db, err := store.Open(context.Background(), store.Options{URL: "sqlite://" + b.TempDir() + "/crons.db"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	return db
}

// BenchmarkRecordedBurst has 10,000 jobs due on one second, each run claimed, started and
// recorded as finished on SQLite at synchronous=FULL. It measures when the last one is, and how
// long the list of all jobs takes meanwhile.
func BenchmarkRecordedBurst(b *testing.B) {
	const n = 10_000
	for range b.N {
		db := openSQLite(b)
		at := time.Now().Add(4 * time.Second).Truncate(time.Second)
		var ended sync.WaitGroup
		ended.Add(n)
		r := cron.NewRegistry()
		for i := range n {
			r.Register(fmt.Sprintf("job-%d", i), second(at, "*"), nop)
		}
		stop := serve(b, r, db, onEnd(func(cron.Record) { ended.Done() }))
		time.Sleep(time.Until(at))
		ended.Wait()
		b.ReportMetric(float64(time.Since(at))/1e6, "all-recorded-ms")
		stop()
	}
	b.ReportMetric(0, "ns/op")
}

// BenchmarkSustained has jobs due at a steady rate for ten seconds, each run recorded on SQLite
// at synchronous=FULL, and measures how many of them ran and were recorded per second. With a tick each
// second ten thousand are due at one instant; with ten a second a run that takes longer than a tenth of
// it costs the job its next slot.
func BenchmarkSustained(b *testing.B) {
	for _, rate := range []int{5_000, 10_000, 12_000} {
		for _, every := range []time.Duration{time.Second, 100 * time.Millisecond} {
			b.Run(fmt.Sprintf("%d/every-%s", rate, every), func(b *testing.B) {
				for range b.N {
					sustained(b, rate, every)
				}
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

func sustained(b *testing.B, rate int, every time.Duration) {
	const seconds = 10
	var ran, skipped atomic.Int64
	var mu sync.Mutex
	var late []time.Duration
	r := cron.NewRegistry()
	for i := range rate * int(every) / int(time.Second) {
		r.Register(fmt.Sprintf("job-%d", i), "@every "+every.String(), func(ctx context.Context) error {
			d := time.Since(cron.RunFrom(ctx).Slot())
			mu.Lock()
			late = append(late, d)
			mu.Unlock()
			return nil
		})
	}
	stop := serve(b, r, openSQLite(b), onEnd(func(rec cron.Record) {
		if rec.Status == cron.Succeeded {
			ran.Add(1)
		} else {
			skipped.Add(1)
		}
	}))
	// From the end of one second to that of another: the runs of ten ticks, however late they are in theirs.
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(1950 * time.Millisecond)))
	start, before, skippedBefore := time.Now(), ran.Load(), skipped.Load()
	time.Sleep(seconds * time.Second)
	took, did, left := time.Since(start), ran.Load()-before, skipped.Load()-skippedBefore
	stop()
	b.ReportMetric(float64(did)/took.Seconds(), "runs/s")
	b.ReportMetric(float64(left)/took.Seconds(), "skipped/s")
	slices.Sort(late)
	b.ReportMetric(float64(late[len(late)*99/100])/1e6, "start-p99-ms")
}

func nop(context.Context) error { return nil }

func onEnd(each func(cron.Record)) func(*scheduler.Config) {
	return func(c *scheduler.Config) {
		c.Observe = func(e contract.Event) {
			if e.Kind == contract.RunEnded && e.Record.Status.Ended() {
				each(e.Record)
			}
		}
	}
}

// BenchmarkRegistered measures the memory of 100,000 registered jobs at rest.
func BenchmarkRegistered(b *testing.B) {
	for range b.N {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		r := cron.NewRegistry()
		for i := range 100_000 {
			r.Register(fmt.Sprintf("job-%d", i), "H H * * *", nop)
		}
		stop := serve(b, r, openSQLite(b))
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "MB")
		stop()
		runtime.KeepAlive(r)
	}
	b.ReportMetric(0, "ns/op")
}

// BenchmarkIdle measures the share of a core that 10,000 jobs take which are not due.
func BenchmarkIdle(b *testing.B) {
	for range b.N {
		r := cron.NewRegistry()
		for i := range 10_000 {
			r.Register(fmt.Sprintf("job-%d", i), "H H 1 1 *", nop)
		}
		stop := serve(b, r, openSQLite(b))
		const watched = 15 * time.Second
		before := cpuTime(b)
		time.Sleep(watched)
		b.ReportMetric(100*float64(cpuTime(b)-before)/float64(watched), "%core")
		stop()
	}
	b.ReportMetric(0, "ns/op")
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

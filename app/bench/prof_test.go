package bench

import (
	"context"
	"fmt"
	"os"
	"runtime/pprof"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"fibercrons/app/cron"
)

func BenchmarkProfS(b *testing.B) {
	n, _ := strconv.Atoi(os.Getenv("N"))
	if n == 0 { n = 5000 }
	every := os.Getenv("EVERY"); if every == "" { every = "1s" }
	var ran, skipped atomic.Int64
	r := cron.NewRegistry()
	for i := range n {
		r.Register(fmt.Sprintf("job-%d", i), "@every "+every, func(ctx context.Context) error { return nil })
	}
	stop := serve(b, r, openSQLite(b), onEnd(func(rec cron.Record) {
		if rec.Status == cron.Succeeded { ran.Add(1) } else { skipped.Add(1) }
	}))
	time.Sleep(2*time.Second)
	if p := os.Getenv("CPUP"); p != "" { f, _ := os.Create(p); pprof.StartCPUProfile(f); defer pprof.StopCPUProfile() }
	c0, n0 , s0 := cpuTime(b), ran.Load(), skipped.Load()
	time.Sleep(10*time.Second)
	d := ran.Load()-n0
	b.ReportMetric(float64(cpuTime(b)-c0)/float64(d)/1e3, "cpu-us/run")
	b.ReportMetric(float64(d)/10, "runs/s")
	b.ReportMetric(float64(skipped.Load()-s0)/10, "skips/s")
	stop()
}

package bench

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/trace"

	"fibercrons/app/alert"
	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/metrics"
	"fibercrons/app/ping"
	"fibercrons/app/scheduler"
	"fibercrons/app/store"
	_ "fibercrons/app/store/sqlite"
	tracing "fibercrons/app/trace"
)

// discard is an exporter that has nowhere to send spans.
type discard struct{}

func (discard) ExportSpans(context.Context, []trace.ReadOnlySpan) error { return nil }

func (discard) Shutdown(context.Context) error { return nil }

// nowhere is a channel of alerts, and a service that is pinged, that takes everything at once.
type nowhere struct{}

func (nowhere) Name() string { return "nowhere" }

func (nowhere) Send(context.Context, alert.Message) error { return nil }

func (nowhere) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
}

// pingedEvery is how many jobs there are to one that is pinged.
const pingedEvery = 10

// watched is what watches the runs of a benchmark.
type watched struct {
	name                            string
	metrics, tracing, alerts, pings bool
	sampler                         string
}

// BenchmarkObserved has runs claimed, started and recorded on SQLite, without anybody watching, with
// metrics, and with metrics and one more: alerts of every kind, pings of every tenth job, traces. It
// measures the processor time of a run, which says what watching costs on a machine that others use,
// too, and how many runs a second there were. What alerts and pings take goes on beside the runs, and
// is in the processor time all the same.
//
// The variants take turns, round by round, so that what else goes on hits all of them alike; the
// overhead is that of the sums.
func BenchmarkObserved(b *testing.B) {
	variants := []watched{
		{name: "nobody"},
		{name: "metrics", metrics: true},
		{name: "metrics+alerts", metrics: true, alerts: true},
		{name: "metrics+pings", metrics: true, pings: true},
		{name: "metrics+unsampled", metrics: true, tracing: true, sampler: "always_off"},
		{name: "metrics+traces", metrics: true, tracing: true, sampler: "always_on"},
	}
	const n = 10_000
	spent, took := make([]time.Duration, len(variants)), make([]time.Duration, len(variants))
	for round := range b.N {
		for k := range variants {
			i := (k + round) % len(variants)
			user, wall := observed(b, variants[i], n)
			spent[i], took[i] = spent[i]+user, took[i]+wall
		}
	}
	for i, v := range variants {
		b.ReportMetric(float64(n*b.N)/took[i].Seconds(), v.name+"-runs/s")
		b.ReportMetric(float64(spent[i].Microseconds())/float64(n*b.N), v.name+"-user-µs/run")
		if i > 0 {
			b.ReportMetric(100*(float64(spent[i])/float64(spent[0])-1), v.name+"-%")
		}
	}
	b.ReportMetric(0, "ns/op")
}

// observed runs n jobs once and returns the time it took, of the processor and by the clock.
func observed(b *testing.B, w watched, n int) (user, wall time.Duration) {
	b.Helper()
	names := make([]string, n)
	r := cron.NewRegistry()
	at := time.Now().Add(4 * time.Second).Truncate(time.Second)
	for i := range n {
		names[i] = fmt.Sprintf("job-%d", i)
		var options []cron.Option
		if w.pings && i%pingedEvery == 0 {
			options = append(options, cron.Ping("https://ping.example.com/"+names[i]))
		}
		r.Register(names[i], second(at, "*"), nop, options...)
	}
	var observers []func(contract.Event)
	opts := store.Options{URL: "sqlite://" + filepath.Join(b.TempDir(), "crons.db")}
	var cfg scheduler.Config
	defaults := cron.Defaults{CatchUpWindow: time.Hour}
	if w.alerts {
		defaults.Alerts = cron.AlertPolicy{Failed: 1, Recovered: true, Late: 5 * time.Minute, Missed: true, OverdueFactor: 3}
	}
	if w.metrics {
		m := metrics.New(metrics.Options{Jobs: names})
		observers = append(observers, m.Observe)
		cfg.Claimed = m.Claimed
		opts.Committed = func(c store.Commit) { m.Committed(c.Calls, c.Took, c.Err) }
	}
	if w.tracing {
		t := tracing.Open(b.Context(), tracing.Options{Exporter: discard{}, Get: func(name string) string {
			return map[string]string{"OTEL_TRACES_SAMPLER": w.sampler}[name]
		}})
		defer t.Close(context.Background())
		observers = append(observers, t.Observe)
		cfg.TraceID, cfg.Asked = t.TraceID, t.Asked
		defaults.Use = []cron.Middleware{t.Attempt}
	}
	left := n
	ended := make(chan struct{})
	cfg.Observe = func(e contract.Event) { // with the scheduler's lock held, as every observer
		for _, o := range observers {
			o(e)
		}
		if e.Kind == contract.RunEnded && e.Record.Status.Ended() {
			if left--; left == 0 {
				close(ended)
			}
		}
	}
	db, err := store.Open(b.Context(), opts)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	jobs, err := r.Jobs(defaults)
	if err != nil {
		b.Fatal(err)
	}
	if w.alerts {
		a := alert.New(alert.Options{Store: db, Jobs: jobs, Channels: []alert.Channel{nowhere{}}, Log: quiet})
		observers = append(observers, a.Observe)
		telling, stop := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Go(func() { a.Run(telling) })
		defer wg.Wait()
		defer stop()
	}
	if w.pings {
		p := ping.New(ping.Options{Jobs: jobs, Client: &http.Client{Transport: nowhere{}}, Logs: db.Logs, Log: quiet})
		observers = append(observers, p.Observe)
		defer p.Close(context.Background())
	}
	cfg.Store, cfg.Jobs, cfg.Log = db, jobs, quiet
	s := scheduler.New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	for s.Ready(ctx) != nil {
		time.Sleep(time.Millisecond)
	}
	runtime.GC()
	if time.Now().After(at) {
		b.Fatalf("%d jobs were not registered within 4s", n)
	}
	time.Sleep(time.Until(at.Add(-10 * time.Millisecond)))
	before := userTime(b)
	<-ended
	user, wall = userTime(b)-before, time.Since(at)
	cancel()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	return user, wall
}

func userTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano())
}

package metrics_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/metrics"
	"fibercrons/app/scheduler"
	"fibercrons/app/store"
	_ "fibercrons/app/store/sqlite"
)

// BenchmarkScrape measures one answer of /metrics with 5,000 jobs, each of which has run: made anew
// with a question to the database, made anew without, and handed out again.
func BenchmarkScrape(b *testing.B) {
	const n = 5000
	r := cron.NewRegistry()
	for i := range n {
		r.Register(fmt.Sprintf("job-%04d", i), "H H * * *", func(context.Context) error { return nil })
	}
	jobs, err := r.Jobs(cron.Defaults{})
	if err != nil {
		b.Fatal(err)
	}
	names := make([]string, n)
	for i, j := range jobs {
		names[i] = j.Name
	}
	db, err := store.Open(context.Background(), store.Options{URL: "sqlite://" + b.TempDir() + "/crons.db"})
	if err != nil {
		b.Fatal(err)
	}
	m := metrics.New(metrics.Options{Jobs: names})
	s := scheduler.New(scheduler.Config{Store: db, Jobs: jobs, Log: slog.New(slog.DiscardHandler)})
	m.Watch(s, db.Queued)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			b.Error(err)
		}
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	}()
	for s.Ready(ctx) != nil {
		time.Sleep(time.Millisecond)
	}
	slot, took := time.Now(), int64(20)
	for _, name := range names {
		m.Observe(contract.Event{Kind: contract.RunStarted, Job: name, Record: cron.Record{Trigger: cron.BySchedule, Attempt: 1, Slot: &slot, StartedAt: &slot}})
		m.Observe(contract.Event{Kind: contract.RunEnded, Job: name, Record: cron.Record{Status: cron.Succeeded, Duration: &took}})
	}
	scrape := func(b *testing.B) {
		rec := httptest.NewRecorder()
		m.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		size, err := io.Copy(io.Discard, rec.Body)
		if err != nil || rec.Code != http.StatusOK {
			b.Fatal(rec.Code, err)
		}
		b.ReportMetric(float64(size)/1e6, "MB")
	}
	b.Run("asking the database", func(b *testing.B) {
		for b.Loop() {
			m.Forget(true)
			scrape(b)
		}
	})
	b.Run("made anew", func(b *testing.B) {
		for b.Loop() {
			m.Forget(false)
			scrape(b)
		}
	})
	b.Run("handed out again", func(b *testing.B) {
		for b.Loop() {
			scrape(b)
		}
	})
}

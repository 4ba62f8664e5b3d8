package bench

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app"
	"fibercrons/app/cron"
	"fibercrons/app/env"
	"fibercrons/app/web"
	"fibercrons/app/web/site"
)

// BenchmarkListDuringBurst asks for GET /crons again and again, over a connection of loopback, while
// 10,000 other jobs than the first are due on one second and are recorded on SQLite. It measures how
// long the answers take from that second until the last run is recorded.
func BenchmarkListDuringBurst(b *testing.B) {
	const n = 10_000
	var took []time.Duration
	for range b.N {
		at := time.Now().Add(5 * time.Second).Truncate(time.Second)
		r := cron.NewRegistry()
		var ended sync.WaitGroup
		ended.Add(n)
		for i := range n {
			r.Register(fmt.Sprintf("job-%d", i), second(at, "*"), func(context.Context) error { ended.Done(); return nil })
		}
		url, stop := online(b, r)
		if time.Now().After(at) {
			b.Fatal("the server was not up in time")
		}
		time.Sleep(time.Until(at))
		done := make(chan struct{})
		go func() { ended.Wait(); close(done) }()
		for going := true; going; {
			select {
			case <-done:
				going = false
			default:
			}
			began := time.Now()
			get(b, url+"/crons")
			took = append(took, time.Since(began))
		}
		stop()
	}
	reportMedians(b, []lateness{latenessOf(took)})
	b.ReportMetric(float64(len(took))/float64(b.N), "answers/op")
}

// online serves an application with the jobs of r until the returned function is called.
func online(b *testing.B, r *cron.Registry) (url string, stop func()) {
	b.Helper()
	cfg, _, err := env.Load(env.Env(map[string]string{"PORT": "0", "DATABASE_URL": "sqlite://" + b.TempDir() + "/crons.db"}), env.File(""))
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	a, err := app.New(ctx, cfg, r, app.Log(quiet))
	if err != nil {
		b.Fatal(err)
	}
	server := site.New(a, site.Limits{}, func(r fiber.Router, a *app.App) { web.Mount(r, a, web.Options{}) })
	if err := server.Listen(ctx); err != nil {
		b.Fatal(err)
	}
	var both sync.WaitGroup
	both.Go(func() {
		if err := a.Run(ctx); err != nil {
			b.Error(err)
		}
	})
	both.Go(func() {
		if err := server.Serve(ctx); err != nil {
			b.Error(err)
		}
	})
	for a.Crons.Ready(ctx) != nil {
		time.Sleep(time.Millisecond)
	}
	return server.URL(), func() {
		cancel()
		both.Wait()
		if err := a.Close(); err != nil {
			b.Error(err)
		}
	}
}

func get(b *testing.B, url string) {
	res, err := http.Get(url)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
		b.Fatalf("%s: %d, %v", url, res.StatusCode, err)
	}
}

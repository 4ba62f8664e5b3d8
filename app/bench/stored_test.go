package bench

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app"
	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/env"
	"fibercrons/app/ops"
	"fibercrons/app/scheduler"
	"fibercrons/app/store"
	"fibercrons/app/web"
	"fibercrons/app/web/site"
)

// The figures in the notes of releases are those of -stored 1000000 -bursts 3 -for 15s, and of -for 10m for
// BenchmarkStoredSteady.
var (
	storedSchedules = flag.Int("stored", 20_000, "how many stored schedules there are")
	storedBursts    = flag.Int("bursts", 1, "how often BenchmarkStored has a burst of each kind")
	storedFor       = flag.Duration("for", 3*time.Second, "how long BenchmarkStored looks on at rest, and BenchmarkStoredSteady under load")
)

// databases are those of BenchmarkStored: SQLite, and Postgres by TEST_POSTGRES_URL.
func databases(b *testing.B, each func(b *testing.B, url string)) {
	b.Run("sqlite", func(b *testing.B) { each(b, "sqlite://"+b.TempDir()+"/crons.db") })
	b.Run("postgres", func(b *testing.B) {
		server := os.Getenv("TEST_POSTGRES_URL")
		if server == "" {
			b.Skip("TEST_POSTGRES_URL is not set")
		}
		whole, _ := onPostgres(b, server)
		each(b, whole)
	})
}

func openStore(b *testing.B, url string) *store.Store {
	b.Helper()
	db, err := store.Open(context.Background(), store.Options{URL: url, Logger: quiet})
	if err != nil {
		b.Fatal(err)
	}
	return db
}

// farOff is an expression that is not due today; hashed, so that schedules differ.
const farOff = "H H 1 1 *"

// putAll puts n schedules of the job "data", as a program does.
func putAll(b *testing.B, db contract.Store, n int, of func(i int) cron.Schedule) time.Duration {
	b.Helper()
	r := cron.NewRegistry()
	r.Register("data", cron.OnDemand, nop)
	jobs, err := r.Jobs(cron.Defaults{CatchUpWindow: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	crons := ops.New(scheduler.Config{Store: db, Jobs: jobs, Log: quiet})
	began := time.Now()
	_, err = crons.Stored(contract.Caller{Actor: "benchmark"}, nil).PutAll(context.Background(), func(yield func(cron.Schedule) bool) {
		for i := range n {
			if !yield(of(i)) {
				return
			}
		}
	})
	if err != nil {
		b.Fatal(err)
	}
	return time.Since(began)
}

// BenchmarkStored measures what many stored schedules cost: to put them, at rest, at the start, when some of them are due
// on one second, and to list them. Each figure is beside that of the same program without them.
func BenchmarkStored(b *testing.B) {
	databases(b, func(b *testing.B, url string) {
		n := *storedSchedules
		for range b.N {
			without := atRest(b, openStore(b, emptyBeside(b, url)))
			db := openStore(b, url)
			took := putAll(b, db, n, func(i int) cron.Schedule {
				return cron.Schedule{ID: fmt.Sprintf("tenant-%d/report", i), Job: "data", Expr: farOff, Meta: map[string]string{"plan": "pro"}}
			})
			b.ReportMetric(float64(n)/took.Seconds(), "puts/s")
			with := atRest(b, db)
			b.ReportMetric(float64(with.heap-without.heap)/1e6, "more-MB")
			b.ReportMetric(float64(with.ready-without.ready)/1e6, "more-start-ms")
			b.ReportMetric(with.idle, "idle-%core")
			b.ReportMetric(without.idle, "idle-none-%core")
			bursts(b, url, n)
			lists(b, url, n)
		}
		b.ReportMetric(0, "ns/op")
	})
}

// emptyBeside is the URL of another, empty database of the kind.
func emptyBeside(b *testing.B, url string) string {
	if url[0] == 's' {
		return "sqlite://" + b.TempDir() + "/none.db"
	}
	whole, _ := onPostgres(b, os.Getenv("TEST_POSTGRES_URL"))
	return whole
}

type resting struct {
	heap  int64
	ready time.Duration
	idle  float64
}

// atRest measures a program of two jobs on db, and closes that.
func atRest(b *testing.B, db *store.Store) (at resting) {
	b.Helper()
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	r := cron.NewRegistry()
	ticked := make(chan time.Time, 1000)
	r.Register("tick", "@every 10ms", func(context.Context) error {
		select {
		case ticked <- time.Now():
		default:
		}
		return nil
	})
	r.Register("data", cron.OnDemand, nop)
	began := time.Now()
	stop := serve(b, r, db)
	at.ready = (<-ticked).Sub(began)
	stop()

	r = cron.NewRegistry()
	r.Register("data", cron.OnDemand, nop)
	stop = serve(b, r, db)
	time.Sleep(time.Second)
	at.heap = heap() - before
	used := cpuTime(b)
	time.Sleep(*storedFor)
	at.idle = 100 * float64(cpuTime(b)-used) / float64(*storedFor)
	stop()
	if err := db.Close(); err != nil {
		b.Error(err)
	}
	return at
}

// bursts has as many schedules due on one second, in code and stored, and measures until when all are recorded.
func bursts(b *testing.B, url string, n int) {
	b.Helper()
	some := min(10_000, n)
	lead := 6*time.Second + time.Duration(n/100_000)*time.Second
	burst := func(name string, prepare func(r *cron.Registry, at time.Time)) time.Duration {
		db := openStore(b, url)
		at := time.Now().Add(lead).Truncate(time.Second)
		var ended sync.WaitGroup
		ended.Add(some)
		r := cron.NewRegistry()
		r.Register("data", cron.OnDemand, nop)
		prepare(r, at)
		if name == "data" {
			putAll(b, db, some, func(i int) cron.Schedule {
				return cron.Schedule{ID: fmt.Sprintf("tenant-%d/report", i*(n/some)), Job: "data", Expr: second(at, "*")}
			})
		}
		stop := serve(b, r, db, onEnd(func(rec cron.Record) { ended.Done() }))
		if time.Now().After(at) {
			b.Fatalf("%d schedules were not put within %s", some, lead)
		}
		ended.Wait()
		took := time.Since(at)
		stop()
		if err := db.Close(); err != nil {
			b.Error(err)
		}
		return took
	}
	var code, data []time.Duration
	for range *storedBursts {
		data = append(data, burst("data", func(*cron.Registry, time.Time) {}))
		code = append(code, burst("code", func(r *cron.Registry, at time.Time) {
			for i := range some {
				r.Register(fmt.Sprintf("job-%d", i), second(at, "*"), nop)
			}
		}))
	}
	slices.Sort(code)
	slices.Sort(data)
	b.ReportMetric(float64(data[len(data)/2])/1e6, "burst-stored-ms")
	b.ReportMetric(float64(code[len(code)/2])/1e6, "burst-code-ms")
	b.ReportMetric(float64(data[len(data)/2])/float64(code[len(code)/2]), "burst-ratio")
}

// lists measures the lists of the schedules over HTTP, and their page.
func lists(b *testing.B, url string, n int) {
	b.Helper()
	cfg, _, err := env.Load(env.Env(map[string]string{"PORT": "0", "DATABASE_URL": url, "LOG_LEVEL": "error"}), env.File(""))
	if err != nil {
		b.Fatal(err)
	}
	r := cron.NewRegistry()
	r.Register("data", cron.OnDemand, nop)
	ctx, cancel := context.WithCancel(context.Background())
	a, err := app.New(ctx, cfg, r, app.Log(quiet))
	if err != nil {
		b.Fatal(err)
	}
	server := site.New(a, site.Limits{}, func(r fiber.Router, a *app.App) { web.Mount(r, a, web.Options{}) })
	if err := server.Listen(ctx); err != nil {
		b.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx) }()
	for unit, path := range map[string]string{
		"list-ms":   "/crons/schedules?limit=50",
		"next-ms":   fmt.Sprintf("/crons/schedules?limit=50&cursor=tenant-%d/report", n/2),
		"job-ms":    "/crons/schedules?limit=50&job=data",
		"search-ms": fmt.Sprintf("/crons/schedules?limit=50&q=tenant-%d/", n-1),
		"page-ms":   "/crons/dashboard/schedules",
	} {
		var took []time.Duration
		for range 9 {
			began := time.Now()
			res, err := http.Get(server.URL() + path)
			if err != nil {
				b.Fatal(err)
			}
			if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusOK {
				b.Fatalf("%s: %d, %v", path, res.StatusCode, err)
			}
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2])/1e6, unit)
	}
	cancel()
	if err := <-served; err != nil {
		b.Error(err)
	}
	if err := a.Close(); err != nil {
		b.Error(err)
	}
}

// BenchmarkStoredSteady has a thousand stored schedules due each second on three replicas on Postgres, of -stored in all,
// and measures how late their runs start, and what was lost or doubled.
func BenchmarkStoredSteady(b *testing.B) {
	server := os.Getenv("TEST_POSTGRES_URL")
	if server == "" {
		b.Skip("TEST_POSTGRES_URL is not set")
	}
	for range b.N {
		whole, _ := onPostgres(b, server)
		db := openStore(b, whole)
		n := *storedSchedules
		began := time.Now()
		putAll(b, db, n, func(i int) cron.Schedule {
			return cron.Schedule{ID: fmt.Sprintf("tenant-%d", i), Job: "data", Expr: spread(i, n)}
		})
		b.ReportMetric(float64(n)/time.Since(began).Seconds(), "puts/s")
		var mu sync.Mutex
		var late []time.Duration
		starts := map[string]int{}
		var won, lost atomic.Int64
		r := cron.NewRegistry()
		r.Register("data", cron.OnDemand, func(ctx context.Context) error {
			run := cron.RunFrom(ctx)
			d := time.Since(run.Slot())
			mu.Lock()
			late = append(late, d)
			starts[run.Key()]++
			mu.Unlock()
			return nil
		})
		var stops []func()
		for range 3 {
			other := openStore(b, whole)
			b.Cleanup(func() { _ = other.Close() })
			stops = append(stops, serve(b, r, other, func(c *scheduler.Config) {
				c.Claimed = func(call contract.ClaimCall) { won.Add(int64(call.Won)); lost.Add(int64(call.Lost)) }
			}))
		}
		time.Sleep(*storedFor)
		for _, stop := range stops {
			stop()
		}
		doubled := 0
		for _, n := range starts {
			if n > 1 {
				doubled++
			}
		}
		slices.Sort(late)
		if len(late) > 0 {
			b.ReportMetric(float64(late[len(late)*99/100])/1e6, "start-p99-ms")
			b.ReportMetric(float64(len(late))/storedFor.Seconds(), "runs/s")
		}
		b.ReportMetric(float64(doubled), "doubled")
		b.ReportMetric(100*float64(lost.Load())/float64(max(won.Load()+lost.Load(), 1)), "lost-%claims")
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	}
	b.ReportMetric(0, "ns/op")
}

// spread is the expression of the i-th of n schedules, of which about a thousand are due each second.
func spread(i, n int) string {
	if k := n / 1000; k < 60 { // seconds between its slots
		k = max(k, 1)
		for 60%k != 0 {
			k++
		}
		return fmt.Sprintf("%d-59/%d * * * * *", i%k, k)
	}
	k := n / 60_000 // minutes
	for 60%k != 0 {
		k--
	}
	return fmt.Sprintf("%d %d-59/%d * * * *", i%60, i/60%k, k)
}

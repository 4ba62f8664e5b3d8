package bench

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/google/uuid"
	"github.com/hibiken/asynq"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"fibercrons/app/cron"
	"fibercrons/app/scheduler"
	"fibercrons/app/store"
	_ "fibercrons/app/store/mysql"
	_ "fibercrons/app/store/postgres"
	_ "fibercrons/app/store/sqlite"
)

var (
	periodicJobs = flag.Int("periodic.jobs", 500, "jobs of BenchmarkPeriodic, each due every second")
	periodicFor  = flag.Duration("periodic.for", 5*time.Second, "how long BenchmarkPeriodic looks at each engine")
)

const (
	periodicWorkers = 100
	// often is how often engines that have to look for work do so. Their own defaults are rarer, and later.
	often = 20 * time.Millisecond
)

// periodic is an engine that runs n jobs every second and keeps a record of each run on a server.
type periodic struct {
	name, env string
	// start calls ran with the instant for which each run was made. recorded counts the runs that are kept
	// as succeeded, transactions what the database has carried out; nil: it does not tell.
	start func(b *testing.B, server string, n int, ran func(slot time.Time)) (recorded, transactions func() int, stop func())
}

var periodics = []periodic{
	{"fibercrons-Postgres", "TEST_POSTGRES_URL", periodicPostgres},
	{"fibercrons-MySQL", "TEST_MYSQL_URL", periodicMySQL},
	{"river", "TEST_POSTGRES_URL", periodicRiver},
	{"asynq", "TEST_REDIS_URL", periodicAsynq},
}

// BenchmarkPeriodic has n jobs due each second with each engine, on the same servers, and measures how many
// runs a second are recorded as succeeded, how late they start, and how many transactions of the database a
// run takes. All have a hundred workers and one process. River's leader inserts a job that its workers fetch;
// asynq's scheduler, of which there must be one, pushes a task. It needs TEST_POSTGRES_URL, TEST_MYSQL_URL and
// TEST_REDIS_URL.
func BenchmarkPeriodic(b *testing.B) {
	for _, p := range periodics {
		b.Run(fmt.Sprintf("%d/%s", *periodicJobs, p.name), func(b *testing.B) {
			server := os.Getenv(p.env)
			if server == "" {
				b.Skipf("%s is not set", p.env)
			}
			for range b.N {
				runPeriodic(b, p, server)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func runPeriodic(b *testing.B, p periodic, server string) {
	var mu sync.Mutex
	var late []time.Duration
	var all atomic.Int64
	recorded, transactions, stop := p.start(b, server, *periodicJobs, func(slot time.Time) {
		d := time.Since(slot)
		all.Add(1)
		mu.Lock()
		late = append(late, d)
		mu.Unlock()
	})
	// River elects a leader first.
	for deadline := time.Now().Add(time.Minute); all.Load() < int64(*periodicJobs); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			stop()
			b.Fatalf("%d of %d jobs ran within a minute", all.Load(), *periodicJobs)
		}
	}
	// From the middle of one second to that of another.
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(1500 * time.Millisecond)))
	mu.Lock()
	late = late[:0]
	mu.Unlock()
	began, before := time.Now(), recorded()
	tx := 0
	if transactions != nil {
		tx = transactions()
	}
	time.Sleep(*periodicFor)
	took, did := time.Since(began), recorded()-before
	if transactions != nil {
		b.ReportMetric(float64(transactions()-tx)/float64(max(did, 1)), "transactions/run")
	}
	mu.Lock()
	seen := slices.Clone(late)
	mu.Unlock()
	stop()
	b.ReportMetric(float64(did)/took.Seconds(), "recorded/s")
	if len(seen) > 0 {
		slices.Sort(seen)
		b.ReportMetric(float64(seen[len(seen)/2])/1e6, "start-p50-ms")
		b.ReportMetric(float64(seen[len(seen)*99/100])/1e6, "start-p99-ms")
	}
}

// database makes one of the benchmark's own and says how it is asked.
func database(b *testing.B, driver, dsn string, quote func(name string) string) (db *sql.DB) {
	b.Helper()
	name := "fibercrons_bench_" + strings.ReplaceAll(uuid.NewString()[:13], "-", "")
	admin, err := sql.Open(driver, dsn)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := admin.Exec("CREATE DATABASE " + name); err != nil {
		b.Fatal(err)
	}
	if db, err = sql.Open(driver, quote(name)); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		db.Close()
		if _, err := admin.Exec("DROP DATABASE " + name); err != nil {
			b.Error(err)
		}
		admin.Close()
	})
	return db
}

func counted(b *testing.B, db *sql.DB, query string) func() int {
	return func() (n int) {
		b.Helper()
		if err := db.QueryRow(query).Scan(&n); err != nil {
			b.Fatal(err)
		}
		return n
	}
}

// pgTransactions are those that the server has told of, which it does once a second or so.
const pgTransactions = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"

func onPostgres(b *testing.B, server string) (whole string, db *sql.DB) {
	db = database(b, "pgx", server, func(name string) string {
		u, err := url.Parse(server)
		if err != nil {
			b.Fatal("TEST_POSTGRES_URL is not a URL")
		}
		u.Path = "/" + name
		whole = u.String()
		return whole
	})
	return whole, db
}

func periodicPostgres(b *testing.B, server string, n int, ran func(time.Time)) (recorded, transactions func() int, stop func()) {
	whole, db := onPostgres(b, server)
	return counted(b, db, succeeded), counted(b, db, pgTransactions), periodicStore(b, whole, n, ran)
}

func periodicMySQL(b *testing.B, server string, n int, ran func(time.Time)) (recorded, transactions func() int, stop func()) {
	u, err := url.Parse(server)
	if err != nil {
		b.Fatal("TEST_MYSQL_URL is not a URL")
	}
	config := mysql.NewConfig()
	config.Net, config.Addr, config.User = "tcp", u.Host, u.User.Username()
	config.Passwd, _ = u.User.Password()
	db := database(b, "mysql", config.FormatDSN(), func(name string) string {
		u.Path, config.DBName = "/"+name, name
		return config.FormatDSN()
	})
	return counted(b, db, succeeded), nil, periodicStore(b, u.String(), n, ran)
}

const succeeded = "SELECT COUNT(*) FROM job_runs WHERE status = 'succeeded'"

func periodicStore(b *testing.B, whole string, n int, ran func(time.Time)) (stop func()) {
	s, err := store.Open(context.Background(), store.Options{URL: whole})
	if err != nil {
		b.Fatal(err)
	}
	r := cron.NewRegistry()
	for i := range n {
		r.Register(fmt.Sprintf("job-%d", i), "* * * * * *", func(ctx context.Context) error {
			ran(cron.RunFrom(ctx).Slot())
			return nil
		})
	}
	end := serve(b, r, s, func(c *scheduler.Config) { c.Workers = periodicWorkers })
	return func() {
		end()
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	}
}

// tick is the arguments of River's jobs.
type tick struct {
	Job int `json:"job"`
}

func (tick) Kind() string { return "tick" }

// wholeSeconds is River's schedule.
type wholeSeconds struct{}

func (wholeSeconds) Next(t time.Time) time.Time { return t.Truncate(time.Second).Add(time.Second) }

func periodicRiver(b *testing.B, server string, n int, ran func(time.Time)) (recorded, transactions func() int, stop func()) {
	ctx := context.Background()
	whole, db := onPostgres(b, server)
	pool, err := pgxpool.New(ctx, whole)
	if err != nil {
		b.Fatal(err)
	}
	m, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: quiet})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		b.Fatal(err)
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(_ context.Context, j *river.Job[tick]) error {
		ran(j.ScheduledAt) // the instant for which it was inserted
		return nil
	}))
	var jobs []*river.PeriodicJob
	for i := range n {
		jobs = append(jobs, river.NewPeriodicJob(wholeSeconds{}, func() (river.JobArgs, *river.InsertOpts) { return tick{Job: i}, nil }, nil))
	}
	c, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: periodicWorkers, FetchCooldown: often}}, Workers: workers,
		PeriodicJobs: jobs, Logger: quiet,
	})
	if err != nil {
		b.Fatal(err)
	}
	if err := c.Start(ctx); err != nil {
		b.Fatal(err)
	}
	return counted(b, db, "SELECT COUNT(*) FROM river_job WHERE state = 'completed'"), counted(b, db, pgTransactions), func() {
		if err := c.StopAndCancel(ctx); err != nil {
			b.Error(err)
		}
		pool.Close()
	}
}

func periodicAsynq(b *testing.B, server string, n int, ran func(time.Time)) (recorded, transactions func() int, stop func()) {
	redis, err := asynq.ParseRedisURI(server)
	if err != nil {
		b.Fatal("TEST_REDIS_URL is not a URL")
	}
	queue := "fibercrons-bench-" + uuid.NewString()
	workers := asynq.NewServer(redis, asynq.Config{
		Concurrency: periodicWorkers, Queues: map[string]int{queue: 1}, TaskCheckInterval: often, LogLevel: asynq.FatalLevel,
	})
	err = workers.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error {
		ran(time.Now().Truncate(time.Second)) // a task does not tell for when it is
		return nil
	}))
	if err != nil {
		b.Fatal(err)
	}
	s := asynq.NewScheduler(redis, &asynq.SchedulerOpts{LogLevel: asynq.FatalLevel})
	for i := range n {
		if _, err := s.Register("@every 1s", asynq.NewTask(fmt.Sprintf("job-%d", i), nil), asynq.Queue(queue), asynq.Retention(time.Hour)); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Start(); err != nil {
		b.Fatal(err)
	}
	inspector := asynq.NewInspector(redis)
	recorded = func() int {
		info, err := inspector.GetQueueInfo(queue)
		if err != nil {
			b.Fatal(err)
		}
		return info.Completed
	}
	return recorded, nil, func() {
		s.Shutdown()
		workers.Shutdown()
		if err := inspector.DeleteQueue(queue, true); err != nil {
			b.Error(err)
		}
		inspector.Close()
	}
}

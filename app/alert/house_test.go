package alert_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"fibercrons/app/alert"
	"fibercrons/app/cron"
	"fibercrons/app/ops"
	"fibercrons/app/scheduler"
	"fibercrons/app/store"
	_ "fibercrons/app/store/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errJob = errors.New("the partner's server says no")

// recorder is a channel that remembers, and fails as often as it is told to.
type recorder struct {
	name  string
	mu    sync.Mutex
	fails int
	err   error
	got   []alert.Message
	tries []string
}

func (r *recorder) Name() string {
	if r.name == "" {
		return "recorder"
	}
	return r.name
}

func (r *recorder) Send(_ context.Context, m alert.Message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tries = append(r.tries, m.ID)
	if r.fails != 0 {
		r.fails--
		if r.err != nil {
			return r.err
		}
		return errors.New("not now")
	}
	r.got = append(r.got, m)
	return nil
}

func (r *recorder) messages() []alert.Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]alert.Message(nil), r.got...)
}

func (r *recorder) tried() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.tries...)
}

// told are the alerts of all messages, as "kind job".
func (r *recorder) told() []string {
	told := []string{}
	for _, m := range r.messages() {
		for _, a := range m.Alerts {
			told = append(told, string(a.Kind)+" "+a.Job)
		}
	}
	return told
}

// process is a scheduler and an alerter on a database, as one server has them.
type process struct {
	t      testing.TB
	store  *store.Store
	crons  ops.Crons
	alerts *alert.Alerter
	stop   context.CancelFunc
	ended  sync.WaitGroup
}

func open(t testing.TB, file string) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), store.Options{URL: "sqlite://" + file})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func file(t testing.TB) string { return filepath.Join(t.TempDir(), "crons.db") }

func jobsOf(t testing.TB, defaults cron.AlertPolicy, register func(*cron.Registry)) []*cron.Job {
	t.Helper()
	r := cron.NewRegistry()
	register(r)
	jobs, err := r.Jobs(cron.Defaults{Env: "test", CatchUpWindow: time.Hour, KeepRuns: 1000, Alerts: defaults})
	if err != nil {
		t.Fatal(err)
	}
	return jobs
}

// begin starts a process that ticks.
func begin(t testing.TB, file string, jobs []*cron.Job, o alert.Options) *process {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	p := &process{t: t, store: open(t, file)}
	o.Store, o.Jobs, o.Environment = p.store, jobs, "test"
	if o.Log == nil {
		o.Log = log
	}
	p.alerts = alert.New(o)
	p.crons = ops.New(scheduler.Config{Store: p.store, Jobs: jobs, Log: log, Grace: time.Second, Observe: p.alerts.Observe})
	ctx, cancel := context.WithCancel(context.Background())
	p.stop = cancel
	p.ended.Go(func() { p.alerts.Run(ctx) })
	p.ended.Go(func() {
		if err := p.crons.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	return p
}

// end stops the process and closes its database.
func (p *process) end() {
	p.t.Helper()
	p.stop()
	p.ended.Wait()
	if err := p.store.Close(); err != nil {
		p.t.Error(err)
	}
}

// all are the alerts that were raised, oldest first.
func (p *process) all() []alert.Alert {
	p.t.Helper()
	list, total, err := p.alerts.Alerts(context.Background(), alert.Query{Limit: 10_000})
	if err != nil || total != len(list) {
		p.t.Fatalf("%d alerts of %d, error %v", len(list), total, err)
	}
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	return list
}

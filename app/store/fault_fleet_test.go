//go:build unix

package store_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/scheduler"
	"fibercrons/app/store"
	"fibercrons/app/store/row"
)

// fleet is the schedulers of one bubble of fake time that share one file, each with a store of its
// own, as processes have. It does without the real clock, and so does the same on every machine.
type fleet struct {
	t     *testing.T
	lease time.Duration
	off   []string // safeguards that are taken away
	door  *store.Store
	path  string
	marks string
	hosts []*host
	hurt  map[int]bool // those that were away

	tenants []*tenants
	rested  time.Time
}

// fleetJobs is the set of jobs of every fleet.
const fleetJobs = "fleet" + withTenants

// host is one scheduler.
type host struct {
	number int
	away   atomic.Bool
	cancel context.CancelFunc
	ended  chan error
}

func newFleet(t *testing.T, lease time.Duration, hosts int, off ...string) *fleet {
	t.Helper()
	f := &fleet{t: t, lease: lease, off: off, hurt: map[int]bool{}, path: file(t), marks: filepath.Join(t.TempDir(), "marks")}
	f.door = open(t, f.path)
	for name, statements := range map[string]string{
		"unique index":                     "DROP INDEX job_runs_slot",
		"the schedule in the unique index": "DROP INDEX job_runs_slot; CREATE UNIQUE INDEX job_runs_slot ON job_runs (job, slot)",
	} {
		if slices.Contains(off, name) {
			if err := f.door.Exec(statements); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range hosts {
		f.start()
	}
	time.Sleep(300 * time.Millisecond)
	return f
}

func (f *fleet) start() {
	h := &host{number: len(f.hosts) + 1, ended: make(chan error, 1)}
	f.hosts = append(f.hosts, h)
	s := open(f.t, f.path)
	s.Tamper(func(point string, _ []string) error {
		for point == "begin" && h.away.Load() {
			time.Sleep(time.Millisecond)
		}
		return nil
	})
	w, err := os.OpenFile(f.marks, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { w.Close() })
	sched := scheduler.New(scheduler.Config{
		Store: weaken(s, f.off), Jobs: jobSet(fleetJobs, &marker{life: h.number, w: w}), Lease: f.lease,
		Grace: time.Minute, Log: slog.New(slog.DiscardHandler), Version: fmt.Sprint(h.number),
	})
	ctx, cancel := context.WithCancel(f.t.Context())
	h.cancel = cancel
	go func() { h.ended <- sched.Run(ctx) }()
}

// weaken takes safeguards away.
func weaken(s *store.Store, safeguards []string) contract.Store {
	for _, name := range safeguards {
		switch name {
		case "unique index", "the schedule in the unique index": // it is the file's
		case "token":
			s.WithoutFence()
		case "watermark":
			s.WithoutWatermark()
		case "lease":
			s.WithoutLease()
			return impatient{s}
		case "watermark of schedules":
			s.WithoutScheduleWatermark()
		case "revision":
			s.WithoutRevision()
		case "time of deferred runs":
			s.WithoutDue()
			return hasty{s}
		default:
			panic("no safeguard " + name)
		}
	}
	return s
}

// impatient takes every active run for expired.
type impatient struct{ *store.Store }

func (s impatient) Expired(ctx context.Context, limit int) ([]cron.Record, error) {
	return s.Runs(ctx, contract.Query{Statuses: []cron.Status{cron.Queued, cron.Running}, Limit: limit})
}

// hasty takes every deferred run for due.
type hasty struct{ *store.Store }

func (s hasty) DueRuns(ctx context.Context, until time.Time, except []string, limit int) ([]cron.Record, error) {
	return s.Store.DueRuns(ctx, until.Add(time.Hour), except, limit)
}

func (s hasty) Upcoming(ctx context.Context) (contract.Upcoming, error) {
	up, err := s.Store.Upcoming(ctx)
	if !up.Run.IsZero() {
		up.Run = time.Now()
	}
	return up, err
}

// inhabit has so many stored schedules changed until [fleet.rest].
func (f *fleet) inhabit(schedules int) {
	f.t.Helper()
	f.tenants = append(f.tenants, inhabit(f.t, f.door, fleetJobs, habits{
		prefix: "tenant", schedules: schedules, pace: 25 * time.Millisecond, horizon: 500 * time.Millisecond, exprs: quickExprs, seed: 60,
	}))
}

// leave has a host write to the database no more until it comes back, as if it were stopped; it is
// not in a transaction then.
func (f *fleet) leave(h *host) {
	f.hurt[h.number] = true
	h.away.Store(true)
}

func (h *host) comeBack() { h.away.Store(false) }

// running returns the runs of a job that a host is at, by ID; those of all hosts: 0.
func (f *fleet) running(number int, job string) map[string]row.JobRun {
	f.t.Helper()
	find := f.door.DB().Where("status = 'running' AND job = ?", job)
	if number > 0 {
		find = find.Where("instance IN (SELECT id FROM job_instances WHERE version = ?)", fmt.Sprint(number))
	}
	var rows []row.JobRun
	if err := find.Find(&rows).Error; err != nil {
		f.t.Fatal(err)
	}
	found := make(map[string]row.JobRun, len(rows))
	for _, r := range rows {
		found[r.ID] = r
	}
	return found
}

// await waits until ok, for a minute of fake time.
func (f *fleet) await(what string, ok func() bool) {
	f.t.Helper()
	for range 6000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	f.t.Fatalf("waited a minute for %s", what)
}

// relieve has the first host leave in the middle of runs, and come back once another host is at
// the second attempt of one of them.
func (f *fleet) relieve() {
	f.t.Helper()
	sleeper := f.hosts[0]
	var mine map[string]row.JobRun
	f.await("the host to be at runs", func() bool {
		mine = f.running(sleeper.number, "long-rerun")
		return len(mine) > 0 && len(f.running(sleeper.number, "long-skip")) > 0
	})
	f.leave(sleeper)
	f.await("another host to begin a run of its anew", func() bool {
		return slices.ContainsFunc(slices.Collect(maps.Values(f.running(0, "long-rerun"))), func(r row.JobRun) bool {
			_, was := mine[r.ID]
			return was && r.Attempt == 2
		})
	})
	sleeper.comeBack()
	time.Sleep(400 * time.Millisecond)
}

// rest pauses every job, gives what waits time to end, ends the hosts, and returns what they did.
// Without a safeguard there may be what never ends.
func (f *fleet) rest() *world {
	f.t.Helper()
	for _, d := range f.tenants {
		d.rest()
	}
	if len(f.tenants) > 0 {
		// Every deferred run comes to be due; one of a paused job would wait.
		time.Sleep(1600 * time.Millisecond)
		f.rested = time.Now()
		time.Sleep(200 * time.Millisecond)
	}
	jobs := jobSet(fleetJobs, nil)
	for _, j := range jobs {
		if _, err := f.door.Pause(f.t.Context(), contract.Pause{Job: j.Name, At: time.Now()}); err != nil {
			f.t.Fatal(err)
		}
	}
	awaitIdle(f.t, f.door, 5*time.Second)
	for _, h := range f.hosts {
		h.cancel()
	}
	for _, h := range f.hosts {
		if err := <-h.ended; err != nil {
			f.t.Errorf("host %d ended with %v", h.number, err)
		}
	}
	w := observe(f.t, f.door, jobs, readMarks(f.t, f.marks, 0))
	w.hurt = f.hurt
	w.settle(f.t, f.door, f.tenants, f.rested)
	return w
}

// awaitIdle waits until no run waits or goes on, and no longer than it is told to.
func awaitIdle(t *testing.T, s *store.Store, most time.Duration) {
	t.Helper()
	for began := time.Now(); time.Since(began) < most; time.Sleep(50 * time.Millisecond) {
		active, err := s.Runs(t.Context(), contract.Query{Statuses: []cron.Status{cron.Queued, cron.Running}, Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		if len(active) == 0 {
			return
		}
	}
}

package redis_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/feed"
	"fibercrons/app/ops"
	"fibercrons/app/redis"
	"fibercrons/app/scheduler"
	"fibercrons/app/store"
	_ "fibercrons/app/store/sqlite"
)

// tally counts the calls of each slot.
type tally struct {
	mu    sync.Mutex
	slots map[string]map[int64]int
}

func newTally() *tally { return &tally{slots: make(map[string]map[int64]int)} }

func (y *tally) run(ctx context.Context) error {
	r := cron.RunFrom(ctx)
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.slots[r.Job()] == nil {
		y.slots[r.Job()] = make(map[int64]int)
	}
	y.slots[r.Job()][r.Slot().UnixMilli()]++
	return nil
}

// newest is the last slot of a job that was run, 0: none yet.
func (y *tally) newest(job string) (ms int64) {
	y.mu.Lock()
	defer y.mu.Unlock()
	for slot := range y.slots[job] {
		ms = max(ms, slot)
	}
	return ms
}

func (y *tally) calls(job string) (n int) {
	y.mu.Lock()
	defer y.mu.Unlock()
	for _, calls := range y.slots[job] {
		n += calls
	}
	return n
}

// check insists on a record for each slot from the first to the last, in one of the stores that the
// crew's members have, and on one call for it. A run that waited when its process ended was given back.
func (y *tally) check(t *testing.T, job string, every time.Duration, crew ...*replica) {
	t.Helper()
	states := make(map[int64]string)
	waited := 0
	for _, r := range crew {
		recs, err := r.Records(t.Context(), contract.Query{Job: job, Limit: 100_000})
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range recs {
			if rec.Slot == nil || rec.Reason == cron.ReasonElsewhere {
				continue
			}
			states[rec.Slot.UnixMilli()] += string(rec.Status)
		}
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	first, last := int64(0), int64(0)
	missing, doubled := 0, 0
	for slot, state := range states {
		if first == 0 || slot < first {
			first = slot
		}
		last = max(last, slot)
		switch calls := y.slots[job][slot]; {
		case state == "queued" && calls == 0:
			waited++
		case state == "succeeded" && calls == 1:
		case calls == 0:
			missing++
		default:
			doubled++
		}
	}
	due := int((last-first)/every.Milliseconds()) + 1
	missing += due - len(states)
	if missing != 0 || doubled != 0 || due < 2 || waited > due/2 {
		t.Errorf("%s: %d slots, %d missing, %d doubled, %d waiting", job, due, missing, doubled, waited)
	} else {
		t.Logf("%s: %d slots, 0 missing, 0 doubled, %d given back at the end", job, due, waited)
	}
}

// replica is a scheduler with a client of its own.
type replica struct {
	ops.Crons
	client *redis.Client
	end    func()
}

func replicate(t *testing.T, s contract.Store, o *redis.Options, register func(*cron.Registry), change ...func(*scheduler.Config)) *replica {
	t.Helper()
	registry := cron.NewRegistry()
	register(registry)
	jobs, err := registry.Jobs(cron.Defaults{CatchUpWindow: time.Hour, KeepRuns: 100_000, KeepFor: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	r := &replica{}
	cfg := scheduler.Config{Store: s, Jobs: jobs, Log: slog.New(slog.DiscardHandler), Grace: patience, Lease: 10 * time.Second}
	if o != nil {
		r.client = open(t, *o)
		cfg.Peers = r.client.Peers()
	}
	for _, c := range change {
		c(&cfg)
	}
	r.Crons = ops.New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	r.end = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(r.end)
	return r
}

func file(t *testing.T, path string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{URL: "sqlite://" + path, RetryFor: patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// identified are options for a store of its own.
func identified(t *testing.T, o redis.Options, s *store.Store) *redis.Options {
	t.Helper()
	id, err := s.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o.Database = id
	return &o
}

// Redis is killed, emptied, stopped and back while three replicas of one store tick: every slot is run
// once.
func TestNoSlotDependsOnRedis(t *testing.T) {
	stores := map[string]func(*testing.T) func() contract.Store{
		"memory": func(*testing.T) func() contract.Store {
			s := crontest.NewMemory()
			return func() contract.Store { return s }
		},
		"sqlite": func(t *testing.T) func() contract.Store {
			path := filepath.Join(t.TempDir(), "crons.db")
			return func() contract.Store { return file(t, path) }
		},
	}
	for name, make := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, y := ownServer(t), newTally()
			raw, shared := talk(t, s.url()), make(t)
			jobs := map[string]time.Duration{"twenty": 20 * time.Millisecond, "fifty": 50 * time.Millisecond, "second": time.Second}
			var crew []*replica
			for range 3 {
				crew = append(crew, replicate(t, shared(), &redis.Options{URL: s.url()}, func(r *cron.Registry) {
					for job, every := range jobs {
						// A machine under load may be late by more than a slot may be.
						r.Register(job, "@every "+every.String(), y.run, cron.Overlap(cron.Allow), cron.CatchUp(cron.All, cron.AtMost(10_000)))
					}
				}))
			}
			goOn := func() { // for more than a second, which is what the refused wait
				t.Helper()
				from := y.newest("second")
				until(t, "more slots are run", func() bool { return y.newest("second") >= from+2000 })
			}
			goOn()
			s.signal(syscall.SIGSTOP)
			goOn()
			s.signal(syscall.SIGCONT)
			goOn()
			raw.FlushAll(t.Context())
			goOn()
			s.kill()
			goOn()
			s.start()
			goOn()
			until(t, "redis is back everywhere", func() bool {
				return crew[0].client.Err() == nil && crew[1].client.Err() == nil && crew[2].client.Err() == nil
			})
			crew[1].end() // one goes
			goOn()
			for _, r := range crew {
				r.end()
			}
			for job, every := range jobs {
				y.check(t, job, every, crew[0])
			}
			if n := raw.DBSize(t.Context()).Val(); n == 0 {
				t.Error("redis was not used")
			}
		})
	}
}

// Two replicas with a file each: every slot is run by one of them, and the other one knows.
func TestSeparateDatabases(t *testing.T) {
	o, y := given(t), newTally()
	var crew []*replica
	for _, name := range []string{"a.db", "b.db"} {
		s := file(t, filepath.Join(t.TempDir(), name))
		crew = append(crew, replicate(t, s, identified(t, o, s), func(r *cron.Registry) {
			r.Register("fifty", "@every 50ms", y.run, cron.Overlap(cron.Allow), cron.CatchUp(cron.All, cron.AtMost(10_000)))
			r.Register("second", "@every 1s", y.run, cron.Overlap(cron.Allow), cron.CatchUp(cron.All))
		}))
	}
	until(t, "some slots are run", func() bool { return y.calls("second") >= 6 })
	for _, r := range crew {
		r.end()
	}
	for job, every := range map[string]time.Duration{"fifty": 50 * time.Millisecond, "second": time.Second} {
		y.check(t, job, every, crew...)
		shares := map[string]int{}
		for i, r := range crew {
			recs, err := r.Records(t.Context(), contract.Query{Job: job, Limit: 100_000})
			if err != nil {
				t.Fatal(err)
			}
			for _, rec := range recs {
				shares[fmt.Sprintf("%s %s in %d", rec.Status, rec.Reason, i)]++
			}
		}
		t.Logf("%s: %v", job, shares)
		if shares["skipped elsewhere in 0"]+shares["skipped elsewhere in 1"] == 0 {
			t.Errorf("%s: nobody knows of the other: %v", job, shares)
		}
	}
}

// Without Redis a replica with a file of its own runs nothing, says so, and catches up later.
func TestSeparateDatabaseWithoutRedis(t *testing.T) {
	server, y := ownServer(t), newTally()
	s := file(t, filepath.Join(t.TempDir(), "crons.db"))
	r := replicate(t, s, identified(t, redis.Options{URL: server.url()}, s), func(r *cron.Registry) {
		r.Register("job", "@every 100ms", y.run, cron.Overlap(cron.Allow), cron.CatchUp(cron.All, cron.AtMost(10_000)))
	})
	until(t, "slots are run", func() bool { return y.calls("job") >= 10 })
	server.kill()
	until(t, "it is missed", func() bool { return r.client.Err() != nil })
	// What was admitted before may be on its way: it has begun when two ends of a second agree.
	before := -1
	until(t, "nothing more is run", func() bool {
		was := before
		before = y.calls("job")
		time.Sleep(time.Second)
		return was == before && y.calls("job") == before
	})
	if err := r.Ready(t.Context()); err == nil {
		t.Error("it is ready, and can claim nothing")
	}
	if _, err := r.Trigger(t.Context(), "job", scheduler.Request{}); err != nil {
		t.Errorf("by hand: %v", err)
	}
	server.start()
	until(t, "it is ready", func() bool { return r.Ready(t.Context()) == nil })
	until(t, "it has caught up", func() bool { return y.newest("job") > time.Now().Add(-time.Second).UnixMilli() })
	r.end()
	y.check(t, "job", 100*time.Millisecond, r)
}

// losses counts claims that another replica had won already.
type losses struct {
	contract.Store
	made, lost *atomic.Int64
}

func (l losses) Claim(ctx context.Context, claims []contract.Claim) ([]contract.Claimed, error) {
	out, err := l.Store.Claim(ctx, claims)
	for _, c := range out {
		l.made.Add(1)
		if !c.Won {
			l.lost.Add(1)
		}
	}
	return out, err
}

func TestLostClaimsAreSpared(t *testing.T) {
	o := given(t)
	share := map[bool]float64{}
	for _, gated := range []bool{false, true} {
		y, path := newTally(), filepath.Join(t.TempDir(), "crons.db")
		var made, lost atomic.Int64
		var crew []*replica
		for range 4 {
			var peers *redis.Options
			if gated {
				peers = &o
			}
			crew = append(crew, replicate(t, losses{file(t, path), &made, &lost}, peers, func(r *cron.Registry) {
				for i := range 50 {
					r.Register(fmt.Sprintf("job-%02d", i), "@every 1s", y.run, cron.Overlap(cron.Allow), cron.CatchUp(cron.All))
				}
			}))
		}
		until(t, "slots are run", func() bool { return y.calls("job-00") >= 8 })
		for _, r := range crew {
			r.end()
		}
		for i := range 50 {
			y.check(t, fmt.Sprintf("job-%02d", i), time.Second, crew[0])
		}
		share[gated] = float64(lost.Load()) / float64(made.Load())
		t.Logf("gate %v: %d claims by 4 replicas, %d of them lost (%.1f%%)", gated, made.Load(), lost.Load(), 100*share[gated])
	}
	if share[true] > share[false]/2 {
		t.Errorf("with a gate %.0f%% of the claims are lost, and without %.0f%%", 100*share[true], 100*share[false])
	}
}

// A group's limit counts the runs of both databases.
func TestLimitOverSeparateDatabases(t *testing.T) {
	o := given(t)
	var now, most, calls atomic.Int64
	var crew []*replica
	for _, name := range []string{"a.db", "b.db"} {
		s := file(t, filepath.Join(t.TempDir(), name))
		crew = append(crew, replicate(t, s, identified(t, o, s), func(r *cron.Registry) {
			for i := range 4 {
				r.Register(fmt.Sprintf("job-%d", i), "@yearly", func(context.Context) error {
					n := now.Add(1)
					defer now.Add(-1)
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
					}
					calls.Add(1)
					time.Sleep(20 * time.Millisecond) // the work
					return nil
				}, cron.Limit("group", 2))
			}
		}))
	}
	const each = 3
	for range each {
		for _, r := range crew {
			for i := range 4 {
				if _, err := r.Trigger(t.Context(), fmt.Sprintf("job-%d", i), scheduler.Request{Force: true}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	until(t, "all have run", func() bool { return calls.Load() == each*8 && now.Load() == 0 })
	if most.Load() != 2 {
		t.Errorf("%d runs at one time, want 2", most.Load())
	}
	for _, r := range crew {
		r.end()
	}
	if n := talk(t, o.URL).ZCard(t.Context(), o.Prefix+":limit:group").Val(); n != 0 {
		t.Errorf("%d places are still taken", n)
	}
}

// Who listens on one replica hears of another's run by a nudge.
func TestStreamIsNudged(t *testing.T) {
	o, path := given(t), filepath.Join(t.TempDir(), "crons.db")
	register := func(r *cron.Registry) {
		r.Register("job", "@yearly", func(context.Context) error { return nil })
	}
	here, there := replicate(t, file(t, path), &o, register), replicate(t, file(t, path), &o, register)
	sub, err := feed.New(here.Crons).Subscribe(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	// By the look of each second alone twenty of them take some ten seconds, and never less than five. A busy machine
	// has its quiet moments.
	const runs, looks = 20, 5 * time.Second
	var sums []time.Duration
	for len(sums) < 10 {
		sum := time.Duration(0)
		for range runs {
			asked := time.Now()
			rec, err := there.Trigger(t.Context(), "job", scheduler.Request{})
			if err != nil {
				t.Fatal(err)
			}
			for told := false; !told; {
				changes, err := sub.Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range changes {
					told = told || c.Kind == contract.RunEnded && c.Job == "job"
				}
			}
			sum += time.Since(asked).Round(time.Millisecond)
			if _, err := there.Await(t.Context(), rec.ID); err != nil {
				t.Fatal(err)
			}
		}
		if sums = append(sums, sum); sum < looks {
			t.Log(sums)
			return
		}
	}
	t.Errorf("%d runs are told after %s", runs, sums)
}

package scheduler_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/internal/bubble"
	"fibercrons/app/scheduler"
)

// places are the groups of all processes that share them.
type places struct {
	mu     sync.Mutex
	leases map[contract.Place]time.Time // by place without its lease
	away   atomic.Bool
	most   int
}

func newPlaces() *places { return &places{leases: make(map[contract.Place]time.Time)} }

func (p *places) Enter(ctx context.Context, one contract.Place, limit int) (bool, error) {
	if p.away.Load() {
		<-ctx.Done() // as a server that does not answer
		return false, ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	until := time.Now().Add(one.Lease)
	one.Lease = 0
	maps.DeleteFunc(p.leases, func(_ contract.Place, until time.Time) bool { return !until.After(time.Now()) })
	if _, has := p.leases[one]; !has && len(p.leases) >= limit {
		return false, nil
	}
	p.leases[one] = until
	p.most = max(p.most, len(p.leases))
	return true, nil
}

func (p *places) Renew(_ context.Context, some []contract.Place) error {
	if p.away.Load() {
		return errGate
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range some {
		until := time.Now().Add(one.Lease)
		one.Lease = 0
		p.leases[one] = until
	}
	return nil
}

func (p *places) Leave(_ context.Context, one contract.Place) error {
	if p.away.Load() {
		return errGate
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	one.Lease = 0
	delete(p.leases, one)
	return nil
}

func (p *places) taken() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.leases)
}

// busy counts concurrent calls.
type busy struct{ now, most, calls atomic.Int64 }

func (b *busy) run(d time.Duration) cron.Func {
	return func(ctx context.Context) error {
		n := b.now.Add(1)
		defer b.now.Add(-1)
		for most := b.most.Load(); n > most && !b.most.CompareAndSwap(most, n); most = b.most.Load() {
		}
		b.calls.Add(1)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d):
			return nil
		}
	}
}

// A group's limit holds across replicas with separate stores, also for runs that outlive a lease, fail and are retried.
func TestLimitOfSeparateStores(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		shared, b := newPlaces(), &busy{}
		var crew []*bubble.Program
		for range 2 {
			crew = append(crew, bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
				for _, name := range []string{"a", "b", "c"} {
					tries := 0
					r.Register(name, "@yearly", func(ctx context.Context) error {
						if err := b.run(90 * time.Second)(ctx); err != nil {
							return err
						}
						if tries++; tries == 1 {
							return errors.New("once more")
						}
						return nil
					}, cron.Limit("group", 2), cron.Retry(1, cron.Fixed(time.Second)))
				}
			}, func(c *scheduler.Config) { c.Peers = contract.Peers{Limits: shared} }))
		}
		for _, p := range crew {
			for _, name := range []string{"a", "b", "c"} {
				if _, err := p.Sched.Trigger(t.Context(), name, scheduler.Request{}); err != nil {
					t.Fatal(err)
				}
			}
		}
		time.Sleep(30 * time.Minute)
		synctest.Wait()
		if b.most.Load() != 2 || b.calls.Load() != 12 {
			t.Errorf("%d runs at one time, %d calls; want 2 and 12", b.most.Load(), b.calls.Load())
		}
		for _, p := range crew {
			p.Stop()
		}
		if n := shared.taken(); n != 0 {
			t.Errorf("%d places are still taken", n)
		}
	})
}

// Without an answer for a place no run of the group starts; others do. A waiting run can be cancelled, and a running
// one keeps its place.
func TestLimitWithoutAnAnswer(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		shared, b := newPlaces(), &busy{}
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
			r.Register("long", "@yearly", b.run(10*time.Minute), cron.Limit("group", 2))
			r.Register("waits", "@yearly", b.run(time.Second), cron.Limit("group", 2))
			r.Register("free", "@yearly", bubble.Nothing)
		}, func(c *scheduler.Config) { c.Peers = contract.Peers{Limits: shared} })
		trigger := func(name string) string {
			rec, err := p.Sched.Trigger(t.Context(), name, scheduler.Request{Force: true})
			if err != nil {
				t.Fatal(err)
			}
			return rec.ID
		}
		long := trigger("long")
		time.Sleep(time.Second)
		shared.away.Store(true)
		first, second, free := trigger("waits"), trigger("waits"), trigger("free")
		time.Sleep(20 * time.Second)
		if _, err := p.Sched.Cancel(t.Context(), second, "tester"); err != nil {
			t.Fatal(err)
		}
		asking := trigger("waits")
		time.Sleep(100 * time.Millisecond) // it requests its place
		if _, err := p.Sched.Cancel(t.Context(), asking, "tester"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		want := map[string]cron.Status{long: cron.Running, first: cron.Queued, second: cron.Cancelled, asking: cron.Cancelled, free: cron.Succeeded}
		for id, status := range want {
			if rec, err := p.Sched.Record(t.Context(), id); err != nil || rec.Status != status {
				t.Errorf("%s is %s, want %s (%v)", rec.Job, rec.Status, status, err)
			}
		}
		shared.away.Store(false)
		time.Sleep(30 * time.Second) // the lease of the long run had ended; it takes its place again
		if rec, err := p.Sched.Record(t.Context(), first); err != nil || rec.Status != cron.Succeeded {
			t.Errorf("%s is %s (%v)", rec.Job, rec.Status, err)
		}
		if n := shared.taken(); n != 1 {
			t.Errorf("%d places are taken, want that of the long run", n)
		}
		p.Stop()
		if n := shared.taken(); n != 0 {
			t.Errorf("%d places are still taken", n)
		}
	})
}

// post forwards notifications from each process to all others.
type post struct {
	mu    sync.Mutex
	boxes []chan struct{}
	sent  atomic.Int64
}

type box struct {
	*post
	own chan struct{}
}

func (p *post) box() box {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.boxes = append(p.boxes, make(chan struct{}, 1))
	return box{p, p.boxes[len(p.boxes)-1]}
}

func (b box) Notified() <-chan struct{} { return b.own }

func (b box) Notify() {
	b.sent.Add(1)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, other := range slices.DeleteFunc(slices.Clone(b.boxes), func(c chan struct{}) bool { return c == b.own }) {
		select {
		case other <- struct{}{}:
		default:
		}
	}
}

// A subscriber hears of another process's run at once, and without notifications within a second.
func TestNudgesSpareTheWait(t *testing.T) {
	for name, nudges := range map[string]bool{"with": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			crontest.Bubble(t, func(t *testing.T) {
				store, p := crontest.NewMemory(), new(post)
				register := func(r *cron.Registry) { r.Register("job", "@yearly", bubble.Nothing) }
				change := func(c *scheduler.Config) {
					if nudges {
						c.Peers.Notifier = p.box()
					}
				}
				here, there := bubble.Start(t, store, register, change), bubble.Start(t, store, register, change)
				sub := here.Subscribe("")
				defer sub.Close()
				time.Sleep(300 * time.Millisecond) // between two polls
				asked := time.Now()
				if _, err := there.Sched.Trigger(t.Context(), "job", scheduler.Request{}); err != nil {
					t.Fatal(err)
				}
				changes, err := sub.Next(t.Context())
				if err != nil || changes[0].Job != "job" {
					t.Fatal(changes, err)
				}
				if took := time.Since(asked); (took < 100*time.Millisecond) != nudges {
					t.Errorf("it took %s", took)
				}
				here.Stop()
				there.Stop()
			})
		})
	}
}

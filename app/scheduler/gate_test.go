package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
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

// tickets is a correct gate, for all processes that share it.
type tickets struct {
	mu      sync.Mutex
	holders map[string]string
	asked   atomic.Int64
	broken  atomic.Bool
}

func newTickets() *tickets { return &tickets{holders: make(map[string]string)} }

func (k *tickets) admit(holder string, asked []contract.SlotRequest) []bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := make([]bool, len(asked))
	for i, t := range asked {
		key := t.Job + t.Slot.String()
		if k.holders[key] == "" {
			k.holders[key] = holder
		}
		out[i] = k.holders[key] == holder
	}
	k.asked.Add(1)
	return out
}

// gate is one process's connection to the tickets.
type gate struct {
	*tickets
	holder string
	admit  func(ctx context.Context, asked []contract.SlotRequest) ([]bool, error) // nil: correct
}

var errGate = errors.New("the gate is away")

func (g *gate) Admit(ctx context.Context, asked []contract.SlotRequest) ([]bool, error) {
	if g.admit != nil {
		return g.admit(ctx, asked)
	}
	if g.broken.Load() {
		return nil, errGate
	}
	return g.tickets.admit(g.holder, asked), nil
}

func (g *gate) Err() error {
	if g.broken.Load() {
		return errGate
	}
	return nil
}

func behind(g contract.Gate, separate bool) func(*scheduler.Config) {
	return func(c *scheduler.Config) { c.Peers = contract.Peers{Gate: g, Separate: separate} }
}

// tally counts the calls of each slot, and how late they were.
type tally struct {
	mu    sync.Mutex
	slots map[string]map[int64]int
	late  time.Duration
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
	y.late = max(y.late, time.Since(r.Slot()))
	return nil
}

// check requires one call for each slot in (from, until], and returns their number.
func (y *tally) check(t *testing.T, job string, every time.Duration, from, until time.Time) (n int) {
	t.Helper()
	y.mu.Lock()
	defer y.mu.Unlock()
	missing, doubled, step := 0, 0, every.Milliseconds()
	for ms := (from.UnixMilli()/step + 1) * step; ms <= until.UnixMilli(); ms += step {
		switch calls := y.slots[job][ms]; {
		case calls == 0:
			missing++
		case calls > 1:
			doubled++
		}
		n++
	}
	if missing+doubled > 0 {
		t.Errorf("%s: of %d slots %d are missing and %d doubled", job, n, missing, doubled)
	}
	if n == 0 {
		t.Errorf("%s: no slot was due", job)
	}
	return n
}

// moods are faults of a gate.
func moods(g *gate, r *rand.Rand) func(context.Context, []contract.SlotRequest) ([]bool, error) {
	mood, until := 0, time.Time{}
	var mu sync.Mutex
	return func(ctx context.Context, asked []contract.SlotRequest) ([]bool, error) {
		mu.Lock()
		if time.Now().After(until) {
			mood, until = r.IntN(6), time.Now().Add(time.Duration(r.IntN(20_000))*time.Millisecond)
		}
		mood, lot, wait := mood, r.Uint64(), time.Duration(r.IntN(400))*time.Millisecond
		mu.Unlock()
		out := make([]bool, len(asked))
		for i := range out {
			out[i] = lot>>(i%64)&1 == 1
		}
		switch mood {
		case 0: // answers at random
			return out, nil
		case 1: // does not answer
			return nil, errGate
		case 2: // refuses every process
			return make([]bool, len(asked)), nil
		case 3: // takes the tickets, but its answer is lost or late
			g.tickets.admit(g.holder, asked)
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(wait):
			}
			if lot&1 == 0 {
				return nil, errGate
			}
		case 4: // forgets
			g.mu.Lock()
			clear(g.holders)
			g.mu.Unlock()
		}
		return g.tickets.admit(g.holder, asked), nil
	}
}

// Whatever the gate of a shared store does, no slot is lost, doubled or treated as missed.
func TestGateNeverLosesNorDoubles(t *testing.T) {
	jobs := map[string]time.Duration{"quick": 20 * time.Millisecond, "second": time.Second, "ten": 10 * time.Second}
	seeds := uint64(8)
	if crontest.UnderRace {
		seeds = 1
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			crontest.Bubble(t, func(t *testing.T) {
				store, keys, y := crontest.NewMemory(), newTickets(), newTally()
				began := time.Now()
				var crew []*bubble.Program
				for i := range 3 {
					g := &gate{tickets: keys, holder: fmt.Sprint(i)}
					g.admit = moods(g, rand.New(rand.NewPCG(seed, uint64(i))))
					crew = append(crew, bubble.Start(t, store, func(r *cron.Registry) {
						for name, every := range jobs {
							// A missed slot would not run.
							r.Register(name, "@every "+every.String(), y.run, cron.Overlap(cron.Allow), cron.CatchUp(cron.None))
						}
					}, behind(g, false)))
				}
				time.Sleep(3*time.Minute + 5*time.Millisecond)
				until := time.Now()
				time.Sleep(5 * time.Second)
				for _, p := range crew {
					p.Stop()
				}
				for name, every := range jobs {
					y.check(t, name, every, began, until)
				}
				if keys.asked.Load() == 0 {
					t.Error("nobody has asked the gate")
				}
				t.Logf("at most %s late", y.late)
			})
		})
	}
}

// deaf is a store that one process does not reach.
type deaf struct {
	contract.Store
	away atomic.Bool
}

func (d *deaf) Claim(ctx context.Context, claims []contract.Claim) ([]contract.Claimed, error) {
	if d.away.Load() {
		return nil, errors.New("connection refused")
	}
	return d.Store.Claim(ctx, claims)
}

// If the admitted process cannot insert, that delays the slot by a second or two, but never loses it.
func TestAdmittedAndDead(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		memory, keys, y := crontest.NewMemory(), newTickets(), newTally()
		dead := &deaf{Store: memory}
		register := func(r *cron.Registry) {
			r.Register("job", "@every 10s", y.run, cron.CatchUp(cron.None))
			r.Register("hasty", "@every 10s", y.run, cron.StartWithin(500*time.Millisecond))
		}
		first := bubble.Start(t, dead, register, behind(&gate{tickets: keys, holder: "dead"}, false))
		began := time.Now()
		dead.away.Store(true)
		keys.mu.Lock()
		for at := began; at.Before(began.Add(time.Minute)); at = at.Add(time.Second) {
			keys.holders["job"+at.UTC().String()], keys.holders["hasty"+at.UTC().String()] = "dead", "dead"
		}
		keys.mu.Unlock()
		second := bubble.Start(t, memory, register, behind(&gate{tickets: keys, holder: "alive"}, false))
		time.Sleep(50*time.Second + 4*time.Second)
		if n := y.check(t, "job", 10*time.Second, began, began.Add(50*time.Second)); n != 5 {
			t.Errorf("%d slots", n)
		}
		y.check(t, "hasty", 10*time.Second, began, began.Add(50*time.Second)) // is not delayed by the gate
		if y.late < time.Second || y.late > 2*time.Second {
			t.Errorf("at most %s late", y.late)
		}
		dead.away.Store(false)
		first.Stop()
		second.Stop()
	})
}

// costs counts what claims cost a store.
type costs struct {
	contract.Store
	calls, lost, states atomic.Int64
}

func (l *costs) Claim(ctx context.Context, claims []contract.Claim) ([]contract.Claimed, error) {
	out, err := l.Store.Claim(ctx, claims)
	l.calls.Add(1)
	for _, c := range out {
		if !c.Won {
			l.lost.Add(1)
		}
	}
	return out, err
}

func (l *costs) States(ctx context.Context, names ...string) (map[string]contract.State, error) {
	l.states.Add(1)
	return l.Store.States(ctx, names...)
}

func TestGateSparesTheStore(t *testing.T) {
	lost := map[bool]int64{}
	for _, gated := range []bool{false, true} {
		crontest.Bubble(t, func(t *testing.T) {
			store, keys, y := &costs{Store: crontest.NewMemory()}, newTickets(), newTally()
			began := time.Now()
			var crew []*bubble.Program
			for i := range 5 {
				change := func(*scheduler.Config) {}
				if gated {
					change = behind(&gate{tickets: keys, holder: fmt.Sprint(i)}, false)
				}
				crew = append(crew, bubble.Start(t, store, func(r *cron.Registry) {
					r.Register("quick", "@every 20ms", y.run, cron.Overlap(cron.Allow))
					for i := range 20 {
						r.Register(fmt.Sprintf("slow-%02d", i), "@every 10s", y.run, cron.Overlap(cron.Allow))
					}
				}, change))
			}
			time.Sleep(time.Minute + time.Millisecond)
			until := time.Now()
			time.Sleep(5 * time.Second)
			for _, p := range crew {
				p.Stop()
			}
			slots := y.check(t, "quick", 20*time.Millisecond, began, until)
			for i := range 20 {
				slots += y.check(t, fmt.Sprintf("slow-%02d", i), 10*time.Second, began, until)
			}
			lost[gated] = store.lost.Load()
			t.Logf("gate %v: %d slots, 5 replicas: %d calls of Claim, %d claims lost, %d looks at states, %d questions to the gate",
				gated, slots, store.calls.Load(), store.lost.Load(), store.states.Load(), keys.asked.Load())
			if n := keys.asked.Load(); gated && n > 2*int64(slots) {
				t.Errorf("the gate is asked %d times", n)
			}
		})
	}
	if lost[true]*20 > lost[false] {
		t.Errorf("%d claims are lost with a gate, and %d without", lost[true], lost[false])
	}
}

// With separate stores the gate decides: each slot runs in one replica, and the other's history says so.
func TestSeparateStores(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		keys, y := newTickets(), newTally()
		began := time.Now()
		var crew []*bubble.Program
		for _, holder := range []string{"a", "b"} {
			crew = append(crew, bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
				for _, job := range []string{"one", "two", "three"} {
					r.Register(job, "@every 1s", y.run)
				}
			}, behind(&gate{tickets: keys, holder: holder}, true)))
		}
		time.Sleep(time.Minute + time.Millisecond)
		for _, job := range []string{"one", "two", "three"} {
			y.check(t, job, time.Second, began, began.Add(time.Minute))
			a, b := bubble.Counts(crew[0].Runs(job)), bubble.Counts(crew[1].Runs(job))
			if a["succeeded"]+b["succeeded"] != 60 || a["skipped elsewhere"] != b["succeeded"] || b["skipped elsewhere"] != a["succeeded"] {
				t.Errorf("%s: a %v, b %v", job, a, b)
			}
		}
		if y.late != 0 {
			t.Errorf("%s late", y.late)
		}
		for _, p := range crew {
			p.Stop()
		}
	})
}

// Without the gate's answer nothing runs. Afterwards the catch-up policies decide, once for all replicas.
func TestSeparateStoresWaitForTheGate(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		keys, y := newTickets(), newTally()
		var crew []*bubble.Program
		for _, holder := range []string{"a", "b"} {
			crew = append(crew, bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) {
				r.Register("latest", "@every 1s", y.run)
				r.Register("all", "@every 1s", y.run, cron.CatchUp(cron.All))
				r.Register("none", "@every 1s", y.run, cron.CatchUp(cron.None))
			}, behind(&gate{tickets: keys, holder: holder}, true)))
		}
		time.Sleep(10*time.Second + 100*time.Millisecond)
		synctest.Wait()
		count := func(job string) int { y.mu.Lock(); defer y.mu.Unlock(); return len(y.slots[job]) }
		if err := errors.Join(crew[0].Sched.Ready(t.Context()), crew[0].Sched.Degraded()); err != nil {
			t.Error(err)
		}
		keys.broken.Store(true)
		time.Sleep(time.Minute)
		for _, job := range []string{"latest", "all", "none"} {
			if n := count(job); n != 10 {
				t.Errorf("%s: %d runs, want the 10 from before", job, n)
			}
		}
		if err := crew[0].Sched.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), errGate.Error()) {
			t.Errorf("ready: %v", err)
		}
		if _, err := crew[0].Sched.Trigger(t.Context(), "latest", scheduler.Request{}); err != nil {
			t.Errorf("by hand: %v", err)
		}
		keys.broken.Store(false)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		end := time.Now().Add(-time.Second)
		for _, p := range crew {
			p.Stop()
		}
		began := end.Add(-79*time.Second - 100*time.Millisecond)
		y.check(t, "all", time.Second, began, end)
		y.check(t, "latest", time.Second, end.Add(-8*time.Second), end)
		y.check(t, "none", time.Second, end.Add(-8*time.Second), end)
		for job, missed := range map[string]map[string]int{"latest": bubble.Counts(crew[0].Runs("latest")), "none": bubble.Counts(crew[0].Runs("none"))} {
			if missed["skipped missed"]+missed["skipped superseded"] < 50 {
				t.Errorf("%s: %v", job, missed)
			}
		}
		y.mu.Lock()
		defer y.mu.Unlock()
		for job, slots := range y.slots {
			for slot, calls := range slots {
				if slot > 0 && calls != 1 {
					t.Errorf("%s: slot %d was run %d times", job, slot, calls)
				}
			}
		}
	})
}

// A claim whose answer was lost was admitted before, so it is settled even without the gate.
func TestDoubtNeedsNoGate(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		keys, y := newTickets(), newTally()
		store := &mute{Store: crontest.NewMemory()}
		p := bubble.Start(t, store, func(r *cron.Registry) { r.Register("job", "@every 10s", y.run) },
			behind(&gate{tickets: keys, holder: "a"}, true))
		began := time.Now()
		store.lose.Store(true)
		time.Sleep(10*time.Second + 500*time.Millisecond)
		keys.broken.Store(true)
		store.lose.Store(false)
		time.Sleep(4 * time.Second)
		y.check(t, "job", 10*time.Second, began, began.Add(10*time.Second))
		p.Stop()
	})
}

// mute commits claims and loses the answer.
type mute struct {
	contract.Store
	lose atomic.Bool
}

func (l *mute) Claim(ctx context.Context, claims []contract.Claim) ([]contract.Claimed, error) {
	out, err := l.Store.Claim(ctx, claims)
	if l.lose.Load() {
		return nil, errors.New("connection reset")
	}
	return out, err
}

// A replica that was down does not repeat runs of another one, and finds the slots that no replica has run.
func TestSeparateStoreComesBack(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		keys, y := newTickets(), newTally()
		began := time.Now()
		stores := []contract.Store{crontest.NewMemory(), crontest.NewMemory()}
		begin := func(i int) *bubble.Program {
			return bubble.Start(t, stores[i], func(r *cron.Registry) { r.Register("job", "@every 1s", y.run, cron.CatchUp(cron.All)) },
				behind(&gate{tickets: keys, holder: fmt.Sprint(i)}, true))
		}
		a, b := begin(0), begin(1)
		for range 2 {
			time.Sleep(10 * time.Second)
			b.Stop()
			time.Sleep(20 * time.Second)
			a.Stop() // no replica runs
			time.Sleep(20 * time.Second)
			b = begin(1)
			time.Sleep(10*time.Second + time.Millisecond)
			a = begin(0)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		y.check(t, "job", time.Second, began, time.Now())
		one, other := bubble.Counts(a.Runs("job")), bubble.Counts(b.Runs("job"))
		if n := one["succeeded"] + other["succeeded"]; n != 121 || one["skipped elsewhere"] != other["succeeded"] || other["skipped elsewhere"] != one["succeeded"] {
			t.Errorf("a %v, b %v", one, other)
		}
		a.Stop()
		b.Stop()
	})
}

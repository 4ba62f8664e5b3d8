//go:build unix

package store_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fibercrons/app/internal/testdb"
)

var faultNetwork = flag.Int("fault.network", 0, "number of network faults, for each kind of server; 0: 100, with -fault.long 2000")

// The network between each of five replicas and the server is cut, goes silent with connections left half
// open, resets connections, is slow, and loses the answers to commits; so does that of a program which changes
// stored schedules. No slot is lost or doubled, a replica works again within a lease and five seconds, and no
// connection is left behind.
func TestFaultNetwork(t *testing.T) { onServersAtOnce(t, testNetwork) }

func testNetwork(t *testing.T, k testdb.Kind) {
	const replicas = 5
	const lease = 30 * time.Second
	faults := atLength(100, 2000)
	if *faultNetwork > 0 {
		faults = *faultNetwork
	}
	direct := k.URL(t)
	if k.Name == "Postgres" {
		direct = testdb.Altered(t, direct, func(u *url.URL) {
			q := u.Query()
			q.Set("application_name", testdb.Name())
			u.RawQuery = q.Encode()
		})
	}
	c := newCrew(t, life{URL: direct, Jobs: "hundred" + withTenants, Lease: lease, Signs: true})
	var lines []*toxicWire
	alive := c.several(replicas, func(at int, l *life) {
		var w *toxicWire
		w, l.URL = newToxicWire(t, direct, at%2 == 0)
		lines = append(lines, w)
	})
	c.awaitWork(alive...)
	// Those who change stored schedules have a sound line, or one that breaks, too.
	broken, brokenURL := newToxicWire(t, direct, false)
	c.inhabit(direct, "tenant", *faultStored/2, anyExprs)
	c.inhabit(brokenURL, "guest", *faultStored/2, anyExprs)
	look := c.look()
	watched := c.watch(look)

	began := time.Now()
	var left atomic.Int64
	left.Store(int64(faults))
	var mu sync.Mutex
	took := map[string]waits{}
	var wg, others sync.WaitGroup
	others.Go(func() {
		chance := rand.New(rand.NewPCG(*faultSeed, 19))
		for number := int64(0); left.Load() > 0 && !t.Failed(); number++ {
			broken.fault(chance, number)
			time.Sleep(time.Duration(chance.IntN(300)) * time.Millisecond)
		}
	})
	for at, line := range lines {
		chance := rand.New(rand.NewPCG(*faultSeed, uint64(20+at)))
		wg.Go(func() {
			for number := left.Add(-1); number >= 0 && !t.Failed(); number = left.Add(-1) {
				kind, over := line.fault(chance, number)
				for kind == nothing {
					kind, over = line.fault(chance, number)
				}
				back, ok := alive[at].well(t, over)
				if !ok {
					t.Errorf("after %s process %d has not reached the database again within %s", kind, alive[at].number, patience)
					return
				}
				mu.Lock()
				took[kind] = append(took[kind], back)
				mu.Unlock()
				if back > lease+5*time.Second {
					t.Errorf("after %s process %d was well again after %s, with a lease of %s", kind, alive[at].number, back, lease)
				}
			}
		})
	}
	wg.Wait()
	others.Wait()
	if t.Failed() {
		return
	}
	worked := time.Since(began)
	most := 0 // the server may take a while to notice that a connection is no more
	c.await("the connections that were broken to be gone", func() bool {
		most = connections(t, direct)
		return most <= (replicas+3)*10
	})
	c.rest(alive...)
	back := watched()
	w := c.world(look)
	w.hurt, w.slack = map[int]bool{}, 2*lease // a row that a lost connection has locked is free when the server gives it up
	report(t, append(w.violations(), append(back, c.disasters()...)...))
	look.Close()
	c.await("every connection to be closed", func() bool { return connections(t, direct) == 0 })

	all := waits{}
	text := ""
	for _, kind := range slices.Sorted(maps.Keys(took)) {
		all = append(all, took[kind]...)
		text += fmt.Sprintf("; %s: %d, recovery max %s", kind, len(took[kind]), took[kind].at(100).Round(time.Millisecond))
	}
	if want := []string{"cut", "half open", "latency", "lost answer", "reset"}; faults >= 100 {
		for _, kind := range want {
			if len(took[kind]) == 0 {
				t.Errorf("no fault was %s", kind)
			}
		}
	}
	if len(all) != faults {
		t.Errorf("%d faults, want %d", len(all), faults)
	}
	t.Logf("%s: %d faults in %s (seed %d): %s; recovery %s; %d connections before the end, 0 after it%s",
		k.Name, len(all), worked.Round(time.Second), *faultSeed, w.figures(), all, most, text)
}

// nothing is no fault: there was no commit whose answer could have been lost.
const nothing = "nothing to lose"

// fault breaks the network in one way or another, and returns when it was whole again: that is as it was,
// but for connections that will never be.
func (w *toxicWire) fault(chance *rand.Rand, number int64) (kind string, over time.Time) {
	a := func(least, most int) time.Duration {
		return time.Duration(least+chance.IntN(most-least)) * time.Millisecond
	}
	switch n := chance.IntN(20); {
	case number%25 == 3: // it takes as long as nobody says anything
		w.vanish()
		return "vanished", time.Now()
	case number%50 == 7:
		w.add("timeout", `"timeout": 0`, 1)
		time.Sleep(12 * time.Second)
		w.remove("timeout")
		return "half open for long", time.Now()
	case n < 4:
		w.Stop()
		time.Sleep(a(20, 400))
		w.connect()
		return "cut", time.Now()
	case n < 8:
		w.reset(a(20, 300))
		return "reset", time.Now()
	case n < 11:
		w.add("timeout", `"timeout": 0`, 1)
		time.Sleep(a(100, 800))
		w.remove("timeout")
		return "half open", time.Now()
	case n < 14:
		w.add("latency", fmt.Sprintf(`"latency": %d, "jitter": 50`, 50+chance.IntN(200)), 1)
		time.Sleep(a(200, 1000))
		w.remove("latency")
		return "latency", time.Now()
	default:
		if !w.loseAnswer(2*time.Second, a(5, 50)) {
			return nothing, time.Now()
		}
		return "lost answer", time.Now()
	}
}

// well waits until the process says that it has reached the database after a moment that has just
// been, and returns how long after it.
func (p *process) well(t *testing.T, since time.Time) (took time.Duration, ok bool) {
	var behind int64
	if info, err := os.Stat(p.marks); err == nil {
		behind = info.Size()
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		for _, m := range readMarks(t, p.marks, behind) {
			if m.Kind == "well" && m.Life == p.number && m.At >= since.UnixMicro() {
				return time.UnixMicro(m.At).Sub(since), true
			}
		}
	}
	return 0, false
}

//go:build unix

package store_test

import (
	"cmp"
	"flag"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"fibercrons/app/internal/testdb"
)

var faultReplicas = flag.Duration("fault.replicas", 0, "how long each round of replicas takes; 0: 20s, with -fault.long 10m")

// Five replicas share a hundred slots a second. In one round nothing happens to them, and the work is
// spread over all; in the other their clocks are off by up to 5 s to either side, and one after the other
// is killed. No replica waits for another's death: while the dead one's lease still runs, the others go on
// with every job that may overlap.
func TestFaultReplicas(t *testing.T) {
	onServersAtOnce(t, func(t *testing.T, k testdb.Kind) {
		for _, round := range atLength([]string{"well", "skewed and killed"}, []string{"well", "skewed", "killed", "skewed and killed"}) {
			t.Run(round, func(t *testing.T) {
				t.Parallel()
				testReplicas(t, k, round)
			})
		}
	})
}

func testReplicas(t *testing.T, k testdb.Kind, round string) {
	const replicas = 5
	const lease = 12 * time.Second
	c := newCrew(t, life{URL: k.URL(t), Jobs: "hundred" + withTenants, Lease: lease, Trace: true})
	skews, exprs := make([]time.Duration, replicas), anyExprs
	if strings.HasPrefix(round, "skewed") {
		skews = []time.Duration{0, 5 * time.Second, -5 * time.Second, 1400 * time.Millisecond, -200 * time.Millisecond}
		exprs = movableExprs
	}
	var mu sync.Mutex
	place, skew := map[int]int{}, map[int]time.Duration{}
	start := func(at int) *process {
		p := c.start(func(l *life) { l.Skew = skews[at] })
		mu.Lock()
		defer mu.Unlock()
		place[p.number], skew[p.number] = at, skews[at]
		return p
	}
	alive := make([]*process, replicas)
	for at := range alive {
		alive[at] = start(at)
	}
	c.awaitWork(alive[0])
	c.inhabit(c.life.url(), "tenant", *faultStored, exprs)
	look := c.look()
	watched := c.watch(look)

	killed := strings.HasSuffix(round, "killed")
	began := time.Now()
	length := cmp.Or(*faultReplicas, atLength(20*time.Second, 10*time.Minute))
	hurt := map[int]bool{}
	var kills []time.Time
	var newest []int // the last life that had begun before each
	chance := rand.New(rand.NewPCG(*faultSeed, 11))
	for time.Since(began) < length {
		if !killed {
			time.Sleep(time.Second)
			continue
		}
		time.Sleep(time.Duration(300+chance.IntN(1500)) * time.Millisecond)
		at := chance.IntN(replicas)
		hurt[alive[at].number] = true
		if !alive[at].kill() {
			t.Fatalf("process %d was dead before it was killed: %v", alive[at].number, alive[at].err)
		}
		kills, newest = append(kills, time.Now()), append(newest, int(c.lives.Load()))
		time.Sleep(time.Duration(chance.IntN(500)) * time.Millisecond)
		alive[at] = start(at)
	}
	worked := time.Since(began)
	c.rest(alive...)
	w := c.world(look)
	w.hurt, w.skew, w.slack = hurt, skew, lease
	report(t, append(w.violations(), append(watched(), c.disasters()...)...))

	// Nothing starts early. How late something starts says much about a busy machine, and so is only told.
	starts := w.startedAt(skew)
	var late, after waits
	for s, at := range starts {
		slot := time.UnixMilli(s.at)
		took := at.Sub(slot)
		if took < -2*time.Millisecond {
			t.Errorf("%s started %s early", s, -took)
		}
		late = append(late, took)
		for _, died := range kills {
			if s.job != "in-turn" && slot.After(died) && slot.Sub(died) < time.Second {
				after = append(after, took)
				break
			}
		}
	}

	tellLate(t, k.Name+", "+round, w.lateStarts(skew))

	// If they waited for a dead one, nothing of a job would start before its lease has ended. What was
	// on its way as it died does not count, nor does what its successor may start.
	const soon, well = lease / 24, lease / 2
	quickly, coded := 0, 0
	for _, j := range w.jobs {
		if !j.Schedules[0].OnDemand() {
			coded++
		}
	}
	for i, died := range kills {
		went := map[string]bool{}
		for _, m := range w.marks {
			at := time.UnixMicro(m.At).Add(-skew[m.Life])
			if m.Kind == "start" && m.Schedule == "" && m.Slot != 0 && at.After(died.Add(soon)) && at.Before(died.Add(well)) && m.Life <= newest[i] {
				went[m.Job] = true
			}
		}
		if len(went) >= coded-1 { // in-turn may wait for the dead one's run
			quickly++
		}
	}
	if quickly*2 < len(kills) {
		t.Errorf("after %d of %d kills all jobs went on within %s, with a lease of %s", quickly, len(kills), well, lease)
	}

	// In turn is one at a time; everything else was for any of them. One whose clock is behind comes too
	// late where others are not.
	if strings.HasPrefix(round, "skewed") && c.logged("clock is ahead of the database's") == 0 {
		t.Error("no replica has noticed that its clock is ahead: nothing was put to the test")
	}
	shares := w.shares(replicas, func(number int) int { return place[number] })
	total := 0
	for _, n := range shares {
		total += n
	}
	for at, n := range shares {
		if round == "well" && n*50 < total {
			t.Errorf("replica %d made %d of %d runs: the work is not spread", at, n, total)
		}
	}
	t.Logf("%s, %s, %d replicas, %s, %d kills: %s; %.0f slots/s; by replica %v; late: %s; after a kill: %s", k.Name, round, replicas,
		worked.Round(time.Second), len(kills), w.figures(), float64(total)/worked.Seconds(), shares, late, after)
	if slots := int(worked.Seconds()) * 100; total < slots/2 {
		t.Errorf("%d runs in %s: that is no load", total, worked)
	}
}

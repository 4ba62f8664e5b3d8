//go:build unix

package store_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/store/row"
)

var faultKills = flag.Int("fault.kills", 0, "number of kills; 0: 300, with -short 40, with -fault.long 10000")

// Three processes on one file are killed and started again at random moments, one, two or all
// of them at a time, in their work as in their start.
func TestFaultKill9(t *testing.T) {
	onlyIfAsked(t)
	kills := *faultKills
	switch {
	case kills > 0:
	case *faultLong:
		kills = 10_000
	case testing.Short():
		kills = 40
	default:
		kills = 300
	}
	const lease = time.Second
	c := newCrew(t, life{Jobs: "crowd" + withTenants, Lease: lease})
	began := time.Now()
	first := c.start()
	c.awaitWork(first)
	c.retire(first)
	c.inhabit(c.life.url(), "tenant", *faultStored, anyExprs)
	watched := c.watch(c.look())

	var left atomic.Int64
	left.Store(int64(kills))
	var wg sync.WaitGroup
	alive := make([]*process, 3)
	for place := range alive {
		chance := rand.New(rand.NewPCG(*faultSeed, uint64(place)))
		wg.Go(func() {
			for {
				p := c.start()
				most := 400
				if chance.IntN(2) == 0 { // in its work rather than in its start
					most = 250
					works := p.works(t)
					for deadline := time.Now().Add(2 * time.Second); !works() && time.Now().Before(deadline); {
						time.Sleep(10 * time.Millisecond)
					}
				}
				if chance.IntN(8) == 0 {
					most = 3000
				}
				time.Sleep(time.Duration(chance.IntN(most)) * time.Millisecond)
				if left.Add(-1) < 0 {
					alive[place] = p
					return
				}
				if !p.kill() {
					t.Errorf("process %d was dead before it was killed: %v", p.number, p.err)
					alive[place] = p
					return
				}
				time.Sleep(time.Duration(chance.IntN(100)) * time.Millisecond)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}

	// The last two die at one moment.
	c.awaitWork(alive[0])
	alive[1].signal(9)
	alive[2].kill()
	<-alive[1].ended
	died := time.Now()
	look := c.look()
	c.await("runs of dead processes to say no more that they are running", func() bool {
		return len(c.find(look, "status = 'running' AND instance NOT IN (SELECT id FROM job_instances WHERE version = ?)", fmt.Sprint(alive[0].number))) == 0
	})
	c.await("all slots until then to be settled", func() bool { return c.settled(look, died) && c.settledStored(look, died) })
	c.rest(alive[0])

	w := c.world(look)
	w.slack = 5 * time.Second
	report(t, append(w.violations(), append(watched(), c.disasters()...)...))
	interrupted := slices.ContainsFunc(w.rows, func(r row.JobRun) bool { return r.Status == string(cron.Interrupted) })
	rerun := slices.ContainsFunc(w.rows, func(r row.JobRun) bool { return r.Job == "long-rerun" && r.Attempt > 1 })
	if !interrupted || !rerun {
		t.Errorf("no run was interrupted (%t) or none rerun (%t): nothing was put to the test", interrupted, rerun)
	}
	info, err := os.Stat(c.life.File)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d kills in %s (seed %d): %s; file %d KiB", kills+2, time.Since(began).Round(time.Second), *faultSeed, w.figures(), info.Size()>>10)
}

//go:build unix

package store_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/store/row"
)

// A process is stopped for longer than a lease and goes on then, as after a suspend, a swap
// storm or a debugger. What others have settled meanwhile stays as they have settled it. One that
// is stopped within a transaction holds SQLite's only lock, and the others wait for it: that is no
// case for leases.
func TestFaultStopped(t *testing.T) {
	onlyIfAsked(t)
	rounds := 3
	switch {
	case *faultLong:
		rounds = 100
	case testing.Short():
		rounds = 1
	}
	const lease = time.Second
	c := newCrew(t, life{Jobs: "slow", Lease: lease})
	sleeper, other := c.start(), c.start()
	c.awaitWork(sleeper, other)
	s, door := c.look(), c.door()
	watched := c.watch(s)
	swept, late := 0, 0
	chance := rand.New(rand.NewPCG(*faultSeed, 2))
	for range rounds {
		// It is stopped while it has runs.
		var mine map[string]row.JobRun
		c.await("the process to be stopped between two transactions", func() bool {
			time.Sleep(time.Duration(chance.IntN(500)) * time.Millisecond)
			sleeper.signal(syscall.SIGSTOP)
			mine = c.active(s, sleeper)
			atWork := slices.ContainsFunc(slices.Collect(maps.Values(mine)), func(r row.JobRun) bool {
				return r.Job == "long-skip" && cron.Status(r.Status) == cron.Running
			})
			if atWork && unlocked(door) {
				return true
			}
			sleeper.signal(syscall.SIGCONT)
			return false
		})
		time.Sleep(lease)
		var settled map[string]row.JobRun
		c.await("another process to settle its runs", func() bool {
			settled = c.find(s, "id IN ?", slices.Collect(maps.Keys(mine)))
			return !slices.ContainsFunc(slices.Collect(maps.Values(settled)), func(r row.JobRun) bool {
				return r.Token == mine[r.ID].Token && cron.Status(r.Status) == cron.Running
			})
		})
		for _, r := range settled {
			if r.Token != mine[r.ID].Token {
				swept++
			}
		}
		sleeper.signal(syscall.SIGCONT)
		c.awaitWork(sleeper)
		for id, r := range c.find(s, "id IN ?", slices.Collect(maps.Keys(mine))) {
			if was := settled[id]; cron.Status(was.Status).Ended() && (r.Token != was.Token || r.Status != was.Status || r.EndedAt != was.EndedAt || r.Attempts != was.Attempts) {
				t.Errorf("run %s of %s was changed after it had been settled: %+v became %+v", id, r.Job, was, r)
			}
		}
	}
	c.rest(sleeper, other)
	w := c.world(s)
	w.hurt = map[int]bool{sleeper.number: true}
	report(t, append(w.violations(), append(watched(), c.disasters()...)...))
	for _, r := range w.rows {
		if end, ok := w.ends[attemptOf{slotOfRun(&r), 1}]; ok && cron.Status(r.Status) == cron.Interrupted && end.At/1000 > int64(r.EndedAt) {
			late++
		}
	}
	if swept == 0 || late == 0 {
		t.Errorf("%d runs were swept and %d ended too late: nothing was put to the test", swept, late)
	}
	t.Logf("%d stops: %d runs taken over, %d ends came too late; %s", rounds, swept, late, w.figures())
}

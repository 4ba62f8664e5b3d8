//go:build unix

package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/internal/testdb"
)

// editedEvery is how often a version of the program in [TestFaultRolling] has its edited job.
func editedEvery(version int) time.Duration {
	return []time.Duration{100 * time.Millisecond, 130 * time.Millisecond, 170 * time.Millisecond}[version%3]
}

// Every two seconds all replicas are replaced, one after the other, by those of a next version, which edits
// one job, has a new one, and no longer has one of the version before. Every other version lacks a job of stored
// schedules. Old and new run side by side meanwhile, and the newest version's word holds from the moment on at
// which its first replica has begun.
func TestFaultRolling(t *testing.T) { onServersAtOnce(t, testRolling) }

func testRolling(t *testing.T, k testdb.Kind) {
	const replicas = 3
	rounds := atLength(8, 30)
	c := newCrew(t, life{URL: k.URL(t), Jobs: "version 0" + withTenants, Lease: 30 * time.Second, Signs: true})
	alive := c.several(replicas, func(int, *life) {})
	versionOf := map[int]int{}
	for _, p := range alive {
		versionOf[p.number] = 0
	}
	c.awaitWork(alive...)
	c.inhabit(c.life.url(), "tenant", *faultStored, anyExprs)
	look := c.look()
	watched := c.watch(look)
	began := time.Now()
	for version := 1; version <= rounds; version++ {
		next := time.Now().Add(2 * time.Second)
		c.life.Jobs = fmt.Sprint("version ", version, withTenants)
		for at, old := range alive {
			begins := time.Now()
			alive[at] = c.start()
			versionOf[alive[at].number] = version
			if _, ok := alive[at].well(t, begins); !ok {
				c.quit()
				t.Fatalf("process %d of version %d has not begun within %s", alive[at].number, version, patience)
			}
			c.retire(old)
		}
		time.Sleep(time.Until(next))
	}
	worked := time.Since(began)
	c.rest(alive...)

	w := c.world(look)
	w.hurt = map[int]bool{}
	w.slack, w.absent = 5*time.Second, map[string]bool{sometimes: true}
	w.timed = nil
	for version := range rounds + 1 {
		for _, j := range jobSet(fmt.Sprint("version ", version, withTenants), nil) {
			w.jobs[j.Name] = j
			if version == rounds && (j.Name == "stays" || j.Name == "in-turn") {
				w.timed = append(w.timed, j)
			}
		}
	}
	report(t, append(w.violations(), append(watched(), c.disasters()...)...))

	// From when on each version is known, and until when no newer one is.
	known, asked := make([]time.Time, rounds+2), make([]time.Time, rounds+2)
	first := func(at *time.Time, m mark) {
		if when := time.UnixMicro(m.At); at.IsZero() || when.Before(*at) {
			*at = when
		}
	}
	for _, m := range w.marks {
		switch v := versionOf[m.Life]; m.Kind {
		case "known":
			first(&known[v], m)
		case "asked":
			first(&asked[v], m)
		}
	}
	asked[rounds+1] = time.Now()
	slots := map[string][]time.Time{}
	cancelled := 0
	for _, r := range w.rows {
		slots[r.Job] = append(slots[r.Job], time.UnixMilli(r.Slot.Int64))
		if r.Status == string(cron.Cancelled) {
			cancelled++
		}
	}
	checked := 0
	for version := range rounds + 1 {
		// The edited job has the slots of this version without a gap, and no others.
		var had []time.Time
		for _, slot := range slots["edited"] {
			if slot.After(known[version]) && slot.Before(asked[version+1]) {
				had = append(had, slot)
			}
		}
		slices.SortFunc(had, time.Time.Compare)
		every := editedEvery(version)
		for i, slot := range had {
			checked++
			switch {
			case slot.UnixMilli()%every.Milliseconds() != 0:
				t.Errorf("version %d runs, and the edited job has a slot of another's, %s", version, slot)
			case i == 0 && slot.Sub(known[version]) > 2*every+2*time.Millisecond:
				t.Errorf("version %d was known at %s, and the edited job had its first slot at %s", version, known[version], slot)
			case i > 0 && slot.Sub(had[i-1]) != every:
				t.Errorf("version %d: after %s the edited job had %s next", version, had[i-1], slot)
			}
		}
		// Its own job has slots while it is the newest, and none before or after.
		own := slots[fmt.Sprint("only-", version)]
		if len(own) == 0 {
			t.Errorf("version %d came and went without a slot of its own job", version)
		}
		for _, slot := range own {
			if slot.Before(asked[version].Add(-time.Millisecond)) || version < rounds && slot.After(known[version+1]) {
				t.Errorf("only-%d had a slot at %s; version %d was known from %s to %s", version, slot, version, known[version], known[version+1])
			}
		}
	}
	left := 0
	for job, st := range w.states {
		if strings.HasPrefix(job, "only-") && job != fmt.Sprint("only-", rounds) && st.RemovedAt.IsZero() {
			left++
		}
	}
	if left > 0 {
		t.Errorf("%d removed jobs are not marked removed", left)
	}
	t.Logf("%s: %d versions of %d replicas in %s: %s; %d slots of the edited job looked at, %d runs of removed jobs cancelled",
		k.Name, rounds+1, replicas, worked.Round(time.Second), w.figures(), checked, cancelled)
}

package conformance

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// Replicas checks several processes on one database. Open is called once for each case and returns stores on the same
// empty database, each with its own connections.
func Replicas(t *testing.T, open func(t *testing.T) []contract.Store) {
	for name, run := range map[string]func(*testing.T, []*suite){
		"a slot is won once":             wonOnce,
		"overlap holds across processes": overlapAcross,
		"an expired run is taken once":   takenOnce,
		"a group's limit holds":          groupAcross,
		"everything is counted":          counted,
		"a stored slot is won once":      storedOnce,
		"of edits of one revision, one":  editedOnce,
		"a deferred run is taken once":   deferredOnce,
	} {
		t.Run(name, func(t *testing.T) {
			var all []*suite
			for _, s := range open(t) {
				all = append(all, &suite{T: t, Store: s, ctx: context.Background(), now: day(12)})
			}
			run(t, all)
		})
	}
}

// together runs f concurrently, of times for each store.
func together(all []*suite, times int, f func(s *suite, i int)) {
	var wg sync.WaitGroup
	for _, s := range all {
		for i := range times {
			wg.Go(func() { f(s, i) })
		}
	}
	wg.Wait()
}

func wonOnce(t *testing.T, all []*suite) {
	const jobs, slots = 5, 40
	var mu sync.Mutex
	winners, seen := map[string][]string{}, map[string]map[string]bool{}
	together(all, 4, func(s *suite, i int) {
		for n := range slots {
			slot := day(13).Add(time.Duration(n) * time.Second)
			var batch []contract.Claim
			for j := range jobs {
				c := s.due(fmt.Sprint("job-", j), slot)
				c.Overlap = cron.Allow
				if i%2 == 0 {
					c.Watermark = slot.Add(-10 * time.Second)
				}
				batch = append(batch, c)
			}
			got, err := s.Claim(s.ctx, batch)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			for k, g := range got {
				key := batch[k].Job + batch[k].Slot.String()
				if g.Won {
					winners[key] = append(winners[key], g.ID)
				}
				if seen[key] == nil {
					seen[key] = map[string]bool{}
				}
				if g.ID != "" {
					seen[key][g.ID] = true
				}
			}
			mu.Unlock()
		}
	})
	if len(seen) != jobs*slots {
		t.Errorf("%d slots, want %d", len(seen), jobs*slots)
	}
	for key := range seen {
		if len(winners[key]) != 1 || len(seen[key]) != 1 {
			t.Errorf("%s was won by %v, and is held to be %v", key, winners[key], seen[key])
		}
	}
	if rows := len(all[0].runs(contract.Query{Limit: 10_000})); rows != jobs*slots {
		t.Errorf("%d rows, want %d", rows, jobs*slots)
	}
}

func overlapAcross(t *testing.T, all []*suite) {
	var mu sync.Mutex
	running := 0
	together(all, 20, func(s *suite, i int) {
		c := s.hand("a")
		c.Instance = fmt.Sprint(i)
		got, err := s.Claim(s.ctx, []contract.Claim{c})
		if err != nil {
			t.Error(err)
			return
		}
		if got[0].Won {
			mu.Lock()
			running++
			mu.Unlock()
		} else if got[0].Refused != cron.ReasonOverlap {
			t.Errorf("claimed %+v", got[0])
		}
	})
	if running != 1 {
		t.Errorf("%d run at the same time", running)
	}
}

func takenOnce(t *testing.T, all []*suite) {
	const runs = 20
	for i := range runs {
		c := all[0].due(fmt.Sprint("job-", i), day(13))
		c.Lease = 0
		all[0].won(c, cron.Running, "")
	}
	late := must(all[0].Expired(all[0].ctx, 100))(all[0])
	var mu sync.Mutex
	granted := map[string]int{}
	together(all, 4, func(s *suite, i int) {
		for _, r := range late {
			ok := s.take(r, cron.Queued, fmt.Sprint(i), rand.Int64())
			mu.Lock()
			if ok {
				granted[r.ID]++
			}
			mu.Unlock()
		}
	})
	for _, r := range late {
		if granted[r.ID] != 1 {
			t.Errorf("run %s was taken %d times", r.ID, granted[r.ID])
		}
	}
	if len(late) != runs {
		t.Errorf("%d expired, want %d", len(late), runs)
	}
}

func groupAcross(t *testing.T, all []*suite) {
	const limit = 3
	var mu sync.Mutex
	ended := sync.NewCond(&mu)
	running, most, done := 0, 0, 0
	together(all, 8, func(s *suite, i int) {
		c := s.hand(fmt.Sprint("job-", i))
		c.Status, c.Group, c.Overlap = cron.Queued, "g", cron.Allow
		s.won(c, cron.Queued, "")
		for {
			mu.Lock()
			before := done
			mu.Unlock()
			out, err := s.start(c, func(st *contract.Start) { st.Group, st.GroupLimit = "g", limit })
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			if out.Started {
				running++
				most = max(most, running)
				running--
				mu.Unlock()
				break
			}
			for done == before { // wait for what the contract says to wait for
				ended.Wait()
			}
			mu.Unlock()
		}
		err := s.Finish(s.ctx, s.ended(c, cron.Succeeded))
		mu.Lock()
		done++
		ended.Broadcast()
		mu.Unlock()
		if err != nil {
			t.Error(err)
		}
	})
	if most > limit || done != 8*len(all) {
		t.Errorf("%d ran at one time, %d in all", most, done)
	}
}

func counted(t *testing.T, all []*suite) {
	const runs = 15
	together(all, 3, func(s *suite, _ int) {
		for range runs {
			c := s.hand("a")
			c.Overlap = cron.Allow
			s.won(c, cron.Running, "")
			if err := s.Finish(s.ctx, s.ended(c, cron.Failed)); err != nil {
				t.Error(err)
			}
		}
	})
	want := int64(runs * 3 * len(all))
	if st := all[0].state("a"); st.Runs != want || st.Failures != want || st.Active != 0 {
		t.Errorf("%d runs, %d failures, %d active; want %d, %d, 0", st.Runs, st.Failures, st.Active, want, want)
	}
}

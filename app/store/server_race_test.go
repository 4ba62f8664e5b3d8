package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/testdb"
	"fibercrons/app/plan"
	"fibercrons/app/store"
)

func TestServersMigrateOnce(t *testing.T) {
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		url := k.URL(t)
		errs := make(chan error)
		for range 10 {
			go func() {
				s, err := store.Open(context.Background(), store.Options{URL: url, RetryFor: time.Minute})
				if err == nil {
					err = s.Close()
				}
				errs <- err
			}()
		}
		for range 10 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		s := openURL(t, url)
		have, want, err := s.Version(t.Context())
		var steps int
		if err := s.Writes().QueryRow("SELECT COUNT(*) FROM job_migrations").Scan(&steps); err != nil {
			t.Fatal(err)
		}
		if have != want || steps != want || err != nil {
			t.Errorf("version %d of %d by %d steps, %v", have, want, steps, err)
		}
	})
}

// replicas opens several stores on one database.
func replicas(t *testing.T, k testdb.Kind, n int) []*store.Store {
	t.Helper()
	url := k.URL(t)
	all := make([]*store.Store, n)
	for i := range all {
		all[i] = openURL(t, url)
	}
	return all
}

func TestServersStartInTurn(t *testing.T) {
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		all := replicas(t, k, 4)
		var mu sync.Mutex
		running, started := 0, 0
		var wg sync.WaitGroup
		for i, s := range all {
			for n := range 3 {
				c := claimOf("a", 1+i*10+n)
				c.Status, c.Overlap = cron.Queued, cron.Allow
				if got, err := s.Claim(t.Context(), []contract.Claim{c}); err != nil || !got[0].Won {
					t.Fatal(got, err)
				}
				wg.Go(func() {
					for range 2000 {
						out, err := s.Start(t.Context(), contract.Start{Fence: c.Fence, Job: "a", At: c.At, Lease: time.Hour, Serial: true})
						if err != nil {
							t.Error(err)
							return
						}
						if !out.Started {
							continue
						}
						mu.Lock()
						running, started = running+1, started+1
						if running > 1 {
							t.Errorf("%d run at a time", running)
						}
						running--
						mu.Unlock()
						if err := s.Finish(t.Context(), contract.Finish{Fence: c.Fence, Job: "a", Status: cron.Succeeded, Started: c.At, At: c.At}); err != nil {
							t.Error(err)
						}
						return
					}
				})
			}
		}
		wg.Wait()
		if started != 12 {
			t.Errorf("%d of 12 runs started", started)
		}
	})
}

// An owner that comes back late and a sweeper that takes its run: one of them has the say.
func TestServersSweepAgainstTheOwner(t *testing.T) {
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		all := replicas(t, k, 3)
		for round := range 25 {
			c := claimOf("a", round+1)
			c.Lease, c.Instance = 0, fmt.Sprint("owner-", round)
			if got, err := all[0].Claim(t.Context(), []contract.Claim{c}); err != nil || !got[0].Won {
				t.Fatal(got, err)
			}
			var finished, held bool
			taken := make([]bool, 2)
			var wg sync.WaitGroup
			wg.Go(func() {
				if round%2 == 0 {
					err := all[0].Finish(t.Context(), contract.Finish{Fence: c.Fence, Job: "a", Status: cron.Succeeded, Started: c.At, At: c.At})
					if finished = err == nil; err != nil && !errors.Is(err, contract.ErrFenced) {
						t.Error(err)
					}
					return
				}
				list, err := all[0].Beat(t.Context(), contract.Beat{Instance: contract.InstanceInfo{ID: c.Instance}, At: c.At, Lease: time.Hour})
				if err != nil {
					t.Error(err)
				}
				held = len(list) == 1 && list[0].Fence == c.Fence
			})
			for i := range taken {
				wg.Go(func() {
					got, err := all[1+i].Take(t.Context(), []contract.Take{{
						Finish:   contract.Finish{Fence: c.Fence, Job: "a", Status: cron.Queued, At: c.At},
						NewToken: rand.Int64N(1<<60) + 1, Instance: "sweeper", Lease: time.Hour,
					}})
					if err != nil {
						t.Error(err)
						return
					}
					taken[i] = got[0]
				})
			}
			wg.Wait()
			n := 0
			for _, yes := range []bool{finished, held, taken[0], taken[1]} {
				if yes {
					n++
				}
			}
			if n != 1 {
				t.Errorf("round %d: finished %v, held %v, taken %v", round, finished, held, taken)
			}
		}
	})
}

// Everything at once, on few jobs: nothing fails but by a lost fence, and what has run is counted.
func TestServersDoEverythingAtOnce(t *testing.T) {
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		all := replicas(t, k, 3)
		ctx := t.Context()
		jobs := []string{"a", "b", "c", "d"}
		var defs []contract.Definition
		for _, j := range jobs {
			defs = append(defs, contract.Definition{Name: j, Definition: "@hourly"})
		}
		var mu sync.Mutex
		won := map[string]int{}
		counted := int64(0)
		fine := func(err error) bool {
			if err != nil && !errors.Is(err, contract.ErrFenced) {
				t.Error(err)
			}
			return err == nil
		}
		var wg sync.WaitGroup
		for at, s := range all {
			instance := contract.InstanceInfo{ID: fmt.Sprint("i", at)}
			for worker := range 4 {
				wg.Go(func() {
					for n := range 15 {
						var batch []contract.Claim
						for _, j := range jobs {
							c := claimOf(j, 1+worker*100+n)
							c.Instance, c.Status, c.Overlap = instance.ID, cron.Queued, cron.Allow
							if worker == 0 {
								c.Overlap = cron.Replace
							}
							if worker == 1 {
								c.Group = "g"
							}
							batch = append(batch, c)
						}
						got, err := s.Claim(ctx, batch)
						if !fine(err) {
							return
						}
						for i, g := range got {
							if !g.Won {
								continue
							}
							c := batch[i]
							mu.Lock()
							won[fmt.Sprint(c.Job, c.Slot)]++
							mu.Unlock()
							out, err := s.Start(ctx, contract.Start{Fence: c.Fence, Job: c.Job, At: c.At, Lease: time.Hour, Group: c.Group, GroupLimit: 100})
							if !fine(err) {
								continue
							}
							f := contract.Finish{Fence: c.Fence, Job: c.Job, Status: cron.Failed, Error: "x", At: c.At, Lines: []cron.LogLine{{Seq: 2, Time: c.At}}}
							if out.Started {
								f.Started = c.At
								fine(s.Note(ctx, []contract.Note{{Fence: c.Fence, Progress: &cron.Progress{Done: 1}, Lines: []cron.LogLine{{Seq: 1, Time: c.At}}}}))
							}
							if fine(s.Finish(ctx, f)) && out.Started {
								mu.Lock()
								counted++
								mu.Unlock()
							}
						}
					}
				})
			}
			wg.Go(func() {
				for n := range 15 {
					job := jobs[n%len(jobs)]
					_, err := s.Beat(ctx, contract.Beat{Instance: instance, At: time.Now(), Lease: time.Hour})
					fine(err)
					_, err = s.Pause(ctx, contract.Pause{Job: job, Resume: true, At: time.Now()})
					if !errors.Is(err, cron.ErrNotFound) {
						fine(err)
					}
					_, err = s.Sync(ctx, contract.Program{Definitions: defs, At: time.UnixMilli(1)})
					fine(err)
					_, err = s.Prune(ctx, contract.Prune{Job: job, Keep: 1000, Limit: 10})
					fine(err)
					if runs, err := s.Runs(ctx, contract.Query{Job: job, Limit: 3}); fine(err) {
						for _, r := range runs {
							_, err := s.Cancel(ctx, r.ID, cron.ReasonRequested, "tester")
							fine(err)
						}
					}
				}
			})
		}
		wg.Wait()
		for slot, n := range won {
			if n != 1 {
				t.Errorf("%s was won %d times", slot, n)
			}
		}
		states, err := all[0].States(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var runs, active int64
		for _, st := range states {
			runs += st.Runs
			active += int64(st.Active)
		}
		if len(won) != 4*4*15 || runs != counted || active != 0 {
			t.Errorf("%d slots were won, %d runs counted of %d, %d active", len(won), runs, counted, active)
		}
	})
}

// A slot starts when the database's clock has reached it. One that lies ahead of it is answered as early,
// and leaves no trace: neither a row nor a moved watermark.
func TestServersStartNothingEarly(t *testing.T) {
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		s := openURL(t, k.URL(t))
		if _, err := s.Sync(t.Context(), contract.Program{Definitions: []contract.Definition{{Name: "a", Definition: "x"}, {Name: "b", Definition: "x"}}, At: time.UnixMilli(1)}); err != nil {
			t.Fatal(err)
		}
		at := func(job string, slot time.Time) contract.Claim {
			c := claimOf(job, 1)
			c.Slot, c.Watermark = slot, slot
			return c
		}
		now := time.Now()
		for _, known := range []bool{true, false} { // a job with and without a state
			job := map[bool]string{true: "a", false: "new"}[known]
			due, early := at(job, now.Add(-time.Hour)), at(job, now.Add(time.Hour))
			late := early
			late.Status, late.Reason = cron.Skipped, cron.ReasonMissed // a clock that leapt
			late.Slot = late.Slot.Add(time.Second)
			got, err := s.Claim(t.Context(), []contract.Claim{due, early, late, at("b", now.Add(time.Hour))})
			if err != nil {
				t.Fatal(err)
			}
			if !got[0].Won || got[0].Early != 0 {
				t.Errorf("a slot that is due: %+v", got[0])
			}
			for _, g := range got[1:] {
				if g.Won || g.ID != "" || g.Early < 50*time.Minute || g.Early > 70*time.Minute {
					t.Errorf("a slot of the next hour: %+v", g)
				}
			}
			st, err := s.States(t.Context(), job)
			if err != nil || !st[job].Watermark.Equal(due.Slot.UTC().Truncate(time.Millisecond)) {
				t.Errorf("the watermark is %s, %v; want %s", st[job].Watermark, err, due.Slot)
			}
		}
		runs, err := s.Runs(t.Context(), contract.Query{})
		if err != nil || len(runs) != 2 {
			t.Errorf("%d runs, %v; want 2", len(runs), err)
		}
	})
}

// A pause ends by the database's clock, whatever the clock of the process that claims.
func TestServersEndPausesByTheirClock(t *testing.T) {
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		s := openURL(t, k.URL(t))
		if _, err := s.Sync(t.Context(), contract.Program{Definitions: []contract.Definition{{Name: "a", Definition: "x"}}, At: time.UnixMilli(1)}); err != nil {
			t.Fatal(err)
		}
		slot := 0
		for until, want := range map[time.Duration]cron.Status{time.Hour: cron.Skipped, -time.Hour: cron.Running} {
			now := time.Now()
			if _, err := s.Pause(t.Context(), contract.Pause{Job: "a", At: now, Until: now.Add(until)}); err != nil {
				t.Fatal(err)
			}
			for _, off := range []time.Duration{-2 * time.Hour, 0, 2 * time.Hour} {
				slot++
				c := claimOf("a", slot)
				c.At, c.Status, c.Overlap = now.Add(off), cron.Running, cron.Allow
				got, err := s.Claim(t.Context(), []contract.Claim{c})
				if err != nil || got[0].Status != want {
					t.Errorf("a pause until %s from now, and a clock that is off by %s: %+v, %v", until, off, got, err)
				}
			}
		}
	})
}

// Whatever the clock of the process that is first, a job begins no later than now by the database's clock,
// and only that clock says that a watermark is far ahead.
func TestServersBeginByTheirClock(t *testing.T) {
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		s := openURL(t, k.URL(t))
		sync := func(at time.Time, jobs ...string) map[string]contract.State {
			t.Helper()
			p := contract.Program{At: at}
			for _, name := range jobs {
				p.Definitions = append(p.Definitions, contract.Definition{Name: name, Definition: "x"})
			}
			if _, err := s.Sync(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			states, err := s.States(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return states
		}
		const leeway = 10 * time.Minute                                       // the server's clock is this machine's
		for _, jobs := range [][]string{{"a"}, {"a", "b"}, {"a", "b", "c"}} { // none of them known, and one
			began := time.Now()
			name := jobs[len(jobs)-1]
			st := sync(began.Add(time.Hour), jobs...)[name]
			if first := st.FirstSeen.Sub(began); first < -leeway || first > leeway || !st.Watermark.Equal(st.FirstSeen) {
				t.Errorf("job %s was first seen %s from now, with its watermark %s from now", name, first, st.Watermark.Sub(began))
			}
		}

		// Another schedule holds from then on, too: slots until a later instant would be passed over.
		began := time.Now()
		st, err := s.Override(t.Context(), plan.Override{Job: "a", Expr: "@daily", At: began.Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		if st.Watermark.Sub(began) > leeway || st.Override.At.Sub(began) > leeway {
			t.Errorf("job a was overridden %s from now, with its watermark %s from now", st.Override.At.Sub(began), st.Watermark.Sub(began))
		}

		for _, set := range []time.Duration{contract.WrongClock - time.Hour, contract.WrongClock + time.Hour} {
			began := time.Now()
			mark := began.Add(set).Truncate(time.Millisecond)
			if err := s.Exec(fmt.Sprintf("UPDATE job_state SET watermark = %d WHERE name = 'b'", mark.UnixMilli())); err != nil {
				t.Fatal(err)
			}
			st := sync(began.Add(-72*time.Hour), "a", "b", "c")["b"]
			switch moved := !st.Watermark.Equal(mark); {
			case moved != (set > contract.WrongClock):
				t.Errorf("a watermark %s ahead is now %s", set, st.Watermark)
			case moved && began.Sub(st.Watermark) > leeway:
				t.Errorf("a watermark far ahead was set %s back, to the clock of a process that is behind", began.Sub(st.Watermark))
			}
		}
	})
}

// Without the locks what they guard against happens, if only the two meet.
func TestServersNeedTheirLocks(t *testing.T) {
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		all := replicas(t, k, 2)
		if _, err := all[0].Claim(t.Context(), []contract.Claim{claimOf("a", 1)}); err != nil { // so that the job has a state
			t.Fatal(err)
		}
		ended, err := all[0].Runs(t.Context(), contract.Query{})
		if err != nil {
			t.Fatal(err)
		}
		if err := all[0].Finish(t.Context(), contract.Finish{Fence: contract.Fence{ID: ended[0].ID, Token: ended[0].Token}, Job: "a", Status: cron.Succeeded, At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		// The first claims and is held up before it commits; the second claims meanwhile.
		both := func(slot int) (won int) {
			decided, commit := make(chan struct{}), make(chan struct{})
			var once, free sync.Once
			all[0].Tamper(func(point string, _ []string) error {
				if point == "commit" {
					once.Do(func() { close(decided); <-commit })
				}
				return nil
			})
			all[1].Tamper(func(point string, _ []string) error {
				if point == "commit" { // it does not wait for the first
					free.Do(func() { close(commit) })
				}
				return nil
			})
			var mu sync.Mutex
			var wg sync.WaitGroup
			claim := func(s *store.Store, n int) {
				c := claimOf("a", n)
				c.Overlap = cron.Skip
				got, err := s.Claim(context.Background(), []contract.Claim{c})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				if got[0].Won && got[0].Status == cron.Running {
					won++
				}
			}
			wg.Go(func() { claim(all[0], slot) })
			<-decided
			wg.Go(func() { claim(all[1], slot+1) })
			patience := time.AfterFunc(500*time.Millisecond, func() { free.Do(func() { close(commit) }) })
			defer patience.Stop()
			wg.Wait()
			return won
		}
		if n := both(10); n != 1 {
			t.Errorf("%d runs of a job that does not overlap, with the locks", n)
		}
		runs, err := all[0].Runs(t.Context(), contract.Query{Statuses: []cron.Status{cron.Running}})
		if err != nil || len(runs) != 1 {
			t.Fatal(len(runs), err)
		}
		if err := all[0].Finish(t.Context(), contract.Finish{Fence: contract.Fence{ID: runs[0].ID, Token: runs[0].Token}, Job: "a", Status: cron.Succeeded, At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		for _, s := range all {
			s.WithoutLocks()
		}
		if n := both(20); n != 2 {
			t.Errorf("%d runs without the locks: the check proves nothing", n)
		}
	})
}

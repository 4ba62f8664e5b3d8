package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/store"
)

func TestServersMigrateOnce(t *testing.T) {
	onServers(t, func(t *testing.T, k kind) {
		url := k.url(t)
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
		if err := s.Writes().QueryRow("SELECT COUNT(*) FROM schema_migrations").Scan(&steps); err != nil {
			t.Fatal(err)
		}
		if have != want || steps != want || err != nil {
			t.Errorf("version %d of %d by %d steps, %v", have, want, steps, err)
		}
	})
}

// replicas opens several stores on one database.
func replicas(t *testing.T, k kind, n int) []*store.Store {
	t.Helper()
	url := k.url(t)
	all := make([]*store.Store, n)
	for i := range all {
		all[i] = openURL(t, url)
	}
	return all
}

func TestServersStartInTurn(t *testing.T) {
	onServers(t, func(t *testing.T, k kind) {
		all := replicas(t, k, 4)
		var mu sync.Mutex
		running, started := 0, 0
		var wg sync.WaitGroup
		for i, s := range all {
			for n := range 3 {
				c := claimOf("a", 1+i*10+n)
				c.Status, c.Overlap = cron.Queued, cron.Allow
				if got, err := s.Claim(t.Context(), []cron.Claim{c}); err != nil || !got[0].Won {
					t.Fatal(got, err)
				}
				wg.Go(func() {
					for range 2000 {
						out, err := s.Start(t.Context(), cron.Start{Fence: c.Fence, Job: "a", At: c.At, Lease: time.Hour, Serial: true})
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
						if err := s.Finish(t.Context(), cron.Finish{Fence: c.Fence, Job: "a", Status: cron.Succeeded, Started: c.At, At: c.At}); err != nil {
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
	onServers(t, func(t *testing.T, k kind) {
		all := replicas(t, k, 3)
		for round := range 25 {
			c := claimOf("a", round+1)
			c.Lease, c.Instance = 0, fmt.Sprint("owner-", round)
			if got, err := all[0].Claim(t.Context(), []cron.Claim{c}); err != nil || !got[0].Won {
				t.Fatal(got, err)
			}
			var finished, held bool
			taken := make([]bool, 2)
			var wg sync.WaitGroup
			wg.Go(func() {
				if round%2 == 0 {
					err := all[0].Finish(t.Context(), cron.Finish{Fence: c.Fence, Job: "a", Status: cron.Succeeded, Started: c.At, At: c.At})
					if finished = err == nil; err != nil && !errors.Is(err, cron.ErrFenced) {
						t.Error(err)
					}
					return
				}
				list, err := all[0].Beat(t.Context(), cron.Beat{Instance: cron.InstanceInfo{ID: c.Instance}, At: c.At, Lease: time.Hour})
				if err != nil {
					t.Error(err)
				}
				held = len(list) == 1 && list[0].Fence == c.Fence
			})
			for i := range taken {
				wg.Go(func() {
					got, err := all[1+i].Take(t.Context(), []cron.Take{{
						Finish:   cron.Finish{Fence: c.Fence, Job: "a", Status: cron.Queued, At: c.At},
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
	onServers(t, func(t *testing.T, k kind) {
		all := replicas(t, k, 3)
		ctx := t.Context()
		jobs := []string{"a", "b", "c", "d"}
		var defs []cron.Definition
		for _, j := range jobs {
			defs = append(defs, cron.Definition{Name: j, Definition: "@hourly"})
		}
		var mu sync.Mutex
		won := map[string]int{}
		counted := int64(0)
		fine := func(err error) bool {
			if err != nil && !errors.Is(err, cron.ErrFenced) {
				t.Error(err)
			}
			return err == nil
		}
		var wg sync.WaitGroup
		for at, s := range all {
			instance := cron.InstanceInfo{ID: fmt.Sprint("i", at)}
			for worker := range 4 {
				wg.Go(func() {
					for n := range 15 {
						var batch []cron.Claim
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
							out, err := s.Start(ctx, cron.Start{Fence: c.Fence, Job: c.Job, At: c.At, Lease: time.Hour, Group: c.Group, GroupLimit: 100})
							if !fine(err) {
								continue
							}
							f := cron.Finish{Fence: c.Fence, Job: c.Job, Status: cron.Failed, Error: "x", At: c.At, Lines: []cron.LogLine{{Seq: 2, Time: c.At}}}
							if out.Started {
								f.Started = c.At
								fine(s.Note(ctx, []cron.Note{{Fence: c.Fence, Progress: &cron.Progress{Done: 1}, Lines: []cron.LogLine{{Seq: 1, Time: c.At}}}}))
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
					_, err := s.Beat(ctx, cron.Beat{Instance: instance, At: time.Now(), Lease: time.Hour})
					fine(err)
					_, err = s.Pause(ctx, cron.Pause{Job: job, Resume: true, At: time.Now()})
					if !errors.Is(err, cron.ErrNotFound) {
						fine(err)
					}
					_, err = s.Sync(ctx, cron.Program{Definitions: defs, At: time.UnixMilli(1)})
					fine(err)
					_, err = s.Prune(ctx, job, 1000, time.Time{}, 10)
					fine(err)
					if runs, err := s.Runs(ctx, cron.Query{Job: job, Limit: 3}); fine(err) {
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

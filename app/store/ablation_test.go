package store_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/testdb"
	"fibercrons/app/store"
)

// Each safeguard is taken away in turn, and what it guards against then happens: so the checks
// that pass elsewhere pass because of it.
func TestEachSafeguardIsNeeded(t *testing.T) {
	eachSafeguardIsNeeded(t, "DROP INDEX job_runs_slot", func(t *testing.T) *store.Store { return open(t, file(t)) })
}

func TestEachSafeguardIsNeededOnServers(t *testing.T) {
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		drop := "DROP INDEX job_runs_slot"
		if k.Name == "MySQL" {
			drop += " ON job_runs"
		}
		eachSafeguardIsNeeded(t, drop, func(t *testing.T) *store.Store { return openURL(t, k.URL(t)) })
	})
}

func eachSafeguardIsNeeded(t *testing.T, dropIndex string, open func(*testing.T) *store.Store) {
	claim := func(t *testing.T, s *store.Store, c contract.Claim) bool {
		t.Helper()
		got, err := s.Claim(t.Context(), []contract.Claim{c})
		if err != nil {
			t.Fatal(err)
		}
		return got[0].Won
	}
	take := func(t *testing.T, s *store.Store, f contract.Fence) bool {
		t.Helper()
		got, err := s.Take(t.Context(), []contract.Take{{
			Finish: contract.Finish{Fence: f, Job: "a", Status: cron.Queued}, NewToken: rand.Int64(), Lease: time.Hour,
		}})
		if err != nil {
			t.Fatal(err)
		}
		return got[0]
	}
	// scheduled puts a schedule, whose slots begin long ago, and returns a claim of one of them.
	scheduled := func(t *testing.T, s *store.Store, id string, args string) contract.Claim {
		t.Helper()
		p := everyMinute(id, "a")
		p.At, p.Args = time.UnixMilli(0), json.RawMessage(args)
		got, err := s.PutSchedules(t.Context(), []contract.PutSchedule{p})
		if err != nil {
			t.Fatal(err)
		}
		c := claimOf("a", 60)
		c.Schedule, c.Revision = id, got[0].After.Revision
		return c
	}
	for _, tt := range []struct {
		name string
		off  func(*store.Store)
		bad  func(*testing.T, *store.Store) bool
	}{
		{
			"unique index", func(s *store.Store) {
				if err := s.Exec(dropIndex); err != nil {
					panic(err)
				}
			},
			func(t *testing.T, s *store.Store) bool {
				claim(t, s, claimOf("a", 1))
				return claim(t, s, claimOf("a", 1))
			},
		},
		{
			"watermark", (*store.Store).WithoutWatermark,
			func(t *testing.T, s *store.Store) bool {
				c := claimOf("a", 1)
				c.Watermark = c.Slot
				claim(t, s, c)
				if err := s.Finish(t.Context(), contract.Finish{Fence: c.Fence, Job: "a", Status: cron.Succeeded, At: c.At}); err != nil {
					t.Fatal(err)
				}
				if n, err := s.Prune(t.Context(), contract.Prune{Job: "a", Cutoff: c.At.Add(time.Hour), Limit: 10}); n != 1 || err != nil {
					t.Fatal(n, err)
				}
				return claim(t, s, claimOf("a", 1))
			},
		},
		{
			"token", (*store.Store).WithoutFence,
			func(t *testing.T, s *store.Store) bool {
				c := claimOf("a", 1)
				c.Lease = 0
				claim(t, s, c)
				if !take(t, s, c.Fence) {
					t.Fatal("not taken")
				}
				err := s.Finish(t.Context(), contract.Finish{Fence: c.Fence, Job: "a", Status: cron.Succeeded, At: c.At})
				if err != nil && !errors.Is(err, contract.ErrFenced) {
					t.Fatal(err)
				}
				return err == nil
			},
		},
		{
			"lease", (*store.Store).WithoutLease,
			func(t *testing.T, s *store.Store) bool {
				c := claimOf("a", 1)
				claim(t, s, c)
				return take(t, s, c.Fence)
			},
		},
		{
			"the schedule in the unique index", func(s *store.Store) {
				for _, statement := range []string{dropIndex, "CREATE UNIQUE INDEX job_runs_slot ON job_runs (job, slot)"} {
					if err := s.Exec(statement); err != nil {
						panic(err)
					}
				}
			},
			func(t *testing.T, s *store.Store) bool {
				claim(t, s, scheduled(t, s, "x", "{}"))
				got, err := s.Claim(t.Context(), []contract.Claim{scheduled(t, s, "y", "{}")})
				return err != nil || !got[0].Won
			},
		},
		{
			"watermark of schedules", (*store.Store).WithoutScheduleWatermark,
			func(t *testing.T, s *store.Store) bool {
				c := scheduled(t, s, "x", "{}")
				c.Watermark, c.Next = c.Slot, c.Slot.Add(time.Minute)
				claim(t, s, c)
				if err := s.Finish(t.Context(), contract.Finish{Fence: c.Fence, Job: "a", Schedule: "x", Status: cron.Succeeded, At: c.At}); err != nil {
					t.Fatal(err)
				}
				if n, err := s.Prune(t.Context(), contract.Prune{Job: "a", Cutoff: c.At.Add(time.Hour), Limit: 10}); n != 1 || err != nil {
					t.Fatal(n, err)
				}
				c.Fence = claimOf("a", 60).Fence
				return claim(t, s, c)
			},
		},
		{
			"revision", (*store.Store).WithoutRevision,
			func(t *testing.T, s *store.Store) bool {
				c := scheduled(t, s, "x", `{"tenant":1}`)
				scheduled(t, s, "x", `{"tenant":2}`)
				return claim(t, s, c)
			},
		},
		{
			"revision of a schedule that was deleted", (*store.Store).WithoutRevision,
			func(t *testing.T, s *store.Store) bool {
				c := scheduled(t, s, "x", "{}")
				if _, err := s.DeleteSchedule(t.Context(), "x", 0); err != nil {
					t.Fatal(err)
				}
				return claim(t, s, c)
			},
		},
		{
			"time of deferred runs", (*store.Store).WithoutDue,
			func(t *testing.T, s *store.Store) bool {
				c := laterClaim("a", "")
				claim(t, s, c)
				return take(t, s, c.Fence)
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.bad(t, open(t)) {
				t.Error("it happens with the safeguard on")
			}
			s := open(t)
			tt.off(s)
			if !tt.bad(t, s) {
				t.Error("it does not happen with the safeguard off: the check proves nothing")
			}
		})
	}
}

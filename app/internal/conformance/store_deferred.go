package conformance

import (
	"encoding/json"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
)

func notBefore(at time.Time) func(*contract.Claim) {
	return func(c *contract.Claim) { c.NotBefore = at }
}

// deferred makes a deferred run.
func (s *suite) deferred(job string, at time.Time, change ...func(*contract.Claim)) contract.Claim {
	s.Helper()
	c := with(s.hand(job), notBefore(at))
	for _, f := range change {
		f(&c)
	}
	return s.won(c, cron.Queued, "")
}

// dueRuns returns the IDs of deferred runs that are due.
func (s *suite) dueRuns(until time.Time, limit int, except ...string) (ids string) {
	s.Helper()
	for _, r := range must(s.DueRuns(s.ctx, until, except, limit))(s) {
		ids += r.ID
	}
	return ids
}

var deferredCases = map[string]func(*suite){
	"recorded": func(s *suite) {
		at := millis.Now().Add(time.Hour)
		c := s.deferred("a", at, func(c *contract.Claim) { c.Args, c.Actor, c.Group = json.RawMessage(`{"n":1}`), "ann", "g" })
		r := s.status(c.ID, cron.Queued, "")
		if r.NextAt == nil || !r.NextAt.Equal(at) || r.Slot != nil || r.StartedAt != nil || r.EndedAt != nil || r.Cancel != nil {
			s.Errorf("record %+v", r)
		}
		s.equal("deferred", r.Deferred, true)
		s.equal("owner", r.Instance, "")
		s.equal("attempt", r.Attempt, 0)
		s.equal("args", string(r.Args), `{"n":1}`)
		s.equal("actor", r.Actor, "ann")
		s.equal("trigger", r.Trigger, cron.ByHand)
		s.equal("token", r.Token, c.Token)
		s.equal("group", r.Group, "g")
		s.equal("queued", r.QueuedAt, s.now)
		s.won(c, cron.Queued, "") // repeated, as after a lost answer
		for _, q := range []contract.Query{{}, {Job: "a"}, {Statuses: []cron.Status{cron.Queued}}, {IDs: []string{c.ID}}} {
			recs := must(s.Runs(s.ctx, q))(s)
			if len(recs) != 1 || recs[0].ID != c.ID || !recs[0].Deferred {
				s.Errorf("runs of %+v: %+v", q, recs)
			}
		}
	},
	"whatever is active or paused": func(s *suite) {
		s.sync("a")
		s.won(s.due("a", day(13)), cron.Running, "")
		must(s.Pause(s.ctx, contract.Pause{Job: "a", At: s.now}))(s)
		for _, overlap := range []cron.OverlapPolicy{cron.Skip, cron.Queue, cron.Replace} {
			s.deferred("a", day(20), func(c *contract.Claim) { c.Overlap = overlap })
		}
		if r := must(s.Runs(s.ctx, contract.Query{Statuses: []cron.Status{cron.Running}}))(s)[0]; r.Cancel != nil {
			s.Error("a deferred run has replaced the one that runs")
		}
	},
	"not active": func(s *suite) {
		s.sync("a")
		s.deferred("a", day(13))
		s.deferred("a", millis.Now().Add(time.Hour))
		s.equal("active", s.state("a").Active, 0)
		s.equal("active in the outline", must(s.Outline(s.ctx))(s)["a"].Active, 0)
		s.equal("expired", len(must(s.Expired(s.ctx, 10))(s)), 0)
		s.equal("held by none", len(s.beat("a")), 0)
		s.won(s.due("a", day(14)), cron.Running, "")
		s.won(with(s.due("a", day(15)), func(c *contract.Claim) { c.Overlap, c.QueueCap = cron.Queue, 1 }), cron.Queued, "")
		s.equal("active", s.state("a").Active, 2)
	},
	"not replaced": func(s *suite) {
		c := s.deferred("a", day(13))
		s.won(with(s.due("a", day(14)), func(c *contract.Claim) { c.Overlap = cron.Replace }), cron.Running, "")
		if s.run(c.ID).Cancel != nil {
			s.Error("a deferred run was replaced")
		}
	},
	"in a glance only when new": func(s *suite) {
		c := s.deferred("a", day(13))
		g := must(s.Summarize(s.ctx, contract.Position{}, 10))(s)
		s.equal("status", runsByID(g)[c.ID].Status, cron.Queued)
		s.equal("nothing is new", len(must(s.Summarize(s.ctx, g.Newest, 10))(s).Runs), 0)
	},
	"due, the earliest first": func(s *suite) {
		b := s.deferred("a", day(14))
		a := s.deferred("a", day(13))
		other := s.deferred("b", day(15))
		s.deferred("a", day(17))
		s.won(s.due("c", day(12)), cron.Running, "")
		s.won(with(s.hand("d"), queued), cron.Queued, "")
		s.equal("due", s.dueRuns(day(15), 10), a.ID+b.ID+other.ID)
		s.equal("due a moment before", s.dueRuns(day(15).Add(-time.Millisecond), 10), a.ID+b.ID)
		s.equal("limit", s.dueRuns(day(15), 2), a.ID+b.ID)
		s.equal("except a", s.dueRuns(day(15), 10, "a", "nobody"), other.ID)
		s.equal("except both", s.dueRuns(day(15), 10, "a", "b"), "")
		r := must(s.DueRuns(s.ctx, day(15), nil, 1))(s)[0]
		s.equal("deferred", r.Deferred, true)
		s.equal("token", r.Token, a.Token)
		s.equal("job", r.Job, "a")
	},
	"due, without paused jobs": func(s *suite) {
		s.sync("a", "b", "c")
		a, b, c := s.deferred("a", day(13)), s.deferred("b", day(14)), s.deferred("c", day(15))
		s.now = millis.Now()
		must(s.Pause(s.ctx, contract.Pause{Job: "a", At: s.now}))(s)
		must(s.Pause(s.ctx, contract.Pause{Job: "b", At: s.now, Until: s.now.Add(time.Hour)}))(s)
		must(s.Pause(s.ctx, contract.Pause{Job: "c", At: s.now, Until: s.now.Add(-time.Minute)}))(s) // it has ended
		s.equal("due", s.dueRuns(day(20), 10), c.ID)
		must(s.Pause(s.ctx, contract.Pause{Job: "a", Resume: true, At: s.now}))(s)
		must(s.Pause(s.ctx, contract.Pause{Job: "b", Resume: true, At: s.now}))(s)
		s.equal("due when resumed", s.dueRuns(day(20), 10), a.ID+b.ID+c.ID)
	},
	"not taken before its time": func(s *suite) {
		c := s.deferred("a", millis.Now().Add(time.Minute))
		s.equal("taken", s.take(s.run(c.ID), cron.Queued, "b", rand.Int64()), false)
		s.equal("deferred", s.status(c.ID, cron.Queued, "").Deferred, true)
	},
	"taken once": func(s *suite) {
		s.sync("a")
		c := s.deferred("a", day(13))
		r := s.run(c.ID)
		wrong := r
		wrong.Token++
		s.equal("taken by another token", s.take(wrong, cron.Queued, "b", rand.Int64()), false)
		f := s.taken(r, cron.Queued)
		s.equal("taken twice", s.take(r, cron.Queued, "c", rand.Int64()), false)
		s.equal("the same take, repeated", s.take(r, cron.Queued, "b", f.Token), true)
		s.equal("due", s.dueRuns(day(20), 10), "")
		r = s.status(c.ID, cron.Queued, "")
		s.equal("deferred", r.Deferred, false)
		s.equal("owner", r.Instance, "b")
		s.equal("token", r.Token, f.Token)
		if r.NextAt != nil || r.StartedAt != nil {
			s.Errorf("record %+v", r)
		}
		s.equal("expired", len(must(s.Expired(s.ctx, 10))(s)), 0)
		s.equal("held", len(s.beat("b")), 1)
	},
	"taken, an ordinary run": func(s *suite) {
		s.sync("a")
		c := s.deferred("a", day(13), func(c *contract.Claim) { c.Group = "g" })
		c.Fence = s.taken(s.run(c.ID), cron.Queued)
		s.equal("active", s.state("a").Active, 1)
		s.won(s.due("a", day(14)), cron.Skipped, cron.ReasonOverlap)
		s.now = day(15)
		s.started(c, func(st *contract.Start) { st.Serial, st.Group, st.GroupLimit = true, "g", 1 })
		r := s.status(c.ID, cron.Running, "")
		s.equal("attempt", r.Attempt, 1)
		s.equal("started", *r.StartedAt, s.now)
		f := s.ended(c, cron.Queued)
		f.NextAt = day(16)
		s.ok(s.Finish(s.ctx, f))
		r = s.status(c.ID, cron.Queued, "")
		s.equal("deferred between attempts", r.Deferred, false)
		s.equal("next attempt", *r.NextAt, day(16))
		s.equal("due between attempts", s.dueRuns(day(20), 10), "")
		s.started(c)
		s.finish(c, cron.Succeeded)
		st := s.state("a")
		s.equal("runs", st.Runs, int64(1))
		s.equal("active", st.Active, 0)
		s.equal("last run", st.LastRunID, c.ID)
	},
	"taken, then lost by its owner": func(s *suite) {
		c := s.deferred("a", day(13))
		k := contract.Take{NewToken: rand.Int64(), Instance: "b"}
		k.Finish = s.ended(c, cron.Queued)
		k.Started = time.Time{}
		s.equal("taken", must(s.Take(s.ctx, []contract.Take{k}))(s)[0], true)
		late := must(s.Expired(s.ctx, 10))(s)
		if len(late) != 1 || late[0].ID != c.ID || late[0].Deferred {
			s.Fatalf("expired: %+v", late)
		}
		s.equal("due", s.dueRuns(day(20), 10), "")
		s.taken(late[0], cron.Queued)
	},
	"ended by a take": func(s *suite) {
		c := s.deferred("a", day(13))
		k := contract.Take{NewToken: rand.Int64(), Instance: "b"}
		k.Finish = s.ended(c, cron.Cancelled)
		k.Reason, k.Started = cron.ReasonRemoved, time.Time{}
		s.equal("taken", must(s.Take(s.ctx, []contract.Take{k}))(s)[0], true)
		r := s.status(c.ID, cron.Cancelled, cron.ReasonRemoved)
		s.equal("deferred", r.Deferred, false)
		s.equal("due", s.dueRuns(day(20), 10), "")
		s.equal("active", s.state("a").Active, 0)
		s.equal("runs", s.state("a").Runs, int64(0))
	},
	"a key is one run": func(s *suite) {
		key := func(c *contract.Claim) { c.Key = "invoice-17" }
		c := s.deferred("a", day(13), key)
		s.is(s.claim(with(with(s.hand("a"), notBefore(day(14))), key))[0], contract.Claimed{ID: c.ID, Status: cron.Queued})
		s.is(s.claim(with(s.hand("a"), key))[0], contract.Claimed{ID: c.ID, Status: cron.Queued})
		s.equal("time", *s.run(c.ID).NextAt, day(13))
		s.deferred("b", day(13), key)
		must(s.Cancel(s.ctx, c.ID, cron.ReasonRequested, "ann"))(s)
		s.is(s.claim(with(with(s.hand("a"), notBefore(day(14))), key))[0], contract.Claimed{ID: c.ID, Status: cron.Cancelled, Reason: cron.ReasonRequested})
		now := s.won(with(s.hand("c"), key), cron.Running, "")
		s.is(s.claim(with(with(s.hand("c"), notBefore(day(14))), key))[0], contract.Claimed{ID: now.ID, Status: cron.Running})
		two := []contract.Claim{with(with(s.hand("d"), notBefore(day(14))), key), with(with(s.hand("d"), notBefore(day(15))), key)}
		got := s.claim(two...)
		s.is(got[0], contract.Claimed{Won: true, ID: two[0].ID, Status: cron.Queued})
		s.is(got[1], contract.Claimed{ID: two[0].ID, Status: cron.Queued})
	},
	"cancelled at once": func(s *suite) {
		s.sync("a")
		for _, at := range []time.Time{day(13), millis.Now().Add(time.Hour)} {
			c := s.deferred("a", at)
			got := must(s.Cancel(s.ctx, c.ID, cron.ReasonRequested, "ann"))(s)
			for _, r := range []cron.Record{got, s.status(c.ID, cron.Cancelled, cron.ReasonRequested)} {
				s.equal("status", r.Status, cron.Cancelled)
				s.equal("reason", r.Reason, cron.ReasonRequested)
				s.equal("deferred", r.Deferred, false)
				if r.EndedAt == nil || r.StartedAt != nil || r.NextAt != nil {
					s.Errorf("record %+v", r)
				}
			}
			s.equal("taken", s.take(s.run(c.ID), cron.Queued, "b", rand.Int64()), false)
			_, err := s.start(c)
			s.fails(err, contract.ErrFenced)
			again := must(s.Cancel(s.ctx, c.ID, cron.ReasonShutdown, "bob"))(s)
			s.equal("reason", again.Reason, cron.ReasonRequested)
		}
		s.equal("due", s.dueRuns(day(20), 10), "")
		s.equal("active", s.state("a").Active, 0)
		s.equal("runs", s.state("a").Runs, int64(0))
		s.equal("pruned", s.prune(0, millis.Now().Add(time.Hour), 10), 2)
	},
	"cancelled after it was taken": func(s *suite) {
		c := s.deferred("a", day(13))
		c.Fence = s.taken(s.run(c.ID), cron.Queued)
		r := must(s.Cancel(s.ctx, c.ID, cron.ReasonRequested, "ann"))(s)
		s.equal("status", r.Status, cron.Queued)
		s.equal("start", must(s.start(c))(s), contract.StartOutcome{Cancelled: true, Reason: cron.ReasonRequested})
	},
	"not pruned": func(s *suite) {
		s.deferred("a", day(13))
		s.equal("pruned", s.prune(0, day(23), 10), 0)
		s.equal("pruned by number", s.prune(1, time.Time{}, 10), 0)
	},
	"of a schedule": func(s *suite) {
		s.made(s.hourly("x", "a"), contract.PutCreated)
		s.paused("x")
		c := s.deferred("a", day(13), func(c *contract.Claim) { c.Schedule = "x" })
		s.equal("schedule", s.scheduleOf(c), "x")
		s.equal("due", s.dueRuns(day(20), 10), c.ID)
		x := s.paused("x", resume, keepPaused)
		s.won(s.slot(x, day(13)), cron.Running, "")
		s.equal("runs", s.stored("x").Runs, int64(1))
		c.Fence = s.taken(s.run(c.ID), cron.Queued)
		s.equal("schedule", s.scheduleOf(c), "x")
		s.equal("serial", must(s.start(c, func(st *contract.Start) { st.Serial = true }))(s).Blocked, true)
	},
	"in one batch with others": func(s *suite) {
		a, b := s.due("a", day(13)), with(s.hand("a"), notBefore(day(14)))
		c := with(s.hand("a"), func(c *contract.Claim) { c.Overlap, c.QueueCap = cron.Queue, 1 })
		got := s.claim(b, a, c)
		s.is(got[0], contract.Claimed{Won: true, ID: b.ID, Status: cron.Queued})
		s.is(got[1], contract.Claimed{Won: true, ID: a.ID, Status: cron.Running})
		s.is(got[2], contract.Claimed{Won: true, ID: c.ID, Status: cron.Queued})
	},
	"a time of less than a millisecond": func(s *suite) {
		at := day(13).Add(1500 * time.Microsecond)
		c := s.deferred("a", at)
		s.equal("time", *s.run(c.ID).NextAt, day(13).Add(time.Millisecond))
		s.taken(s.run(c.ID), cron.Queued)
	},
}

// deferredOnce has many take the same deferred runs.
func deferredOnce(t *testing.T, all []*suite) {
	const runs = 20
	for range runs {
		all[0].deferred("a", day(13))
	}
	late := must(all[0].DueRuns(all[0].ctx, day(14), nil, 100))(all[0])
	if len(late) != runs {
		t.Errorf("%d are due, want %d", len(late), runs)
	}
	var mu sync.Mutex
	granted := map[string]int{}
	together(all, 4, func(s *suite, _ int) {
		for _, r := range late {
			ok := s.take(r, cron.Queued, "b", rand.Int64())
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
	if left := all[0].dueRuns(day(14), 100); left != "" {
		t.Errorf("still due: %s", left)
	}
}

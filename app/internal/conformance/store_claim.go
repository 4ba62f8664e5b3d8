package conformance

import (
	"encoding/json"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
)

var syncCases = map[string]func(*suite){
	"a new job starts with watermark now": func(s *suite) {
		st := s.sync("a", "b")
		s.equal("order", st[0].Name+st[1].Name, "ab")
		s.equal("watermark", st[0].Watermark, s.now)
		s.equal("first seen", st[0].FirstSeen, s.now)
		s.equal("kept watermark", s.state("a").Watermark, s.now)
		s.equal("kept definition", s.state("a").Definition, "@hourly")
	},
	"a job seen before keeps its watermark": func(s *suite) {
		s.sync("a")
		then := s.now
		s.now = day(15)
		st := s.sync("a")
		s.equal("watermark", st[0].Watermark, then)
		s.equal("first seen", st[0].FirstSeen, then)
	},
	"a job whose definition differs starts anew": func(s *suite) {
		s.sync("a")
		then := s.now
		s.now = day(15)
		st := must(s.Sync(s.ctx, contract.Program{Definitions: []contract.Definition{{Name: "a", Definition: "@daily"}}, At: s.now}))(s).States
		s.equal("watermark", st[0].Watermark, s.now)
		s.equal("first seen", st[0].FirstSeen, then)
		s.equal("definition", s.state("a").Definition, "@daily")
	},
	"a watermark never goes back": func(s *suite) {
		s.sync("a")
		then := s.now
		st := must(s.Sync(s.ctx, contract.Program{Definitions: []contract.Definition{{Name: "a", Definition: "@daily"}}, At: day(3)}))(s).States
		s.equal("watermark", st[0].Watermark, then)
	},
	"a watermark of a clock that was wrong is set to now": func(s *suite) {
		s.now = millis.Now()
		s.sync("a", "b")
		far := s.now.Add(contract.WrongClock)
		s.now = s.now.Add(time.Hour) // "a" is now within the limit, "b" is not
		for job, slot := range map[string]time.Time{"a": far, "b": far.Add(time.Hour + time.Second)} {
			c := with(s.due(job, slot), func(c *contract.Claim) { c.Watermark = slot })
			got := s.claim(c)[0]
			if got.Early > 0 {
				return // the store has its own clock, so no other can set such a watermark
			}
			s.is(got, contract.Claimed{Won: true, ID: c.ID, Status: cron.Running})
		}
		st := s.sync("a", "b")
		s.equal("within", st[0].Watermark, far)
		s.equal("beyond", st[1].Watermark, s.now)
		s.equal("kept", s.state("b").Watermark, s.now)
		s.equal("its row", s.claim(s.due("b", far.Add(time.Hour+time.Second)))[0].Won, false)
	},
	"a job that is gone is kept and marked removed": func(s *suite) {
		s.sync("a", "b")
		then := s.now
		s.now = day(15)
		s.sync("b")
		s.equal("removed", s.state("a").RemovedAt, s.now)
		s.equal("removed", s.state("b").RemovedAt, time.Time{})
		removed := s.now
		s.now = day(16)
		s.sync("b")
		s.equal("removed", s.state("a").RemovedAt, removed)
		st := s.sync("a", "b")
		s.equal("returned", st[0].RemovedAt, time.Time{})
		s.equal("returned with watermark", st[0].Watermark, then)
		s.equal("kept removed", s.state("a").RemovedAt, time.Time{})
	},
	"a job met by a claim first starts with its sync": func(s *suite) {
		s.won(s.hand("a"), cron.Running, "")
		st := s.sync("a")
		s.equal("watermark", st[0].Watermark, s.now)
		s.equal("active", st[0].Active, 1)
	},
	"no jobs": func(s *suite) {
		s.sync("a")
		s.equal("states", len(must(s.Sync(s.ctx, contract.Program{At: s.now}))(s).States), 0)
		s.equal("removed", s.state("a").RemovedAt, s.now)
	},
}

var claimCases = map[string]func(*suite){
	"running": func(s *suite) {
		c := s.due("a", day(12))
		c.DataSlot, c.Args, c.Actor, c.Group = day(1), json.RawMessage(`{"n":1}`), "ann", "g"
		s.won(c, cron.Running, "")
		r := s.run(c.ID)
		if r.Slot == nil || !r.Slot.Equal(day(12)) || r.StartedAt == nil || !r.StartedAt.Equal(s.now) || r.DataSlot == nil || !r.DataSlot.Equal(day(1)) {
			s.Errorf("slot %v, started %v, data slot %v", r.Slot, r.StartedAt, r.DataSlot)
		}
		s.equal("job", r.Job, "a")
		s.equal("attempt", r.Attempt, 1)
		s.equal("queued", r.QueuedAt, s.now)
		s.equal("trigger", r.Trigger, cron.BySchedule)
		s.equal("args", string(r.Args), `{"n":1}`)
		s.equal("actor", r.Actor, "ann")
		s.equal("instance", r.Instance, "a")
		s.equal("token", r.Token, c.Token)
		s.equal("group", r.Group, "g")
		s.equal("active", s.state("a").Active, 1)
	},
	"queued": func(s *suite) {
		c := s.won(with(s.due("a", day(12)), func(c *contract.Claim) { c.Status = cron.Queued }), cron.Queued, "")
		r := s.run(c.ID)
		s.equal("attempt", r.Attempt, 0)
		if r.StartedAt != nil || r.EndedAt != nil {
			s.Errorf("started %v, ended %v", r.StartedAt, r.EndedAt)
		}
	},
	"skipped": func(s *suite) {
		c := with(s.due("a", day(12)), func(c *contract.Claim) {
			c.Status, c.Reason, c.Detail = cron.Skipped, cron.ReasonMissed, "was asleep"
		})
		s.won(c, cron.Skipped, cron.ReasonMissed)
		r := s.run(c.ID)
		if r.EndedAt == nil || !r.EndedAt.Equal(s.now) || r.StartedAt != nil || r.Duration != nil {
			s.Errorf("ended %v, started %v", r.EndedAt, r.StartedAt)
		}
		s.equal("error", r.Error, "was asleep")
		st := s.state("a")
		s.equal("last status", st.LastStatus, cron.Skipped)
		s.equal("last error", st.LastError, "was asleep")
		s.equal("runs", st.Runs, int64(0))
		s.equal("last run", st.LastRun, time.Time{})
		s.equal("active", st.Active, 0)
	},
	"a slot is won once": func(s *suite) {
		c := s.won(s.due("a", day(12)), cron.Running, "")
		s.is(s.claim(s.due("a", day(12)))[0], contract.Claimed{ID: c.ID, Status: cron.Running})
		s.won(s.due("b", day(12)), cron.Running, "")
	},
	"a slot is one instant in every zone": func(s *suite) {
		c := s.won(s.due("a", day(12)), cron.Running, "")
		s.is(s.claim(s.due("a", day(12).In(time.FixedZone("x", 3600))))[0], contract.Claimed{ID: c.ID, Status: cron.Running})
	},
	"claiming again tells that it was won": func(s *suite) {
		c := s.won(s.due("a", day(12)), cron.Running, "")
		s.won(c, cron.Running, "")
		c.Watermark = day(13)
		s.won(c, cron.Running, "")
		s.won(c, cron.Running, "")
		h := s.won(with(s.hand("b"), func(c *contract.Claim) { c.Key = "k" }), cron.Running, "")
		s.won(h, cron.Running, "")
		s.equal("rows", len(s.runs(contract.Query{})), 2)
		s.finish(c, cron.Failed)
		s.won(c, cron.Failed, "")
	},
	"slots up to the watermark are lost": func(s *suite) {
		s.sync("a")
		s.is(s.claim(s.due("a", day(12)))[0], contract.Claimed{})
		s.is(s.claim(s.due("a", day(3)))[0], contract.Claimed{})
		s.won(s.due("a", day(12).Add(time.Millisecond)), cron.Running, "")
	},
	"the watermark moves with a claim": func(s *suite) {
		s.sync("a")
		c := with(s.due("a", day(13)), func(c *contract.Claim) { c.Watermark = day(13) })
		s.won(c, cron.Running, "")
		s.equal("watermark", s.state("a").Watermark, day(13))
		// also by a lost claim, and never back
		s.claim(with(s.due("a", day(13)), func(c *contract.Claim) { c.Watermark = day(14) }))
		s.equal("watermark", s.state("a").Watermark, day(14))
		s.claim(with(s.due("a", day(15)), func(c *contract.Claim) { c.Watermark = day(13) }))
		s.equal("watermark", s.state("a").Watermark, day(14))
	},
	"a batch is settled against the watermarks it found": func(s *suite) {
		s.sync("a")
		var batch []contract.Claim
		for h := 13.0; h < 16; h++ {
			batch = append(batch, with(s.due("a", day(h)), func(c *contract.Claim) { c.Watermark, c.Overlap = day(15), cron.Allow }))
		}
		for i, got := range s.claim(batch...) {
			s.is(got, contract.Claimed{Won: true, ID: batch[i].ID, Status: cron.Running})
		}
		s.equal("watermark", s.state("a").Watermark, day(15))
	},
	"a big batch": func(s *suite) {
		var batch []contract.Claim
		for i := range 1234 {
			batch = append(batch, with(s.due("a", day(13).Add(time.Duration(i)*time.Second)), func(c *contract.Claim) {
				c.Overlap = cron.Allow
				if i%7 == 0 {
					c.Status, c.Reason = cron.Skipped, cron.ReasonMissed
				}
			}))
		}
		for i, got := range s.claim(batch...) {
			s.is(got, contract.Claimed{Won: true, ID: batch[i].ID, Status: batch[i].Status, Reason: batch[i].Reason})
		}
		s.equal("active", s.state("a").Active, 1234-177)
		last := must(s.Runs(s.ctx, contract.Query{Job: "a", Limit: 1}))(s)[0]
		s.equal("newest", last.ID, batch[1233].ID)
	},
	"no claims": func(s *suite) { s.claim() },
	"a claim of no status is refused": func(s *suite) {
		if _, err := s.Claim(s.ctx, []contract.Claim{with(s.due("a", day(12)), func(c *contract.Claim) { c.Status = cron.Failed })}); err == nil {
			s.Error("a claim cannot have failed")
		}
	},
	"a caller that has given up": func(s *suite) {
		ctx, cancel := contextCancelled(s.ctx)
		defer cancel()
		if _, err := s.Claim(ctx, []contract.Claim{s.due("a", day(12))}); err != nil {
			s.fails(err, ctx.Err())
		}
	},
	"paused": func(s *suite) {
		s.sync("a")
		s.now = millis.Now() // also by the store's own clock
		must(s.Pause(s.ctx, contract.Pause{Job: "a", At: s.now, Until: s.now.Add(time.Hour)}))(s)
		s.won(s.due("a", day(13)), cron.Skipped, cron.ReasonPaused)
		s.is(s.claim(s.hand("a"))[0], contract.Claimed{Refused: cron.ReasonPaused})
		s.won(with(s.hand("a"), func(c *contract.Claim) { c.Force = true }), cron.Running, "")
		must(s.Pause(s.ctx, contract.Pause{Job: "a", At: s.now, Until: s.now.Add(-time.Millisecond)}))(s) // it has ended
		s.won(with(s.due("a", day(14)), func(c *contract.Claim) { c.Overlap = cron.Allow }), cron.Running, "")
	},
	"paused then resumed": func(s *suite) {
		s.sync("a")
		must(s.Pause(s.ctx, contract.Pause{Job: "a", At: s.now}))(s)
		s.won(s.due("a", day(13)), cron.Skipped, cron.ReasonPaused)
		must(s.Pause(s.ctx, contract.Pause{Job: "a", Resume: true, At: s.now}))(s)
		s.won(s.due("a", day(14)), cron.Running, "")
	},
	"a key is one run": func(s *suite) {
		key := func(c *contract.Claim) { c.Key, c.Overlap = "k", cron.Allow }
		c := s.won(with(s.hand("a"), key), cron.Running, "")
		s.equal("key", s.run(c.ID).Key, "k")
		s.is(s.claim(with(s.hand("a"), key))[0], contract.Claimed{ID: c.ID, Status: cron.Running})
		s.won(with(s.hand("b"), key), cron.Running, "")
		s.finish(c, cron.Succeeded)
		s.is(s.claim(with(s.hand("a"), key))[0], contract.Claimed{ID: c.ID, Status: cron.Succeeded})
		two := []contract.Claim{with(s.hand("c"), key), with(s.hand("c"), key)}
		got := s.claim(two...)
		s.is(got[1], contract.Claimed{ID: got[0].ID, Status: cron.Running})
		s.equal("first", got[0].Won, true)
	},
	"runs by hand are as many as asked for": func(s *suite) {
		for range 3 {
			s.won(with(s.hand("a"), func(c *contract.Claim) { c.Overlap = cron.Allow }), cron.Running, "")
		}
		if r := s.run(s.runs(contract.Query{})[0]); r.Slot != nil {
			s.Errorf("slot %v", r.Slot)
		}
	},
	"overlap skip": func(s *suite) {
		c := s.won(s.due("a", day(13)), cron.Running, "")
		s.won(s.due("a", day(14)), cron.Skipped, cron.ReasonOverlap)
		s.is(s.claim(s.hand("a"))[0], contract.Claimed{Refused: cron.ReasonOverlap})
		s.won(with(s.hand("a"), func(c *contract.Claim) { c.Force = true }), cron.Running, "")
		s.won(s.due("b", day(14)), cron.Running, "")
		s.finish(c, cron.Succeeded)
		s.won(s.due("a", day(15)), cron.Skipped, cron.ReasonOverlap) // the forced one still runs
	},
	"overlap skip, a run that waits for its retry is active": func(s *suite) {
		c := s.won(s.due("a", day(13)), cron.Running, "")
		s.finish(c, cron.Queued)
		s.won(s.due("a", day(14)), cron.Skipped, cron.ReasonOverlap)
	},
	"overlap skip within a batch": func(s *suite) {
		a, b, c := s.due("a", day(13)), s.due("a", day(14)), s.due("a", day(15))
		a.Status, a.Reason = cron.Skipped, cron.ReasonSuperseded
		got := s.claim(a, b, c)
		s.is(got[0], contract.Claimed{Won: true, ID: a.ID, Status: cron.Skipped, Reason: cron.ReasonSuperseded})
		s.is(got[1], contract.Claimed{Won: true, ID: b.ID, Status: cron.Running})
		s.is(got[2], contract.Claimed{Won: true, ID: c.ID, Status: cron.Skipped, Reason: cron.ReasonOverlap})
	},
	"overlap allow": func(s *suite) {
		allow := func(c *contract.Claim) { c.Overlap = cron.Allow }
		s.won(with(s.due("a", day(13)), allow), cron.Running, "")
		s.won(with(s.due("a", day(14)), allow), cron.Running, "")
		s.equal("active", s.state("a").Active, 2)
	},
	"overlap queue": func(s *suite) {
		queue := func(c *contract.Claim) { c.Overlap, c.QueueCap = cron.Queue, 2 }
		s.won(with(s.due("a", day(13)), queue), cron.Running, "")
		got := s.claim(with(s.due("a", day(14)), queue), with(s.due("a", day(15)), queue), with(s.due("a", day(16)), queue))
		s.equal("second", got[0].Status, cron.Queued)
		s.equal("third", got[1].Status, cron.Queued)
		s.equal("fourth", got[2].Reason, cron.ReasonQueueFull)
		s.is(s.claim(with(s.hand("a"), queue))[0], contract.Claimed{Refused: cron.ReasonQueueFull})
		s.equal("active", s.state("a").Active, 3)
	},
	"overlap replace": func(s *suite) {
		replace := func(c *contract.Claim) { c.Overlap = cron.Replace }
		first := s.won(with(s.due("a", day(13)), replace), cron.Running, "")
		second, third := with(s.due("a", day(14)), replace), with(s.due("a", day(15)), replace)
		for _, got := range s.claim(second, third) {
			s.equal("status", got.Status, cron.Queued)
		}
		for _, c := range []contract.Claim{first, second} {
			if s.run(c.ID).Cancel == nil {
				s.Error("not cancelled")
			}
		}
		out := must(s.start(second))(s)
		s.equal("second", out, contract.StartOutcome{Cancelled: true, Reason: cron.ReasonReplaced})
		if s.run(third.ID).Cancel != nil {
			s.Error("the last one is cancelled")
		}
	},
}

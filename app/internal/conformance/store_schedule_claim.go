package conformance

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
	"fibercrons/app/plan"
)

// slot returns a claim for a slot of a stored schedule, to run at once.
func (s *suite) slot(g contract.Schedule, slot time.Time) contract.Claim {
	c := s.due(g.Job, slot)
	c.Schedule, c.Revision, c.Args = g.ID, g.Revision, g.Args
	return c
}

// scheduleOf returns the schedule of a claim's run, as stored.
func (s *suite) scheduleOf(c contract.Claim) string {
	s.Helper()
	r := s.run(c.ID)
	return r.ScheduleID()
}

func (s *suite) lost(c contract.Claim) {
	s.Helper()
	s.is(s.claim(c)[0], contract.Claimed{})
}

func (s *suite) rescheduled(c contract.Claim) {
	s.Helper()
	s.is(s.claim(c)[0], contract.Claimed{Rescheduled: true})
}

// two makes schedules x and y of job a.
func (s *suite) two() (x, y contract.Schedule) {
	s.Helper()
	return s.made(s.hourly("x", "a"), contract.PutCreated), s.made(s.hourly("y", "a"), contract.PutCreated)
}

var slotCases = map[string]func(*suite){
	"won and recorded": func(s *suite) {
		x, _ := s.two()
		c := s.won(s.slot(x, day(13)), cron.Running, "")
		r := s.run(c.ID)
		s.equal("schedule", r.ScheduleID(), "x")
		s.equal("slot", *r.Slot, day(13))
		s.equal("deferred", r.Deferred, false)
		s.won(c, cron.Running, "") // repeated, as after a lost answer
		s.equal("runs", s.stored("x").Runs, int64(1))
		s.is(s.claim(s.slot(x, day(13)))[0], contract.Claimed{ID: c.ID, Status: cron.Running})
		hand := s.won(s.hand("b"), cron.Running, "")
		if r := s.run(hand.ID); r.Schedule != nil {
			s.Errorf("schedule of a run without one: %q", *r.Schedule)
		}
		s.finish(c, cron.Succeeded)
		s.equal("schedule of an ended run", s.scheduleOf(c), "x")
	},
	"the same slot of the code and of two schedules": func(s *suite) {
		s.sync("a")
		x, y := s.two()
		batch := []contract.Claim{s.due("a", day(13)), s.slot(x, day(13)), s.slot(y, day(13))}
		for i, got := range s.claim(batch...) {
			s.is(got, contract.Claimed{Won: true, ID: batch[i].ID, Status: cron.Running})
		}
		for _, c := range []contract.Claim{s.due("a", day(13)), s.slot(x, day(13)), s.slot(y, day(13))} {
			s.equal("won again", s.claim(c)[0].Won, false)
		}
		s.equal("active", s.state("a").Active, 3)
	},
	"one of several claimers wins": func(s *suite) {
		x, _ := s.two()
		storedOnce(s.T, []*suite{s})
		s.won(s.slot(x, day(13)), cron.Running, "")
	},
	"slots up to the watermark are lost": func(s *suite) {
		x, _ := s.two()
		s.lost(s.slot(x, day(12)))
		s.lost(s.slot(x, day(3)))
		s.won(s.slot(x, day(12).Add(time.Millisecond)), cron.Running, "")
	},
	"the watermark and next move with a claim": func(s *suite) {
		s.sync("a")
		x, _ := s.two()
		mark := func(slot, watermark float64) {
			s.Helper()
			s.claim(with(s.slot(x, day(slot)), func(c *contract.Claim) { c.Watermark, c.Next = day(watermark), day(watermark+1) }))
		}
		are := func(watermark float64) {
			s.Helper()
			g := s.stored("x")
			s.equal("watermark", g.Watermark, day(watermark))
			s.equal("next", g.Next, day(watermark+1))
			s.equal("revision", g.Revision, x.Revision)
			s.equal("updated", g.UpdatedAt, x.UpdatedAt)
		}
		are(12)
		mark(13, 13)
		are(13)
		mark(13, 14) // also by a lost claim, and never back
		are(14)
		mark(15, 13)
		are(14)
		s.won(with(s.slot(x, day(16)), func(c *contract.Claim) { c.Watermark, c.Overlap = day(16), cron.Allow }), cron.Running, "")
		s.equal("next of the last", s.stored("x").Next, time.Time{})
		s.equal("watermark of the other", s.stored("y").Watermark, day(12))
		s.equal("watermark of the job", s.state("a").Watermark, day(12))
		s.won(with(s.due("a", day(14)), func(c *contract.Claim) { c.Watermark = day(20) }), cron.Running, "")
		s.equal("watermark after the job's", s.stored("x").Watermark, day(16))
		s.won(with(s.slot(x, day(17)), func(c *contract.Claim) { c.Overlap = cron.Allow }), cron.Running, "")
	},
	"a batch is settled against the watermarks it found": func(s *suite) {
		x, y := s.two()
		var batch []contract.Claim
		for _, g := range []contract.Schedule{x, y} {
			for h := 13.0; h < 16; h++ {
				batch = append(batch, with(s.slot(g, day(h)), func(c *contract.Claim) {
					c.Watermark, c.Next, c.Overlap = day(15), day(16), cron.Allow
				}))
			}
		}
		for i, got := range s.claim(batch...) {
			s.is(got, contract.Claimed{Won: true, ID: batch[i].ID, Status: cron.Running})
		}
		for _, id := range []string{"x", "y"} {
			g := s.stored(id)
			s.equal("watermark", g.Watermark, day(15))
			s.equal("next", g.Next, day(16))
			s.equal("runs", g.Runs, int64(3))
		}
	},
	"a big batch of many schedules": func(s *suite) {
		var puts []contract.PutSchedule
		for i := range 1234 {
			puts = append(puts, s.hourly(fmt.Sprint("t/", i), fmt.Sprint("job-", i%3)))
		}
		var batch []contract.Claim
		for _, got := range s.put(puts...) {
			batch = append(batch, with(s.slot(*got.After, day(13)), func(c *contract.Claim) { c.Watermark, c.Next = day(13), day(14) }))
		}
		for i, got := range s.claim(batch...) {
			s.is(got, contract.Claimed{Won: true, ID: batch[i].ID, Status: cron.Running})
		}
		s.equal("due", s.due10(day(13)), "")
		s.equal("not yet due", len(must(s.DueSchedules(s.ctx, day(14), nil, 5000))(s)), 1234)
		s.equal("active", s.state("job-0").Active, 412)
	},
	"claims of another revision do nothing": func(s *suite) {
		s.sync("a")
		old, _ := s.two()
		kept := s.won(with(s.slot(old, day(13)), func(c *contract.Claim) { c.Overlap = cron.Allow }), cron.Running, "")
		for _, edit := range []func() contract.Schedule{
			func() contract.Schedule {
				return s.made(s.hourly("x", "a", func(p *contract.PutSchedule) { p.MaxRuns = 9 }), contract.PutChanged)
			},
			func() contract.Schedule { return s.paused("x") },
			func() contract.Schedule { return s.paused("x", resume, keepPaused) },
		} {
			g := edit()
			ahead := func(c *contract.Claim) { c.Watermark, c.Next, c.Overlap = day(20), day(22), cron.Allow }
			s.rescheduled(with(s.slot(old, day(20)), ahead))
			s.rescheduled(with(s.slot(old, day(20)), func(c *contract.Claim) { ahead(c); c.Status, c.Reason = cron.Skipped, cron.ReasonMissed }))
			// A slot whose row exists is won or lost as ever, but says nothing of the schedule.
			s.equal("the earlier claim", s.claim(with(kept, ahead))[0].Won, true)
			s.is(s.claim(with(s.slot(old, day(13)), ahead))[0], contract.Claimed{ID: kept.ID, Status: cron.Running})
			if h := s.stored("x"); !sameSchedule(&g, &h) {
				s.Errorf("%+v after claims of another revision, was %+v", h, g)
			}
			old = g
		}
		s.equal("of none", s.claim(with(s.slot(s.stored("x"), day(21)), func(c *contract.Claim) { c.Revision = 0 }))[0].Rescheduled, true)
		g := s.stored("x")
		s.deleted("x", 0)
		s.rescheduled(s.slot(g, day(21)))
		s.equal("the earlier claim", s.claim(kept)[0].Won, true)
		g.ID = "never"
		s.rescheduled(s.slot(g, day(21)))
	},
	"the job's override is none of a stored schedule": func(s *suite) {
		s.sync("a")
		x, _ := s.two()
		must(s.Override(s.ctx, plan.Override{Job: "a", Expr: "@daily", At: day(15)}))(s)
		s.won(s.slot(x, day(13)), cron.Running, "")
	},
	"superseded": func(s *suite) {
		s.now = millis.Now()
		program := func(print, definition string) contract.Synced {
			s.Helper()
			return must(s.Sync(s.ctx, contract.Program{
				Definitions: []contract.Definition{{Name: "a", Definition: definition}}, Print: print,
				Instance: contract.InstanceInfo{ID: print}, Lease: held, At: s.now,
			}))(s)
		}
		old := program("1", "@daily").Generation
		s.now = day(12)
		x, _ := s.two()
		s.won(with(s.slot(x, day(13)), func(c *contract.Claim) { c.Generation = old }), cron.Running, "")
		s.now = millis.Now()
		program("2", "@hourly")
		s.is(s.claim(with(s.slot(x, day(14)), func(c *contract.Claim) { c.Generation = old }))[0], contract.Claimed{Superseded: true})
	},
	"overlap skip is by schedule": func(s *suite) {
		s.sync("a")
		x, y := s.two()
		c := s.won(s.slot(x, day(13)), cron.Running, "")
		s.won(s.slot(x, day(14)), cron.Skipped, cron.ReasonOverlap)
		s.won(s.slot(y, day(14)), cron.Running, "")
		d := s.won(s.due("a", day(14)), cron.Running, "")
		s.won(s.due("a", day(15)), cron.Skipped, cron.ReasonOverlap)
		s.finish(d, cron.Succeeded)
		s.won(s.hand("a"), cron.Running, "") // the schedules' runs are none of the code's
		s.finish(c, cron.Succeeded)
		s.won(s.slot(x, day(15)), cron.Running, "")
		s.won(s.slot(y, day(15)), cron.Skipped, cron.ReasonOverlap)
	},
	"overlap skip within a batch": func(s *suite) {
		x, y := s.two()
		batch := []contract.Claim{s.slot(x, day(13)), s.slot(y, day(13)), s.slot(x, day(14))}
		got := s.claim(batch...)
		s.is(got[0], contract.Claimed{Won: true, ID: batch[0].ID, Status: cron.Running})
		s.is(got[1], contract.Claimed{Won: true, ID: batch[1].ID, Status: cron.Running})
		s.is(got[2], contract.Claimed{Won: true, ID: batch[2].ID, Status: cron.Skipped, Reason: cron.ReasonOverlap})
	},
	"overlap queue is by schedule": func(s *suite) {
		x, y := s.two()
		queue := func(c *contract.Claim) { c.Overlap, c.QueueCap = cron.Queue, 1 }
		s.won(with(s.slot(x, day(13)), queue), cron.Running, "")
		s.won(with(s.slot(x, day(14)), queue), cron.Queued, "")
		s.won(with(s.slot(x, day(15)), queue), cron.Skipped, cron.ReasonQueueFull)
		s.won(with(s.slot(y, day(13)), queue), cron.Running, "")
		s.won(with(s.slot(y, day(14)), queue), cron.Queued, "")
		s.won(with(s.due("a", day(13)), queue), cron.Running, "")
		s.won(with(s.due("a", day(14)), queue), cron.Queued, "")
		s.equal("active", s.state("a").Active, 6)
	},
	"overlap replace is by schedule": func(s *suite) {
		x, y := s.two()
		replace := func(c *contract.Claim) { c.Overlap = cron.Replace }
		others := []contract.Claim{s.won(s.slot(y, day(13)), cron.Running, ""), s.won(s.due("a", day(13)), cron.Running, "")}
		first := s.won(s.slot(x, day(13)), cron.Running, "")
		s.won(with(s.slot(x, day(14)), replace), cron.Queued, "")
		if s.run(first.ID).Cancel == nil {
			s.Error("the schedule's own run is not cancelled")
		}
		s.won(with(s.due("a", day(14)), func(c *contract.Claim) { c.Overlap = cron.Allow }), cron.Running, "")
		for _, c := range others {
			if s.run(c.ID).Cancel != nil {
				s.Errorf("a run of %q is cancelled", c.Schedule)
			}
		}
	},
	"runs by hand overlap with their schedule": func(s *suite) {
		x, _ := s.two()
		by := func(id string) contract.Claim {
			return with(s.hand("a"), func(c *contract.Claim) { c.Schedule = id })
		}
		c := s.won(by("x"), cron.Running, "")
		s.equal("schedule", s.scheduleOf(c), "x")
		s.is(s.claim(by("x"))[0], contract.Claimed{Refused: cron.ReasonOverlap})
		s.won(s.slot(x, day(13)), cron.Skipped, cron.ReasonOverlap)
		s.won(by("y"), cron.Running, "")
		s.won(by("none"), cron.Running, "")
		s.is(s.claim(by("none"))[0], contract.Claimed{Refused: cron.ReasonOverlap})
		s.won(s.hand("a"), cron.Running, "")
		s.equal("runs", s.stored("x").Runs, int64(0)) // none of its slots
	},
	"serial starts are by schedule": func(s *suite) {
		x, y := s.two()
		serial := func(st *contract.Start) { st.Serial = true }
		first := s.won(with(s.slot(x, day(13)), allowed), cron.Queued, "")
		second := s.won(with(s.slot(x, day(14)), allowed), cron.Queued, "")
		other := s.won(with(s.slot(y, day(14)), allowed), cron.Queued, "")
		code := s.won(with(s.due("a", day(14)), allowed), cron.Queued, "")
		for _, c := range []contract.Claim{first, other, code} {
			s.started(c, serial)
		}
		s.equal("second", must(s.start(second, serial))(s), contract.StartOutcome{Blocked: true, By: first.ID})
		s.finish(first, cron.Succeeded)
		s.started(second, serial)
	},
	"serial and in turn, by schedule": func(s *suite) {
		x, y := s.two()
		turn := func(st *contract.Start) { st.Serial, st.InTurn = true, true }
		of := func(instance string) func(*contract.Claim) {
			return func(c *contract.Claim) { allowed(c); c.Instance = instance }
		}
		s.won(with(s.slot(y, day(13)), of("b")), cron.Queued, "")
		s.won(with(s.due("a", day(13)), of("b")), cron.Queued, "")
		first := s.won(with(s.slot(x, day(14)), of("b")), cron.Queued, "")
		second := s.won(with(s.slot(x, day(15)), of("a")), cron.Queued, "")
		s.equal("second", must(s.start(second, turn))(s), contract.StartOutcome{Blocked: true, By: first.ID, First: day(14)})
		s.started(first, turn)
	},
	"a group's limit counts over all": func(s *suite) {
		x, y := s.two()
		group := func(c *contract.Claim) { c.Status, c.Group = cron.Queued, "g" }
		limit := func(st *contract.Start) { st.Group, st.GroupLimit = "g", 2 }
		a := s.won(with(s.slot(x, day(13)), group), cron.Queued, "")
		b := s.won(with(s.due("a", day(13)), group), cron.Queued, "")
		c := s.won(with(s.slot(y, day(13)), group), cron.Queued, "")
		s.started(a, limit)
		s.started(b, limit)
		s.equal("third", must(s.start(c, limit))(s), contract.StartOutcome{Blocked: true, By: max(a.ID, b.ID)})
		s.finish(a, cron.Succeeded)
		s.started(c, limit)
	},
	"the job's pause is its schedules'": func(s *suite) {
		s.sync("a")
		x, _ := s.two()
		s.now = millis.Now()
		must(s.Pause(s.ctx, contract.Pause{Job: "a", At: s.now}))(s)
		s.won(s.slot(x, day(13)), cron.Skipped, cron.ReasonPaused)
		s.is(s.claim(with(s.hand("a"), func(c *contract.Claim) { c.Schedule = "x" }))[0], contract.Claimed{Refused: cron.ReasonPaused})
		s.equal("runs", s.stored("x").Runs, int64(0))
		must(s.Pause(s.ctx, contract.Pause{Job: "a", Resume: true, At: s.now}))(s)
		s.won(s.slot(x, day(14)), cron.Running, "")
	},
	"a schedule's pause is its own": func(s *suite) {
		s.sync("a")
		_, y := s.two()
		s.now = millis.Now()
		x := s.paused("x", keepPaused)
		by := func(change ...func(*contract.Claim)) contract.Claim {
			c := with(s.hand("a"), func(c *contract.Claim) { c.Schedule = "x" })
			for _, f := range change {
				f(&c)
			}
			return c
		}
		s.won(s.slot(x, day(13)), cron.Skipped, cron.ReasonPaused)
		s.is(s.claim(by())[0], contract.Claimed{Refused: cron.ReasonPaused})
		s.finish(s.won(by(func(c *contract.Claim) { c.Force = true }), cron.Running, ""), cron.Succeeded)
		s.won(s.slot(y, day(13)), cron.Running, "")
		s.won(s.due("a", day(13)), cron.Running, "")
		x = s.paused("x", keepPaused, func(p *contract.PauseSchedule) { p.Until = s.now.Add(time.Hour) })
		s.won(s.slot(x, day(14)), cron.Skipped, cron.ReasonPaused)
		x = s.paused("x", keepPaused, func(p *contract.PauseSchedule) { p.Until = s.now.Add(-time.Millisecond) }) // it has ended
		s.finish(s.won(s.slot(x, day(15)), cron.Running, ""), cron.Succeeded)
		x = s.paused("x", keepPaused)
		s.won(s.slot(x, day(16)), cron.Skipped, cron.ReasonPaused)
		x = s.paused("x", keepPaused, resume)
		s.won(s.slot(x, day(17)), cron.Running, "")
	},
	"as many runs as it may have": func(s *suite) {
		g := s.made(s.hourly("x", "a", func(p *contract.PutSchedule) { p.MaxRuns = 2 }), contract.PutCreated)
		at := func(h float64) contract.Claim {
			return with(s.slot(g, day(h)), func(c *contract.Claim) { c.Watermark, c.Next, c.Overlap = day(h), day(h+1), cron.Allow })
		}
		s.won(with(at(13), func(c *contract.Claim) { c.Status, c.Reason = cron.Skipped, cron.ReasonMissed }), cron.Skipped, cron.ReasonMissed)
		s.equal("next after a skipped one", s.stored("x").Next, day(14))
		s.won(at(14), cron.Running, "")
		s.equal("next after the first", s.stored("x").Next, day(15))
		second := s.won(at(15), cron.Running, "")
		x := s.stored("x")
		s.equal("runs", x.Runs, int64(2))
		s.equal("next", x.Next, time.Time{})
		s.equal("watermark", x.Watermark, day(15))
		s.won(second, cron.Running, "")
		s.lost(at(16))
		s.lost(with(at(17), func(c *contract.Claim) { c.Status, c.Reason = cron.Skipped, cron.ReasonMissed }))
		x = s.stored("x")
		s.equal("runs", x.Runs, int64(2))
		s.equal("next", x.Next, time.Time{})
		s.won(with(s.hand("a"), func(c *contract.Claim) { c.Schedule, c.Overlap = "x", cron.Allow }), cron.Running, "")
		s.equal("due", s.due10(day(23)), "")
	},
	"as many runs as it may have, whatever the watermark": func(s *suite) {
		g := s.made(s.hourly("x", "a", func(p *contract.PutSchedule) { p.MaxRuns = 1 }), contract.PutCreated)
		s.won(s.slot(g, day(13)), cron.Running, "")
		s.equal("next", s.stored("x").Next, time.Time{})
		s.lost(s.slot(g, day(14)))
	},
	"as many runs as it may have, in a batch": func(s *suite) {
		g := s.made(s.hourly("x", "a", func(p *contract.PutSchedule) { p.MaxRuns = 2 }), contract.PutCreated)
		var batch []contract.Claim
		for h := 13.0; h < 17; h++ {
			batch = append(batch, with(s.slot(g, day(h)), func(c *contract.Claim) {
				c.Watermark, c.Next, c.Overlap, c.QueueCap = day(16), day(17), cron.Queue, 9
			}))
		}
		got := s.claim(batch...)
		s.is(got[0], contract.Claimed{Won: true, ID: batch[0].ID, Status: cron.Running})
		s.is(got[1], contract.Claimed{Won: true, ID: batch[1].ID, Status: cron.Queued})
		s.is(got[2], contract.Claimed{})
		s.is(got[3], contract.Claimed{})
		x := s.stored("x")
		s.equal("runs", x.Runs, int64(2))
		s.equal("next", x.Next, time.Time{})
	},
	"the outcome is the schedule's and the job's": func(s *suite) {
		s.sync("a")
		x, y := s.two()
		c := s.won(with(s.slot(x, day(13)), queued), cron.Queued, "")
		outcome := func(run string, started time.Time, status cron.Status) {
			s.Helper()
			g := s.stored("x")
			s.equal("last run", g.LastRun, started)
			s.equal("last ID", g.LastRunID, run)
			s.equal("last status", g.LastStatus, status)
		}
		outcome("", time.Time{}, "")
		s.now = day(13.5)
		s.started(c)
		s.finish(c, cron.Failed)
		outcome(c.ID, day(13.5), cron.Failed)
		st := s.state("a")
		s.equal("runs of the job", st.Runs, int64(1))
		s.equal("failures of the job", st.Failures, int64(1))
		s.equal("last status of the job", st.LastStatus, cron.Failed)
		s.equal("last run of the job", st.LastRunID, c.ID)
		s.equal("last slot of the job", st.LastSlot, day(13))
		s.equal("active", st.Active, 0)
		skip := s.won(with(s.slot(x, day(14)), func(c *contract.Claim) { c.Status, c.Reason = cron.Skipped, cron.ReasonMissed }), cron.Skipped, cron.ReasonMissed)
		outcome(skip.ID, day(13.5), cron.Skipped)
		s.now = day(16)
		d := s.won(with(s.slot(x, day(15)), expired), cron.Running, "")
		s.taken(s.run(d.ID), cron.Interrupted)
		outcome(d.ID, day(16), cron.Interrupted)
		e := s.won(with(s.hand("a"), func(c *contract.Claim) { c.Schedule = "x" }), cron.Running, "")
		s.finish(e, cron.Succeeded)
		outcome(e.ID, day(16), cron.Succeeded)
		s.finish(s.won(s.slot(y, day(13)), cron.Running, ""), cron.Failed)
		s.finish(s.won(s.due("a", day(13)), cron.Running, ""), cron.Failed)
		outcome(e.ID, day(16), cron.Succeeded)
		s.equal("revision", s.stored("x").Revision, x.Revision)
		s.equal("runs of the schedule", s.stored("x").Runs, int64(2))
		s.equal("runs of the job", s.state("a").Runs, int64(5))
	},
	"runs by schedule": func(s *suite) {
		x, y := s.two()
		a := s.won(s.slot(x, day(13)), cron.Running, "")
		b := s.won(s.slot(y, day(13)), cron.Running, "")
		s.won(s.due("a", day(13)), cron.Running, "")
		for name, c := range map[string]struct {
			q    contract.Query
			want string
		}{
			"x":              {contract.Query{Schedule: "x"}, a.ID},
			"y of its job":   {contract.Query{Job: "a", Schedule: "y"}, b.ID},
			"of another job": {contract.Query{Job: "b", Schedule: "y"}, ""},
			"none":           {contract.Query{Schedule: "z"}, ""},
		} {
			got := ""
			for _, id := range s.runs(c.q) {
				got += id
			}
			s.equal(name, got, c.want)
		}
		s.equal("all of the job", len(s.runs(contract.Query{Job: "a"})), 3)
	},
	"runs without a schedule": func(s *suite) {
		x, _ := s.two()
		var own []string // newest first
		add := func(c contract.Claim, status cron.Status) {
			s.won(c, cron.Running, "")
			if s.finish(c, status); c.Schedule == "" {
				own = append([]string{c.ID}, own...)
			}
		}
		for h := 13.0; h < 16; h++ {
			s.now = day(h)
			add(s.due("a", s.now), cron.Succeeded)
			add(s.slot(x, s.now), cron.Failed)
			add(s.hand("a"), cron.Failed)
			add(with(s.hand("a"), func(c *contract.Claim) { c.Schedule = "x" }), cron.Succeeded)
		}
		other := s.won(s.due("b", day(15)), cron.Running, "")
		failed := []string{own[0], own[2], own[4]}
		for name, c := range map[string]struct {
			q    contract.Query
			want []string
		}{
			"of a job":         {contract.Query{Job: "a"}, own},
			"the newest":       {contract.Query{Job: "a", Limit: 3}, own[:3]},
			"the next page":    {contract.Query{Job: "a", Limit: 3, Before: own[2]}, own[3:]},
			"by status":        {contract.Query{Job: "a", Statuses: []cron.Status{cron.Failed}}, failed},
			"one by status":    {contract.Query{Job: "a", Statuses: []cron.Status{cron.Failed}, Limit: 1, Before: own[0]}, failed[1:2]},
			"of a time":        {contract.Query{Job: "a", Since: day(14), Until: day(15)}, own[2:4]},
			"by ID":            {contract.Query{IDs: []string{own[1], own[3]}}, []string{own[1], own[3]}},
			"of all":           {contract.Query{}, append([]string{other.ID}, own...)},
			"active of a job":  {contract.Query{Job: "b", Statuses: []cron.Status{cron.Running}}, []string{other.ID}},
			"of a job without": {contract.Query{Job: "c"}, nil},
		} {
			c.q.Unscheduled = true
			if got := s.runs(c.q); !slices.Equal(got, c.want) {
				s.Errorf("%s: %q, want %q", name, got, c.want)
			}
		}
	},
	"pruned by schedule": func(s *suite) {
		x, y := s.two()
		history := func(of func(time.Time) contract.Claim) {
			for h := 13.0; h < 17; h++ {
				s.now = day(h)
				s.finish(s.won(with(of(s.now), func(c *contract.Claim) { c.Watermark, c.Next = s.now, s.now.Add(time.Hour) }), cron.Running, ""), cron.Succeeded)
			}
		}
		history(func(at time.Time) contract.Claim { return s.slot(x, at) })
		history(func(at time.Time) contract.Claim { return s.slot(y, at) })
		history(func(at time.Time) contract.Claim { return s.due("a", at) })
		s.now = day(18)
		prune := func(p contract.Prune) int {
			s.Helper()
			p.Job = "a"
			if p.Limit == 0 {
				p.Limit = 10
			}
			return must(s.Prune(s.ctx, p))(s)
		}
		are := func(x, y, all int) {
			s.Helper()
			s.equal("runs of x", len(s.runs(contract.Query{Schedule: "x"})), x)
			s.equal("runs of y", len(s.runs(contract.Query{Schedule: "y"})), y)
			s.equal("all", len(s.runs(contract.Query{Job: "a"})), all)
		}
		s.equal("of x, in steps", prune(contract.Prune{Schedule: "x", Keep: 2, Limit: 1}), 1)
		s.equal("of x", prune(contract.Prune{Schedule: "x", Keep: 2, Cutoff: day(23)}), 1)
		are(2, 4, 10)
		s.equal("of the code", prune(contract.Prune{Keep: 3}), 1)
		are(2, 4, 9)
		s.equal("of a schedule that has none", prune(contract.Prune{Schedule: "none", Keep: 1}), 0)
		s.equal("of no limit", prune(contract.Prune{Schedule: "y"}), 0)
		s.equal("by age, of all, in steps", prune(contract.Prune{Cutoff: day(15), Limit: 2}), 2)
		s.equal("by age, of all", prune(contract.Prune{Cutoff: day(15)}), 1) // two of y and one of the code
		are(2, 2, 6)
		s.deleted("x", 0)
		s.equal("by number, of a deleted one", prune(contract.Prune{Schedule: "x", Keep: 1}), 1)
		s.equal("by age, also of a deleted one", prune(contract.Prune{Cutoff: day(23)}), 5)
		are(0, 0, 0)
	},
	"runs above the schedule's watermark stay": func(s *suite) {
		x, _ := s.two()
		s.finish(s.won(s.slot(x, day(13)), cron.Running, ""), cron.Succeeded)
		s.finish(s.won(with(s.due("a", day(13)), func(c *contract.Claim) { c.Watermark = day(20) }), cron.Running, ""), cron.Succeeded)
		prune := func() int { return must(s.Prune(s.ctx, contract.Prune{Job: "a", Cutoff: day(23), Limit: 10}))(s) }
		s.equal("deleted", prune(), 1)
		s.equal("left", len(s.runs(contract.Query{Schedule: "x"})), 1)
		s.claim(with(s.slot(x, day(13)), func(c *contract.Claim) { c.Watermark, c.Next = day(13), day(14) }))
		s.equal("deleted", prune(), 1)
		s.lost(s.slot(x, day(13)))
	},
}

// storedOnce has many claimers claim the slots of some schedules.
func storedOnce(t *testing.T, all []*suite) {
	const slots = 20
	var puts []contract.PutSchedule
	for i := range 5 {
		puts = append(puts, all[0].hourly(fmt.Sprint("once-", i), "once"))
	}
	made := all[0].put(puts...)
	var mu sync.Mutex
	won := map[string]int{}
	together(all, 4, func(s *suite, _ int) {
		for n := range slots {
			slot := day(13).Add(time.Duration(n) * time.Second)
			batch := []contract.Claim{with(s.due("once", slot), func(c *contract.Claim) { c.Overlap = cron.Allow })}
			for _, m := range made {
				batch = append(batch, with(s.slot(*m.After, slot), func(c *contract.Claim) {
					c.Overlap, c.Watermark, c.Next = cron.Allow, slot.Add(-10*time.Second), slot.Add(-9*time.Second)
				}))
			}
			got, err := s.Claim(s.ctx, batch)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			for i, g := range got {
				if g.Won {
					won[batch[i].Schedule+batch[i].Slot.String()]++
				}
			}
			mu.Unlock()
		}
	})
	for slot, n := range won {
		if n != 1 {
			t.Errorf("%s was won %d times", slot, n)
		}
	}
	if want := slots * (len(made) + 1); len(won) != want || len(all[0].runs(contract.Query{Job: "once", Limit: 10_000})) != want {
		t.Errorf("%d slots were won, want %d", len(won), want)
	}
	for _, m := range made {
		if g := all[0].stored(m.After.ID); g.Runs != slots {
			t.Errorf("%d runs of %s, want %d", g.Runs, g.ID, slots)
		}
	}
}

// editedOnce has many edit the same revision.
func editedOnce(t *testing.T, all []*suite) {
	g := all[0].made(all[0].hourly("x", "a"), contract.PutCreated)
	var mu sync.Mutex
	changed := 0
	together(all, 5, func(s *suite, i int) {
		got, err := s.PutSchedules(s.ctx, []contract.PutSchedule{s.hourly("x", "a", func(p *contract.PutSchedule) {
			p.Match, p.MaxRuns = g.Revision, int64(i+1)
		})})
		if err != nil {
			t.Error(err)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		switch got[0].Outcome {
		case contract.PutChanged:
			changed++
		case contract.PutConflict:
		default:
			t.Errorf("put: %+v", got[0])
		}
	})
	if changed != 1 {
		t.Errorf("%d changed the same revision", changed)
	}
	made := 0
	together(all, 5, func(s *suite, _ int) {
		got, err := s.PutSchedules(s.ctx, []contract.PutSchedule{s.hourly("y", "a"), s.hourly("x", "a")})
		if err != nil {
			t.Error(err)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if got[0].Outcome == contract.PutCreated {
			made++
		}
	})
	if made != 1 {
		t.Errorf("%d made the same schedule", made)
	}
}

package conformance

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
)

// hourly returns the slots of an hourly schedule: the first one after an instant, within the bounds.
func hourly(from, until time.Time) func(time.Time) time.Time {
	return func(at time.Time) time.Time {
		if !from.IsZero() && at.Before(from) {
			at = from.Add(-time.Millisecond)
		}
		slot := at.Truncate(time.Hour).Add(time.Hour)
		if !until.IsZero() && slot.After(until) {
			return time.Time{}
		}
		return slot
	}
}

// hourly returns a put of an hourly schedule.
func (s *suite) hourly(id, job string, change ...func(*contract.PutSchedule)) contract.PutSchedule {
	p := contract.PutSchedule{Schedule: contract.Schedule{ID: id, Job: job, Expr: "@hourly", UpdatedBy: "ann"}, At: s.now}
	for _, f := range change {
		f(&p)
	}
	p.After = hourly(p.From, p.Until)
	return p
}

func (s *suite) put(puts ...contract.PutSchedule) []contract.PutResult {
	s.Helper()
	out := must(s.PutSchedules(s.ctx, puts))(s)
	if len(out) != len(puts) {
		s.Fatalf("%d answers to %d puts", len(out), len(puts))
	}
	return out
}

// made is a put with this outcome. It returns the schedule as it is.
func (s *suite) made(p contract.PutSchedule, outcome contract.PutOutcome) contract.Schedule {
	s.Helper()
	return s.changed(s.put(p)[0], outcome)
}

// changed checks a result, and that the schedule is stored like that. It returns it.
func (s *suite) changed(got contract.PutResult, outcome contract.PutOutcome) contract.Schedule {
	s.Helper()
	if got.Outcome != outcome || got.After == nil {
		s.Fatalf("the outcome is %q, want %q; the schedule is %+v", got.Outcome, outcome, got.After)
	}
	if kept := s.stored(got.After.ID); !sameSchedule(&kept, got.After) {
		s.Errorf("stored %+v, returned %+v", kept, *got.After)
	}
	return *got.After
}

// stored returns a schedule that must exist.
func (s *suite) stored(id string) contract.Schedule {
	s.Helper()
	list := must(s.StoredSchedules(s.ctx, contract.ScheduleQuery{IDs: []string{id}}))(s)
	if len(list) != 1 || list[0].ID != id {
		s.Fatalf("schedule %q: %+v", id, list)
	}
	return list[0]
}

func (s *suite) pause(id string, change ...func(*contract.PauseSchedule)) (contract.PutResult, error) {
	p := contract.PauseSchedule{ID: id, Actor: "bob", After: hourly(time.Time{}, time.Time{}), At: s.now}
	for _, f := range change {
		f(&p)
	}
	return s.PauseSchedule(s.ctx, p)
}

// paused is a pause, or the end of one, that changes the schedule. It returns the schedule as it is.
func (s *suite) paused(id string, change ...func(*contract.PauseSchedule)) contract.Schedule {
	s.Helper()
	return s.changed(must(s.pause(id, change...))(s), contract.PutChanged)
}

func resume(p *contract.PauseSchedule) { p.Resume = true }

func keepPaused(p *contract.PauseSchedule) { p.KeepPaused = true }

func sameSchedule(a, b *contract.Schedule) bool {
	x, y := *a, *b
	x.Args, y.Args, x.Meta, y.Meta = nil, nil, nil, nil
	return fmt.Sprint(x) == fmt.Sprint(y) && string(a.Args) == string(b.Args) && maps.Equal(a.Meta, b.Meta)
}

var scheduleCases = map[string]func(*suite){
	"created": func(s *suite) {
		p := s.hourly("tenant-42/daily", "a", func(p *contract.PutSchedule) {
			p.Zone, p.Args, p.Meta = "Europe/Berlin", json.RawMessage(`{"tenant":42}`), map[string]string{"plan": "pro", "name": "R&D <\"x\">"}
			p.From, p.Until, p.MaxRuns = day(11), day(20), 3
			// The store decides about the others.
			p.Revision, p.Runs, p.Watermark, p.Next, p.LastStatus, p.PausedUntil = 77, 7, day(23), day(23), cron.Failed, day(23)
		})
		got := s.put(p)[0]
		if got.Before != nil {
			s.Errorf("before: %+v", got.Before)
		}
		g := s.changed(got, contract.PutCreated)
		want := contract.Schedule{
			ID: p.ID, Job: "a", Expr: "@hourly", Zone: p.Zone, Args: p.Args, From: p.From, Until: p.Until, MaxRuns: 3, Meta: p.Meta,
			Revision: g.Revision, Watermark: s.now, Next: day(13), CreatedAt: s.now, UpdatedAt: s.now, UpdatedBy: "ann",
		}
		if !sameSchedule(&g, &want) {
			s.Errorf("created %+v, want %+v", g, want)
		}
		if g.Revision <= 0 || g.Revision == 77 {
			s.Errorf("revision %d", g.Revision)
		}
	},
	"a schedule of few words": func(s *suite) {
		g := s.made(s.hourly("x", "a"), contract.PutCreated)
		if g.Args != nil || len(g.Meta) > 0 || !g.From.IsZero() || !g.Until.IsZero() || g.Paused || g.Zone != "" {
			s.Errorf("created %+v", g)
		}
	},
	"put again as it is": func(s *suite) {
		full := func(p *contract.PutSchedule) {
			p.Zone, p.Args, p.Meta = "UTC", json.RawMessage(`{"n":1}`), map[string]string{"a": "1", "b": "2"}
			p.From, p.Until, p.MaxRuns, p.Paused = day(11), day(20), 3, true
		}
		for id, change := range map[string]func(*contract.PutSchedule){"full": full, "bare": func(*contract.PutSchedule) {}} {
			s.now = day(12)
			g := s.made(s.hourly(id, "a", change), contract.PutCreated)
			s.now = day(15)
			got := s.put(s.hourly(id, "a", change, func(p *contract.PutSchedule) {
				p.UpdatedBy, p.From = "bob", p.From.In(time.FixedZone("x", 3600))
			}))[0]
			if got.Before == nil || !sameSchedule(got.Before, &g) {
				s.Errorf("before: %+v, want %+v", got.Before, g)
			}
			if after := s.changed(got, contract.PutUnchanged); !sameSchedule(&after, &g) {
				s.Errorf("unchanged %+v, want %+v", after, g)
			}
		}
	},
	"a change of its times starts at the edit": func(s *suite) {
		for name, change := range map[string]func(*contract.PutSchedule){
			"job":   func(p *contract.PutSchedule) { p.Job = "b" },
			"expr":  func(p *contract.PutSchedule) { p.Expr = "0 * * * *" },
			"zone":  func(p *contract.PutSchedule) { p.Zone = "UTC" },
			"from":  func(p *contract.PutSchedule) { p.From = day(10) },
			"until": func(p *contract.PutSchedule) { p.Until = day(22) },
			"max":   func(p *contract.PutSchedule) { p.MaxRuns = 9 },
		} {
			s.now = day(12)
			g := s.made(s.hourly(name, "a"), contract.PutCreated)
			s.now = day(15).Add(time.Minute)
			got := s.put(s.hourly(name, "a", change, func(p *contract.PutSchedule) { p.UpdatedBy = "bob" }))[0]
			if got.Before == nil || !sameSchedule(got.Before, &g) {
				s.Errorf("%s: before: %+v, want %+v", name, got.Before, g)
			}
			h := s.changed(got, contract.PutChanged)
			s.equal(name+": watermark", h.Watermark, s.now)
			s.equal(name+": next", h.Next, day(16))
			s.equal(name+": created", h.CreatedAt, day(12))
			s.equal(name+": updated", h.UpdatedAt, s.now)
			s.equal(name+": by", h.UpdatedBy, "bob")
			s.equal(name+": a greater revision", h.Revision > g.Revision, true)
		}
	},
	"a change of anything else leaves the watermark": func(s *suite) {
		for name, change := range map[string]func(*contract.PutSchedule){
			"args": func(p *contract.PutSchedule) { p.Args = json.RawMessage(`{"n":2}`) },
			"meta": func(p *contract.PutSchedule) { p.Meta = map[string]string{"plan": "free"} },
		} {
			s.now = day(12)
			g := s.made(s.hourly(name, "a"), contract.PutCreated)
			s.now = day(15)
			h := s.made(s.hourly(name, "a", change), contract.PutChanged)
			s.equal(name+": watermark", h.Watermark, day(12))
			s.equal(name+": next", h.Next, day(13))
			s.equal(name+": a greater revision", h.Revision > g.Revision, true)
			h.Args, h.Meta, h.Revision, h.UpdatedAt = g.Args, g.Meta, g.Revision, g.UpdatedAt
			if !sameSchedule(&h, &g) {
				s.Errorf("%s: changed %+v, was %+v", name, h, g)
			}
		}
	},
	"a watermark never goes back by an edit": func(s *suite) {
		g := s.made(s.hourly("x", "a"), contract.PutCreated)
		s.won(with(s.slot(g, day(13)), func(c *contract.Claim) { c.Watermark, c.Next = day(14), day(15) }), cron.Running, "")
		s.now = day(13)
		h := s.made(s.hourly("x", "a", func(p *contract.PutSchedule) { p.Zone = "UTC" }), contract.PutChanged)
		s.equal("watermark", h.Watermark, day(14))
		s.equal("next", h.Next, day(15))
	},
	"an edit by a clock that is ahead": func(s *suite) {
		now := millis.Now()
		s.now = now.Add(time.Hour)
		g := s.made(s.hourly("x", "a"), contract.PutCreated)
		if ahead := g.Watermark.Sub(now); !g.Watermark.Equal(s.now) && (ahead < -time.Minute || ahead > time.Minute) {
			s.Errorf("watermark %s is neither the caller's %s nor the store's own now", g.Watermark, s.now)
		}
		s.equal("next", g.Next, hourly(g.From, g.Until)(g.Watermark))
	},
	"from": func(s *suite) {
		g := s.made(s.hourly("x", "a", func(p *contract.PutSchedule) { p.From = day(15) }), contract.PutCreated)
		s.equal("watermark", g.Watermark, day(15).Add(-time.Millisecond))
		s.equal("next", g.Next, day(15))
		g = s.made(s.hourly("x", "a", func(p *contract.PutSchedule) { p.From = day(9) }), contract.PutChanged)
		s.equal("watermark of an earlier one", g.Watermark, day(15).Add(-time.Millisecond))
	},
	"until": func(s *suite) {
		g := s.made(s.hourly("x", "a", func(p *contract.PutSchedule) { p.Until = day(13) }), contract.PutCreated)
		s.equal("next, inclusive", g.Next, day(13))
		s.now = day(13)
		g = s.made(s.hourly("x", "a", func(p *contract.PutSchedule) { p.Until = day(13.5) }), contract.PutChanged)
		s.equal("next after the last", g.Next, time.Time{})
		g = s.made(s.hourly("x", "a"), contract.PutChanged)
		s.equal("next without it", g.Next, day(14))
	},
	"a schedule that has had its runs has no next": func(s *suite) {
		g := s.made(s.hourly("x", "a", func(p *contract.PutSchedule) { p.MaxRuns = 2 }), contract.PutCreated)
		for h := 13.0; h < 15; h++ {
			s.finish(s.won(with(s.slot(g, day(h)), func(c *contract.Claim) { c.Watermark, c.Next = day(h), day(h+1) }), cron.Running, ""), cron.Succeeded)
		}
		s.equal("next", s.stored("x").Next, time.Time{})
		more := func(n int64) contract.Schedule {
			s.Helper()
			return s.made(s.hourly("x", "a", func(p *contract.PutSchedule) { p.MaxRuns = n }), contract.PutChanged)
		}
		s.equal("next of one", more(1).Next, time.Time{})
		g = more(3)
		s.equal("runs", g.Runs, int64(2))
		s.equal("next of three", g.Next, day(15))
		s.equal("next without a limit", more(0).Next, day(15))
	},
	"only of this revision": func(s *suite) {
		match := func(n int64) func(*contract.PutSchedule) {
			return func(p *contract.PutSchedule) { p.Match, p.Expr = n, fmt.Sprintf("@every %ds", n) }
		}
		s.conflict(s.put(s.hourly("x", "a", match(1)))[0], nil)
		s.equal("schedules", len(must(s.StoredSchedules(s.ctx, contract.ScheduleQuery{}))(s)), 0)
		g := s.made(s.hourly("x", "a", match(contract.NoRevision)), contract.PutCreated)
		s.conflict(s.put(s.hourly("x", "a", match(contract.NoRevision)))[0], &g)
		s.conflict(s.put(s.hourly("x", "a", match(g.Revision+1)))[0], &g)
		h := s.made(s.hourly("x", "a", match(g.Revision)), contract.PutChanged)
		s.conflict(s.put(s.hourly("x", "a", match(g.Revision)))[0], &h)
		got := must(s.pause("x", func(p *contract.PauseSchedule) { p.Match = g.Revision }))(s)
		s.conflict(got, &h)
		s.conflict(must(s.DeleteSchedule(s.ctx, "x", g.Revision))(s), &h)
		h = s.paused("x", func(p *contract.PauseSchedule) { p.Match = h.Revision })
		s.deleted("x", h.Revision)
	},
	"a conflict is of its own put only": func(s *suite) {
		s.made(s.hourly("x", "a"), contract.PutCreated)
		got := s.put(s.hourly("v", "a"), s.hourly("x", "b", func(p *contract.PutSchedule) { p.Match = contract.NoRevision }), s.hourly("z", "a"))
		s.changed(got[0], contract.PutCreated)
		s.equal("second", got[1].Outcome, contract.PutConflict)
		s.changed(got[2], contract.PutCreated)
	},
	"puts are all or nothing": func(s *suite) {
		g := s.made(s.hourly("x", "a"), contract.PutCreated)
		_, err := s.PutSchedules(s.ctx, []contract.PutSchedule{s.hourly("v", "a"), s.hourly("x", "b"), s.hourly("", "a")})
		if err == nil {
			s.Error("a schedule without an ID was put")
		}
		if _, err = s.PutSchedules(s.ctx, []contract.PutSchedule{s.hourly("v", "a"), s.hourly("z", "")}); err == nil {
			s.Error("a schedule without a job was put")
		}
		list := must(s.StoredSchedules(s.ctx, contract.ScheduleQuery{}))(s)
		if len(list) != 1 || !sameSchedule(&list[0], &g) {
			s.Errorf("schedules %+v", list)
		}
	},
	"puts of a big batch, in order": func(s *suite) {
		var batch []contract.PutSchedule
		for i := range 1234 {
			batch = append(batch, s.hourly(fmt.Sprintf("t/%04d", i), "a"))
		}
		batch = append(batch, s.hourly("t/0007", "b"), s.hourly("t/0007", "b"))
		for i, got := range s.put(batch...) {
			want := contract.PutCreated
			switch i {
			case 1234:
				want = contract.PutChanged
			case 1235:
				want = contract.PutUnchanged
			}
			if got.Outcome != want || got.After == nil || got.After.ID != batch[i].ID || got.After.Job != batch[i].Job {
				s.Fatalf("put %d: %+v", i, got)
			}
		}
		s.equal("job", s.stored("t/0007").Job, "b")
		s.equal("stored", len(must(s.StoredSchedules(s.ctx, contract.ScheduleQuery{Limit: 5000}))(s)), 1234)
	},
	"no puts": func(s *suite) { s.put() },
	"an ID is the user's": func(s *suite) {
		ids := []string{"tenant-42/daily", "Tenant-42/daily", "a b", "50%", "50_", `\'"`, "Zürich", "Zurich", "日本", "x.y:z?&#"}
		for _, id := range ids {
			s.made(s.hourly(id, "a"), contract.PutCreated)
		}
		for _, id := range ids {
			s.equal("ID", s.stored(id).ID, id)
		}
	},
	"what is returned is the caller's": func(s *suite) {
		p := s.hourly("x", "a", func(p *contract.PutSchedule) {
			p.Args, p.Meta = json.RawMessage(`{"n":1}`), map[string]string{"k": "v"}
		})
		g := s.made(p, contract.PutCreated)
		for _, h := range []contract.Schedule{p.Schedule, g, s.stored("x")} {
			h.Args[5], h.Meta["k"] = '2', "w"
		}
		g = s.stored("x")
		s.equal("args", string(g.Args), `{"n":1}`)
		s.equal("meta", g.Meta["k"], "v")
	},
	"paused and resumed": func(s *suite) {
		g := s.made(s.hourly("x", "a"), contract.PutCreated)
		s.made(s.hourly("y", "a"), contract.PutCreated)
		s.now = day(13.5)
		got := must(s.pause("x", func(p *contract.PauseSchedule) { p.Reason = "unpaid" }))(s)
		if got.Before == nil || !sameSchedule(got.Before, &g) {
			s.Errorf("before: %+v, want %+v", got.Before, g)
		}
		h := s.changed(got, contract.PutChanged)
		if !h.Paused || !h.PausedAt.Equal(s.now) || !h.PausedUntil.IsZero() || h.PausedBy != "bob" || h.PausedReason != "unpaid" {
			s.Errorf("paused %+v", h)
		}
		s.equal("next", h.Next, time.Time{})
		s.equal("watermark", h.Watermark, day(12))
		s.equal("updated", h.UpdatedAt, s.now)
		s.equal("by", h.UpdatedBy, "bob")
		s.equal("a greater revision", h.Revision > g.Revision, true)
		s.equal("other", s.stored("y").Paused, false)
		s.now = day(17.5)
		i := s.paused("x", resume)
		if i.Paused || !i.PausedAt.IsZero() || i.PausedBy != "" || i.PausedReason != "" {
			s.Errorf("resumed %+v", i)
		}
		s.equal("watermark", i.Watermark, s.now)
		s.equal("next", i.Next, day(18))
		s.equal("a greater revision", i.Revision > h.Revision, true)
		after := s.changed(must(s.pause("x", resume))(s), contract.PutUnchanged)
		s.equal("revision of one that was not paused", after.Revision, i.Revision)
	},
	"a pause whose slots are recorded": func(s *suite) {
		s.made(s.hourly("x", "a"), contract.PutCreated)
		s.now = day(13.5)
		g := s.paused("x", keepPaused)
		s.equal("next", g.Next, day(13))
		s.now = day(17.5)
		g = s.paused("x", keepPaused, resume)
		s.equal("watermark", g.Watermark, day(12))
		s.equal("next", g.Next, day(13))
	},
	"paused and resumed by a put": func(s *suite) {
		put := func(paused, keep bool, outcome contract.PutOutcome) contract.Schedule {
			s.Helper()
			return s.made(s.hourly("x", "a", func(p *contract.PutSchedule) { p.Paused, p.KeepPaused = paused, keep }), outcome)
		}
		g := put(true, false, contract.PutCreated)
		if !g.Paused || !g.PausedAt.Equal(s.now) || !g.PausedUntil.IsZero() || g.PausedBy != "ann" {
			s.Errorf("made paused: %+v", g)
		}
		s.equal("next", g.Next, time.Time{})
		s.now = day(13.5)
		g = put(false, false, contract.PutChanged)
		s.equal("watermark when resumed", g.Watermark, s.now)
		s.equal("next when resumed", g.Next, day(14))
		s.equal("paused", g.Paused, false)
		s.now = day(15.5)
		g = put(true, true, contract.PutChanged)
		s.equal("next when its slots are recorded", g.Next, day(14))
		g = put(false, true, contract.PutChanged)
		s.equal("watermark after that", g.Watermark, day(13.5))
		s.equal("next after that", g.Next, day(14))
	},
	"a put leaves a pause as it is": func(s *suite) {
		s.now = millis.Now()
		s.made(s.hourly("x", "a"), contract.PutCreated)
		until := s.now.Add(90 * time.Minute)
		g := s.paused("x", func(p *contract.PauseSchedule) { p.Until, p.Reason = until, "unpaid" })
		paused := func(p *contract.PutSchedule) { p.Paused = true }
		s.made(s.hourly("x", "a", paused), contract.PutUnchanged)
		h := s.made(s.hourly("x", "a", paused, func(p *contract.PutSchedule) { p.Zone = "UTC" }), contract.PutChanged)
		if !h.Paused || !h.PausedUntil.Equal(until) || h.PausedBy != "bob" || h.PausedReason != "unpaid" || !h.PausedAt.Equal(g.PausedAt) {
			s.Errorf("paused %+v, was %+v", h, g)
		}
	},
	"a pause with an end": func(s *suite) {
		s.now = millis.Now()
		slots := hourly(time.Time{}, time.Time{})
		g := s.made(s.hourly("x", "a"), contract.PutCreated)
		s.made(s.hourly("kept", "a"), contract.PutCreated)
		until := s.now.Truncate(time.Hour).Add(3 * time.Hour) // itself a slot, which runs
		with := func(until time.Time, reason string) func(p *contract.PauseSchedule) {
			return func(p *contract.PauseSchedule) { p.Until, p.Reason = until, reason }
		}
		h := s.paused("x", with(until, "unpaid"))
		s.equal("until", h.PausedUntil, until)
		s.equal("watermark", h.Watermark, g.Watermark)
		s.equal("next", h.Next, until) // the slots of the pause are not recorded
		s.equal("next of one whose slots are", s.paused("kept", with(until, ""), keepPaused).Next, slots(g.Watermark))
		again := must(s.pause("x", with(until, "unpaid")))(s)
		s.equal("revision of a pause that is as requested", s.changed(again, contract.PutUnchanged).Revision, h.Revision)
		h = s.paused("x", with(until.Add(-time.Minute), "still unpaid"))
		s.equal("other end", h.PausedUntil, until.Add(-time.Minute))
		s.equal("other reason", h.PausedReason, "still unpaid")
		s.equal("next", h.Next, until)
		h = s.paused("x", with(time.Time{}, ""))
		s.equal("no end", h.PausedUntil, time.Time{})
		s.equal("next without an end", h.Next, time.Time{})
		h = s.paused("x", with(until, ""))
		s.equal("next with an end again", h.Next, until)
		h = s.paused("x", resume)
		if passed := h.Watermark.Sub(s.now); passed < 0 || passed > time.Minute {
			s.Errorf("watermark %s after the end of a pause before its time, at %s", h.Watermark, s.now)
		}
		s.equal("next when resumed", h.Next, slots(h.Watermark))
	},
	"a pause that has ended is none": func(s *suite) {
		s.made(s.hourly("x", "a"), contract.PutCreated)
		g := s.paused("x", func(p *contract.PauseSchedule) { p.Until = day(14) })
		s.equal("next", g.Next, day(14))
		s.now = millis.Now()
		s.changed(must(s.pause("x", resume))(s), contract.PutUnchanged)
		s.made(s.hourly("x", "a"), contract.PutUnchanged)
		g = s.made(s.hourly("x", "a", func(p *contract.PutSchedule) { p.Meta = map[string]string{"a": "b"} }), contract.PutChanged)
		s.equal("next", g.Next, day(14)) // and not lost, or a slot of the pause
		g = s.made(s.hourly("x", "a", func(p *contract.PutSchedule) { p.Paused = true }), contract.PutChanged)
		s.equal("end of another pause", g.PausedUntil, time.Time{})
		s.equal("next", g.Next, time.Time{})
	},
	"a schedule that ends does not go on after a pause": func(s *suite) {
		s.made(s.hourly("x", "a", func(p *contract.PutSchedule) { p.Until = day(14) }), contract.PutCreated)
		s.paused("x")
		s.now = day(15)
		g := s.paused("x", resume, func(p *contract.PauseSchedule) { p.After = hourly(time.Time{}, day(14)) })
		s.equal("next", g.Next, time.Time{})
		g = s.made(s.hourly("y", "a", func(p *contract.PutSchedule) { p.From, p.Paused = day(20), true }), contract.PutCreated)
		s.equal("next while paused", g.Next, time.Time{})
		g = s.paused("y", resume, func(p *contract.PauseSchedule) { p.After = hourly(day(20), time.Time{}) })
		s.equal("watermark before it begins", g.Watermark, day(20).Add(-time.Millisecond))
		s.equal("next before it begins", g.Next, day(20))
	},
	"deleted": func(s *suite) {
		g := s.made(s.hourly("x", "a"), contract.PutCreated)
		s.made(s.hourly("y", "a"), contract.PutCreated)
		c := s.won(s.slot(g, day(13)), cron.Running, "")
		got := s.deleted("x", 0)
		if got.Before == nil || got.Before.ID != "x" || got.Before.Revision != g.Revision || got.After != nil {
			s.Errorf("deleted %+v", got)
		}
		s.stored("y")
		s.finish(c, cron.Failed) // its run has gone on
		s.status(c.ID, cron.Failed, "")
		s.equal("its history", len(s.runs(contract.Query{Schedule: "x"})), 1)
		s.equal("runs of the job", s.state("a").Runs, int64(1))
	},
	"a deleted ID is used again": func(s *suite) {
		g := s.made(s.hourly("x", "a"), contract.PutCreated)
		for range 3 {
			g = s.made(s.hourly("x", "a", func(p *contract.PutSchedule) { p.MaxRuns = g.Revision + 9 }), contract.PutChanged)
		}
		old := s.won(s.slot(g, day(13)), cron.Running, "")
		s.finish(old, cron.Failed)
		s.deleted("x", g.Revision)
		s.made(s.hourly("x", "a", func(p *contract.PutSchedule) { p.Match = contract.NoRevision }), contract.PutCreated)
		s.deleted("x", 0)
		h := s.made(s.hourly("x", "a"), contract.PutCreated)
		s.equal("a greater revision", h.Revision > g.Revision, true)
		s.equal("runs", h.Runs, int64(0))
		s.equal("last", h.LastRunID, "")
		s.is(s.claim(s.slot(g, day(14)))[0], contract.Claimed{Rescheduled: true})
		s.is(s.claim(s.slot(h, day(13)))[0], contract.Claimed{ID: old.ID, Status: cron.Failed}) // never twice
		s.won(s.slot(h, day(14)), cron.Running, "")
	},
	"no such schedule": func(s *suite) {
		_, err := s.DeleteSchedule(s.ctx, "x", 0)
		s.fails(err, cron.ErrNotFound)
		_, err = s.DeleteSchedule(s.ctx, "x", 3)
		s.fails(err, cron.ErrNotFound)
		_, err = s.pause("x")
		s.fails(err, cron.ErrNotFound)
		_, err = s.pause("x", resume)
		s.fails(err, cron.ErrNotFound)
		g := s.made(s.hourly("x", "a"), contract.PutCreated)
		s.deleted("x", g.Revision)
		_, err = s.DeleteSchedule(s.ctx, "x", 0)
		s.fails(err, cron.ErrNotFound)
	},
	"a schedule of an unknown job is kept": func(s *suite) {
		s.sync("a")
		g := s.made(s.hourly("x", "nobody"), contract.PutCreated)
		s.made(s.hourly("y", "a"), contract.PutCreated)
		s.now = day(15)
		s.sync("b") // a is gone
		h := s.stored("x")
		if !sameSchedule(&g, &h) {
			s.Errorf("kept %+v, was %+v", h, g)
		}
		s.stored("y")
		due := must(s.DueSchedules(s.ctx, day(13), []string{"a"}, 10))(s)
		s.equal("due", fmt.Sprint(scheduleIDs(due)), "[x]")
	},
	"a put makes no job": func(s *suite) {
		s.made(s.hourly("x", "a"), contract.PutCreated)
		s.equal("jobs", len(must(s.States(s.ctx))(s)), 0)
	},
	"every change makes another stamp": func(s *suite) {
		before := s.stamp()
		for _, change := range []func(){
			func() { s.made(s.hourly("x", "a"), contract.PutCreated) },
			func() { s.made(s.hourly("x", "b"), contract.PutChanged) },
			func() { s.paused("x") },
			func() { s.deleted("x", 0) },
		} {
			change()
			now := s.stamp()
			s.equal("the same stamp", now == before, false)
			before = now
		}
	},
}

// conflict checks the result of a change that needs another revision, and that the schedule is as it was.
func (s *suite) conflict(got contract.PutResult, was *contract.Schedule) {
	s.Helper()
	if got.Outcome != contract.PutConflict || got.After != nil || (got.Before == nil) != (was == nil) {
		s.Fatalf("result %+v, want a conflict", got)
	}
	if was == nil {
		return
	}
	if kept := s.stored(was.ID); !sameSchedule(&kept, was) || !sameSchedule(got.Before, was) {
		s.Errorf("after a conflict: %+v, before: %+v, want %+v", kept, got.Before, was)
	}
}

// deleted deletes a schedule.
func (s *suite) deleted(id string, match int64) contract.PutResult {
	s.Helper()
	got := must(s.DeleteSchedule(s.ctx, id, match))(s)
	if got.Outcome == contract.PutConflict {
		s.Fatalf("deleted: %+v", got)
	}
	if list := must(s.StoredSchedules(s.ctx, contract.ScheduleQuery{IDs: []string{id}}))(s); len(list) != 0 {
		s.Errorf("still there: %+v", list)
	}
	return got
}

func scheduleIDs(list []contract.Schedule) []string {
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	return ids
}

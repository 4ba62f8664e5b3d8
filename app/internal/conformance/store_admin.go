package conformance

import (
	"encoding/json"
	"slices"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/plan"
)

// past claims and ends n runs of a job, an hour apart from hour on, and returns their IDs.
func (s *suite) past(job string, hour float64, n int) []string {
	s.Helper()
	ids := make([]string, n)
	for i := range n {
		s.now = day(hour + float64(i))
		c := s.won(s.due(job, s.now), cron.Running, "")
		s.finish(c, cron.Succeeded)
		ids[i] = c.ID
	}
	return ids
}

// settle advances the watermark of job a by a manual run.
func (s *suite) settle(to time.Time) {
	s.Helper()
	c := s.won(with(s.hand("a"), func(c *contract.Claim) { c.Watermark, c.Force = to, true }), cron.Running, "")
	s.finish(c, cron.Succeeded)
}

// prune prunes job a.
func (s *suite) prune(keep int, cutoff time.Time, limit int) int {
	s.Helper()
	return must(s.Prune(s.ctx, contract.Prune{Job: "a", Keep: keep, Cutoff: cutoff, Limit: limit}))(s)
}

var journalCases = map[string]func(*suite){
	"lines and progress": func(s *suite) {
		c := s.won(s.due("a", day(13)), cron.Running, "")
		d := s.won(s.due("b", day(13)), cron.Running, "")
		line := func(seq int64) cron.LogLine {
			return cron.LogLine{Seq: seq, Time: s.now, Attempt: 1, Level: "INFO", Message: "hello", Attrs: json.RawMessage(`{"k":1}`)}
		}
		s.ok(s.Note(s.ctx, []contract.Note{
			{Fence: c.Fence, Lines: []cron.LogLine{line(1), line(2)}},
			{Fence: d.Fence, Lines: []cron.LogLine{line(1)}},
			{Fence: c.Fence, Lines: []cron.LogLine{line(3)}, Progress: &cron.Progress{Done: 1, Total: 2, Text: "half"}},
		}))
		lines := must(s.Logs(s.ctx, c.ID, 0, 10))(s)
		s.equal("lines", len(lines), 3)
		for i, l := range lines {
			want := line(int64(i + 1))
			if l.Seq != want.Seq || !l.Time.Equal(want.Time) || l.Attempt != 1 || l.Level != "INFO" || l.Message != "hello" || string(l.Attrs) != `{"k":1}` {
				s.Errorf("line %+v", l)
			}
		}
		s.equal("after", len(must(s.Logs(s.ctx, c.ID, 2, 10))(s)), 1)
		s.equal("limit", len(must(s.Logs(s.ctx, c.ID, 0, 2))(s)), 2)
		s.equal("progress", *s.run(c.ID).Progress, cron.Progress{Done: 1, Total: 2, Text: "half"})
	},
	"noted again": func(s *suite) {
		c := s.won(s.due("a", day(13)), cron.Running, "")
		n := []contract.Note{{Fence: c.Fence, Lines: []cron.LogLine{{Seq: 1}, {Seq: 2}}}}
		s.ok(s.Note(s.ctx, n))
		n[0].Lines = append(n[0].Lines, cron.LogLine{Seq: 3})
		s.ok(s.Note(s.ctx, n))
		f := s.ended(c, cron.Succeeded)
		f.Lines = []cron.LogLine{{Seq: 3}, {Seq: 4}}
		s.ok(s.Finish(s.ctx, f))
		s.equal("lines", len(must(s.Logs(s.ctx, c.ID, 0, 10))(s)), 4)
	},
	"a fenced run's notes are dropped": func(s *suite) {
		c := s.won(s.due("a", day(13)), cron.Running, "")
		other := c.Fence
		other.Token++
		note := func(f contract.Fence) {
			s.ok(s.Note(s.ctx, []contract.Note{{Fence: f, Lines: []cron.LogLine{{Seq: 1}}, Progress: &cron.Progress{Done: 1}}}))
		}
		note(other)
		note(fence())
		s.finish(c, cron.Succeeded)
		note(c.Fence)
		s.equal("lines", len(must(s.Logs(s.ctx, c.ID, 0, 10))(s)), 0)
		if s.run(c.ID).Progress != nil {
			s.Error("progress of another")
		}
	},
	"pruned by number": func(s *suite) {
		ids := s.past("a", 13, 5)
		s.past("b", 13, 5)
		s.settle(day(20))
		s.equal("deleted", s.prune(3, time.Time{}, 10), 3)
		s.equal("deleted again", s.prune(3, time.Time{}, 10), 0)
		s.equal("left", len(s.runs(contract.Query{Job: "a"})), 3)
		s.equal("others left", len(s.runs(contract.Query{Job: "b"})), 5)
		_, err := s.Store.Run(s.ctx, ids[2])
		s.fails(err, cron.ErrNotFound)
		s.run(ids[3])
	},
	"pruned by age": func(s *suite) {
		s.past("a", 13, 5)
		s.settle(day(20))
		s.equal("deleted", s.prune(0, day(15), 10), 2)
		s.equal("left", len(s.runs(contract.Query{Job: "a"})), 4)
	},
	"pruned by either, in steps": func(s *suite) {
		s.past("a", 13, 6)
		s.settle(day(20))
		s.equal("first step", s.prune(2, day(15), 3), 3)
		s.equal("second step", s.prune(2, day(15), 3), 2)
		s.equal("third step", s.prune(2, day(15), 3), 0)
	},
	"no limit prunes nothing": func(s *suite) {
		s.past("a", 13, 3)
		s.settle(day(20))
		s.equal("deleted", s.prune(0, time.Time{}, 10), 0)
	},
	"active runs and runs above the watermark stay": func(s *suite) {
		s.past("a", 13, 4)
		s.settle(day(14))
		c := s.won(with(s.due("a", day(17)), func(c *contract.Claim) { c.Overlap = cron.Allow }), cron.Running, "")
		s.equal("deleted", s.prune(1, day(23), 10), 3) // two slots and the manual run
		s.equal("left", len(s.runs(contract.Query{Job: "a"})), 3)
		s.status(c.ID, cron.Running, "")
	},
	"logs go with their run, slots stay settled": func(s *suite) {
		c := s.won(s.due("a", day(13)), cron.Running, "")
		s.ok(s.Note(s.ctx, []contract.Note{{Fence: c.Fence, Lines: []cron.LogLine{{Seq: 1}}}}))
		s.finish(c, cron.Succeeded)
		s.settle(day(13))
		s.equal("deleted", s.prune(0, day(23), 10), 2)
		s.equal("lines", len(must(s.Logs(s.ctx, c.ID, 0, 10))(s)), 0)
		s.is(s.claim(s.due("a", day(13)))[0], contract.Claimed{})
		s.is(s.claim(c)[0], contract.Claimed{})
		s.equal("runs are still counted", s.state("a").Runs, int64(2))
	},
	"a pruned key is free again": func(s *suite) {
		key := func(c *contract.Claim) { c.Key = "k" }
		s.finish(s.won(with(s.hand("a"), key), cron.Running, ""), cron.Succeeded)
		s.equal("deleted", s.prune(0, day(23), 10), 1)
		s.won(with(s.hand("a"), key), cron.Running, "")
	},
}

var deskCases = map[string]func(*suite){
	"states by name": func(s *suite) {
		s.sync("a", "b", "c")
		s.equal("all", len(must(s.States(s.ctx))(s)), 3)
		some := must(s.States(s.ctx, "a", "c", "nobody"))(s)
		s.equal("some", len(some), 2)
		s.equal("name", some["c"].Name, "c")
	},
	"runs newest first, page by page": func(s *suite) {
		a := s.past("a", 13, 4)
		b := s.past("b", 18, 3)
		want := slices.Concat(a, b)
		slices.Reverse(want)
		if got := s.runs(contract.Query{}); !slices.Equal(got, want) {
			s.Errorf("runs %v, want %v", got, want)
		}
		var paged []string
		for before := ""; ; before = paged[len(paged)-1] {
			page := s.runs(contract.Query{Limit: 3, Before: before})
			if len(page) == 0 {
				break
			}
			paged = append(paged, page...)
		}
		if !slices.Equal(paged, want) {
			s.Errorf("pages %v, want %v", paged, want)
		}
	},
	"a cursor outlives its run": func(s *suite) {
		ids := s.past("a", 13, 3)
		s.past("b", 18, 1)
		s.settle(day(20))
		s.equal("deleted", s.prune(2, time.Time{}, 10), 2)
		if got := s.runs(contract.Query{Before: ids[1]}); len(got) != 0 {
			s.Errorf("older than the pruned one: %v", got)
		}
		s.equal("newer", len(s.runs(contract.Query{})), 3)
	},
	"runs by what they are": func(s *suite) {
		a := s.past("a", 13, 3)
		b := s.won(with(s.due("b", day(13)), func(c *contract.Claim) { c.Instance = "other" }), cron.Running, "")
		for name, c := range map[string]struct {
			q    contract.Query
			want []string
		}{
			"job":      {contract.Query{Job: "b"}, []string{b.ID}},
			"status":   {contract.Query{Statuses: []cron.Status{cron.Running, cron.Failed}}, []string{b.ID}},
			"instance": {contract.Query{Instance: "other"}, []string{b.ID}},
			"since":    {contract.Query{Job: "a", Since: day(14)}, []string{a[2], a[1]}},
			"until":    {contract.Query{Until: day(14)}, []string{a[0]}},
			"nothing":  {contract.Query{Job: "nobody"}, nil},
			"limit":    {contract.Query{Job: "a", Limit: 1}, []string{a[2]}},
		} {
			if got := s.runs(c.q); !slices.Equal(got, c.want) {
				s.Errorf("%s: runs %v, want %v", name, got, c.want)
			}
		}
	},
	"no such run": func(s *suite) {
		_, err := s.Store.Run(s.ctx, newID())
		s.fails(err, cron.ErrNotFound)
		_, err = s.Cancel(s.ctx, newID(), cron.ReasonRequested, "")
		s.fails(err, cron.ErrNotFound)
		s.equal("lines", len(must(s.Logs(s.ctx, newID(), 0, 10))(s)), 0)
	},
	"a pause and its end": func(s *suite) {
		s.sync("a", "b")
		p := contract.Pause{Job: "a", At: s.now, Until: s.now.Add(time.Hour), Reason: "deploy", Actor: "ann"}
		for _, st := range []contract.State{must(s.Pause(s.ctx, p))(s), s.state("a")} {
			if !st.Paused || !st.PausedAt.Equal(s.now) || !st.PausedUntil.Equal(p.Until) || st.PausedBy != "ann" || st.PausedReason != "deploy" {
				s.Errorf("state %+v", st)
			}
			s.equal("watermark", st.Watermark, s.now)
		}
		s.equal("other", s.state("b").Paused, false)
		for _, st := range []contract.State{must(s.Pause(s.ctx, contract.Pause{Job: "a", Resume: true, At: s.now}))(s), s.state("a")} {
			if st.Paused || !st.PausedAt.IsZero() || !st.PausedUntil.IsZero() || st.PausedBy != "" || st.PausedReason != "" {
				s.Errorf("state %+v", st)
			}
		}
	},
	"a pause survives a sync": func(s *suite) {
		s.sync("a")
		must(s.Pause(s.ctx, contract.Pause{Job: "a", At: s.now}))(s)
		_ = must(s.Sync(s.ctx, contract.Program{Definitions: []contract.Definition{{Name: "a", Definition: "@daily"}}, At: day(15)}))(s)
		s.equal("paused", s.state("a").Paused, true)
	},
	"a job never seen is not paused": func(s *suite) {
		_, err := s.Pause(s.ctx, contract.Pause{Job: "nobody", At: s.now})
		s.fails(err, cron.ErrNotFound)
	},
	"an override and its end": func(s *suite) {
		s.sync("a", "b")
		o := plan.Override{Job: "a", Expr: "*/5 * * * *", Zone: "Europe/Berlin", Actor: "ann", At: day(15)}
		for _, st := range []contract.State{must(s.Override(s.ctx, o))(s), s.state("a")} {
			s.equal("override", st.Override, o)
			s.equal("watermark", st.Watermark, day(15))
		}
		s.equal("other", s.state("b").Override, plan.Override{})
		lifted := plan.Override{Job: "a", Actor: "bob", At: day(14)}
		st := must(s.Override(s.ctx, lifted))(s)
		s.equal("lifted", st.Override, lifted)
		s.equal("watermark", st.Watermark, day(15))
		all := must(s.Overrides(s.ctx))(s)
		if len(all) != 1 || all[0] != lifted {
			s.Errorf("overrides %+v", all)
		}
		_, err := s.Override(s.ctx, plan.Override{Job: "nobody", At: s.now})
		s.fails(err, cron.ErrNotFound)
	},
	"claims by another schedule than the job has do nothing": func(s *suite) {
		s.sync("a", "b")
		by := func(job string, slot, since time.Time) contract.Claimed {
			s.Helper()
			return s.claim(with(s.due(job, slot), func(c *contract.Claim) { c.Since, c.Watermark = since, slot }))[0]
		}
		s.equal("never overridden", by("a", day(14), time.Time{}).Won, true)
		made, lifted := day(15), day(15).Add(-time.Hour) // by a clock that is behind the first one's
		for _, o := range []plan.Override{{Job: "a", Expr: "@daily", At: made}, {Job: "a", At: lifted}} {
			mark := must(s.Override(s.ctx, o))(s).Watermark
			slot := mark.Add(24 * time.Hour)
			for _, since := range []time.Time{{}, o.At.Add(time.Millisecond)} {
				s.is(by("a", slot, since), contract.Claimed{Rescheduled: true})
			}
			s.equal("watermark", s.state("a").Watermark, mark)
			s.is(by("a", mark.Add(-time.Millisecond), time.Time{}), contract.Claimed{})
			s.equal("by its schedule", by("a", slot, o.At).Won, true)
		}
		s.equal("other", by("b", day(14), time.Time{}).Won, true)
		s.equal("by hand", s.claim(with(s.hand("a"), func(c *contract.Claim) { c.Force = true }))[0].Won, true)
	},
	"the first cancel counts": func(s *suite) {
		c := s.won(s.due("a", day(13)), cron.Running, "")
		first := must(s.Cancel(s.ctx, c.ID, cron.ReasonRequested, "ann"))(s)
		if first.Cancel == nil || first.Status != cron.Running {
			s.Fatalf("record %+v", first)
		}
		second := must(s.Cancel(s.ctx, c.ID, cron.ReasonShutdown, "bob"))(s)
		s.equal("asked at", *second.Cancel, *first.Cancel)
		h := s.beat("a")[0]
		s.equal("by", h.CancelBy, "ann")
		s.equal("reason", h.Reason, cron.ReasonRequested)
	},
	"a run that has ended is not cancelled": func(s *suite) {
		c := s.won(s.due("a", day(13)), cron.Running, "")
		s.finish(c, cron.Succeeded)
		r := must(s.Cancel(s.ctx, c.ID, cron.ReasonRequested, "ann"))(s)
		if r.Cancel != nil || r.Status != cron.Succeeded {
			s.Errorf("record %+v", r)
		}
	},
	"ping": func(s *suite) { s.ok(s.Ping(s.ctx)) },
}

package conformance

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
	"fibercrons/app/plan"
)

func runsByID(g contract.Summary) map[string]contract.RunSummary {
	out := make(map[string]contract.RunSummary, len(g.Runs))
	for _, r := range g.Runs {
		out[r.ID] = r
	}
	return out
}

func (s *suite) stamp() int64 {
	s.Helper()
	return must(s.Stamp(s.ctx))(s)
}

var watchCases = map[string]func(*suite){
	"every commit makes another stamp": func(s *suite) {
		before := s.stamp()
		changed := func(what string) {
			s.Helper()
			if now := s.stamp(); now == before {
				s.Errorf("the same stamp after %s", what)
			} else {
				before = now
			}
		}
		c := s.won(s.due("a", day(13)), cron.Running, "")
		changed("a claim")
		s.ok(s.Note(s.ctx, []contract.Note{{Fence: c.Fence, Progress: &cron.Progress{Done: 1}}}))
		changed("a note")
		s.finish(c, cron.Succeeded)
		changed("an end")
		must(s.Pause(s.ctx, contract.Pause{Job: "a", At: s.now}))(s)
		changed("a pause")
		s.ok(s.Audit(s.ctx, contract.AuditEntry{At: s.now, Actor: "tester", Action: "pause", Target: "a"}))
		changed("an audit entry")
	},
	"a glance shows what is new or active": func(s *suite) {
		old := s.won(s.due("a", day(13)), cron.Running, "")
		s.finish(old, cron.Succeeded)
		going := s.won(s.due("b", day(13)), cron.Running, "")
		start := must(s.Summarize(s.ctx, contract.Position{Number: math.MaxInt64}, 0))(s)
		s.equal("runs at first", len(start.Runs), 1)
		s.equal("newest", start.Newest.ID, going.ID)

		ended := s.won(s.due("a", day(14)), cron.Running, "")
		s.finish(ended, cron.Failed)
		waits := s.won(with(s.hand("c"), func(c *contract.Claim) { c.Status = cron.Queued }), cron.Queued, "")
		g := must(s.Summarize(s.ctx, start.Newest, 10))(s)
		seen := runsByID(g)
		s.equal("missed", g.Missed, false)
		s.equal("runs", len(g.Runs), 3)
		s.equal("the one that goes on", seen[going.ID], contract.RunSummary{ID: going.ID, Status: cron.Running, Attempt: 1})
		s.equal("the one that has ended", seen[ended.ID].Status, cron.Failed)
		s.equal("the one that waits", seen[waits.ID].Status, cron.Queued)
		s.equal("newest", g.Newest.ID, waits.ID)

		again := must(s.Summarize(s.ctx, g.Newest, 10))(s)
		s.equal("nothing is new", len(again.Runs), 2)
	},
	"a sight differs when its run has told something": func(s *suite) {
		c := s.won(s.due("a", day(13)), cron.Running, "")
		look := func() contract.RunSummary {
			return runsByID(must(s.Summarize(s.ctx, contract.Position{}, 10))(s))[c.ID]
		}
		last := look()
		told := func(what string) {
			s.Helper()
			if now := look(); now == last {
				s.Errorf("%s is not to be seen", what)
			} else {
				last = now
			}
		}
		s.ok(s.Note(s.ctx, []contract.Note{{Fence: c.Fence, Lines: []cron.LogLine{{Seq: 1, Time: s.now, Message: "hello"}}}}))
		told("a line")
		s.ok(s.Note(s.ctx, []contract.Note{{Fence: c.Fence, Progress: &cron.Progress{Done: 1}}}))
		told("progress")
		must(s.Store.Cancel(s.ctx, c.ID, cron.ReasonRequested, "tester"))(s)
		told("a request to cancel")
	},
	"more new runs than asked for are missed": func(s *suite) {
		for hour := range 3 {
			s.finish(s.won(s.due("a", day(13+float64(hour))), cron.Running, ""), cron.Succeeded)
		}
		s.equal("three of three", must(s.Summarize(s.ctx, contract.Position{}, 3))(s).Missed, false)
		s.equal("three of two", must(s.Summarize(s.ctx, contract.Position{}, 2))(s).Missed, true)
	},
	"new runs are missed when the marked one is gone": func(s *suite) {
		c := s.won(with(s.hand("a"), func(c *contract.Claim) { c.Force, c.Watermark = true, day(20) }), cron.Running, "")
		s.finish(c, cron.Succeeded)
		mark := must(s.Summarize(s.ctx, contract.Position{}, 10))(s).Newest
		s.equal("pruned", s.prune(0, day(23), 10), 1)
		d := s.won(with(s.hand("a"), func(c *contract.Claim) { c.Force = true }), cron.Running, "") // may get the number of the first
		s.finish(d, cron.Succeeded)
		s.equal("missed", must(s.Summarize(s.ctx, mark, 10))(s).Missed, true)
	},
	"a glance shows what was switched": func(s *suite) {
		for _, job := range []string{"a", "b", "c"} {
			s.finish(s.won(s.due(job, day(13)), cron.Running, ""), cron.Succeeded)
		}
		must(s.Pause(s.ctx, contract.Pause{Job: "a", At: s.now, Until: day(15)}))(s)
		must(s.Override(s.ctx, plan.Override{Job: "b", Expr: "@daily", At: s.now}))(s)
		g := must(s.Summarize(s.ctx, contract.Position{}, 10))(s)
		slices.SortFunc(g.Jobs, func(a, b contract.JobSetting) int { return strings.Compare(a.Job, b.Job) })
		s.equal("jobs", fmt.Sprint(g.Jobs), fmt.Sprint([]contract.JobSetting{
			{Job: "a", Paused: true, PausedAt: s.now, PausedUntil: day(15)},
			{Job: "b", OverrideAt: s.now},
		}))
		must(s.Pause(s.ctx, contract.Pause{Job: "a", Resume: true}))(s)
		must(s.Override(s.ctx, plan.Override{Job: "b", At: s.now.Add(1e9)}))(s)
		g = must(s.Summarize(s.ctx, contract.Position{}, 10))(s)
		s.equal("jobs", fmt.Sprint(g.Jobs), fmt.Sprint([]contract.JobSetting{{Job: "b", OverrideAt: s.now.Add(1e9)}}))
	},
	"a glance tells of pauses in the audit": func(s *suite) {
		audit := func(action, job string) {
			s.Helper()
			s.ok(s.Audit(s.ctx, contract.AuditEntry{At: s.now, Actor: "tester", Action: action, Target: job}))
		}
		audit("pause", "a")
		start := must(s.Summarize(s.ctx, contract.Position{}, 10))(s)
		s.equal("told at first", fmt.Sprint(start.Told), fmt.Sprint([]contract.PauseChange{{Job: "a", Paused: true}}))
		for _, action := range []string{"resume", "run", "pause", "schedule"} {
			audit(action, "a")
		}
		g := must(s.Summarize(s.ctx, start.Newest, 10))(s)
		s.equal("told since", fmt.Sprint(g.Told), fmt.Sprint([]contract.PauseChange{{Job: "a"}, {Job: "a", Paused: true}}))
		s.equal("told twice", len(must(s.Summarize(s.ctx, g.Newest, 10))(s).Told), 0)
		audit("cancel", "run")
		s.equal("cancelled", fmt.Sprint(must(s.Summarize(s.ctx, g.Newest, 10))(s).Cancelled), "[run]")
	},
	"a glance shows which deferred runs are due": func(s *suite) {
		now := millis.Now()
		past, soon, next := s.deferred("a", now.Add(-time.Hour)), s.deferred("a", now.Add(time.Second)), now.Add(time.Hour)
		s.deferred("a", next)
		s.deferred("b", next.Add(time.Hour))
		g := must(s.Summarize(s.ctx, contract.Position{}, 10))(s)
		for _, r := range g.Runs {
			s.equal("deferred", r.Deferred, true)
		}
		s.equal("new", len(g.Runs), 4)
		slices.Sort(g.Soon) // IDs are in order of time
		s.equal("due", fmt.Sprint(g.Soon), fmt.Sprint([]string{past.ID, soon.ID}))
		s.equal("the next", g.NextDue, next)
		g = must(s.Summarize(s.ctx, g.Newest, 10))(s)
		s.equal("new or active", len(g.Runs), 0)
		s.equal("due", len(g.Soon), 2)
		must(s.Cancel(s.ctx, past.ID, cron.ReasonRequested, "ann"))(s)
		s.equal("due", fmt.Sprint(must(s.Summarize(s.ctx, g.Newest, 10))(s).Soon), fmt.Sprint([]string{soon.ID}))
	},
	"an outline has what a list shows": func(s *suite) {
		s.finish(s.won(s.due("a", day(13)), cron.Running, ""), cron.Failed)
		s.won(s.due("a", day(14)), cron.Running, "")
		s.finish(s.won(s.due("b", day(13)), cron.Running, ""), cron.Succeeded)
		must(s.Pause(s.ctx, contract.Pause{Job: "b", At: s.now, Until: day(20), Reason: "tests", Actor: "tester"}))(s)
		must(s.Override(s.ctx, plan.Override{Job: "b", Expr: "@daily", Actor: "tester", At: s.now}))(s)
		outline, states := must(s.Outline(s.ctx))(s), must(s.States(s.ctx))(s)
		s.equal("jobs", len(outline), 2)
		for name, want := range states {
			got := outline[name]
			want.Definition, want.FirstSeen, want.Watermark = got.Definition, got.FirstSeen, got.Watermark
			want.LastRunID, want.LastSlot, want.LastSuccess = got.LastRunID, got.LastSlot, got.LastSuccess
			s.equal("outline of "+name, got, want)
		}
	},
	"records by their IDs": func(s *suite) {
		a := s.won(s.due("a", day(13)), cron.Running, "")
		s.won(s.due("b", day(13)), cron.Running, "")
		c := s.won(s.due("c", day(13)), cron.Running, "")
		recs := must(s.Runs(s.ctx, contract.Query{IDs: []string{a.ID, "none", c.ID}}))(s)
		s.equal("found", len(recs), 2)
		s.equal("newest first", recs[0].ID, c.ID)
	},
}

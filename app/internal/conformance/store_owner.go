package conformance

import (
	"context"
	"encoding/json"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

func contextCancelled(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx, cancel
}

func queued(c *contract.Claim) { c.Status = cron.Queued }

func allowed(c *contract.Claim) { c.Status, c.Overlap = cron.Queued, cron.Allow }

var startCases = map[string]func(*suite){
	"a queued run": func(s *suite) {
		c := s.won(with(s.due("a", day(13)), queued), cron.Queued, "")
		s.now = s.now.Add(time.Minute)
		s.started(c)
		r := s.status(c.ID, cron.Running, "")
		s.equal("attempt", r.Attempt, 1)
		s.equal("started", *r.StartedAt, s.now)
	},
	"the next attempt keeps the first start": func(s *suite) {
		c := s.won(s.due("a", day(13)), cron.Running, "")
		first := s.now
		f := s.ended(c, cron.Queued)
		f.NextAt, f.Error = day(14), "once"
		s.ok(s.Finish(s.ctx, f))
		if r := s.status(c.ID, cron.Queued, ""); r.NextAt == nil || !r.NextAt.Equal(day(14)) || r.Error != "once" {
			s.Errorf("next at %v, error %q", r.NextAt, r.Error)
		}
		s.now = day(14)
		s.started(c)
		r := s.status(c.ID, cron.Running, "")
		s.equal("attempt", r.Attempt, 2)
		s.equal("started", *r.StartedAt, first)
		if r.NextAt != nil {
			s.Errorf("next at %v", r.NextAt)
		}
		if r.AttemptAt == nil || !r.AttemptAt.Equal(s.now) {
			s.Errorf("the second attempt started at %v, want %s", r.AttemptAt, s.now)
		}
	},
	"asked again": func(s *suite) {
		c := s.won(with(s.due("a", day(13)), queued), cron.Queued, "")
		s.started(c)
		s.started(c)
		s.equal("attempt", s.run(c.ID).Attempt, 1)
	},
	"fenced": func(s *suite) {
		c := s.won(with(s.due("a", day(13)), queued), cron.Queued, "")
		other := c
		other.Token++
		_, err := s.start(other)
		s.fails(err, contract.ErrFenced)
		_, err = s.start(s.due("a", day(14)))
		s.fails(err, contract.ErrFenced)
		s.finish(c, cron.Cancelled)
		_, err = s.start(c)
		s.fails(err, contract.ErrFenced)
	},
	"a start moves the run to who asks": func(s *suite) {
		c := s.won(with(s.due("a", day(13)), queued), cron.Queued, "")
		by := func(instance string, attempt int) func(*contract.Start) {
			return func(st *contract.Start) { st.Instance, st.Attempt = instance, attempt }
		}
		_, err := s.start(c, by("b", 2))
		s.fails(err, contract.ErrFenced)
		s.equal("owner", s.run(c.ID).Instance, "a")
		s.started(c, by("b", 1))
		s.equal("owner", s.run(c.ID).Instance, "b")
		s.equal("held by a", len(s.beat("a")), 0)
		s.equal("held by b", len(s.beat("b")), 1)
		s.started(c, by("b", 1)) // repeated, as after a lost answer
		for _, other := range []func(*contract.Start){by("a", 1), by("b", 2), by("a", 2)} {
			_, err = s.start(c, other)
			s.fails(err, contract.ErrFenced)
		}
		s.equal("attempt", s.run(c.ID).Attempt, 1)
		s.finish(c, cron.Queued)
		s.equal("owner between attempts", s.run(c.ID).Instance, "b")
		_, err = s.start(c, by("a", 1))
		s.fails(err, contract.ErrFenced)
		s.started(c, by("a", 2))
		s.equal("owner", s.run(c.ID).Instance, "a")
	},
	"serial": func(s *suite) {
		serial := func(st *contract.Start) { st.Serial = true }
		first := s.won(with(s.due("a", day(13)), allowed), cron.Queued, "")
		second := s.won(with(s.due("a", day(14)), allowed), cron.Queued, "")
		s.won(s.due("b", day(14)), cron.Running, "")
		s.started(first, serial)
		s.equal("second", must(s.start(second, serial))(s), contract.StartOutcome{Blocked: true, By: first.ID})
		s.equal("attempt", s.run(second.ID).Attempt, 0)
		s.finish(first, cron.Succeeded)
		s.started(second, serial)
	},
	"serial and in turn": func(s *suite) {
		of := func(instance string) func(*contract.Claim) {
			return func(c *contract.Claim) { c.Instance = instance }
		}
		turn := func(st *contract.Start) { st.Serial, st.InTurn = true, true }
		passed := func(st *contract.Start) { turn(st); st.Passed = day(13) }
		first := s.won(with(with(s.due("a", day(13)), allowed), of("a")), cron.Queued, "")
		second := s.won(with(with(s.due("a", day(14)), allowed), of("a")), cron.Queued, "")
		third := s.won(with(with(s.due("a", day(15)), allowed), of("b")), cron.Queued, "")
		goes := func(c contract.Claim) contract.StartOutcome {
			return contract.StartOutcome{Blocked: true, By: c.ID, First: c.Slot}
		}
		s.equal("third", must(s.start(third, turn))(s), goes(first))
		s.equal("third, past the first", must(s.start(third, passed))(s), goes(second))
		s.started(second, turn) // a process orders its own runs
		s.equal("third, while one goes on", must(s.start(third, turn))(s), contract.StartOutcome{Blocked: true, By: second.ID})
		s.finish(second, cron.Succeeded)
		s.started(third, passed)
		s.finish(third, cron.Succeeded)
		s.started(first, turn)
	},
	"a group's limit": func(s *suite) {
		group := func(c *contract.Claim) { c.Status, c.Group = cron.Queued, "g" }
		limit := func(st *contract.Start) { st.Group, st.GroupLimit = "g", 2 }
		a := s.won(with(s.due("a", day(13)), group), cron.Queued, "")
		b := s.won(with(s.due("b", day(13)), group), cron.Queued, "")
		c := s.won(with(s.due("c", day(13)), group), cron.Queued, "")
		s.started(a, limit)
		s.started(b, limit)
		s.equal("third", must(s.start(c, limit))(s), contract.StartOutcome{Blocked: true, By: max(a.ID, b.ID)})
		s.finish(a, cron.Queued) // waits for its retry, not running
		s.started(c, limit)
		s.equal("first", must(s.start(a, limit))(s), contract.StartOutcome{Blocked: true, By: max(b.ID, c.ID)})
		s.finish(c, cron.Failed)
		s.started(a, limit)
	},
	"a group's limit, in turn": func(s *suite) {
		in := func(instance string) func(*contract.Claim) {
			return func(c *contract.Claim) {
				c.Status, c.Group, c.Instance, c.Overlap = cron.Queued, "g", instance, cron.Allow
			}
		}
		turn := func(st *contract.Start) { st.Group, st.GroupLimit, st.InTurn = "g", 2, true }
		passed := func(st *contract.Start) { turn(st); st.Passed = day(13) }
		first := s.won(with(s.due("a", day(13)), in("a")), cron.Queued, "")
		again := s.won(with(s.due("a", day(14)), in("a")), cron.Queued, "")
		second := s.won(with(s.due("b", day(14)), in("a")), cron.Queued, "")
		third := s.won(with(s.due("c", day(15)), in("b")), cron.Queued, "")
		s.equal("third", must(s.start(third, turn))(s), contract.StartOutcome{Blocked: true, By: first.ID, First: first.Slot})
		s.started(first, turn)
		s.equal("third, as one goes on", must(s.start(third, turn))(s), contract.StartOutcome{Blocked: true, By: second.ID, First: second.Slot})
		s.started(second, turn)
		s.equal("third, as two go on", must(s.start(third, turn))(s), contract.StartOutcome{Blocked: true, By: max(first.ID, second.ID)})
		s.finish(second, cron.Succeeded)
		s.started(third, turn) // a is running; its next run may have to wait for it
		s.finish(first, cron.Succeeded)
		s.finish(third, cron.Succeeded)
		fourth := s.won(with(s.due("c", day(16)), in("b")), cron.Queued, "")
		s.started(fourth, turn) // there is a place for each
		s.started(again, passed)
	},
	"cancelled before": func(s *suite) {
		c := s.won(with(s.due("a", day(13)), queued), cron.Queued, "")
		must(s.Cancel(s.ctx, c.ID, cron.ReasonRequested, "ann"))(s)
		s.equal("start", must(s.start(c))(s), contract.StartOutcome{Cancelled: true, Reason: cron.ReasonRequested})
		f := s.ended(c, cron.Cancelled)
		f.Reason, f.Started = cron.ReasonRequested, time.Time{}
		s.ok(s.Finish(s.ctx, f))
		r := s.status(c.ID, cron.Cancelled, cron.ReasonRequested)
		if r.Duration != nil || r.StartedAt != nil {
			s.Errorf("duration %v, started %v", r.Duration, r.StartedAt)
		}
		st := s.state("a")
		s.equal("runs", st.Runs, int64(0))
		s.equal("last status", st.LastStatus, cron.Cancelled)
		s.equal("last run", st.LastRun, time.Time{})
	},
}

var finishCases = map[string]func(*suite){
	"only what waits for this attempt": func(s *suite) {
		c := s.won(with(s.due("a", day(13)), queued), cron.Queued, "")
		finish := func(attempt int, status cron.Status) error {
			f := s.ended(c, status)
			f.Attempt, f.Release = attempt, status == cron.Queued
			return s.Finish(s.ctx, f)
		}
		s.fails(finish(2, cron.Cancelled), contract.ErrFenced)
		s.ok(finish(1, cron.Queued))
		s.started(c)
		s.fails(finish(1, cron.Queued), contract.ErrFenced)
		s.fails(finish(2, cron.Cancelled), contract.ErrFenced)
		s.status(c.ID, cron.Running, "")
		s.finish(c, cron.Queued)
		s.fails(finish(1, cron.Cancelled), contract.ErrFenced)
		s.ok(finish(2, cron.Cancelled))
		s.status(c.ID, cron.Cancelled, "")
		s.ok(finish(2, cron.Cancelled)) // repeated, as after a lost answer
	},
	"who makes the next attempt knows the last line": func(s *suite) {
		c := s.won(s.due("a", day(13)), cron.Running, "")
		f := s.ended(c, cron.Queued)
		f.Lines = []cron.LogLine{{Seq: 1, Level: "INFO"}, {Seq: 2, Level: "INFO"}}
		s.ok(s.Finish(s.ctx, f))
		s.equal("last line", s.run(c.ID).LogSeq, int64(2))
	},
	"succeeded": func(s *suite) {
		c := s.won(s.due("a", day(13)), cron.Running, "")
		f := s.ended(c, cron.Succeeded)
		f.Result = json.RawMessage(`{"rows":3}`)
		f.Progress = &cron.Progress{Done: 3, Total: 3, Text: "done"}
		f.Attempts = []cron.Attempt{{Number: 1, Instance: "a", StartedAt: s.now, EndedAt: &f.At}}
		f.Lines = []cron.LogLine{{Seq: 1, Time: s.now, Message: "last words"}}
		s.ok(s.Finish(s.ctx, f))
		r := s.status(c.ID, cron.Succeeded, "")
		s.equal("ended", *r.EndedAt, f.At)
		s.equal("duration", *r.Duration, int64(1000))
		s.equal("result", string(r.Result), `{"rows":3}`)
		s.equal("progress", *r.Progress, *f.Progress)
		s.equal("attempts", len(r.Attempts), 1)
		s.equal("lines", len(must(s.Logs(s.ctx, c.ID, 0, 10))(s)), 1)
		st := s.state("a")
		s.equal("last run", st.LastRun, s.now)
		s.equal("last run ID", st.LastRunID, c.ID)
		s.equal("last slot", st.LastSlot, day(13))
		s.equal("last status", st.LastStatus, cron.Succeeded)
		s.equal("last duration", st.LastDurationMS, int64(1000))
		s.equal("last success", st.LastSuccess, f.At)
		s.equal("runs", st.Runs, int64(1))
		s.equal("failures", st.Failures, int64(0))
		s.equal("active", st.Active, 0)
	},
	"failed": func(s *suite) {
		first := s.won(s.due("a", day(13)), cron.Running, "")
		s.finish(first, cron.Succeeded)
		success := s.state("a").LastSuccess
		s.now = day(14)
		c := s.won(s.due("a", day(14)), cron.Running, "")
		f := s.ended(c, cron.Failed)
		f.Error, f.Stack = "boom", "main.go:1"
		s.ok(s.Finish(s.ctx, f))
		r := s.status(c.ID, cron.Failed, "")
		s.equal("error", r.Error, "boom")
		s.equal("stack", r.Stack, "main.go:1")
		st := s.state("a")
		s.equal("last error", st.LastError, "boom")
		s.equal("last success", st.LastSuccess, success)
		s.equal("runs", st.Runs, int64(2))
		s.equal("failures", st.Failures, int64(1))
		third := s.won(s.due("a", day(15)), cron.Running, "")
		s.finish(third, cron.Interrupted)
		s.equal("failures", s.state("a").Failures, int64(2))
		s.won(with(s.due("a", day(16)), func(c *contract.Claim) { c.Status, c.Reason = cron.Skipped, cron.ReasonMissed }), cron.Skipped, cron.ReasonMissed)
		st = s.state("a")
		s.equal("last status", st.LastStatus, cron.Skipped)
		s.equal("last error", st.LastError, "")
		s.equal("last run ID", st.LastRunID, third.ID)
		s.equal("runs", st.Runs, int64(3))
	},
	"a retry's success forgets the error and keeps the attempts": func(s *suite) {
		c := s.won(s.due("a", day(13)), cron.Running, "")
		f := s.ended(c, cron.Queued)
		f.Error, f.Stack, f.Attempts = "boom", "stack", []cron.Attempt{{Number: 1, Error: "boom"}}
		s.ok(s.Finish(s.ctx, f))
		s.equal("runs", s.state("a").Runs, int64(0))
		s.started(c)
		s.finish(c, cron.Succeeded)
		r := s.status(c.ID, cron.Succeeded, "")
		s.equal("error", r.Error+r.Stack, "")
		s.equal("attempts", len(r.Attempts), 1)
	},
	"told again": func(s *suite) {
		c := s.won(s.due("a", day(13)), cron.Running, "")
		s.finish(c, cron.Failed)
		s.finish(c, cron.Failed)
		s.equal("runs", s.state("a").Runs, int64(1))
		s.equal("failures", s.state("a").Failures, int64(1))
		s.fails(s.Finish(s.ctx, s.ended(c, cron.Succeeded)), contract.ErrFenced)
		s.fails(s.Finish(s.ctx, s.ended(c, cron.Queued)), contract.ErrFenced)
		s.status(c.ID, cron.Failed, "")
	},
	"put back twice": func(s *suite) {
		c := s.won(s.due("a", day(13)), cron.Running, "")
		s.finish(c, cron.Queued)
		s.finish(c, cron.Queued)
		s.equal("attempt", s.run(c.ID).Attempt, 1)
	},
	"fenced": func(s *suite) {
		c := s.won(s.due("a", day(13)), cron.Running, "")
		other := c
		other.Token++
		s.fails(s.Finish(s.ctx, s.ended(other, cron.Succeeded)), contract.ErrFenced)
		s.fails(s.Finish(s.ctx, s.ended(s.due("a", day(14)), cron.Succeeded)), contract.ErrFenced)
		s.status(c.ID, cron.Running, "")
	},
	"not an end": func(s *suite) {
		c := s.won(s.due("a", day(13)), cron.Running, "")
		if err := s.Finish(s.ctx, s.ended(c, cron.Running)); err == nil {
			s.Error("running is not an end")
		}
	},
	"released": func(s *suite) {
		c := s.won(s.due("a", day(13)), cron.Running, "")
		f := s.ended(c, cron.Queued)
		f.Release = true
		s.ok(s.Finish(s.ctx, f))
		s.equal("held", len(must(s.Beat(s.ctx, contract.Beat{Instance: contract.InstanceInfo{ID: "a"}, At: s.now, Lease: held}))(s)), 0)
		late := must(s.Expired(s.ctx, 10))(s)
		if len(late) != 1 || late[0].ID != c.ID {
			s.Fatalf("expired: %v", late)
		}
		taken := s.taken(late[0], cron.Queued)
		s.started(contract.Claim{Fence: taken, Job: "a"})
		s.equal("attempt", s.run(c.ID).Attempt, 2)
		s.equal("instance", s.run(c.ID).Instance, "b")
	},
}

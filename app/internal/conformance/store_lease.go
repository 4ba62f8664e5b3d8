package conformance

import (
	"math/rand/v2"
	"strings"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

func expired(c *contract.Claim) { c.Lease = 0 }

// take takes the run and reports whether that succeeded.
func (s *suite) take(r cron.Record, status cron.Status, instance string, token int64) bool {
	s.Helper()
	k := contract.Take{NewToken: token, Instance: instance, Lease: held}
	k.Finish = s.ended(contract.Claim{Fence: contract.Fence{ID: r.ID, Token: r.Token}, Job: r.Job, Schedule: r.ScheduleID()}, status)
	if r.StartedAt == nil {
		k.Started = time.Time{}
	}
	if status.Ended() {
		k.Reason = cron.ReasonCrash
	}
	return must(s.Take(s.ctx, []contract.Take{k}))(s)[0]
}

// taken is a take by b that must succeed.
func (s *suite) taken(r cron.Record, status cron.Status) contract.Fence {
	s.Helper()
	f := contract.Fence{ID: r.ID, Token: rand.Int64()}
	if !s.take(r, status, "b", f.Token) {
		s.Fatal("not taken")
	}
	return f
}

func (s *suite) beat(instance string, change ...func(*contract.Beat)) []contract.LeasedRun {
	s.Helper()
	b := contract.Beat{Instance: contract.InstanceInfo{ID: instance, Host: "h", PID: 1, StartedAt: s.now}, At: s.now, Lease: held}
	for _, f := range change {
		f(&b)
	}
	return must(s.Beat(s.ctx, b))(s)
}

var leaseCases = map[string]func(*suite){
	"an instance is listed as it last told": func(s *suite) {
		s.beat("x", func(b *contract.Beat) { b.Instance.Version, b.Instance.TZData = "1", "2026a" })
		s.beat("x", func(b *contract.Beat) {
			b.Instance.Version, b.Instance.TZData, b.Instance.Parts = "2", "host 2026b", []string{"postgres", "river"}
		})
		for _, i := range must(s.Instances(s.ctx))(s) {
			if i.ID == "x" {
				s.equal("version", i.Version, "2")
				s.equal("tzdata", i.TZData, "host 2026b")
				s.equal("parts", strings.Join(i.Parts, " "), "postgres river")
				return
			}
		}
		s.Fatal("not listed")
	},
	"only expired leases are listed, oldest first": func(s *suite) {
		s.won(s.due("live", day(13)), cron.Running, "")
		a := s.won(with(s.due("a", day(13)), expired), cron.Running, "")
		b := s.won(with(s.due("b", day(13)), func(c *contract.Claim) { c.Lease, c.Status = 0, cron.Queued }), cron.Queued, "")
		e := s.won(with(s.due("e", day(13)), expired), cron.Running, "")
		s.finish(e, cron.Succeeded)
		late := must(s.Expired(s.ctx, 10))(s)
		if len(late) != 2 || late[0].ID != a.ID || late[1].ID != b.ID {
			s.Fatalf("expired: %+v", late)
		}
		s.equal("limit", len(must(s.Expired(s.ctx, 1))(s)), 1)
	},
	"who takes a run over knows its last line": func(s *suite) {
		c := s.won(with(s.due("a", day(13)), expired), cron.Running, "")
		s.won(with(s.due("b", day(13)), expired), cron.Running, "")
		if err := s.Note(s.ctx, []contract.Note{{Fence: c.Fence, Lines: []cron.LogLine{{Seq: 1, Level: "INFO"}, {Seq: 2, Level: "INFO"}}}}); err != nil {
			s.Fatal(err)
		}
		late := must(s.Expired(s.ctx, 10))(s)
		s.equal("expired", len(late), 2)
		s.equal("last line", late[0].LogSeq, int64(2))
		s.equal("no line", late[1].LogSeq, int64(0))
	},
	"a run is ended": func(s *suite) {
		c := s.won(with(s.due("a", day(13)), expired), cron.Running, "")
		s.taken(s.run(c.ID), cron.Interrupted)
		s.status(c.ID, cron.Interrupted, cron.ReasonCrash)
		st := s.state("a")
		s.equal("runs", st.Runs, int64(1))
		s.equal("failures", st.Failures, int64(1))
		s.equal("last status", st.LastStatus, cron.Interrupted)
		s.equal("last slot", st.LastSlot, day(13))
		s.equal("expired", len(must(s.Expired(s.ctx, 10))(s)), 0)
	},
	"a late finish of a run that was ended is fenced": func(s *suite) {
		c := s.won(with(s.due("a", day(13)), expired), cron.Running, "")
		s.taken(s.run(c.ID), cron.Interrupted)
		for _, status := range []cron.Status{cron.Succeeded, cron.Interrupted, cron.Queued} {
			s.fails(s.Finish(s.ctx, s.ended(c, status)), contract.ErrFenced)
		}
		_, err := s.start(c)
		s.fails(err, contract.ErrFenced)
		s.ok(s.Note(s.ctx, []contract.Note{{Fence: c.Fence, Lines: []cron.LogLine{{Seq: 1}}}}))
		s.equal("lines", len(must(s.Logs(s.ctx, c.ID, 0, 10))(s)), 0)
		s.status(c.ID, cron.Interrupted, cron.ReasonCrash)
		s.equal("runs", s.state("a").Runs, int64(1))
	},
	"a late finish of a run that was taken over is fenced": func(s *suite) {
		c := s.won(with(s.due("a", day(13)), expired), cron.Running, "")
		f := s.taken(s.run(c.ID), cron.Queued)
		s.fails(s.Finish(s.ctx, s.ended(c, cron.Succeeded)), contract.ErrFenced)
		r := s.status(c.ID, cron.Queued, "")
		s.equal("instance", r.Instance, "b")
		s.equal("token", r.Token, f.Token)
		s.equal("expired", len(must(s.Expired(s.ctx, 10))(s)), 0)
		s.equal("held by a", len(s.beat("a")), 0)
		s.equal("held by b", len(s.beat("b")), 1)
		s.started(contract.Claim{Fence: f, Job: "a"})
		s.fails(s.Finish(s.ctx, s.ended(c, cron.Failed)), contract.ErrFenced)
		s.finish(contract.Claim{Fence: f, Job: "a"}, cron.Succeeded)
		s.equal("attempt", s.run(c.ID).Attempt, 2)
	},
	"an expired lease alone fences nobody": func(s *suite) {
		c := s.won(with(s.due("a", day(13)), expired), cron.Running, "")
		s.finish(c, cron.Succeeded)
	},
	"a run is taken once": func(s *suite) {
		c := s.won(with(s.due("a", day(13)), expired), cron.Running, "")
		r := s.run(c.ID)
		f := s.taken(r, cron.Queued)
		if s.take(r, cron.Queued, "c", rand.Int64()) || s.take(r, cron.Interrupted, "c", rand.Int64()) {
			s.Error("taken twice")
		}
		if !s.take(r, cron.Queued, "b", f.Token) {
			s.Error("the same take, asked again, has been granted")
		}
		s.equal("instance", s.run(c.ID).Instance, "b")
	},
	"a run that was ended by a take, asked again": func(s *suite) {
		c := s.won(with(s.due("a", day(13)), expired), cron.Running, "")
		r := s.run(c.ID)
		f := s.taken(r, cron.Interrupted)
		if !s.take(r, cron.Interrupted, "b", f.Token) {
			s.Error("the same take, asked again, has been granted")
		}
		s.equal("runs", s.state("a").Runs, int64(1))
	},
	"an owner that is alive again keeps its runs": func(s *suite) {
		c := s.won(with(s.due("a", day(13)), expired), cron.Running, "")
		r := must(s.Expired(s.ctx, 10))(s)[0]
		s.equal("held", len(s.beat("a")), 1)
		if s.take(r, cron.Interrupted, "b", rand.Int64()) {
			s.Error("taken from a living owner")
		}
		s.finish(c, cron.Succeeded)
	},
	"a run that ended is not taken": func(s *suite) {
		c := s.won(with(s.due("a", day(13)), expired), cron.Running, "")
		r := s.run(c.ID)
		s.finish(c, cron.Succeeded)
		if s.take(r, cron.Interrupted, "b", rand.Int64()) {
			s.Error("taken after its end")
		}
		if s.take(cron.Record{ID: newID()}, cron.Interrupted, "b", rand.Int64()) {
			s.Error("taken from nowhere")
		}
		s.status(c.ID, cron.Succeeded, "")
	},
	"a beat tells what is held and who asks for its end": func(s *suite) {
		a := s.won(s.due("a", day(13)), cron.Running, "")
		b := s.won(with(s.due("b", day(13)), queued), cron.Queued, "")
		s.won(with(s.due("c", day(13)), func(c *contract.Claim) { c.Instance = "b" }), cron.Running, "")
		s.finish(s.won(s.due("d", day(13)), cron.Running, ""), cron.Failed)
		must(s.Cancel(s.ctx, b.ID, cron.ReasonRequested, "ann"))(s)
		for _, quick := range []bool{false, true} {
			got := map[string]contract.LeasedRun{}
			for _, h := range s.beat("a", func(b *contract.Beat) { b.Quick = quick }) {
				got[h.ID] = h
			}
			s.equal("held", len(got), 2)
			s.equal("first", got[a.ID], contract.LeasedRun{Fence: a.Fence, Status: cron.Running})
			s.equal("second", got[b.ID], contract.LeasedRun{Fence: b.Fence, Status: cron.Queued, Cancel: true, Reason: cron.ReasonRequested, CancelBy: "ann"})
		}
	},
	"a quick beat extends nothing": func(s *suite) {
		s.won(with(s.due("a", day(13)), expired), cron.Running, "")
		s.beat("a", func(b *contract.Beat) { b.Quick = true })
		s.equal("expired", len(must(s.Expired(s.ctx, 10))(s)), 1)
	},
	"the last beat extends nothing and lets go of what is queued": func(s *suite) {
		s.won(with(s.due("a", day(13)), queued), cron.Queued, "")
		s.won(s.due("b", day(13)), cron.Running, "")
		s.won(with(s.due("c", day(13)), expired), cron.Running, "")
		s.beat("a", func(b *contract.Beat) { b.Gone = true })
		var jobs string
		for _, r := range must(s.Expired(s.ctx, 10))(s) {
			jobs += r.Job
		}
		s.equal("expired", jobs, "ac")
	},
	"leases of millis": func(s *suite) {
		s.won(with(s.due("a", day(13)), func(c *contract.Claim) { c.Lease = -time.Millisecond }), cron.Running, "")
		s.equal("expired", len(must(s.Expired(s.ctx, 10))(s)), 1)
	},
}

package conformance

import (
	"time"

	"fibercrons/app/contract"
)

// release syncs as an instance of a version. The jobs are alternating names and definitions.
func (s *suite) release(print, instance string, jobs ...string) contract.Synced {
	s.Helper()
	p := contract.Program{Print: print, Instance: contract.InstanceInfo{ID: instance, StartedAt: s.now}, Lease: held, At: time.Now()}
	for i := 0; i < len(jobs); i += 2 {
		p.Definitions = append(p.Definitions, contract.Definition{Name: jobs[i], Definition: jobs[i+1]})
	}
	return must(s.Sync(s.ctx, p))(s)
}

// gone sends the last heartbeat of the instance.
func (s *suite) gone(instance string) {
	s.Helper()
	must(s.Beat(s.ctx, contract.Beat{Instance: contract.InstanceInfo{ID: instance}, At: time.Now(), Gone: true}))(s)
}

// of makes a version's claim for a due slot.
func (s *suite) of(generation int64, job string, slot time.Time) contract.Claim {
	return with(s.due(job, slot), func(c *contract.Claim) { c.Generation, c.Watermark = generation, slot })
}

var versionCases = map[string]func(*suite){
	"a version not seen before is the newest": func(s *suite) {
		one := s.release("one", "a", "x", "@hourly").Generation
		s.equal("again", s.release("one", "b", "x", "@hourly").Generation, one)
		s.equal("newer", s.release("two", "c", "x", "@daily").Generation > one, true)
	},
	"a version that is not named has no generation": func(s *suite) {
		s.equal("generation", s.release("", "a", "x", "@hourly").Generation, int64(0))
		s.release("two", "b", "x", "@daily")
		s.equal("superseded", s.release("", "a", "x", "@hourly").States[0].Superseded, false)
	},
	"an older version changes nothing while a newer one lives": func(s *suite) {
		s.release("old", "a", "edited", "@hourly", "removed", "@hourly", "kept", "@hourly")
		s.release("new", "b", "edited", "@daily", "kept", "@hourly", "added", "@hourly")
		mark := s.state("edited").Watermark
		got := s.release("old", "c", "edited", "@hourly", "removed", "@hourly", "kept", "@hourly")
		for i, superseded := range []bool{true, true, false} {
			s.equal(got.States[i].Name, got.States[i].Superseded, superseded)
		}
		s.equal("definition", s.state("edited").Definition, "@daily")
		s.equal("watermark", s.state("edited").Watermark, mark)
		s.equal("removed", s.state("removed").RemovedAt.IsZero(), false)
		s.equal("added", s.state("added").RemovedAt.IsZero(), true)
	},
	"an older version holds again when the newer one is gone": func(s *suite) {
		old := s.release("old", "a", "edited", "@hourly", "removed", "@hourly").Generation
		s.release("new", "b", "edited", "@daily", "added", "@hourly")
		s.gone("b")
		got := s.release("old", "c", "edited", "@hourly", "removed", "@hourly")
		s.equal("generation", got.Generation > old, true)
		s.equal("superseded", got.States[0].Superseded || got.States[1].Superseded, false)
		s.equal("definition", s.state("edited").Definition, "@hourly")
		s.equal("removed", s.state("removed").RemovedAt.IsZero(), true)
		s.equal("added", s.state("added").RemovedAt.IsZero(), false)
		s.equal("claim", s.claim(s.of(got.Generation, "edited", day(13)))[0].Superseded, false)
	},
	"claims of an older version for what a newer one has otherwise do nothing": func(s *suite) {
		old := s.release("old", "a", "edited", "@hourly", "removed", "@hourly", "kept", "@hourly").Generation
		young := s.release("new", "b", "edited", "@daily", "kept", "@hourly").Generation
		for _, job := range []string{"edited", "removed"} {
			mark := s.state(job).Watermark
			slot := mark.Add(time.Millisecond)
			time.Sleep(time.Until(slot) + 2*time.Millisecond)
			got := s.claim(s.of(old, job, slot))[0]
			s.equal(job, got, contract.Claimed{Superseded: true})
			s.equal(job+"'s watermark", s.state(job).Watermark, mark)
		}
		kept := s.state("kept").Watermark.Add(time.Millisecond)
		s.equal("kept", s.claim(s.of(old, "kept", kept))[0].Won, true)
		edited := s.state("edited").Watermark.Add(time.Millisecond)
		s.equal("newer", s.claim(s.of(young, "edited", edited))[0].Won, true)
		s.equal("unnamed", s.claim(s.of(0, "removed", s.state("removed").Watermark.Add(time.Millisecond)))[0].Won, true)
		s.equal("by hand", s.claim(with(s.hand("edited"), func(c *contract.Claim) { c.Generation, c.Force = old, true }))[0].Won, true)
	},
	"an instance's signs of life keep its version": func(s *suite) {
		s.release("old", "a", "x", "@hourly")
		s.release("new", "b", "x", "@daily")
		must(s.Beat(s.ctx, contract.Beat{Instance: contract.InstanceInfo{ID: "b"}, At: time.Now(), Lease: held}))(s)
		s.equal("superseded", s.release("old", "c", "x", "@hourly").States[0].Superseded, true)
	},
}

package scheduler

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/internal/millis"
)

// While a new version of the program is rolled out, the old one runs beside it. They agree about the
// jobs that both have alike. About the others the newest version's word holds: the store refuses the
// claims of an older one, which then leaves those jobs alone, and asks from time to time whether it is
// itself the newest that lives; then it was put back on purpose.

// program is what the store is told of this process's jobs.
func (s *Scheduler) program(now time.Time) contract.Program {
	p := contract.Program{Instance: s.instance, Lease: s.cfg.Lease, At: now}
	sum := sha256.New()
	for _, j := range s.jobs {
		d := contract.Definition{Name: j.Name, Definition: definitionOf(j)}
		p.Definitions = append(p.Definitions, d)
		fmt.Fprintf(sum, "%q %q\n", d.Name, d.Definition)
	}
	p.Print = hex.EncodeToString(sum.Sum(nil)[:16])
	return p
}

// supersede notes whether a newer version has the job. s.mu is held.
func (s *Scheduler) supersede(e *entry, is bool) {
	switch {
	case is == e.superseded:
		return
	case is:
		s.superseded++
		s.left = append(s.left, e.job.Name)
	default:
		s.superseded--
	}
	e.superseded = is
}

// sayLeft logs which jobs are newly left to a newer version. s.mu is held.
func (s *Scheduler) sayLeft() {
	if len(s.left) > 0 {
		s.log.Warn("a newer version of the program runs beside this one and has other schedules for these jobs, or none; they are left to it", "jobs", s.left)
		s.left = nil
	}
}

// Superseded says whether a newer version has the job.
func (s *Scheduler) Superseded(job string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.byName[job]
	return e != nil && e.superseded
}

// followVersions asks whether the jobs that were left to a newer version are this one's again.
func (s *Scheduler) followVersions() {
	s.mu.Lock()
	ask := s.superseded > 0 && s.phase == ticking
	s.mu.Unlock()
	if !ask {
		return
	}
	synced, err := s.store.Sync(s.work, s.program(millis.Now()))
	if err != nil {
		return // beat reports it
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.generation = synced.Generation
	var back []string
	for i, st := range synced.States {
		e := s.byName[s.jobs[i].Name]
		if !e.superseded || st.Superseded || e.job.Disabled != "" {
			continue
		}
		s.supersede(e, false)
		e.next = e.after(st.Watermark.UnixMilli())
		s.expect(e)
		back = append(back, e.job.Name)
	}
	if len(back) > 0 {
		s.log.Info("no newer version of the program runs any longer; these jobs follow their schedules here again", "jobs", back)
	}
}

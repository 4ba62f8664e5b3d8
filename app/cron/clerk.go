package cron

import "time"

// filed is the end of a run that waits for the clerk.
type filed struct {
	at   instant
	end  *Finish // nil: it succeeded
	next *Run    // that was filed
}

// file leaves the end of an attempt to the clerk of a scheduler without a store. In a burst the ends
// are then seen to many at a time, and after the starts that wait for a worker. s.mu is held.
func (s *Scheduler) file(ctx *scope, r *Run, err error, now time.Time) {
	r.filed.at = instantOf(now)
	if err != nil || s.observe != nil || r.job.hooks != nil {
		f := r.finish(ctx, err, now, s.phase >= draining)
		r.filed.end = &f
	}
	if s.filed == nil {
		s.filed = r
	} else {
		s.lastFiled.filed.next = r
	}
	s.lastFiled = r
	if !s.clerk {
		s.clerk = true
		s.wg.Go(s.endFiled)
	}
}

func (s *Scheduler) endFiled() {
	var first *Run
	for {
		s.mu.Lock()
		for r := first; r != nil; {
			f := r.filed
			r.filed = filed{}
			if f.end == nil {
				s.let(r)
			} else {
				s.ended(r, f.end, nil)
			}
			r = f.next
		}
		s.pump()
		first, s.filed, s.lastFiled = s.filed, nil, nil
		s.clerk = first != nil
		s.mu.Unlock()
		if first == nil {
			return
		}
		s.memory.finish(first)
	}
}

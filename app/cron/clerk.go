package cron

import (
	"context"
	"time"
)

// filed is an end that waits for the clerk.
type filed struct {
	run *Run
	at  time.Time
	end *Finish // nil: it succeeded
}

// file leaves the end of an attempt to the clerk of a scheduler without a store. In a burst the ends
// are then seen to many at a time, and after the starts that wait for a worker. s.mu is held.
func (s *Scheduler) file(ctx context.Context, r *Run, err error, now time.Time) {
	var end *Finish
	if err != nil || s.observe != nil || r.job.hooks != nil {
		f := r.finish(ctx, err, now, s.phase >= draining)
		end = &f
	}
	s.filed = append(s.filed, filed{r, now, end})
	if !s.clerk {
		s.clerk = true
		s.wg.Go(s.endFiled)
	}
}

func (s *Scheduler) endFiled() {
	var list []filed
	for {
		s.mu.Lock()
		for i := range list {
			if f := &list[i]; f.end == nil {
				s.let(f.run)
			} else {
				s.ended(f.run, f.end, nil)
			}
		}
		s.pump()
		clear(list)
		list, s.filed = s.filed, list[:0]
		s.clerk = len(list) > 0
		s.mu.Unlock()
		if len(list) == 0 {
			return
		}
		s.memory.finish(list)
	}
}

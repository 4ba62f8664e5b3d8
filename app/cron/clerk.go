package cron

// filed is an end that waits for the clerk.
type filed struct {
	run *Run
	end Finish
}

// file leaves the end of a run to the clerk of a scheduler without a store. In a burst the ends
// are then seen to many at a time, and after the starts that wait for a worker. s.mu is held.
func (s *Scheduler) file(r *Run, f Finish) {
	s.filed = append(s.filed, filed{r, f})
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
			s.ended(list[i].run, &list[i].end, nil)
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

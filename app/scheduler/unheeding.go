package scheduler

import (
	"fmt"
	"log/slog"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// unheedingAfter is how long a function may take to return once its context has ended.
const unheedingAfter = 5 * time.Second

// endedAt returns when the context of the attempt that goes on ended, and why; false: it has not.
func (r *run) endedAt(now time.Time) (at time.Time, why string, _ bool) {
	if r.status != cron.Running || r.attemptAt == 0 || r.going == nil {
		return at, "", false
	}
	if t := r.Definition().Policies.Timeout; t > 0 {
		if at = r.attemptAt.UTC().Add(t); !now.Before(at) {
			why = (&cron.TimeoutError{After: t}).Error()
		}
	}
	if r.stoppedAt != 0 {
		// Those who stopped it before the attempt began have stopped the attempt from its start.
		if stopped := max(r.stoppedAt, r.attemptAt).UTC(); why == "" || stopped.Before(at) {
			at = stopped
			if why = errLost.Error(); r.stopped != nil {
				why = r.stopped.Error()
			}
		}
	}
	return at, why, why != ""
}

// overdue says whether the function runs on although its context has ended.
func (r *run) overdue(now time.Time) bool {
	at, _, ended := r.endedAt(now)
	return ended && (r.stoppedAt != 0 || now.Sub(at) > 100*time.Millisecond)
}

// remind tells, once for each attempt, of functions that go on although their context has ended: in the
// program's log, in that of the run, and to those who observe. Nothing else can be done about them, and they keep
// a worker and their job's place.
func (s *Scheduler) remind(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase >= draining {
		return // what does not end then is left behind, which is told; see abandon
	}
	for r := range s.runs.all() {
		at, why, ended := r.endedAt(now)
		if !ended || r.unheeding || now.Sub(at) < unheedingAfter {
			continue
		}
		r.unheeding = true
		const message = "the function goes on although its context has ended; hand ctx on to whatever it waits for, and give an exec.Cmd a WaitDelay"
		s.log.LogAttrs(s.work, slog.LevelError, message, slog.String("job", r.Job()), slog.String("run", r.ID()), slog.Int("attempt", r.Attempt()),
			slog.String("why", why), slog.Time("since", at.UTC()))
		r.Log(now, "ERROR", fmt.Sprintf("[%s (%s)]", message, why))
		rec := r.record()
		rec.Overdue, rec.Error = true, why
		s.tell(contract.Event{Kind: contract.RunOverdue, Job: r.Job(), Record: rec})
	}
}

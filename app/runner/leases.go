package runner

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// Held is the runs of this process at one moment, by ID.
type Held map[string]*Run

// Held returns all runs.
func (rn *Runner) Held() Held {
	rn.st.Lock()
	defer rn.st.Unlock()
	return rn.st.runs.byID()
}

// Queued returns the runs that wait in the queue. idle: this process has no runs at all.
func (rn *Runner) Queued() (waiting Held, idle bool) {
	rn.st.Lock()
	defer rn.st.Unlock()
	if rn.Executor != nil {
		waiting = make(Held)
		for r := range rn.st.runs.all() {
			if r.posted && !r.begun {
				waiting[r.ID()] = r
			}
		}
	}
	return waiting, rn.st.runs.n == 0
}

// Reconcile compares the runs of this process with leased, the store's answer. It cancels runs with a cancel request.
// It gives up runs of before, taken before the store was called, that are not in leased: another process has them. It
// returns runs in leased that are unknown here.
func (rn *Runner) Reconcile(before Held, leased []contract.LeasedRun) (unknown []contract.LeasedRun) {
	rn.st.Lock()
	defer rn.st.Unlock()
	st := rn.st
	here := st.runs.byID()
	listed := make(map[string]bool, len(leased))
	for _, l := range leased {
		listed[l.ID] = true
		r := here[l.ID]
		_, taking := st.taking[l.ID]
		switch {
		case r != nil && l.Cancel:
			st.cancel(r, l.Reason, l.CancelBy)
		case r == nil && !taking && !st.draining:
			unknown = append(unknown, l)
		}
	}
	for id, r := range before {
		if !r.gone && !listed[id] && !r.lost && !r.ending {
			st.lose(r)
		}
	}
	return unknown
}

// Cancel asks a run of this process to end.
func (rn *Runner) Cancel(id string, reason cron.Reason, by string) {
	rn.st.Lock()
	defer rn.st.Unlock()
	if r := rn.st.runs.find(id); r != nil {
		rn.st.cancel(r, reason, by)
	}
}

// RenewPlaces extends the leases of group places of this process.
func (rn *Runner) RenewPlaces() {
	g := &rn.work.groups
	if g.limits == nil {
		return
	}
	g.renewing.Lock()
	defer g.renewing.Unlock()
	var places []contract.Place
	rn.st.Lock()
	for r := range rn.st.runs.all() {
		if r.placed {
			places = append(places, g.placeOf(r))
		}
	}
	rn.st.Unlock()
	if len(places) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(g.calls, limitsTimeout)
	defer cancel()
	_ = g.limits.Renew(ctx, places) // renewed again later; if the leases end, others may enter
}

// WriteNotes commits new log lines and progress of runs.
func (rn *Runner) WriteNotes() {
	notes, from := rn.news()
	if len(notes) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(rn.Calls, rn.Lease)
	defer cancel()
	if err := rn.Store.Note(ctx, notes); err != nil {
		for i, r := range from { // written later, at the latest with the end of the run
			r.Restore(notes[i].Lines, notes[i].Progress != nil)
		}
		return
	}
	rn.st.Lock()
	defer rn.st.Unlock()
	for _, r := range from {
		if !r.gone {
			rn.Events.Tell(func() contract.Event {
				return contract.Event{Kind: contract.RunProgress, Job: r.Job(), Record: r.record()}
			})
		}
	}
	rn.Events.Changed()
}

func (rn *Runner) news() (notes []contract.Note, from []*Run) {
	rn.st.Lock()
	defer rn.st.Unlock()
	for r := range rn.st.runs.all() {
		if r.status != cron.Running || r.current == nil {
			continue
		}
		if lines, progress := r.News(); len(lines) > 0 || progress != nil {
			notes, from = append(notes, contract.Note{Fence: r.fence(), Lines: lines, Progress: progress}), append(from, r)
		}
	}
	return notes, from
}

// unheedingAfter is how long a function may run after its context ended, before it is reported.
const unheedingAfter = 5 * time.Second

// Remind reports, once per attempt, functions that still run although their context has ended: in the program's log, in
// the run's log and to observers. Such a function keeps its worker and its job's turn.
func (rn *Runner) Remind(now time.Time) {
	rn.st.Lock()
	defer rn.st.Unlock()
	if rn.st.draining {
		return // abandon logs these
	}
	for r := range rn.st.runs.all() {
		at, why, ended := r.endedAt(now)
		if !ended || r.unheeding || now.Sub(at) < unheedingAfter {
			continue
		}
		r.unheeding = true
		const message = "the function still runs although its context has ended; pass ctx to everything it waits for, and set WaitDelay on an exec.Cmd"
		contract.LogRun(rn.Log, r.Job(), r.ID(), r.Schedule()).LogAttrs(rn.Calls, slog.LevelError, message, slog.Int("attempt", r.Attempt()),
			slog.String("why", why), slog.Time("since", at.UTC()))
		r.Log(now, "ERROR", fmt.Sprintf("[%s (%s)]", message, why))
		rn.Events.Tell(func() contract.Event {
			rec := r.record()
			rec.Overdue, rec.Error = true, why
			return contract.Event{Kind: contract.RunOverdue, Job: r.Job(), Record: rec}
		})
	}
}

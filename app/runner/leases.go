package runner

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// Held is the runs that this process holds at one moment.
type Held map[string]*Run

// Held returns all of them.
func (rn *Runner) Held() Held {
	rn.st.Lock()
	defer rn.st.Unlock()
	return rn.st.runs.byID()
}

// Queued returns those that wait in the queue. None at all: idle.
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

// Reconcile holds what this process has against what the store says that it has. It cancels runs whose end was asked
// for. It gives up those of before, which was taken before the store was asked, that the store does not list: another
// process has them. It returns those on the list that are unknown here.
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

// RenewPlaces extends the leases of the places that runs of this process have in their groups.
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
	ctx, cancel := context.WithTimeout(g.calls, answerWithin)
	defer cancel()
	_ = g.limits.Renew(ctx, places) // it is tried again; when the leases end, others may enter
}

// WriteNotes commits the log lines and the progress of runs since the last call.
func (rn *Runner) WriteNotes() {
	notes, from := rn.news()
	if len(notes) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(rn.Calls, rn.Lease)
	defer cancel()
	if err := rn.Store.Note(ctx, notes); err != nil {
		for i, r := range from { // they are written later, at the latest when the run ends
			r.Restore(notes[i].Lines, notes[i].Progress != nil)
		}
		return
	}
	rn.st.Lock()
	defer rn.st.Unlock()
	for _, r := range from {
		if rn.Events.Wanted() && !r.gone {
			rn.Events.Tell(contract.Event{Kind: contract.RunProgress, Job: r.Job(), Record: r.record()})
		}
	}
	rn.Events.Changed()
}

func (rn *Runner) news() (notes []contract.Note, from []*Run) {
	rn.st.Lock()
	defer rn.st.Unlock()
	for r := range rn.st.runs.all() {
		if r.status != cron.Running || r.going == nil {
			continue
		}
		if lines, progress := r.News(); len(lines) > 0 || progress != nil {
			notes, from = append(notes, contract.Note{Fence: r.fence(), Lines: lines, Progress: progress}), append(from, r)
		}
	}
	return notes, from
}

// unheedingAfter is how long a function may take to return once its context has ended.
const unheedingAfter = 5 * time.Second

// Remind says, once for each attempt, that a function has not returned although its context has ended: in the
// program's log, in that of the run, and to observers. Nothing else can be done about such functions, and they keep
// a worker and their job's place.
func (rn *Runner) Remind(now time.Time) {
	rn.st.Lock()
	defer rn.st.Unlock()
	if rn.st.draining {
		return // what does not end then is left behind and logged; see abandon
	}
	for r := range rn.st.runs.all() {
		at, why, ended := r.endedAt(now)
		if !ended || r.unheeding || now.Sub(at) < unheedingAfter {
			continue
		}
		r.unheeding = true
		const message = "the function goes on although its context has ended; hand ctx on to whatever it waits for, and give an exec.Cmd a WaitDelay"
		rn.Log.LogAttrs(rn.Calls, slog.LevelError, message, slog.String("job", r.Job()), slog.String("run", r.ID()), slog.Int("attempt", r.Attempt()),
			slog.String("why", why), slog.Time("since", at.UTC()))
		r.Log(now, "ERROR", fmt.Sprintf("[%s (%s)]", message, why))
		rec := r.record()
		rec.Overdue, rec.Error = true, why
		rn.Events.Tell(contract.Event{Kind: contract.RunOverdue, Job: r.Job(), Record: rec})
		rn.Events.Changed()
	}
}

package ops

import (
	"context"
	"iter"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/scheduler"
)

// Schedules is the stored schedules, as a program makes and reads them; see app.Schedules. Every change has an entry in
// the audit log.
type Schedules struct {
	by  Audited
	err error // of every method
}

// Stored returns the stored schedules for a caller. in is a transaction of the user's, or nil.
func (c Crons) Stored(who contract.Caller, in contract.Transaction) Schedules {
	h := c.By(who)
	h.in = in
	return Schedules{by: h}
}

// NoSchedules returns Schedules whose methods all fail with err.
func NoSchedules(err error) Schedules { return Schedules{err: err} }

// Put makes or changes a schedule, and says which, or that it was like that already. Its slots begin with the change.
// Errors: a [*cron.ArgsError] with all mistakes, or the store's.
func (s Schedules) Put(ctx context.Context, g cron.Schedule) (contract.PutOutcome, error) {
	if s.err != nil {
		return "", s.err
	}
	r, err := s.by.put(ctx, g, 0)
	return r.Outcome, err
}

// putTogether is how many schedules PutAll puts in one transaction.
const putTogether = 1000

// PutAll makes or changes many schedules, a thousand in a transaction. It ends at the first mistake, and returns what is
// committed by then: putting all of them again does no harm.
func (s Schedules) PutAll(ctx context.Context, all iter.Seq[cron.Schedule]) (t Tally, err error) {
	if s.err != nil {
		return t, s.err
	}
	some := make([]scheduler.PutSchedule, 0, putTogether)
	flush := func() {
		var results []contract.PutResult
		if results, err = s.by.PutSchedules(ctx, some); err != nil {
			return
		}
		t.add(countPuts(results))
		some = some[:0]
	}
	for g := range all {
		if some = append(some, scheduler.PutSchedule{Schedule: g}); len(some) == putTogether {
			if flush(); err != nil {
				return t, err
			}
		}
	}
	if len(some) > 0 {
		flush()
	}
	return t, err
}

// Get returns a schedule, or [cron.ErrNotFound]. In a transaction it is as committed.
func (s Schedules) Get(ctx context.Context, id string) (ScheduleView, error) {
	if s.err != nil {
		return ScheduleView{}, s.err
	}
	detail, err := s.by.c.Schedule(ctx, id)
	return detail.ScheduleView, err
}

// List returns a page of schedules, by ID. cursor is the Next of the page before, or empty.
func (s Schedules) List(ctx context.Context, filter contract.ScheduleQuery, cursor string) (SchedulePage, error) {
	if s.err != nil {
		return SchedulePage{}, s.err
	}
	filter.After = cursor
	return s.by.c.Schedules(ctx, filter)
}

// Delete deletes a schedule, or returns [cron.ErrNotFound]. Its active runs go on.
func (s Schedules) Delete(ctx context.Context, id string) error {
	if s.err != nil {
		return s.err
	}
	_, err := s.by.DeleteSchedule(ctx, id, 0)
	return err
}

// Pause pauses a schedule until it is resumed, or returns [cron.ErrNotFound].
func (s Schedules) Pause(ctx context.Context, id string) error {
	return s.pause(ctx, contract.PauseSchedule{ID: id})
}

// PauseUntil pauses a schedule until a time, or returns [cron.ErrNotFound].
func (s Schedules) PauseUntil(ctx context.Context, id string, until time.Time, reason string) error {
	return s.pause(ctx, contract.PauseSchedule{ID: id, Until: until, Reason: reason})
}

// Resume ends the pause of a schedule, or returns [cron.ErrNotFound].
func (s Schedules) Resume(ctx context.Context, id string) error {
	return s.pause(ctx, contract.PauseSchedule{ID: id, Resume: true})
}

func (s Schedules) pause(ctx context.Context, p contract.PauseSchedule) error {
	if s.err != nil {
		return s.err
	}
	_, err := s.by.PauseSchedule(ctx, p)
	return err
}

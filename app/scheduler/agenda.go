package scheduler

import (
	"context"
	"fmt"
	"slices"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
	"fibercrons/app/plan"
)

// agenda reads once a second what the store has to do soon: stored schedules for the claimer's window, and deferred
// runs, which it takes over. A change in this process is read at once, one elsewhere within the second. If there is
// nothing, that is one statement.
type agenda struct {
	*shared
	claimer *claimer
	sign    chan struct{} // something has changed here
	looked  time.Time     // when the schedules were read last; only loop uses it
}

const (
	agendaEvery = time.Second
	// lookAhead is how early a schedule is read. It exceeds agendaEvery by what a read may take.
	lookAhead = 2 * time.Second
	// mostAhead bounds the window. The rest of a larger burst is read when these are claimed.
	mostAhead = 20_000
	// takeStep is how many deferred runs are taken over in one commit, and takeLoad how many runs a worker may have in
	// line for that. The others are left to processes with less to do.
	takeStep, takeLoad = 200, 4
	takePause          = 20 * time.Millisecond
	// crowd is how many slots may wait for a claim before reads give way to the claims, for crowdedFor. That is less than
	// plan.MissedLive, so that a slot which is read late is no misfire.
	crowd      = 1000
	crowdedFor = 3 * time.Second
)

func newAgenda(s *shared, c *claimer) *agenda {
	return &agenda{shared: s, claimer: c, sign: make(chan struct{}, 1)}
}

// kick has the agenda read now.
func (a *agenda) kick() {
	select {
	case a.sign <- struct{}{}:
	default:
	}
}

// loop reads until stop is closed.
func (a *agenda) loop(stop <-chan struct{}) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		asked := false
		select {
		case <-stop:
			return
		case <-a.sign:
			asked = true
		case <-timer.C:
		}
		timer.Reset(a.read(asked))
	}
}

// read reads the store once and returns when to do so again. asked: something has changed here.
func (a *agenda) read(asked bool) time.Duration {
	if !a.phase.awake() {
		return agendaEvery
	}
	ctx, cancel := context.WithTimeout(a.calls, a.cfg.Lease)
	defer cancel()
	up, err := a.cfg.Store.Upcoming(ctx)
	if err != nil {
		return agendaEvery // the heartbeat reports it
	}
	soon := time.Now().Add(lookAhead)
	if follows, crowded := a.claimer.follows(); follows && (asked || !crowded || time.Since(a.looked) >= crowdedFor) {
		a.looked = time.Now()
		a.readSchedules(ctx, soon, !up.Schedule.IsZero() && !up.Schedule.After(soon))
	}
	if up.Run.IsZero() {
		return agendaEvery
	}
	if wait := time.Until(up.Run); wait > 0 {
		return min(wait, agendaEvery)
	}
	a.takeRuns(ctx)
	return agendaEvery
}

// readSchedules fills the claimer's window.
func (a *agenda) readSchedules(ctx context.Context, until time.Time, some bool) {
	var read []contract.Schedule
	if some {
		var err error
		if read, err = a.cfg.Store.DueSchedules(ctx, until, a.claimer.elsewhere(), mostAhead); err != nil {
			return // the heartbeat reports it
		}
	}
	a.claimer.look(read, until.UnixMilli())
}

// takeRuns takes over deferred runs whose time has come, for about a second, as long as the workers keep up.
func (a *agenda) takeRuns(ctx context.Context) {
	for began := time.Now(); time.Since(began) < agendaEvery && a.phase.awake(); {
		n := takeStep
		if a.cfg.Executor == nil {
			n = min(n, takeLoad*a.cfg.Workers-a.runner.Active())
		}
		if n <= 0 {
			time.Sleep(takePause)
			continue
		}
		due, err := a.cfg.Store.DueRuns(ctx, time.Now(), a.claimer.elsewhere(), n)
		if err != nil {
			return // the heartbeat reports it
		}
		taken, err := a.take(ctx, due)
		if err != nil {
			a.log.Error("runs that are due could not be taken over", "error", err)
			return
		}
		if len(due) < n || !taken {
			return
		}
	}
}

// take takes over deferred runs. It reports whether it got any.
func (a *agenda) take(ctx context.Context, due []cron.Record) (some bool, err error) {
	var takes []contract.Take
	var from []cron.Record
	now := millis.Now()
	for _, rec := range due {
		if a.claimer.leaves(rec.Job) {
			continue
		}
		t := contract.Take{NewToken: newToken(), Instance: a.instance.ID, Lease: a.cfg.Lease}
		t.Finish = finishOf(&rec, contract.Fence{ID: rec.ID, Token: rec.Token}, now)
		t.Status, t.NextAt = cron.Queued, time.Time{}
		takes, from = append(takes, t), append(from, rec)
	}
	if len(takes) == 0 {
		return len(due) > 0, nil // the next read leaves these out
	}
	done, err := a.cfg.Store.Take(ctx, takes)
	if err != nil {
		return false, err
	}
	for i := range takes {
		if done[i] {
			some = true
			a.runner.Adopt(a.laneOf(from[i].Job, from[i].ScheduleID()), &from[i], &takes[i])
		}
	}
	return some, nil
}

// watched returns the IDs of the stored schedules in the window.
func (c *claimer) watched() map[string]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	ids := make(map[string]bool, len(c.window.entries))
	for id := range c.window.entries {
		ids[id] = true
	}
	return ids
}

// follows reports whether this process claims the slots of stored schedules, and whether very many of them wait for that.
func (c *claimer) follows() (follows, crowded bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.slots.ticking, len(c.window.entries)-len(c.window.byNext) > crowd
}

// leaves reports whether the job's runs are left to other processes, and keeps that for elsewhere.
func (c *claimer) leaves(job string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.isElsewhere(job) {
		return false
	}
	c.window.except[job] = true
	return true
}

// isElsewhere reports whether the job is not in this program, does not run in this environment, or belongs to a newer
// version.
func (c *claimer) isElsewhere(job string) bool {
	e := c.byName[job]
	return e == nil || e.job.Disabled != "" || e.superseded
}

// elsewhere returns the jobs that were seen to be left to other processes and still are.
func (c *claimer) elsewhere() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.window.excluded(c.isElsewhere)
}

// look fills the window with what was read of the store, and claims what is due.
func (c *claimer) look(read []contract.Schedule, until int64) {
	c.mu.Lock()
	if len(read) == 0 && len(c.window.entries) == 0 {
		c.mu.Unlock()
		return
	}
	errs := c.window.load(read, until, len(read) == mostAhead, func(g *contract.Schedule) (*entry, error) {
		if c.isElsewhere(g.Job) {
			return nil, nil
		}
		e, err := newStored(g, c.byName[g.Job], &c.lanes)
		if err != nil {
			err = fmt.Errorf("stored schedule %q of job %q: %w", g.ID, g.Job, err)
		}
		return e, err
	})
	c.mu.Unlock()
	for _, err := range errs {
		c.log.Error("a stored schedule cannot be followed; put it again or delete it", "error", err)
	}
	c.settleStored(time.Now().UnixMilli())
}

// settleStored claims the slots of stored schedules that are due at now, and sets the alarm for the next.
func (c *claimer) settleStored(now int64) {
	c.mu.Lock()
	due := c.window.ring(now)
	c.setAlarm()
	c.mu.Unlock()
	if len(due) > 0 {
		c.settle(due, now)
	}
}

// settledStored puts the stored schedules of a batch back into the window, those in moved excepted, which are read anew.
// It reports whether there were any. c.mu is held.
func (c *claimer) settledStored(b *batch, moved []*entry) (some bool) {
	for _, p := range b.parts {
		if p.entry.stored != nil {
			some = true
			c.window.settled(p.entry, len(moved) > 0 && slices.Contains(moved, p.entry))
		}
	}
	return some
}

// rung claims the slots of stored schedules for which the clock has rung.
func (c *claimer) rung(now int64) {
	c.mu.Lock()
	c.window.alarm = plan.Never
	c.mu.Unlock()
	c.settleStored(now)
}

// setAlarm has the clock ring at the next slot of a stored schedule. c.mu is held.
func (c *claimer) setAlarm() {
	w := &c.window
	next := int64(plan.Never)
	if len(w.byNext) > 0 {
		next = w.byNext[0].next
	}
	if next == w.alarm || c.clock == nil || next == plan.Never {
		return // a ring in vain does no harm
	}
	if err := c.clock.Alarm(time.UnixMilli(next), c.ticks.ring); err != nil {
		c.log.Error("the clock cannot be set for a stored schedule; it is found within a second", "error", err)
		return
	}
	w.alarm = next
}

package scheduler

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
)

// leases extends the leases of this process's runs and takes over runs of dead processes. It also does other periodic
// work: cancel requests, notes of runs, overrides set on other processes, pruning.
type leases struct {
	*shared
	claimer *claimer
	agenda  *agenda

	once sync.Once
	loop sync.WaitGroup
	stop chan struct{}
	// known: the store knows this instance.
	known atomic.Bool

	// Used only by beatLoop:

	silent  bool           // the last heartbeat failed
	orphans map[string]int // runs of ours in the store but unknown here, with the number of consecutive reports
	others  []string       // other processes' time-zone data
}

const (
	afterGrace = 5 * time.Second // for the last call of the store

	pruneEvery = 30 * time.Second
	pruneStep  = 200 // rows deleted in one commit, so that claims do not wait long
	// pruneSchedules is how many stored schedules are pruned at a time.
	pruneSchedules = 500
	sweepStep      = 100

	followEvery  = 3 // seconds between checks for overrides set on other processes; see [contract.Claim]
	compareEvery = 6 // heartbeats between checks of other processes' time-zone data
)

// start starts all loops, once.
func (l *leases) start() {
	l.once.Do(func() {
		l.loop.Go(l.beatLoop)
		l.loop.Go(l.secondLoop)
		l.loop.Go(l.pruneLoop)
		l.loop.Go(func() { l.agenda.loop(l.stop) })
		if l.cfg.Executor != nil {
			l.loop.Go(func() { l.runner.SendTickets(l.stop) })
		}
	})
}

// end stops all loops and records that this instance has stopped. It calls quiet when nothing changes any more.
func (l *leases) end(quiet func()) error {
	close(l.stop)
	l.loop.Wait()
	quiet()
	return l.signOff()
}

// beatLoop sends a heartbeat every third of a lease.
func (l *leases) beatLoop() {
	ticker := time.NewTicker(max(l.cfg.Lease/3, 10*time.Millisecond))
	defer ticker.Stop()
	for turn := 0; ; turn++ {
		l.runner.RenewPlaces()
		if l.beat() { // otherwise our own leases may have expired
			l.sweep()
			if turn%compareEvery == 0 {
				l.compareZones()
			}
		}
		select {
		case <-l.stop:
			return
		case <-ticker.C:
		}
	}
}

// secondLoop does the work of every second.
func (l *leases) secondLoop() {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for turn := 1; ; turn++ {
		select {
		case <-l.stop:
			return
		case <-ticker.C:
			l.checkRequests()
			l.runner.Remind(millis.Now())
			l.runner.WriteNotes()
			if turn%followEvery == 0 {
				l.claimer.followOverrides()
				l.claimer.followVersions()
			}
			l.runner.Retry()
		}
	}
}

// beat extends the leases and reports whether the store has answered.
func (l *leases) beat() bool {
	quiet := l.claimer.claiming.Load() == 0
	before := l.runner.Held()
	ctx, cancel := context.WithTimeout(l.calls, l.cfg.Lease)
	defer cancel()
	leased, err := l.cfg.Store.Beat(ctx, contract.Beat{Instance: l.instance, At: millis.Now(), Lease: l.cfg.Lease})
	if err != nil {
		if !l.silent {
			l.log.Error("heartbeat failed; when the leases expire, other processes may take over", "error", err)
		}
		l.silent = true
		return false
	}
	if l.silent {
		l.log.Info("heartbeats succeed again")
		l.silent = false
	}
	l.known.Store(true)
	quiet = quiet && l.claimer.claiming.Load() == 0 // checked before Reconcile: a claim ends after its runs are accepted
	unknown := l.runner.Reconcile(before, leased)
	orphans := make(map[string]int, len(unknown))
	for _, u := range unknown {
		if !quiet {
			break
		}
		if orphans[u.ID] = l.orphans[u.ID] + 1; orphans[u.ID] > 2 {
			if l.claimer.enter() { // else the process is about to end
				l.tasks.Go(func() { l.disown(u) })
				l.claimer.leave()
			}
		}
	}
	l.orphans = orphans
	return true
}

// disown releases a run that the store lists as ours but that is unknown here, because the answer to its claim or
// takeover was lost. It has not begun here. An attempt that the store has counted is recorded, and ends the run unless
// [cron.OnCrash] allows another.
func (l *leases) disown(u contract.LeasedRun) {
	err := l.release(u)
	if err != nil && !errors.Is(err, contract.ErrFenced) && !errors.Is(err, cron.ErrNotFound) {
		l.log.Error("a run without an owner could not be released", "run", u.ID, "error", err)
	}
}

func (l *leases) release(u contract.LeasedRun) error {
	rec, err := l.cfg.Store.Run(l.calls, u.ID)
	if err != nil {
		return err
	}
	now := millis.Now()
	f := finishOf(&rec, u.Fence, now)
	f.Status, f.Release = cron.Queued, true
	if u.Status == cron.Running {
		const unstarted = "the claim of this run was not confirmed in time; it was not started"
		at, _ := rec.AttemptStarted()
		f.Attempts = append(f.Attempts, cron.Attempt{Number: rec.Attempt, Instance: l.instance.ID, StartedAt: at, EndedAt: &now, Error: unstarted})
		if e := l.byName[rec.Job]; e == nil || e.job.Policies.OnCrash != cron.Rerun {
			f.Status, f.Reason, f.Error, f.Release = cron.Interrupted, cron.ReasonCrash, unstarted, false
		}
	}
	return l.cfg.Store.Finish(l.calls, f)
}

// checkRequests reads cancel requests, and which queued runs other processes have started.
func (l *leases) checkRequests() {
	waiting, idle := l.runner.Queued()
	if idle {
		return
	}
	ctx, cancel := context.WithTimeout(l.calls, l.cfg.Lease)
	defer cancel()
	leased, err := l.cfg.Store.Beat(ctx, contract.Beat{Instance: l.instance, At: millis.Now(), Lease: l.cfg.Lease, Quick: true})
	if err != nil {
		return // beat reports it
	}
	l.runner.Reconcile(waiting, leased)
}

// signOff records that this instance has stopped.
func (l *leases) signOff() error {
	if !l.known.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(l.calls, afterGrace)
	defer cancel()
	if _, err := l.cfg.Store.Beat(ctx, contract.Beat{Instance: l.instance, At: millis.Now(), Gone: true}); err != nil {
		return fmt.Errorf("sign off: %w", err)
	}
	return nil
}

// compareZones warns about live processes with other time-zone data. They compute different slots in zones whose rules
// differ, so a job can run twice.
func (l *leases) compareZones() {
	list, err := l.cfg.Store.Instances(l.calls)
	if err != nil {
		return // beat reports it
	}
	var others []string
	now := millis.Now()
	for _, i := range list {
		lives := i.StoppedAt.IsZero() && now.Sub(i.SeenAt) < 2*max(l.cfg.Lease, time.Second)
		if lives && i.TZData != "" && i.TZData != l.instance.TZData && !slices.Contains(others, i.TZData) {
			others = append(others, i.TZData)
		}
	}
	slices.Sort(others)
	if len(others) > 0 && !slices.Equal(others, l.others) {
		l.log.Warn("other processes on this database have other time-zone data, so that slots in some zones differ: run the same build everywhere, or with CRON_TZDATA=host the same zone files",
			"tzdata", l.instance.TZData, "others", others)
	}
	l.others = others
}

// pruneLoop keeps histories within their limits.
func (l *leases) pruneLoop() {
	ticker := time.NewTicker(pruneEvery)
	defer ticker.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-ticker.C:
			l.prune(time.Now())
			if l.phase.awake() {
				l.pruneSchedules()
			}
		}
	}
}

// prune prunes the jobs with new ended runs, and every job once an hour.
func (l *leases) prune(now time.Time) {
	if !l.phase.awake() {
		return
	}
	for _, j := range l.cfg.Jobs {
		e := l.byName[j.Name]
		if !e.lane.TakeEnded() && now.Sub(e.pruned) < time.Hour {
			continue
		}
		e.pruned = now
		if err := l.pruneJob(j, now); err != nil {
			e.lane.NoteEnd() // try again
			l.log.Error("old runs could not be deleted", "job", j.Name, "error", err)
			return
		}
	}
}

func (l *leases) pruneJob(j *cron.Job, now time.Time) error {
	p := contract.Prune{Job: j.Name, Keep: j.Policies.KeepRuns, Limit: pruneStep}
	if keep := j.Policies.KeepFor; keep > 0 {
		p.Cutoff = now.Add(-keep)
	}
	return l.pruneAll(p)
}

// pruneAll deletes all that p selects, in steps.
func (l *leases) pruneAll(p contract.Prune) (err error) {
	for n := p.Limit; n == p.Limit && err == nil; {
		select {
		case <-l.stop:
			return nil
		default:
			n, err = l.cfg.Store.Prune(l.calls, p)
		}
	}
	return err
}

// pruneSchedules prunes the histories of stored schedules in which runs have ended. With very many, each is pruned now
// and then; a history then exceeds its limit by that much.
func (l *leases) pruneSchedules() {
	for _, lane := range l.lanes.ended(pruneSchedules, l.claimer.watched()) {
		keep := lane.Job.Policies.KeepRuns
		if keep <= 0 {
			continue
		}
		if err := l.pruneAll(contract.Prune{Job: lane.Job.Name, Schedule: lane.Schedule, Keep: keep, Limit: pruneStep}); err != nil {
			lane.NoteEnd() // try again
			l.log.Error("old runs of a stored schedule could not be deleted", "job", lane.Job.Name, "schedule", lane.Schedule, "error", err)
			return
		}
	}
}

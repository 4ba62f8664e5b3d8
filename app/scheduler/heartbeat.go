package scheduler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
	"fibercrons/app/runner"
)

// leases extends the leases of this process's runs, and takes over what dead processes have left. It also does what has no
// moment of its own: cancel requests, notes of runs, schedules that were changed on other processes, old runs.
type leases struct {
	cfg      *Config
	log      *slog.Logger
	instance contract.InstanceInfo
	calls    context.Context
	tasks    *sync.WaitGroup
	events   *runner.Events
	runner   *runner.Runner
	claimer  *claimer
	byName   map[string]*entry
	phase    *phase

	once sync.Once
	loop sync.WaitGroup
	stop chan struct{}
	// known: the store knows this instance.
	known atomic.Bool

	// Of beating alone:

	silent  bool           // the last heartbeat failed
	orphans map[string]int // runs that the store says are ours and we do not know, and how often in a row it said so
	others  []string       // time-zone data of other processes
}

const (
	afterGrace = 5 * time.Second // for the last call of the store

	pruneEvery = 30 * time.Second
	pruneStep  = 200 // rows deleted in one commit, so that claims never wait long
	sweepStep  = 100

	followEvery  = 3 // seconds until a schedule that was changed on another process is used here at the latest; see [contract.Claim]
	compareEvery = 6 // heartbeats between two looks at the others' time-zone data
)

// start begins all that, once.
func (l *leases) start() {
	l.once.Do(func() {
		l.loop.Go(l.beating)
		l.loop.Go(l.listening)
		l.loop.Go(l.pruning)
		if l.cfg.Executor != nil {
			l.loop.Go(func() { l.runner.SendTickets(l.stop) })
		}
	})
}

// end ends all that and signs this instance off. It calls quiet when nothing changes any more.
func (l *leases) end(quiet func()) error {
	close(l.stop)
	l.loop.Wait()
	quiet()
	return l.signOff()
}

// beating extends the leases every third of their length.
func (l *leases) beating() {
	ticker := time.NewTicker(max(l.cfg.Lease/3, 10*time.Millisecond))
	defer ticker.Stop()
	for turn := 0; ; turn++ {
		l.runner.RenewPlaces()
		if l.beat() { // else our own leases may be the ones that have expired
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

// listening does what is done every second.
func (l *leases) listening() {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for turn := 1; ; turn++ {
		select {
		case <-l.stop:
			return
		case <-ticker.C:
			l.listen()
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

// beat extends the leases, and says whether the store has answered.
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
	quiet = quiet && l.claimer.claiming.Load() == 0 // asked before what is here: a claim ends after its runs are accepted
	unknown := l.runner.Reconcile(before, leased)
	orphans := make(map[string]int, len(unknown))
	for _, u := range unknown {
		if !quiet {
			break
		}
		if orphans[u.ID] = l.orphans[u.ID] + 1; orphans[u.ID] > 2 {
			l.tasks.Go(func() { l.disown(u) })
		}
	}
	l.orphans = orphans
	return true
}

// disown gives back a run that the store holds to be ours, and that we do not know: the answer to its
// claim, or to its being taken over, was lost for good. It has not begun here. An attempt that the
// store has counted is recorded, and ends the run where the job's author wants no second one.
func (l *leases) disown(u contract.LeasedRun) {
	err := l.repudiate(u)
	if err != nil && !errors.Is(err, contract.ErrFenced) && !errors.Is(err, cron.ErrNotFound) {
		l.log.Error("a run without an owner could not be given back", "run", u.ID, "error", err)
	}
}

func (l *leases) repudiate(u contract.LeasedRun) error {
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

// listen looks for requests to cancel, and for runs in the queue that some process has started.
func (l *leases) listen() {
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

// signOff marks this instance as stopped.
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

// compareZones warns when a process that lives has other time-zone data: both then compute different slots
// for a job in a zone whose rules differ, and one can run twice.
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

// pruning keeps histories within their bounds.
func (l *leases) pruning() {
	ticker := time.NewTicker(pruneEvery)
	defer ticker.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-ticker.C:
			l.prune(time.Now())
		}
	}
}

// prune looks at jobs of which a run has ended since, and once an hour at all of them.
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
			e.lane.NoteEnd() // it is tried again
			l.log.Error("old runs could not be deleted", "job", j.Name, "error", err)
			return
		}
	}
}

func (l *leases) pruneJob(j *cron.Job, now time.Time) (err error) {
	var cutoff time.Time
	if keep := j.Policies.KeepFor; keep > 0 {
		cutoff = now.Add(-keep)
	}
	for n := pruneStep; n == pruneStep && err == nil; {
		select {
		case <-l.stop:
			return nil
		default:
			n, err = l.cfg.Store.Prune(l.calls, j.Name, j.Policies.KeepRuns, cutoff, pruneStep)
		}
	}
	return err
}

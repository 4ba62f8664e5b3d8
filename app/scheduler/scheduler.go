package scheduler

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"fibercrons/app/clock"
	"fibercrons/app/contract"
	"fibercrons/app/internal/millis"
	"fibercrons/app/runner"
	"fibercrons/app/schedule"
)

// Scheduler turns slots into recorded runs; see the package comment.
type Scheduler struct {
	*shared
	ticks    ticks
	claimer  *claimer
	leases   *leases
	agenda   *agenda
	gaps     gaps                      // for Stats
	tickedAt atomic.Pointer[time.Time] // last turn of the settling loop
	endCalls context.CancelFunc
	closing  sync.Once

	changed  chan struct{} // see Changed
	stopping chan struct{}
}

// New returns a scheduler that is not running. It does not use the store.
func New(c Config) *Scheduler {
	c.Workers = cmp.Or(c.Workers, 64)
	c.Lease = cmp.Or(c.Lease, 30*time.Second)
	c.MaxRunLog = cmp.Or(c.MaxRunLog, 256<<10)
	c.Log = cmp.Or(c.Log, slog.Default())
	if c.TraceID == nil {
		c.TraceID = func(string) string { return "" }
	}
	host, _ := os.Hostname()
	s := &Scheduler{
		shared: &shared{
			cfg: &c, log: c.Log, byName: make(map[string]*entry, len(c.Jobs)),
			instance: contract.InstanceInfo{ID: uuid.NewString(), Host: host, PID: os.Getpid(), Version: c.Version, TZData: schedule.DataVersion(), Parts: c.Parts, StartedAt: millis.Now()},
		},
		ticks:    ticks{sign: make(chan struct{}, 1)},
		changed:  make(chan struct{}, 1),
		stopping: make(chan struct{}),
	}
	s.calls, s.endCalls = context.WithCancel(context.Background())
	s.events.Observe, s.events.Notify = c.Observe, s.notify
	base := context.Background()
	if c.Context != nil {
		base = c.Context(base)
	}
	s.claimer = &claimer{shared: s.shared, ticks: &s.ticks, gate: gate{&c.Peers, s.calls}, slots: slots{log: s.log}}
	s.runner = runner.New(runner.Config{
		Store: c.Store, Instance: s.instance.ID, Workers: c.Workers, Lease: c.Lease, MaxRunLog: c.MaxRunLog,
		Executor: c.Executor, Limits: c.Peers.Limits, Source: s.claimer, Lane: s.laneOf,
		Base: base, Calls: s.calls, Tasks: &s.tasks, Events: &s.events, TraceID: c.TraceID, Log: s.log,
	})
	s.leases = &leases{shared: s.shared, claimer: s.claimer, stop: make(chan struct{})}
	s.agenda = newAgenda(s.shared, s.claimer)
	s.leases.agenda = s.agenda
	s.claimer.keepLeases = s.leases.start
	entries, lanes := make([]entry, len(c.Jobs)), make([]runner.Lane, len(c.Jobs)) // contiguous, for bursts
	for i, j := range c.Jobs {
		e := &entries[i]
		e.init(j, &lanes[i], c.Executor != nil)
		s.byName[j.Name] = e
		if j.Disabled == "" {
			s.claimer.entries = append(s.claimer.entries, e)
			s.claimer.pressing = s.claimer.pressing || e.pressing
		}
	}
	return s
}

// Run ticks until ctx ends. Then it claims nothing more, lets runs finish within the grace, cancels and records the
// rest, releases its leases and returns. It returns an error only if it cannot start; it waits for a store that fails
// later. A Scheduler runs once.
func (s *Scheduler) Run(ctx context.Context) error {
	s.leases.start()
	switch {
	case s.cfg.Executor != nil && s.cfg.Role == contract.WorkerOnly:
		s.runWorker(ctx)
	case s.cfg.Disabled:
		s.runWithoutClock(ctx)
	default:
		if err := s.schedule(ctx); err != nil {
			return err
		}
	}
	return s.Close(context.Background())
}

// runWithoutClock is Run in a process whose clock is off.
func (s *Scheduler) runWithoutClock(ctx context.Context) {
	s.phase.advance(maintaining)
	s.workQueue()
	s.log.Info("the clock is off (CRON_ENABLED=false); jobs run by hand only", "jobs", len(s.cfg.Jobs))
	s.tasks.Go(s.leases.sweep)
	<-ctx.Done()
}

// runWorker is Run in a process that claims no slots. It does not sync: the schedulers register the jobs.
func (s *Scheduler) runWorker(ctx context.Context) {
	s.tick(time.Now())
	s.workQueue()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case at := <-second.C:
			s.tick(at)
		}
	}
}

// schedule is Run in a process that claims slots.
func (s *Scheduler) schedule(ctx context.Context) error {
	ticker, err := clock.New(s.ticks.add, s.log)
	if err != nil {
		return fmt.Errorf("start the clock: %w", err)
	}
	s.claimer.setClock(ticker)
	if !s.claimer.sync(ctx) {
		return nil
	}
	if err := s.claimer.place(); err != nil {
		return err
	}
	s.tick(time.Now())
	s.workQueue()
	ticker.Start()
	s.claimer.settleAll(time.Now().UnixMilli())
	s.agenda.kick()
	s.tasks.Go(s.leases.sweep) // released runs need not wait for the next heartbeat
	s.settleLoop(ctx, ticker)
	ticker.Stop()
	return nil
}

// settleLoop settles due slots until ctx ends. Once a second it checks the clock and every job, in case a tick was
// lost.
func (s *Scheduler) settleLoop(ctx context.Context, ticker *clock.Clock[*entry]) {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	watch := clock.NewWatch()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.ticks.sign:
			groups, jobs, rung, now := s.ticks.take()
			for _, g := range groups {
				s.claimer.settle(g.Members(), now)
			}
			s.claimer.settle(jobs, now)
			if rung {
				s.claimer.rung(now)
			}
		case <-second.C:
			if jump := watch.Jump(); jump != 0 {
				s.log.Warn("the clock jumped, or the machine slept", "by", jump)
			}
			ticker.Recheck()
			now := time.Now()
			s.tick(now)
			s.claimer.settleAll(now.UnixMilli())
		}
	}
}

// tick records that this process is working.
func (s *Scheduler) tick(at time.Time) {
	s.tickedAt.Store(&at)
	s.phase.advance(ticking)
}

// workQueue starts the queue consumer, if this process has that role.
func (s *Scheduler) workQueue() {
	if s.cfg.Executor != nil && s.cfg.Role != contract.SchedulerOnly {
		s.runner.WorkQueue()
	}
}

// Close stops the scheduler: it waits for runs within the grace and ctx, cancels and records the rest, and releases the
// leases. Run calls it; a program with only manual runs calls it itself. Further calls do nothing.
func (s *Scheduler) Close(ctx context.Context) error {
	var err error
	s.closing.Do(func() { err = s.close(ctx) })
	return err
}

func (s *Scheduler) close(ctx context.Context) error {
	s.phase.advance(draining)
	s.claimer.stop()
	ended := s.runner.Drain(ctx, s.cfg.Grace)
	err := s.leases.end(func() { close(s.stopping) })
	s.endCalls()
	s.runner.Wait(ended)
	s.phase.advance(stopped)
	return err
}

// notify is called after every change.
func (s *Scheduler) notify() {
	if n := s.cfg.Peers.Notifier; n != nil {
		n.Notify()
	}
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

package cron

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// Config is what a [Scheduler] is made of.
type Config struct {
	// Store keeps states and runs. Optional. Default: none, nothing is kept; what goes on is
	// known to this process alone.
	Store Store
	// Jobs are what [Registry.Jobs] returned.
	Jobs []*Job
	// Workers is how many runs go on at one time in this process. Optional. Default: 64.
	Workers int
	// Lease is how long a run outlives the last sign of life of its process. A sign is given
	// every third of it. Optional. Default: 30 s.
	Lease time.Duration
	// Grace is how long runs may go on after the stop was asked for. Optional. Default: 0,
	// they are cancelled at once.
	Grace time.Duration
	// MaxRunLog is how many bytes of log lines are kept with a run; below 0: none. Optional.
	// Default: 256 KiB.
	MaxRunLog int
	// Disabled leaves the clock off: nothing is due, but runs by hand work.
	Disabled bool
	// Context adds what every run's context is to carry. Optional.
	Context func(context.Context) context.Context
	// Observe is called with every event, in order, and must not block. Optional.
	Observe func(Event)
	// Log is the program's log. Optional. Default: slog.Default().
	Log *slog.Logger
	// Version of the program, shown among the instances. Optional.
	Version string
}

// afterGrace is how long cancelled runs are waited for at the end.
const afterGrace = 5 * time.Second

type phase int

const (
	idle     phase = iota // runs by hand only
	ticking               // slots are claimed
	draining              // nothing new begins
	stopped
)

// Scheduler turns slots into runs and keeps them; see the package comment.
type Scheduler struct {
	cfg      Config
	store    Store
	log      *slog.Logger
	observe  func(Event)
	instance InstanceInfo
	base     context.Context // of every run
	jobs     []*Job
	byName   map[string]*entry
	entries  []*entry // those that tick

	work     context.Context // of calls to the store; ends last
	stopWork context.CancelFunc
	wg       sync.WaitGroup // everything but the keeper
	keeper   sync.WaitGroup
	keeping  sync.Once
	kept     atomic.Bool // the store knows this instance
	stopKeep chan struct{}
	closing  sync.Once

	dueMu   sync.Mutex
	due     []*group
	dueAt   int64 // the latest slot among the ticks handed over, in ms
	dueSign chan struct{}

	clock *clockwork // set once, before the first tick

	mu         sync.Mutex
	instant    bool // the store answers without waiting
	random     *bufio.Reader
	planned    []due // room for settle
	batchSize  int
	phase      phase
	startedMS  int64
	seq        int64
	free       int // workers
	ready      line
	runs       map[string]*Run   // by ID, everything this process holds
	blocked    map[string][]*Run // by what they wait for
	storeError error             // of the last claim
	claiming   int               // calls of Claim under way
	orphans    map[string]int    // runs the store says are ours and we do not know, and how often it said so
	tickedAt   time.Time         // last turn of the settling loop
	syncError  error
}

// New returns a scheduler at rest. It does not touch the store.
func New(c Config) *Scheduler {
	c.Workers = cmp.Or(c.Workers, 64)
	c.Lease = cmp.Or(c.Lease, 30*time.Second)
	c.MaxRunLog = cmp.Or(c.MaxRunLog, 256<<10)
	if c.Log == nil {
		c.Log = slog.Default()
	}
	host, _ := os.Hostname()
	s := &Scheduler{
		cfg: c, store: c.Store, log: c.Log, observe: c.Observe, jobs: c.Jobs,
		base:      context.Background(),
		byName:    make(map[string]*entry, len(c.Jobs)),
		runs:      make(map[string]*Run),
		blocked:   make(map[string][]*Run),
		batchSize: batchSize,
		orphans:   make(map[string]int),
		free:      c.Workers,
		random:    bufio.NewReaderSize(rand.Reader, 4096),
		stopKeep:  make(chan struct{}),
		dueSign:   make(chan struct{}, 1),
		instance:  InstanceInfo{ID: uuid.NewString(), Host: host, PID: os.Getpid(), Version: c.Version, StartedAt: present()},
	}
	s.work, s.stopWork = context.WithCancel(context.Background())
	if c.Context != nil {
		s.base = c.Context(s.base)
	}
	for _, j := range c.Jobs {
		e := &entry{job: j, table: j.timetable(), next: never, serial: j.Policies.Overlap == Queue || j.Policies.Overlap == Replace}
		s.byName[j.Name] = e
		if j.Disabled == "" {
			s.entries = append(s.entries, e)
		}
	}
	if s.store == nil {
		memory := newTransient()
		s.store, s.instant, s.batchSize = memory, true, 64
		for _, e := range s.byName {
			e.kept = memory.job(e.job.Name)
		}
	}
	return s
}

// Run ticks until ctx ends. Then it claims nothing more, lets runs finish for the grace,
// cancels the rest, records them all, gives up its leases and returns. It returns an error only
// when it could not begin; a store that fails later is waited for. A Scheduler runs once.
func (s *Scheduler) Run(ctx context.Context) error {
	s.keepOn()
	if s.cfg.Disabled {
		s.log.Info("the clock is off (CRON_ENABLED=false); jobs run by hand only", "jobs", len(s.jobs))
		<-ctx.Done()
		return s.Close(context.Background())
	}
	clock, err := newClockwork(s.hand, s.log)
	if err != nil {
		return fmt.Errorf("start the clock: %w", err)
	}
	s.clock = clock
	if !s.sync(ctx) {
		return s.Close(context.Background())
	}
	for _, e := range s.entries {
		if err := clock.move(e); err != nil {
			return fmt.Errorf("place job %q on the clock: %w", e.job.Name, err)
		}
	}
	clock.start()
	s.settleAll()
	s.settling(ctx, clock)
	clock.stop()
	return s.Close(context.Background())
}

// sync makes the jobs known to the store and learns where each of them stands. It asks until
// the store answers, and is false when ctx ends before.
func (s *Scheduler) sync(ctx context.Context) bool {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := s.syncOnce(ctx)
		if err == nil {
			return true
		}
		s.mu.Lock()
		s.syncError = err
		s.mu.Unlock()
		s.log.Error("the store does not answer; nothing is due until it does", "error", err)
		select {
		case <-ctx.Done():
			return false
		case <-time.After(wait):
		}
	}
}

func (s *Scheduler) syncOnce(ctx context.Context) error {
	now := present()
	defs := make([]Definition, len(s.jobs))
	for i, j := range s.jobs {
		defs[i] = Definition{Name: j.Name, Definition: j.definition()}
	}
	states, err := s.store.Sync(ctx, defs, now)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var ahead []string
	for i, st := range states {
		e := s.byName[s.jobs[i].Name]
		if e.job.Disabled != "" {
			continue
		}
		if e.table, err = e.job.overridden(st.Override); err != nil {
			s.log.Error("the schedule override of a job cannot be followed; the schedule in its code is", "job", st.Name, "expr", st.Override.Expr, "error", err)
		}
		e.next = e.after(st.Watermark.UnixMilli())
		if st.Watermark.After(now.Add(time.Minute)) {
			ahead = append(ahead, st.Name)
		}
	}
	if len(ahead) > 0 {
		s.log.Warn("the clock is behind slots that are settled already; these jobs are not due before it has passed them", "jobs", ahead)
	}
	s.syncError = nil
	s.phase, s.startedMS, s.tickedAt = ticking, now.UnixMilli(), now
	return nil
}

// present is now as it is kept: UTC, in whole milliseconds.
func present() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// definition is what a change of starts the job's watermark anew.
func (j *Job) definition() string {
	text := ""
	for _, s := range j.Schedules {
		text += s.Key() + "\n"
	}
	if j.Disabled != "" {
		text = "disabled\n" + text
	}
	return text
}

// hand takes a tick from the clock's loop.
func (s *Scheduler) hand(g *group, slot time.Time) {
	s.dueMu.Lock()
	s.due = append(s.due, g)
	s.dueAt = max(s.dueAt, slot.UnixMilli())
	s.dueMu.Unlock()
	select {
	case s.dueSign <- struct{}{}:
	default:
	}
}

// settling claims what ticks say is due until ctx ends. Once a second it looks at the clock
// and at every job by itself, so that no tick is needed for a slot to be noticed.
func (s *Scheduler) settling(ctx context.Context, clock *clockwork) {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	watch := newWatch()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.dueSign:
			s.dueMu.Lock()
			groups, at := s.due, s.dueAt
			s.due, s.dueAt = nil, 0
			s.dueMu.Unlock()
			now := max(time.Now().UnixMilli(), at)
			for _, g := range groups {
				s.settle(g.members(), now)
			}
		case <-second.C:
			if jump := watch.jump(); jump != 0 {
				s.log.Warn("the clock jumped, or the machine slept", "by", jump)
			}
			clock.look()
			s.settleAll()
		}
	}
}

// settleAll looks at every job.
func (s *Scheduler) settleAll() {
	now := time.Now()
	s.mu.Lock()
	s.tickedAt = now
	s.mu.Unlock()
	s.settle(s.entries, now.UnixMilli())
}

// watch compares the wall clock with the monotonic one.
type watch struct{ last time.Time }

func newWatch() *watch { return &watch{time.Now()} }

// jump returns how far the wall clock went beside the monotonic one since the last look; less
// than a second is 0.
func (w *watch) jump() time.Duration {
	now := time.Now()
	d := now.Round(0).Sub(w.last.Round(0)) - now.Sub(w.last)
	w.last = now
	if d.Abs() < time.Second {
		return 0
	}
	return d.Round(time.Millisecond)
}

// Close ends everything that goes on: it waits for runs as long as the grace and ctx allow,
// cancels and records the rest, and gives up the leases. Run calls it; a program that only
// asks for runs by hand calls it itself. Only the first call does something.
func (s *Scheduler) Close(ctx context.Context) error {
	var err error
	s.closing.Do(func() { err = s.drain(ctx) })
	return err
}

func (s *Scheduler) drain(ctx context.Context) error {
	s.mu.Lock()
	s.phase = draining
	var waiting []*Run
	for _, r := range s.runs {
		if r.status == Queued && !r.begun {
			waiting = append(waiting, r)
		}
	}
	running := len(s.runs) - len(waiting)
	s.mu.Unlock()
	if running > 0 && s.cfg.Grace > 0 {
		s.log.Info("waiting for runs to finish", "running", running, "grace", s.cfg.Grace)
	}
	for _, r := range waiting {
		s.wg.Go(func() { s.giveBack(r) })
	}

	ended := make(chan struct{})
	go func() { s.wg.Wait(); close(ended) }()
	if !waitFor(ctx, ended, s.cfg.Grace) {
		s.mu.Lock()
		for _, r := range s.runs {
			r.stop(ReasonShutdown, "")
		}
		s.mu.Unlock()
		waitFor(context.WithoutCancel(ctx), ended, afterGrace)
	}
	left := s.abandon()
	select {
	case <-s.stopKeep:
	default:
		close(s.stopKeep)
	}
	s.keeper.Wait()
	err := s.signOff()
	s.stopWork()
	if left == 0 {
		<-ended
	}
	s.mu.Lock()
	s.phase = stopped
	s.mu.Unlock()
	return err
}

// signOff tells the store that this instance is gone.
func (s *Scheduler) signOff() error {
	if !s.kept.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(s.work, afterGrace)
	defer cancel()
	if _, err := s.store.Beat(ctx, Beat{Instance: s.instance, At: present(), Gone: true}); err != nil {
		return fmt.Errorf("sign off: %w", err)
	}
	return nil
}

// giveBack releases a run that has not started, so that another process, or this one's
// successor, takes it at once.
func (s *Scheduler) giveBack(r *Run) {
	s.mu.Lock()
	if s.runs[r.id] != r || r.status != Queued || r.begun {
		s.mu.Unlock()
		return
	}
	if r.timer != nil {
		r.timer.Stop()
	}
	f := s.unstarted(r, Queued, "", "")
	f.NextAt, f.Release = r.nextAt, true
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(s.work, afterGrace)
	defer cancel()
	err := s.store.Finish(ctx, f)
	if err != nil && !errors.Is(err, ErrFenced) {
		s.log.Error("a waiting run could not be given back; it is taken over when its lease expires", "job", r.job.Name, "run", r.id, "error", err)
	}
	s.forget(r)
}

// abandon records runs that ignore their context, since the process is about to end.
func (s *Scheduler) abandon() (left int) {
	s.mu.Lock()
	var stuck []Finish
	for _, r := range s.runs {
		r.lost = true
		f := s.unstarted(r, Interrupted, ReasonShutdown, "the function ignored its context and was still running when the process ended")
		if r.status == Queued { // it waits for the store to begin
			f.Status, f.Reason, f.Error, f.Release = Queued, "", "", true
		}
		f.Lines = r.journal.close(f.At, int(r.attempt.Load()))
		stuck = append(stuck, f)
	}
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(s.work, afterGrace)
	defer cancel()
	for _, f := range stuck {
		s.log.Error("a run ignores its context and is left behind", "job", f.Job, "run", f.ID)
		if err := s.store.Finish(ctx, f); err != nil && !errors.Is(err, ErrFenced) {
			s.log.Error("the end of a run could not be recorded", "job", f.Job, "run", f.ID, "error", err)
		}
	}
	return len(stuck)
}

// waitFor waits for done, at most d and at most until ctx ends.
func waitFor(ctx context.Context, done <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
		return true
	default:
	}
	select {
	case <-done:
		return true
	case <-ctx.Done():
	case <-timer.C:
	}
	return false
}

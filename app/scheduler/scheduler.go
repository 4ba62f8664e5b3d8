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

	"fibercrons/app/clock"
	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
	"fibercrons/app/plan"
	"fibercrons/app/schedule"

	"github.com/google/uuid"
)

// Config is what a [Scheduler] is made of.
type Config struct {
	// Store keeps states and runs. Required.
	Store contract.Store
	// Jobs are what [cron.Registry.Jobs] returned.
	Jobs []*cron.Job
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
	// Executor takes claimed runs through a queue. Optional. Default: none, runs go on
	// in the process that claimed them.
	Executor contract.Executor
	// Role is what this process does of the work that Executor shares out; without one it has no
	// meaning. Optional. Default: both, it claims and works.
	Role contract.Role
	// Disabled leaves the clock off: nothing is due, and nothing that was begins here, but runs by hand
	// work, and what dead processes left behind is settled.
	Disabled bool
	// Peers is how this process meets others beside the store. Optional.
	Peers contract.Peers
	// Context adds what every run's context is to carry. Optional.
	Context func(context.Context) context.Context
	// Observe is called with every event, in order, and must not block. Optional.
	Observe func(contract.Event)
	// Claimed is told of every call that claims slots or runs, and must not block. Optional.
	Claimed func(contract.ClaimCall)
	// TraceID names the trace of a run, for its record and its log lines. Optional.
	TraceID func(run string) string
	// Asked is called before a run is claimed that a caller asks for, with the caller's context.
	// Optional.
	Asked func(ctx context.Context, run string)
	// Log is the program's log. Optional. Default: slog.Default().
	Log *slog.Logger
	// Version of the program, shown among the instances. Optional.
	Version string
}

type phase int

const (
	idle     phase = iota // runs by hand only
	tending               // the same, for as long as a server lives: what was left behind is seen to
	ticking               // slots are claimed
	draining              // nothing new begins, from here on
	stopped
)

// Scheduler turns slots into runs and keeps them; see the package comment.
type Scheduler struct {
	cfg      Config
	store    contract.Store
	log      *slog.Logger
	observe  func(contract.Event)
	instance contract.InstanceInfo
	base     context.Context // of every run
	over     *cancelable     // of the runs that have returned
	jobs     []*cron.Job
	byName   map[string]*entry
	entries  []*entry // those that tick
	pressing bool     // there is one of them; see entry

	work     context.Context // of calls to the store; ends last
	stopWork context.CancelFunc
	wg       sync.WaitGroup // everything but the keeper
	keeper   sync.WaitGroup
	keeping  sync.Once
	kept     atomic.Bool // the store knows this instance
	silent   bool        // its last sign of life was not heard; of beat alone
	others   []string    // time-zone data of other processes; of beating alone
	stopKeep chan struct{}
	named    atomic.Uint32 // runs given a name
	closing  sync.Once

	dueMu   sync.Mutex
	due     []*clock.Group[*entry]
	dueSoon []*entry // jobs whose early slots are due now
	dueAt   int64    // the latest slot among the ticks handed over, in ms
	dueSign chan struct{}

	clock *clock.Clock[*entry] // set once, before the first tick

	outbox     outbox          // to the queue
	take       context.Context // of those who work the queue
	stopTaking context.CancelFunc
	takers     sync.WaitGroup

	placing sync.RWMutex // places in groups are renewed: nobody leaves meanwhile

	changed  chan struct{} // see Changed
	stopping chan struct{}

	hooks hookPool

	gaps gaps // of Stats

	mu         sync.Mutex
	phase      phase
	startedMS  int64
	seq        int64
	free       int  // workers
	waking     bool // one is on its way to the line
	ready      readyQueue
	backlog    backlog
	soonest    int64 // no job is due before it, in ms
	runs       activeRuns
	blocked    map[string][]*run     // by what they wait for
	elsewhere  map[string]*elsewhere // likewise, in other processes
	storeError error                 // of the last claim
	troubles   int64                 // claims that have failed
	generation int64                 // of this version of the program
	left       []string              // jobs newly left to a newer version, until it is said
	superseded int                   // jobs that are
	claiming   int                   // calls of Claim under way
	orphans    map[string]int        // runs the store says are ours and we do not know, and how often it said so
	tickedAt   time.Time             // last turn of the settling loop
	aheadSaid  bool                  // that the clock is fast
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
		blocked:   make(map[string][]*run),
		elsewhere: make(map[string]*elsewhere),
		orphans:   make(map[string]int),
		free:      c.Workers,
		stopKeep:  make(chan struct{}),
		dueSign:   make(chan struct{}, 1),
		changed:   make(chan struct{}, 1),
		stopping:  make(chan struct{}),
		instance:  contract.InstanceInfo{ID: uuid.NewString(), Host: host, PID: os.Getpid(), Version: c.Version, TZData: schedule.DataVersion(), StartedAt: millis.Now()},
	}
	s.work, s.stopWork = context.WithCancel(context.Background())
	s.take, s.stopTaking = context.WithCancel(s.work)
	s.outbox = outbox{sign: make(chan struct{}, 1), taking: make(map[string]contract.Ticket)}
	if c.Context != nil {
		s.base = c.Context(s.base)
	}
	s.over = newCancelable(s.base)
	s.over.cancel(nil)
	s.hooks.open(s.base, c.Workers, c.Log)
	entries := make([]entry, len(c.Jobs)) // side by side, as they are looked at in a burst
	for i, j := range c.Jobs {
		e := &entries[i]
		*e = entry{job: j, code: plan.TableOf(j), next: plan.Never, serial: j.Policies.Overlap == cron.Queue || j.Policies.Overlap == cron.Replace}
		e.table = &e.code
		e.pressing = e.serial || j.Policies.Group != "" || s.cfg.Executor != nil
		s.byName[j.Name] = e
		if j.Disabled == "" {
			s.entries = append(s.entries, e)
			s.pressing = s.pressing || e.pressing
		}
	}
	return s
}

// Run ticks until ctx ends. Then it claims nothing more, lets runs finish for the grace,
// cancels the rest, records them all, gives up its leases and returns. It returns an error only
// when it could not begin; a store that fails later is waited for. A Scheduler runs once.
func (s *Scheduler) Run(ctx context.Context) error {
	s.keepOn()
	if s.cfg.Executor != nil && s.cfg.Role == contract.WorkerOnly {
		return s.onlyWork(ctx)
	}
	if s.cfg.Disabled {
		s.mu.Lock()
		s.phase = tending
		s.mu.Unlock()
		s.workQueue()
		s.log.Info("the clock is off (CRON_ENABLED=false); jobs run by hand only", "jobs", len(s.jobs))
		s.wg.Go(s.sweep)
		<-ctx.Done()
		return s.Close(context.Background())
	}
	ticks, err := clock.New(s.hand, s.log)
	if err != nil {
		return fmt.Errorf("start the clock: %w", err)
	}
	s.clock = ticks
	if !s.sync(ctx) {
		return s.Close(context.Background())
	}
	for _, e := range s.entries {
		if err := s.place(e); err != nil {
			return fmt.Errorf("place job %q on the clock: %w", e.job.Name, err)
		}
	}
	s.workQueue()
	ticks.Start()
	s.settleAll()
	s.wg.Go(s.sweep) // what a predecessor has given back is not to wait for the next sign of life
	s.settling(ctx)
	ticks.Stop()
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
	now := millis.Now()
	synced, err := s.store.Sync(ctx, s.program(now))
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.generation = synced.Generation
	states := synced.States
	var ahead []string
	for i, st := range states {
		e := s.byName[s.jobs[i].Name]
		if e.job.Disabled != "" {
			continue
		}
		if e.table, err = e.tableFor(st.Override); err != nil {
			s.log.Error("invalid schedule override; using the schedule from code", "job", st.Name, "expr", st.Override.Expr, "error", err)
		}
		e.adrift = err
		e.next = e.after(st.Watermark.UnixMilli())
		s.supersede(e, st.Superseded)
		if st.Watermark.After(now.Add(time.Minute)) {
			ahead = append(ahead, st.Name)
		}
	}
	if len(ahead) > 0 {
		s.log.Warn("the clock is behind the watermark of these jobs; they will not run until it catches up; if the clock was wrong by more than two days before, restart the server", "jobs", ahead)
	}
	s.sayLeft()
	s.syncError = nil
	s.phase, s.startedMS, s.tickedAt = ticking, now.UnixMilli(), now
	return nil
}

// definitionOf is what a change of starts the job's watermark anew.
func definitionOf(j *cron.Job) string {
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
func (s *Scheduler) hand(g *clock.Group[*entry], slot time.Time) {
	s.dueMu.Lock()
	s.due = append(s.due, g)
	s.dueAt = max(s.dueAt, slot.UnixMilli())
	s.dueMu.Unlock()
	select {
	case s.dueSign <- struct{}{}:
	default:
	}
}

// place puts e on the schedules of its timetable.
func (s *Scheduler) place(e *entry) error {
	return s.clock.Place(e, &e.placement, e.table.Schedules)
}

// settling claims what ticks say is due until ctx ends. Once a second it looks at the clock
// and at every job by itself, so that no tick is needed for a slot to be noticed.
func (s *Scheduler) settling(ctx context.Context) {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	watch := clock.NewWatch()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.dueSign:
			s.dueMu.Lock()
			groups, soon, at := s.due, s.dueSoon, s.dueAt
			s.due, s.dueSoon, s.dueAt = nil, nil, 0
			s.dueMu.Unlock()
			now := max(time.Now().UnixMilli(), at)
			for _, g := range groups {
				s.settle(g.Members(), now)
			}
			s.settle(soon, now)
		case <-second.C:
			if jump := watch.Jump(); jump != 0 {
				s.log.Warn("the clock jumped, or the machine slept", "by", jump)
			}
			s.clock.Recheck()
			s.settleAll()
		}
	}
}

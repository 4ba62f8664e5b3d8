package alert

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// Options configure an [Alerter].
type Options struct {
	// Store stores runs, alerts, deliveries and silences. Required.
	Store Store
	// Jobs are the result of cron.Registry.Jobs, with their alert policies.
	Jobs []*cron.Job
	// Channels send the alerts. Without one no alert is raised.
	Channels []Channel
	// Environment is shown in every message. Optional.
	Environment string
	// Link is the public URL of the server, such as https://crons.example.com; messages then link to runs. Optional.
	Link string
	// Context adds values to the context of [Channel.Send]. Optional.
	Context func(context.Context) context.Context
	// Log is the program's log. Optional. Default: slog.Default().
	Log *slog.Logger

	// Every is how often the database is checked for changes. Changes of this process are checked at once. Optional.
	// Default: 3 s.
	Every time.Duration
	// Pending alerts form a message when no further alert came for Quiet, or the first has waited for Longest.
	// Optional. Default: 2 s and 10 s.
	Quiet, Longest time.Duration
	// PerMinute is the maximum number of messages per minute; further alerts form a digest. Optional. Default: 6.
	PerMinute int
	// Lease is how long a delivery may take before another process retries it. Optional. Default: 1 min.
	Lease time.Duration
	// GiveUp is the maximum age of a message. Optional. Default: 24 h.
	GiveUp time.Duration
	// Keep is how long finished alerts and silences are kept. Optional. Default: 720 h.
	Keep time.Duration
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Context == nil {
		o.Context = func(ctx context.Context) context.Context { return ctx }
	}
	o.Every = cmp.Or(o.Every, 3*time.Second)
	o.Quiet = cmp.Or(o.Quiet, 2*time.Second)
	o.Longest = cmp.Or(o.Longest, 10*time.Second)
	o.PerMinute = cmp.Or(o.PerMinute, 6)
	o.Lease = cmp.Or(o.Lease, time.Minute)
	o.GiveUp = cmp.Or(o.GiveUp, 24*time.Hour)
	o.Keep = cmp.Or(o.Keep, 720*time.Hour)
	return o
}

// Alerter raises and sends alerts; see the package comment.
type Alerter struct {
	o       Options
	store   Store
	log     *slog.Logger
	jobs    map[string]*cron.Job
	names   []string // of the channels
	wake    chan struct{}
	wakeups []chan struct{} // one per channel
	scanner scanner

	mu          sync.Mutex
	ignoring    map[string]Alert // runs of this process that ignore the end of their context, by ID
	newIgnoring bool             // one was added since the last scan
}

// New returns an Alerter, not yet running. It does not use the store.
func New(o Options) *Alerter {
	o = o.withDefaults()
	a := &Alerter{o: o, store: o.Store, log: o.Log, jobs: make(map[string]*cron.Job, len(o.Jobs)), wake: make(chan struct{}, 1), ignoring: map[string]Alert{}}
	for _, j := range o.Jobs {
		a.jobs[j.Name] = j
	}
	for _, c := range o.Channels {
		a.names = append(a.names, c.Name())
		a.wakeups = append(a.wakeups, make(chan struct{}, 1))
	}
	a.scanner.init(a)
	return a
}

// Channels returns the names of the channels.
func (a *Alerter) Channels() []string { return append([]string{}, a.names...) }

// Observe is for [scheduler.Config].Observe: after a problem in this process the database is checked earlier. It never
// blocks. Only the overdue alerts of runs that ignore their context depend on it.
func (a *Alerter) Observe(e contract.Event) {
	if len(a.names) == 0 {
		return
	}
	switch e.Kind {
	case contract.RunOverdue:
		a.overdue(&e.Record)
	case contract.RunEnded:
		a.returned(e.Record.ID)
		switch e.Record.Status {
		case cron.Failed, cron.Interrupted, cron.Skipped:
			wakeUp(a.wake)
		}
	}
}

// overdue records a run that is still active although its context has ended. Only its process knows.
func (a *Alerter) overdue(rec *cron.Record) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ignoring[rec.ID] = about(rec, cron.AlertOverdue, time.Now(), "is still running although its context has ended ("+rec.Error+"); it ignores ctx")
	a.newIgnoring = true
	wakeUp(a.wake)
}

// returned removes a run whose function has returned.
func (a *Alerter) returned(run string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.ignoring, run)
}

// ignoringRuns returns the runs recorded by overdue, and whether there is a new one since the last call.
func (a *Alerter) ignoringRuns() (list []Alert, fresh bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	fresh, a.newIgnoring = a.newIgnoring, false
	return slices.Collect(maps.Values(a.ignoring)), fresh
}

func wakeUp(sign chan struct{}) {
	select {
	case sign <- struct{}{}:
	default:
	}
}

// Run raises and sends alerts until ctx ends. Another process, or the next one, sends the rest.
func (a *Alerter) Run(ctx context.Context) {
	if len(a.names) == 0 {
		return
	}
	var senders sync.WaitGroup
	defer senders.Wait()
	for i, c := range a.o.Channels {
		s := &sender{a: a, channel: c, wakeups: a.wakeups[i]}
		senders.Go(func() { s.run(ctx) })
	}
	a.keep(ctx)
}

const (
	// rest is the minimum pause between scans, so that a burst is handled together.
	rest = 250 * time.Millisecond
	// tidyEvery is how often old records are deleted.
	tidyEvery = 10 * time.Minute
	// storeTimeout limits a call of the store.
	storeTimeout = 10 * time.Second
)

// keep scans, gathers and tidies until ctx ends.
func (a *Alerter) keep(ctx context.Context) {
	var tidied time.Time
	failing := false
	for {
		next, err := a.turn(ctx)
		if err == nil && time.Since(tidied) > tidyEvery {
			tidied = time.Now()
			err = a.tidy(ctx)
		}
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			failing = false
		case !failing:
			failing = true
			a.log.Error("alert scan failed; will retry", "error", err)
		}
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		case <-a.wake:
			timer.Reset(rest)
			select {
			case <-ctx.Done():
				timer.Stop()
				return
			case <-timer.C:
			}
		}
	}
}

// turn scans the database once, and returns the time to the next scan.
func (a *Alerter) turn(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	changed, err := a.scanner.scan(ctx)
	if err != nil {
		return a.o.Every, err
	}
	waiting := a.scanner.waiting
	if changed || waiting {
		waiting, err = a.store.Gather(ctx, Gather{Channels: a.names, Quiet: a.o.Quiet, Longest: a.o.Longest, PerMinute: a.o.PerMinute})
		if err != nil {
			a.scanner.waiting = true
			return a.o.Every, err
		}
		for _, sign := range a.wakeups {
			wakeUp(sign)
		}
	}
	a.scanner.waiting = waiting
	next := a.o.Every
	if waiting {
		next = min(next, a.o.Quiet/2)
	}
	if due := a.scanner.due; !due.IsZero() {
		next = min(next, max(time.Until(due), rest))
	}
	return next, nil
}

func (a *Alerter) tidy(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	gone, err := a.store.PruneAlerts(ctx, a.o.GiveUp, a.o.Keep)
	for _, d := range gone {
		a.log.Error("alert delivery failed for too long; giving up", "channel", d.Channel, "delivery", d.ID, "attempts", d.Attempts, "error", d.Error)
	}
	return err
}

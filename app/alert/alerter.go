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

// Options are what an [Alerter] is made of.
type Options struct {
	// Store keeps runs, alerts, deliveries and silences. Required.
	Store Store
	// Jobs are what cron.Registry.Jobs returned; their policies say what is told.
	Jobs []*cron.Job
	// Channels are how it is told. Without one nothing is looked for, and nothing raised.
	Channels []Channel
	// Environment stands in every message. Optional.
	Environment string
	// Link is where people reach the server, such as https://crons.example.com; messages then
	// link to runs. Optional.
	Link string
	// Context adds what the context of [Channel.Send] is to carry. Optional.
	Context func(context.Context) context.Context
	// Log is the program's log. Optional. Default: slog.Default().
	Log *slog.Logger

	// Every is how often the database is asked whether anything has changed. What this process
	// does itself is looked at at once. Optional. Default: 3 s.
	Every time.Duration
	// Quiet is how long no further alert may come before those that wait make a message, and
	// Longest how long the first may wait. Optional. Default: 2 s and 10 s.
	Quiet, Longest time.Duration
	// PerMinute bounds the messages of a minute; what comes meanwhile makes a digest. Optional.
	// Default: 6.
	PerMinute int
	// Lease is how long a try may take before another process tries. Optional. Default: 1 min.
	Lease time.Duration
	// GiveUp is how old a message may become. Optional. Default: 24 h.
	GiveUp time.Duration
	// Keep is how long alerts and silences that are over are kept. Optional. Default: 720 h.
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

// Alerter finds out what is to be told, and tells it; see the package comment.
type Alerter struct {
	o      Options
	store  Store
	log    *slog.Logger
	jobs   map[string]*cron.Job
	names  []string // of the channels
	wake   chan struct{}
	roused []chan struct{} // for the sender of each channel
	looker looker

	mu     sync.Mutex
	deaf   map[string]Alert // of runs of this process that go on although their context has ended, by their IDs
	deafen bool             // one came since the last look
}

// New returns an Alerter at rest. It does not touch the store.
func New(o Options) *Alerter {
	o = o.withDefaults()
	a := &Alerter{o: o, store: o.Store, log: o.Log, jobs: make(map[string]*cron.Job, len(o.Jobs)), wake: make(chan struct{}, 1), deaf: map[string]Alert{}}
	for _, j := range o.Jobs {
		a.jobs[j.Name] = j
	}
	for _, c := range o.Channels {
		a.names = append(a.names, c.Name())
		a.roused = append(a.roused, make(chan struct{}, 1))
	}
	a.looker.init(a)
	return a
}

// Channels are the names of the channels.
func (a *Alerter) Channels() []string { return append([]string{}, a.names...) }

// Observe is for [scheduler.Config].Observe: it has the database looked at sooner when something went
// wrong in this process. It never blocks, and nothing depends on its being called.
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
			rouse(a.wake)
		}
	}
}

// overdue notes a run that goes on although its context has ended. Only its process knows.
func (a *Alerter) overdue(rec *cron.Record) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.deaf[rec.ID] = about(rec, cron.AlertOverdue, time.Now(), "goes on although its context has ended ("+rec.Error+"): it does not look at ctx")
	a.deafen = true
	rouse(a.wake)
}

// returned forgets a run whose function has returned.
func (a *Alerter) returned(run string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.deaf, run)
}

// unheeding returns the runs noted by overdue, and whether one is new since the last call.
func (a *Alerter) unheeding() (list []Alert, fresh bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	fresh, a.deafen = a.deafen, false
	return slices.Collect(maps.Values(a.deaf)), fresh
}

func rouse(sign chan struct{}) {
	select {
	case sign <- struct{}{}:
	default:
	}
}

// Run looks and sends until ctx ends. What is not sent by then is sent by another process, or by the
// next one.
func (a *Alerter) Run(ctx context.Context) {
	if len(a.names) == 0 {
		return
	}
	var senders sync.WaitGroup
	defer senders.Wait()
	for i, c := range a.o.Channels {
		s := &sender{a: a, channel: c, roused: a.roused[i]}
		senders.Go(func() { s.run(ctx) })
	}
	a.keep(ctx)
}

const (
	// rest lies between two looks at least, so that a burst is looked at together.
	rest = 250 * time.Millisecond
	// tidyEvery is how often what is over is deleted.
	tidyEvery = 10 * time.Minute
	// patience is how long the store may take.
	patience = 10 * time.Second
)

// keep looks, gathers and tidies until ctx ends.
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
			a.log.Error("alerts wait for the store", "error", err)
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

// turn looks at the database once, and returns when to do so again.
func (a *Alerter) turn(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	changed, err := a.looker.look(ctx)
	if err != nil {
		return a.o.Every, err
	}
	waiting := a.looker.waiting
	if changed || waiting {
		waiting, err = a.store.Gather(ctx, Gather{Channels: a.names, Quiet: a.o.Quiet, Longest: a.o.Longest, PerMinute: a.o.PerMinute})
		if err != nil {
			a.looker.waiting = true
			return a.o.Every, err
		}
		for _, sign := range a.roused {
			rouse(sign)
		}
	}
	a.looker.waiting = waiting
	next := a.o.Every
	if waiting {
		next = min(next, a.o.Quiet/2)
	}
	if due := a.looker.due; !due.IsZero() {
		next = min(next, max(time.Until(due), rest))
	}
	return next, nil
}

func (a *Alerter) tidy(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	gone, err := a.store.PruneAlerts(ctx, a.o.GiveUp, a.o.Keep)
	for _, d := range gone {
		a.log.Error("an alert could not be delivered and is given up", "channel", d.Channel, "delivery", d.ID, "attempts", d.Attempts, "error", d.Error)
	}
	return err
}

package alert

import (
	"context"
	"sync"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

const (
	// rest is the minimum pause between scans, so that a burst is handled together.
	rest = 250 * time.Millisecond
	// tidyEvery is how often old records are deleted.
	tidyEvery = 10 * time.Minute
)

// Alerter raises and sends alerts; see the package comment.
type Alerter struct {
	o        *Options
	jobs     map[string]*cron.Job
	names    []string // of the channels
	wake     chan struct{}
	wakeups  []chan struct{} // one per channel
	ignoring ignoringRuns
	scanner  *scanner
}

// New returns an Alerter, not yet running. It does not use the store.
func New(o Options) *Alerter {
	o = o.withDefaults()
	a := &Alerter{o: &o, wake: make(chan struct{}, 1)}
	for _, c := range o.Channels {
		a.names = append(a.names, c.Name())
		a.wakeups = append(a.wakeups, make(chan struct{}, 1))
	}
	a.scanner = newScanner(&o, &a.ignoring)
	a.jobs = a.scanner.jobs
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
		rec := &e.Record
		a.ignoring.add(rec.ID, about(rec, cron.AlertOverdue, time.Now(), "is still running although its context has ended ("+rec.Error+"); it ignores ctx"))
		wakeUp(a.wake)
	case contract.RunEnded:
		a.ignoring.remove(e.Record.ID)
		switch e.Record.Status {
		case cron.Failed, cron.Interrupted, cron.Skipped:
			wakeUp(a.wake)
		}
	}
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
		s := &sender{o: a.o, channel: c, wakeups: a.wakeups[i]}
		senders.Go(func() { s.run(ctx) })
	}
	a.keep(ctx)
}

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
			a.o.Log.Error("alert scan failed; will retry", "error", err)
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
		waiting, err = a.o.Store.Gather(ctx, Gather{Channels: a.names, Quiet: a.o.Quiet, Longest: a.o.Longest, PerMinute: a.o.PerMinute})
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
	gone, err := a.o.Store.PruneAlerts(ctx, a.o.GiveUp, a.o.Keep)
	for _, d := range gone {
		a.o.Log.Error("alert delivery failed for too long; giving up", "channel", d.Channel, "delivery", d.ID, "attempts", d.Attempts, "error", d.Error)
	}
	return err
}

// Test sends a test message through every channel, once and immediately, without database, silences and limits.
func (a *Alerter) Test(ctx context.Context) []TestResult {
	out := make([]TestResult, len(a.o.Channels))
	var all sync.WaitGroup
	for i, c := range a.o.Channels {
		all.Go(func() {
			began := time.Now()
			sending, cancel := context.WithTimeout(a.o.Context(ctx), sendFor)
			defer cancel()
			err := send(sending, c, newTestMessage(a.o.Environment, a.o.Link))
			out[i] = TestResult{Channel: c.Name(), Sent: err == nil, TookMS: time.Since(began).Milliseconds()}
			if err != nil {
				out[i].Error = brief(err.Error())
			}
		})
	}
	all.Wait()
	return out
}

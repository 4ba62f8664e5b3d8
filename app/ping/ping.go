package ping

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// Options are what a [Pinger] is made of.
type Options struct {
	// Jobs are all jobs; those without a ping are left alone.
	Jobs []*cron.Job
	// Client calls the targets. It is the pinger's alone, and bounds each exchange.
	Client *http.Client
	// Logs returns lines of a run with a number above after, oldest first. Optional. Default: none
	// are sent.
	Logs func(ctx context.Context, run string, after int64, limit int) ([]cron.LogLine, error)
	// Exchanges is how many go on at a time. Optional. Default: 8.
	Exchanges int
	// Log is the program's log. Optional. Default: slog.Default().
	Log *slog.Logger
}

// Pinger sends the pings of all jobs. The nil Pinger sends none.
type Pinger struct {
	client  *http.Client
	logs    func(ctx context.Context, run string, after int64, limit int) ([]cron.LogLine, error)
	log     *slog.Logger
	lanes   map[string]*lane // by job; fixed
	slots   chan struct{}    // one for each exchange that may go on
	ctx     context.Context  // of all exchanges
	stop    context.CancelFunc
	closing chan struct{}
	wg      sync.WaitGroup

	mu     sync.Mutex
	closed bool
}

// maxQueue is how many pings of a job wait at most.
const maxQueue = 32

// lane is the pings of one job. Pinger.mu guards the queue; the rest is the sender's.
type lane struct {
	job    string
	target *cron.PingTarget
	queue  []ping
	busy   bool          // a goroutine sends
	more   chan struct{} // something newer waits

	limit   int // of a body, as far as is known
	failing bool
}

// ping is one thing to tell.
type ping struct {
	start bool
	run   cron.Record
	exit  int
}

// New returns a pinger that waits for events; nil when no job has a ping.
func New(o Options) *Pinger {
	p := &Pinger{
		client: o.Client, logs: o.Logs, log: o.Log, lanes: make(map[string]*lane),
		slots: make(chan struct{}, cmp.Or(o.Exchanges, 8)), closing: make(chan struct{}),
	}
	for _, j := range o.Jobs {
		if j.Ping != nil {
			p.lanes[j.Name] = &lane{job: j.Name, target: j.Ping, more: make(chan struct{}, 1), limit: maxBody}
		}
	}
	if len(p.lanes) == 0 {
		return nil
	}
	if p.log == nil {
		p.log = slog.Default()
	}
	p.ctx, p.stop = context.WithCancel(context.Background())
	return p
}

// Observe takes an event of the scheduler. It does not wait for anything.
func (p *Pinger) Observe(e contract.Event) {
	if p == nil {
		return
	}
	l := p.lanes[e.Job]
	if l == nil || !l.wants(e) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	l.queue = append(l.queue, ping{start: e.Kind == contract.RunStarted, run: e.Record, exit: e.Exit})
	if len(l.queue) > maxQueue {
		oldest := max(slices.IndexFunc(l.queue, func(one ping) bool { return one.start }), 0)
		l.queue = slices.Delete(l.queue, oldest, oldest+1)
	}
	select {
	case l.more <- struct{}{}:
	default:
	}
	if !l.busy {
		l.busy = true
		p.wg.Go(func() { p.deliver(l) })
	}
}

// wants says whether the target is to be told of e: of the first attempt of a run, and of the end
// of one that had begun.
func (l *lane) wants(e contract.Event) bool {
	all := l.target.Form == cron.Healthchecks
	switch e.Kind {
	case contract.RunStarted:
		return all && e.Record.Attempt == 1
	case contract.RunEnded:
		ran := e.Record.StartedAt != nil && e.Record.Status.Ended() && e.Record.Status != cron.Skipped
		return ran && (all || e.Record.Status == cron.Succeeded)
	default:
		return false
	}
}

// deliver sends what waits in a lane until nothing does.
func (p *Pinger) deliver(l *lane) {
	for {
		p.mu.Lock()
		if len(l.queue) == 0 {
			l.busy, l.queue = false, nil
			p.mu.Unlock()
			return
		}
		one := l.queue[0]
		l.queue = l.queue[1:]
		p.mu.Unlock()
		p.send(l, one)
	}
}

// newer says whether something waits in a lane.
func (p *Pinger) newer(l *lane) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(l.queue) > 0
}

// Close takes no more events and sends what waits, once each, until ctx ends. Call it when the
// scheduler has ended, and before the store is closed.
func (p *Pinger) Close(ctx context.Context) {
	if p == nil {
		return
	}
	p.mu.Lock()
	first := !p.closed
	p.closed = true
	p.mu.Unlock()
	if first {
		close(p.closing)
	}
	sent := make(chan struct{})
	go func() { p.wg.Wait(); close(sent) }()
	select {
	case <-sent:
	case <-ctx.Done():
	}
	p.stop()
	<-sent
	p.client.CloseIdleConnections()
}

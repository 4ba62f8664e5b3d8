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

// Options configure a [Pinger].
type Options struct {
	// Jobs are all jobs; those without a ping are ignored.
	Jobs []*cron.Job
	// Client calls the targets. It belongs to the pinger and limits each request.
	Client *http.Client
	// Logs returns lines of a run with a number above after, oldest first. Optional. Default: no log is sent.
	Logs func(ctx context.Context, run string, after int64, limit int) ([]cron.LogLine, error)
	// Exchanges is the maximum number of concurrent requests. Optional. Default: 8.
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
	slots   chan struct{}    // one per concurrent request
	ctx     context.Context  // of all requests
	stop    context.CancelFunc
	closing chan struct{}
	wg      sync.WaitGroup

	mu     sync.Mutex
	closed bool
}

// maxQueue is the maximum number of queued pings per job.
const maxQueue = 32

// lane is the queue of one job. Pinger.mu guards the queue and busy; the rest belongs to the sending goroutine.
type lane struct {
	job    string
	target *cron.PingTarget
	queue  []ping
	busy   bool          // a goroutine is sending
	more   chan struct{} // a newer ping is queued

	limit   int // of a body, in bytes
	failing bool
}

// ping is the start or the end of a run.
type ping struct {
	start bool
	run   cron.Record
	exit  int
}

// New returns a pinger, or nil if no job has a ping.
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

// Observe takes an event of the scheduler. It does not block.
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

// wants reports whether to send e: the start of a run's first attempt, or the end of a run that had started.
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

// deliver sends the queued pings until the queue is empty.
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

// newer reports whether the queue has a ping.
func (p *Pinger) newer(l *lane) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(l.queue) > 0
}

// Close stops taking events and sends queued pings, once each, until ctx ends. Call it after the scheduler has stopped
// and before the store is closed.
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

package runner

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// maxHookTasks limits the waiting hook calls. More are dropped, because hooks slower than runs would exhaust the
// memory.
const maxHookTasks = 10_000

// hookPool calls the hooks of ends and skips outside the workers.
type hookPool struct {
	base  context.Context
	stop  context.CancelFunc
	limit int // goroutines
	log   *slog.Logger
	wg    sync.WaitGroup

	mu      sync.Mutex
	queue   []hookTask
	busy    int
	closed  bool
	leftOut int
}

// hookTask is the end of a run or a skipped slot.
type hookTask struct {
	job *cron.Job
	run *Run // nil: a slot was skipped
	out cron.Outcome
}

func newHookPool(base context.Context, limit int, log *slog.Logger) *hookPool {
	p := &hookPool{limit: limit, log: log}
	p.base, p.stop = context.WithCancel(base)
	return p
}

// ended is called after the end of r was recorded.
func (p *hookPool) ended(r *Run, f *contract.Finish) {
	switch {
	case f.Status == cron.Skipped:
		p.skipped(r.Definition(), r.endRecord(f))
	case f.Status.Ended() && !f.Started.IsZero() && r.Definition().HasHooks(f.Status):
		p.add(hookTask{job: r.Definition(), run: r, out: cron.Outcome{Record: r.endRecord(f), Err: f.Cause}})
	}
}

// skipped is called after a skipped slot was recorded.
func (p *hookPool) skipped(j *cron.Job, rec cron.Record) {
	if j.HasHooks(cron.Skipped) {
		p.add(hookTask{job: j, out: cron.Outcome{Record: rec}})
	}
}

func (p *hookPool) add(t hookTask) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.queue) >= maxHookTasks {
		if p.leftOut++; p.leftOut == 1 && !p.closed {
			p.log.Error("the queue of hooks is full; dropping calls", "waiting", len(p.queue), "job", t.job.Name)
		}
		return
	}
	p.queue = append(p.queue, t)
	if p.busy < p.limit {
		p.busy++
		p.wg.Go(p.work)
	}
}

// work calls hooks until the queue is empty.
func (p *hookPool) work() {
	for {
		p.mu.Lock()
		if len(p.queue) == 0 || p.base.Err() != nil {
			p.leftOut += len(p.queue)
			p.queue = nil
			p.busy--
			p.mu.Unlock()
			return
		}
		t := p.queue[0]
		p.queue[0] = hookTask{}
		p.queue = p.queue[1:]
		p.mu.Unlock()
		p.call(t)
	}
}

func (p *hookPool) call(t hookTask) {
	var run *cron.Run
	if t.run != nil {
		run = &t.run.Run
	}
	if t.job.CallHooks(p.base, run, t.out, p.log) {
		p.mu.Lock()
		p.leftOut++
		p.mu.Unlock()
	}
}

// close waits for hooks within ctx and the rest of the grace, then up to afterGrace. Then it cancels active hooks and
// drops waiting ones.
func (p *hookPool) close(ctx context.Context, grace time.Duration) {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	done := make(chan struct{})
	go func() { p.wg.Wait(); close(done) }()
	if !waitFor(ctx, done, grace) {
		waitFor(context.WithoutCancel(ctx), done, afterGrace)
	}
	p.stop()
	<-done
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.leftOut > 0 {
		p.log.Error("calls of hooks were dropped", "number", p.leftOut)
	}
}

// afterGrace is how long shutdown waits for cancelled runs, and for each store call.
const afterGrace = 5 * time.Second

// waitFor waits for done, but not longer than d or ctx, and reports whether done is closed.
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

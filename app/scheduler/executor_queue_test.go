package scheduler_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// queue is a queue in memory, shared by the processes of a test. It delivers at least once, and misbehaves on request.
type queue struct {
	mu      sync.Mutex
	waiting []item
	known   map[contract.Ticket]bool
	told    []contract.Answer
	workers int // of each process

	lose    func(contract.Ticket) bool // drops the ticket, as after a loss of memory
	twice   bool                       // every ticket is delivered three times
	noReply atomic.Bool                // tickets are accepted, and the answer is lost
	refuse  atomic.Bool
}

type item struct {
	contract.Ticket
	at time.Time
}

var errNoReply = errors.New("no reply")

// end is a process's connection to a queue.
type end struct {
	*queue
	workers int
	cut     atomic.Bool // the process is dead to the others
	deaf    atomic.Bool // it gets no tickets
	working sync.Map    // run -> cancel
}

func (q *queue) end() *end { return &end{queue: q, workers: cmp.Or(q.workers, 20)} }

func (e *end) Enqueue(_ context.Context, tickets []contract.Ticket) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cut.Load() || e.refuse.Load() {
		return errNoReply
	}
	for _, t := range tickets {
		key := t
		key.NotBefore = time.Time{}
		if e.known[key] {
			continue
		}
		if e.lose != nil && e.lose(t) {
			continue
		}
		if e.known == nil {
			e.known = make(map[contract.Ticket]bool)
		}
		e.known[key] = true
		copies := 1
		if e.twice {
			copies = 3
		}
		for range copies {
			e.waiting = append(e.waiting, item{t, t.NotBefore})
		}
	}
	if e.noReply.Load() {
		return errNoReply
	}
	return nil
}

// Work delivers tickets in random order.
func (e *end) Work(ctx context.Context, w contract.Worker) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	places := make(chan struct{}, e.workers)
	for {
		select {
		case <-ctx.Done():
			return nil
		case places <- struct{}{}:
		}
		t, ok := e.next()
		if ok {
			wg.Go(func() {
				e.do(w, t)
				<-places
			})
			continue
		}
		<-places
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(50+rand.IntN(100)) * time.Millisecond):
		}
	}
}

func (e *end) do(w contract.Worker, t contract.Ticket) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	e.working.Store(t.Run, cancel)
	defer e.working.Delete(t.Run)
	out := w.Do(ctx, t)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.told = append(e.told, out)
	if out.Again > 0 {
		e.waiting = append(e.waiting, item{t, time.Now().Add(out.Again)})
		return
	}
	if !e.cut.Load() {
		t.NotBefore = time.Time{}
		delete(e.known, t)
	}
}

func (e *end) next() (contract.Ticket, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cut.Load() || e.deaf.Load() {
		return contract.Ticket{}, false
	}
	for _, i := range rand.Perm(len(e.waiting)) {
		if it := e.waiting[i]; !it.at.After(time.Now()) {
			e.waiting = append(e.waiting[:i:i], e.waiting[i+1:]...)
			return it.Ticket, true
		}
	}
	return contract.Ticket{}, false
}

// outcomes counts the answers to tickets that were not put back.
func (q *queue) outcomes() map[string]int {
	q.mu.Lock()
	defer q.mu.Unlock()
	m := map[string]int{}
	for _, o := range q.told {
		if o.Again == 0 {
			m[string(o.Status)]++
		}
	}
	return m
}

// wire is a process's connection to the store. With its end of the queue cut as well, the process is dead to the
// others.
type wire struct {
	cut
	end      *end
	look     time.Duration // how long it takes to read a run
	unfenced atomic.Bool   // its starts name no attempt and do not change the owner
}

func (l *wire) Start(ctx context.Context, s contract.Start) (contract.StartOutcome, error) {
	if l.unfenced.Load() {
		s.Instance, s.Attempt = "", 0
	}
	l.slow()
	return l.cut.Start(ctx, s)
}

// slow lets other processes act between a read of the store and its use.
func (l *wire) slow() { time.Sleep(time.Duration(50+rand.IntN(200)) * time.Millisecond) }

func (l *wire) Finish(ctx context.Context, f contract.Finish) error {
	l.slow()
	return l.cut.Finish(ctx, f)
}

func (l *wire) Run(ctx context.Context, id string) (cron.Record, error) {
	time.Sleep(l.look)
	if err := l.gone(); err != nil {
		return cron.Record{}, err
	}
	return l.Store.Run(ctx, id)
}

func (l *wire) Take(ctx context.Context, takes []contract.Take) ([]bool, error) {
	if err := l.gone(); err != nil {
		return nil, err
	}
	return l.Store.Take(ctx, takes)
}

func (l *wire) Note(ctx context.Context, notes []contract.Note) error {
	if err := l.gone(); err != nil {
		return err
	}
	return l.Store.Note(ctx, notes)
}

func (l *wire) die() {
	l.off.Store(true)
	l.end.cut.Store(true)
}

// calls records calls by run and attempt.
type calls struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *calls) count(ctx context.Context) {
	r := cron.RunFrom(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = make(map[string]int)
	}
	c.n[fmt.Sprintf("%s %d", r.ID(), r.Attempt())]++
}

// doubled returns the attempts that were made more than once.
func (c *calls) doubled() (list []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for attempt, n := range c.n {
		if n > 1 {
			list = append(list, fmt.Sprintf("%s: %d times", attempt, n))
		}
	}
	return list
}

package conformance

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/scheduler"
)

// Executor checks a [contract.Executor] with several schedulers on one store and one queue, in real time. Open is
// called once for each case, on an empty queue. It returns a function that connects another process to the queue.
func Executor(t *testing.T, open func(t *testing.T) func() contract.Executor) {
	for name, play := range map[string]func(*handoff){
		"every attempt is made once":          everyAttemptOnce,
		"a retry waits in the queue":          retryWaits,
		"a ticket that is blocked comes back": blockedComesBack,
		"a run is cancelled":                  cancelledAcross,
		"a worker ends in peace":              endsInPeace,
		"workers are abandoned at random":     abandoned,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(&handoff{T: t, store: crontest.NewMemory(), connect: open(t)})
		})
	}
}

// handoff is a test case.
type handoff struct {
	*testing.T
	store   *crontest.Memory
	connect func() contract.Executor
	jobs    func(*cron.Registry)
	made    Tally
}

// member is a process of a case.
type member struct {
	*scheduler.Scheduler
	line  *line
	end   context.CancelFunc
	ended chan error
}

const handoffLease = 2 * time.Second

// join starts a process, which is stopped with the test at the latest.
func (h *handoff) join(role contract.Role, grace time.Duration) *member {
	h.Helper()
	r := cron.NewRegistry()
	h.jobs(r)
	jobs, err := r.Jobs(cron.Defaults{CatchUpWindow: time.Hour})
	if err != nil {
		h.Fatal(err)
	}
	m := &member{line: &line{Store: h.store}, ended: make(chan error, 1)}
	m.Scheduler = scheduler.New(scheduler.Config{
		Store: m.line, Jobs: jobs, Executor: h.connect(), Role: role, Lease: handoffLease, Grace: grace,
		Log: slog.New(slog.DiscardHandler), Workers: 16,
	})
	ctx, cancel := context.WithCancel(context.Background())
	go func() { m.ended <- m.Run(ctx) }()
	m.end = sync.OnceFunc(func() {
		cancel()
		if err := <-m.ended; err != nil && !m.line.cut.Load() {
			h.Errorf("Run: %v", err)
		}
	})
	h.Cleanup(m.end)
	return m
}

func (h *handoff) trigger(m *member, job string) cron.Record {
	h.Helper()
	rec, err := m.Trigger(h.Context(), job, scheduler.Request{})
	if err != nil {
		h.Fatal(err)
	}
	return rec
}

// until waits until done returns true, and names it in the failure.
func (h *handoff) until(what string, done func() bool) {
	h.Helper()
	for began := time.Now(); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > 4*time.Minute {
			h.Fatalf("%s: not after %s", what, time.Since(began).Round(time.Second))
		}
	}
}

// settled waits until every run has ended and returns the runs by job, oldest first.
func (h *handoff) settled() map[string][]cron.Record {
	h.Helper()
	var recs []cron.Record
	h.until("every run has ended", func() bool {
		var err error
		if recs, err = h.store.Runs(h.Context(), contract.Query{Limit: 100_000}); err != nil {
			h.Fatal(err)
		}
		for _, r := range recs {
			if !r.Status.Ended() {
				return false
			}
		}
		return true
	})
	return byJob(recs)
}

func (h *handoff) ended(id string, want cron.Status) cron.Record {
	h.Helper()
	var rec cron.Record
	h.until("run "+id+" has ended", func() bool {
		var err error
		if rec, err = h.store.Run(h.Context(), id); err != nil {
			h.Fatal(err)
		}
		return rec.Status.Ended()
	})
	if rec.Status != want {
		h.Errorf("run is %s (%s), want %s", rec.Status, rec.Error, want)
	}
	return rec
}

var errNotYet = errors.New("not yet")

func everyAttemptOnce(h *handoff) {
	h.jobs = func(r *cron.Registry) {
		for i := range 6 {
			r.Register(fmt.Sprint("job-", i), "@every 1s", func(ctx context.Context) error {
				h.made.Count(ctx)
				if cron.RunFrom(ctx).Attempt() < i%3+1 {
					return errNotYet
				}
				return nil
			}, cron.Overlap(cron.Allow), cron.Retry(3, cron.Fixed(0)))
		}
		r.Register("fails", "0 0 1 1 *", func(ctx context.Context) error {
			h.made.Count(ctx)
			panic("oh")
		}, cron.Overlap(cron.Allow))
	}
	s := h.join(contract.SchedulerOnly, 0)
	h.join(contract.WorkerOnly, 0)
	h.join("", 0)
	for range 50 {
		h.trigger(s, "fails")
	}
	time.Sleep(5 * time.Second)
	for i := range 6 {
		if _, err := s.Pause(h.Context(), contract.Pause{Job: fmt.Sprint("job-", i)}); err != nil {
			h.Fatal(err)
		}
	}
	runs := h.settled()
	for i := range 6 {
		for _, r := range runs[fmt.Sprint("job-", i)] {
			if r.Reason != cron.ReasonPaused && (r.Status != cron.Succeeded || r.Attempt != i%3+1) {
				h.Errorf("%s: %s at attempt %d (%s)", r.Job, r.Status, r.Attempt, r.Error)
			}
		}
	}
	for _, r := range runs["fails"] {
		if r.Status != cron.Failed || r.Attempt != 1 {
			h.Errorf("%s: %s at attempt %d", r.Job, r.Status, r.Attempt)
		}
	}
	if n := len(runs["fails"]); n != 50 {
		h.Errorf("%d runs by hand, want 50", n)
	}
	h.made.Check(h.T, runs)
}

func retryWaits(h *handoff) {
	const wait = 6 * time.Second // longer than the scheduler itself waits
	h.jobs = func(r *cron.Registry) {
		r.Register("job", "0 0 1 1 *", func(ctx context.Context) error {
			h.made.Count(ctx)
			if cron.RunFrom(ctx).Attempt() == 1 {
				return errNotYet
			}
			return nil
		}, cron.Retry(1, cron.Fixed(wait)))
	}
	s := h.join("", 0)
	rec := h.ended(h.trigger(s, "job").ID, cron.Succeeded)
	if len(rec.Attempts) != 2 || rec.Attempts[1].StartedAt.Sub(*rec.Attempts[0].EndedAt) < wait-time.Millisecond {
		h.Errorf("attempts %+v, want a second after %s", rec.Attempts, wait)
	}
	h.made.Check(h.T, byJob([]cron.Record{rec}))
}

func blockedComesBack(h *handoff) {
	var now, most atomic.Int32
	h.jobs = func(r *cron.Registry) {
		for i := range 5 {
			r.Register(fmt.Sprint("job-", i), "0 0 1 1 *", func(ctx context.Context) error {
				h.made.Count(ctx)
				n := now.Add(1)
				defer now.Add(-1)
				most.Store(max(most.Load(), n))
				time.Sleep(300 * time.Millisecond)
				return nil
			}, cron.Limit("g", 1))
		}
	}
	s := h.join(contract.SchedulerOnly, 0)
	h.join(contract.WorkerOnly, 0)
	h.join(contract.WorkerOnly, 0)
	for i := range 5 {
		h.trigger(s, fmt.Sprint("job-", i))
	}
	runs := h.settled()
	for _, recs := range runs {
		if len(recs) != 1 || recs[0].Status != cron.Succeeded {
			h.Errorf("%+v", recs)
		}
	}
	if most.Load() != 1 {
		h.Errorf("%d at one time, want 1", most.Load())
	}
	h.made.Check(h.T, runs)
}

func cancelledAcross(h *handoff) {
	began := make(chan struct{})
	h.jobs = func(r *cron.Registry) {
		r.Register("job", "0 0 1 1 *", func(ctx context.Context) error {
			close(began)
			<-ctx.Done()
			return ctx.Err()
		})
	}
	s := h.join(contract.SchedulerOnly, 0)
	h.join(contract.WorkerOnly, 0)
	rec := h.trigger(s, "job")
	<-began
	if _, err := s.Cancel(h.Context(), rec.ID, "ann"); err != nil {
		h.Fatal(err)
	}
	h.ended(rec.ID, cron.Cancelled)
}

func endsInPeace(h *handoff) {
	began := make(chan struct{})
	h.jobs = func(r *cron.Registry) {
		r.Register("job", "0 0 1 1 *", func(context.Context) error {
			close(began)
			time.Sleep(time.Second)
			return nil
		})
	}
	s := h.join(contract.SchedulerOnly, 0)
	w := h.join(contract.WorkerOnly, 20*time.Second)
	rec := h.trigger(s, "job")
	<-began
	w.end()
	if rec, err := h.store.Run(h.Context(), rec.ID); err != nil || rec.Status != cron.Succeeded {
		h.Errorf("the worker has ended and its run is %s, %v", rec.Status, err)
	}
}

// abandoned repeatedly cuts a process off from the store and replaces it.
func abandoned(h *handoff) {
	h.jobs = chaos(h.made.Count)
	s := h.join(contract.SchedulerOnly, 0)
	members := []*member{h.join("", 0), h.join(contract.WorkerOnly, 0), h.join(contract.WorkerOnly, 0)}
	var dying sync.WaitGroup
	deaths := 0
	for began := time.Now(); time.Since(began) < 12*time.Second; deaths++ {
		time.Sleep(time.Duration(rand.IntN(1500)) * time.Millisecond)
		i := rand.IntN(len(members))
		dead := members[i]
		dead.line.cut.Store(true)
		dying.Go(dead.end)
		members[i] = h.join(contract.WorkerOnly, 0)
	}
	for _, job := range chaosJobs {
		if _, err := s.Pause(h.Context(), contract.Pause{Job: job}); err != nil {
			h.Fatal(err)
		}
	}
	time.Sleep(1100 * time.Millisecond) // until the last slot before the pause is claimed
	runs := h.settled()
	h.made.Check(h.T, runs)
	h.Logf("%d processes abandoned: %s", deaths, Summary(runs))
	dying.Wait()
}

// line is a process's connection to the store, which can be cut.
type line struct {
	contract.Store
	cut atomic.Bool
}

var errCut = errors.New("the line is cut")

func (l *line) gone() error {
	if l.cut.Load() {
		return errCut
	}
	return nil
}

// The methods that change what other processes see.

func (l *line) Claim(ctx context.Context, c []contract.Claim) ([]contract.Claimed, error) {
	if err := l.gone(); err != nil {
		return nil, err
	}
	return l.Store.Claim(ctx, c)
}

func (l *line) Start(ctx context.Context, s contract.Start) (contract.StartOutcome, error) {
	if err := l.gone(); err != nil {
		return contract.StartOutcome{}, err
	}
	return l.Store.Start(ctx, s)
}

func (l *line) Finish(ctx context.Context, f contract.Finish) error {
	if err := l.gone(); err != nil {
		return err
	}
	return l.Store.Finish(ctx, f)
}

func (l *line) Beat(ctx context.Context, b contract.Beat) ([]contract.LeasedRun, error) {
	if err := l.gone(); err != nil {
		return nil, err
	}
	return l.Store.Beat(ctx, b)
}

func (l *line) Take(ctx context.Context, takes []contract.Take) ([]bool, error) {
	if err := l.gone(); err != nil {
		return nil, err
	}
	return l.Store.Take(ctx, takes)
}

package clock_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/reugn/go-quartz/quartz"

	"fibercrons/app/clock"
)

// tick is a quartz.ScheduledJob.
type tick struct {
	detail *quartz.JobDetail
	at     int64
}

func newTick(key string, at int64) *tick {
	return &tick{detail: quartz.NewJobDetail(nil, quartz.NewJobKey(key)), at: at}
}

func (t *tick) JobDetail() *quartz.JobDetail { return t.detail }
func (t *tick) Trigger() quartz.Trigger      { return nil }
func (t *tick) NextRunTime() int64           { return t.at }
func (t *tick) String() string               { return fmt.Sprintf("%s@%d", t.detail.JobKey(), t.at) }

// even matches ticks at even times.
type even struct{}

func (even) IsMatch(j quartz.ScheduledJob) bool { return j.NextRunTime()%2 == 0 }

// model is what the queue is to do, in the plainest way: a list.
type model []*tick

func (m *model) find(key string) int {
	return slices.IndexFunc(*m, func(t *tick) bool { return t.detail.JobKey().Name() == key })
}

func (m *model) remove(i int) *tick {
	t := (*m)[i]
	*m = slices.Delete(*m, i, i+1)
	return t
}

func (m model) least() int64 {
	return slices.MinFunc(m, func(a, b *tick) int { return cmp.Compare(a.at, b.at) }).at
}

// TestTickQueueAgainstAList does at random what a scheduler may do, on the queue and on a list.
func TestTickQueueAgainstAList(t *testing.T) {
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		q, m := clock.NewTickQueue(), model{}
		for step := range 2000 {
			key := fmt.Sprintf("job-%d", rnd.IntN(30))
			i := m.find(key)
			var got quartz.ScheduledJob
			var err error
			var want *tick // the very one
			wantErr := error(nil)
			switch op := rnd.IntN(100); {
			case op < 45: // push, also what is there already
				job := newTick(key, rnd.Int64N(50))
				if i >= 0 {
					m.remove(i)
				}
				m = append(m, job)
				err = q.Push(job)
			case op < 65: // pop; among equals any will do
				got, err = q.Pop()
				if len(m) == 0 {
					wantErr = quartz.ErrQueueEmpty
				} else if err == nil {
					if got.NextRunTime() != m.least() {
						t.Fatalf("seed %d step %d: popped %v, but the first is at %d", seed, step, got, m.least())
					}
					want = m.remove(m.find(got.JobDetail().JobKey().Name()))
				}
			case op < 75:
				got, err = q.Head()
				if len(m) == 0 {
					wantErr = quartz.ErrQueueEmpty
				} else if err == nil {
					if got.NextRunTime() != m.least() {
						t.Fatalf("seed %d step %d: head %v, but the first is at %d", seed, step, got, m.least())
					}
					want = m[m.find(got.JobDetail().JobKey().Name())]
				}
			case op < 85:
				got, err = q.Get(quartz.NewJobKey(key))
				if i < 0 {
					wantErr = quartz.ErrJobNotFound
				} else {
					want = m[i]
				}
			case op < 95:
				got, err = q.Remove(quartz.NewJobKey(key))
				if i < 0 {
					wantErr = quartz.ErrJobNotFound
				} else {
					want = m.remove(i)
				}
			case op < 99:
				compare(t, q, m)
			default:
				m, err = model{}, q.Clear()
			}
			if !errors.Is(err, wantErr) || wantErr != nil && !errors.Is(err, quartz.ErrIllegalState) {
				t.Fatalf("seed %d step %d: error %v, want %v", seed, step, err, wantErr)
			}
			if want != nil && got != quartz.ScheduledJob(want) {
				t.Fatalf("seed %d step %d: %v, want %v", seed, step, got, want)
			}
		}
		compare(t, q, m)
		for last := int64(-1); len(m) > 0; {
			got, err := q.Pop()
			if err != nil || got.NextRunTime() < last {
				t.Fatalf("seed %d: %v after %d, %v", seed, got, last, err)
			}
			last = got.NextRunTime()
			m.remove(m.find(got.JobDetail().JobKey().Name()))
		}
		if _, err := q.Pop(); !errors.Is(err, quartz.ErrQueueEmpty) {
			t.Fatalf("seed %d: not empty in the end: %v", seed, err)
		}
	}
}

func compare(t *testing.T, q quartz.JobQueue, m model) {
	t.Helper()
	names := func(jobs []quartz.ScheduledJob) []string {
		out := make([]string, len(jobs))
		for i, j := range jobs {
			out[i] = fmt.Sprint(j)
		}
		slices.Sort(out)
		return out
	}
	for _, matchers := range [][]quartz.Matcher[quartz.ScheduledJob]{nil, {even{}}, {even{}, even{}}} {
		var want []quartz.ScheduledJob
		for _, j := range m {
			if matchers == nil || j.at%2 == 0 {
				want = append(want, j)
			}
		}
		got, err := q.ScheduledJobs(matchers)
		if err != nil || !slices.Equal(names(got), names(want)) {
			t.Fatalf("%v, %v; want %v", got, err, want)
		}
	}
	if n, err := q.Size(); err != nil || n != len(m) {
		t.Fatalf("size %d, %v; want %d", n, err, len(m))
	}
}

// TestTickQueueBearsConcurrency is for the race detector; what is pushed comes out once.
func TestTickQueueBearsConcurrency(t *testing.T) {
	const pushers, each = 4, 500
	q := clock.NewTickQueue()
	var wg sync.WaitGroup
	for p := range pushers {
		wg.Go(func() {
			for i := range each {
				if err := q.Push(newTick(fmt.Sprintf("%d-%d", p, i), int64(i))); err != nil {
					t.Error(err)
				}
				if _, err := q.Size(); err != nil {
					t.Error(err)
				}
				_, _ = q.Head()
				_, _ = q.Get(quartz.NewJobKey(fmt.Sprintf("%d-%d", p, i/2)))
			}
		})
	}
	var mu sync.Mutex
	seen := map[string]int{}
	take := func() bool {
		got, err := q.Pop()
		if err != nil {
			return false
		}
		mu.Lock()
		defer mu.Unlock()
		seen[fmt.Sprint(got)]++
		return true
	}
	for range 2 {
		wg.Go(func() {
			for range each {
				take()
			}
		})
	}
	wg.Wait()
	for take() {
	}
	if len(seen) != pushers*each {
		t.Errorf("%d ticks came out, want %d", len(seen), pushers*each)
	}
	for name, n := range seen {
		if n != 1 {
			t.Errorf("%s came out %d times", name, n)
		}
	}
}

// TestQuartzRunsOnTheQueue is for what the interface does not say: that quartz gets along.
func TestQuartzRunsOnTheQueue(t *testing.T) {
	sched, err := quartz.NewStdScheduler(quartz.WithQueue(clock.NewTickQueue(), &sync.Mutex{}))
	if err != nil {
		t.Fatal(err)
	}
	key := quartz.NewJobKey("job")
	if err := sched.ScheduleJob(quartz.NewJobDetail(quietJob{}, key), quartz.NewSimpleTrigger(1<<40)); err != nil {
		t.Fatal(err)
	}
	if got, err := sched.GetScheduledJob(key); err != nil || !got.JobDetail().JobKey().Equals(key) {
		t.Errorf("%v, %v", got, err)
	}
	if err := sched.DeleteJob(key); err != nil {
		t.Error(err)
	}
	if err := sched.DeleteJob(key); !errors.Is(err, quartz.ErrJobNotFound) {
		t.Errorf("deleted twice: %v", err)
	}
}

type quietJob struct{}

func (quietJob) Execute(context.Context) error { return nil }
func (quietJob) Description() string           { return "quiet" }

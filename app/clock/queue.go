package clock

import (
	"container/heap"
	"fmt"
	"sync"

	"github.com/reugn/go-quartz/quartz"
)

// tickQueue is a quartz.JobQueue: a heap by time with an index by key. Every operation is O(log n); the stock queue
// copies and scans everything at each push. It has its own lock, because quartz calls some methods without its locker.
// Pushing a known key replaces it.
type tickQueue struct {
	mu    sync.Mutex
	heap  tickHeap
	index map[string]*tickItem
}

type tickItem struct {
	quartz.ScheduledJob
	key string
	pos int
}

var _ quartz.JobQueue = (*tickQueue)(nil)

func newTickQueue() *tickQueue { return &tickQueue{index: make(map[string]*tickItem)} }

func (q *tickQueue) Push(job quartz.ScheduledJob) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	key := job.JobDetail().JobKey().String()
	if item, ok := q.index[key]; ok {
		item.ScheduledJob = job
		heap.Fix(&q.heap, item.pos)
		return nil
	}
	item := &tickItem{ScheduledJob: job, key: key}
	q.index[key] = item
	heap.Push(&q.heap, item)
	return nil
}

func (q *tickQueue) Pop() (quartz.ScheduledJob, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.heap) == 0 {
		return nil, stateError(quartz.ErrQueueEmpty)
	}
	item := heap.Pop(&q.heap).(*tickItem)
	delete(q.index, item.key)
	return item.ScheduledJob, nil
}

func (q *tickQueue) Head() (quartz.ScheduledJob, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.heap) == 0 {
		return nil, stateError(quartz.ErrQueueEmpty)
	}
	return q.heap[0].ScheduledJob, nil
}

func (q *tickQueue) Get(key *quartz.JobKey) (quartz.ScheduledJob, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if item, ok := q.index[key.String()]; ok {
		return item.ScheduledJob, nil
	}
	return nil, stateError(quartz.ErrJobNotFound)
}

func (q *tickQueue) Remove(key *quartz.JobKey) (quartz.ScheduledJob, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	item, ok := q.index[key.String()]
	if !ok {
		return nil, stateError(quartz.ErrJobNotFound)
	}
	heap.Remove(&q.heap, item.pos)
	delete(q.index, item.key)
	return item.ScheduledJob, nil
}

func (q *tickQueue) ScheduledJobs(matchers []quartz.Matcher[quartz.ScheduledJob]) ([]quartz.ScheduledJob, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	jobs := make([]quartz.ScheduledJob, 0, len(q.heap))
next:
	for _, item := range q.heap {
		for _, m := range matchers {
			if !m.IsMatch(item.ScheduledJob) {
				continue next
			}
		}
		jobs = append(jobs, item.ScheduledJob)
	}
	return jobs, nil
}

func (q *tickQueue) Size() (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.heap), nil
}

func (q *tickQueue) Clear() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.heap = nil
	clear(q.index)
	return nil
}

func stateError(err error) error { return fmt.Errorf("%w: %w", quartz.ErrIllegalState, err) }

// tickHeap implements heap.Interface and records each item's position.
type tickHeap []*tickItem

func (h tickHeap) Len() int           { return len(h) }
func (h tickHeap) Less(i, j int) bool { return h[i].NextRunTime() < h[j].NextRunTime() }
func (h tickHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].pos, h[j].pos = i, j
}

func (h *tickHeap) Push(x any) {
	item := x.(*tickItem)
	item.pos = len(*h)
	*h = append(*h, item)
}

func (h *tickHeap) Pop() any {
	old := *h
	item := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return item
}

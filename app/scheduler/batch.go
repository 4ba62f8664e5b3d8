package scheduler

import (
	"sync"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/plan"
	"fibercrons/app/runner"
)

// batch is the claims of one or more jobs in one call of the store.
type batch struct {
	parts  []part
	permit int   // reserved workers: that many claims may begin when they are won
	at     int64 // when it was made, in ms; slots up to here are claimed
	pulled bool  // made by a worker
	claims []contract.Claim
	// troubles is the claimer's number of failed claims when the batch was made.
	troubles int64
	// generation is the version's when the batch was made.
	generation int64
	startedMS  int64           // when this process read the schedules
	wins       []runner.Win    // parallel to claims
	runs       []runner.Run    // allocated, not used yet
	decisions  []plan.Decision // buffer
}

// part is the claims of one job in a batch. While entry.busy is set, only the batch uses the job's next slot and
// unconfirmed claims.
type part struct {
	entry *entry
	table *plan.Table
	first int64 // the job's next slot when the batch was made
	next  int64 // and after these claims
	ahead int64 // how far the clock is ahead of the store's, in ms, as known for the job
	held  int64 // minimum age of slots, in ms
	n     int   // claims
	waits bool  // waits for the gate with the slots from next on
}

const (
	batchJobs = 100  // most jobs in a batch, so that its runs begin soon
	sliceSize = 1000 // claims in one call of the store
	// runsTogether limits the runs of one allocation, because one run keeps the memory of all. This number fills a size
	// class of Go's allocator.
	runsTogether = 17
)

// batches are reused, because a burst of slots needs much memory.
var batches = sync.Pool{New: func() any { return new(batch) }}

func (b *batch) giveBack() {
	clear(b.claims)
	clear(b.parts)
	clear(b.wins)
	b.permit, b.pulled = 0, false
	b.claims, b.parts, b.wins, b.decisions, b.runs = b.claims[:0], b.parts[:0], b.wins[:0], b.decisions[:0], nil
	batches.Put(b)
}

func (b *batch) add(e *entry) {
	b.parts = append(b.parts, part{entry: e, table: e.table, first: e.next, ahead: e.ahead})
}

// newRun returns memory for the run of the i-th claim.
func (b *batch) newRun(i int) *runner.Run {
	if len(b.runs) == 0 {
		b.runs = make([]runner.Run, min(len(b.claims)-i, runsTogether))
	}
	r := &b.runs[0]
	b.runs = b.runs[1:]
	return r
}

// workers returns the number of workers reserved for the batch.
func (b *batch) workers() int {
	n := b.permit
	for i := range b.wins {
		if b.wins[i].Worker {
			n++
		}
	}
	return n
}

// elsewhere turns a claim into a skipped slot that another store runs.
func (b *batch) elsewhere(i int) {
	c := &b.claims[i]
	c.Status, c.Reason, c.Detail, c.Args = cron.Skipped, cron.ReasonElsewhere, "another replica, with a database of its own, has this slot", nil
	b.release(i)
}

// release frees the worker of a claim.
func (b *batch) release(i int) {
	if b.wins[i].Worker {
		b.wins[i].Worker = false
		b.permit++
	}
}

// whole is the cut that keeps all claims.
func (b *batch) whole() []int {
	keep := make([]int, len(b.parts))
	for k := range b.parts {
		keep[k] = b.parts[k].n
	}
	return keep
}

// until is the cut after the first answered requests, which are for the claims of. It keeps what is decided: answered
// requests and unconfirmed claims, with the claims before them.
func (b *batch) until(of []int, answered int) []int {
	keep := b.whole()
	i, t := 0, 0
	for k, p := range b.parts {
		decided := 0
		for j, c := range b.claims[i : i+p.n] {
			asked := t < len(of) && of[t] == i+j
			if asked && t >= answered {
				keep[k] = decided
				break
			}
			if asked || p.entry.unconfirmedAt(c.Slot) {
				decided = j + 1
			}
			if asked {
				t++
			}
		}
		for i += p.n; t < len(of) && of[t] < i; t++ {
		}
	}
	return keep
}

// cut keeps the first keep claims of each part. A job that loses claims is due again later, from the first removed
// slot.
func (b *batch) cut(keep []int) {
	i, n := 0, 0
	for k := range b.parts {
		p := &b.parts[k]
		last := i + keep[k]
		if keep[k] < p.n {
			first := b.claims[last].Slot
			p.next, p.waits = first.UnixMilli(), true
			if keep[k] > 0 {
				// One row may stand for many slots: it settles all before the cut.
				b.claims[last-1].Watermark = first.Add(-time.Millisecond)
			}
			for j := last; j < i+p.n; j++ {
				b.release(j)
			}
		}
		copy(b.claims[n:], b.claims[i:last])
		copy(b.wins[n:], b.wins[i:last])
		i += p.n
		n += keep[k]
		p.n = keep[k]
	}
	clear(b.claims[n:])
	clear(b.wins[n:])
	b.claims, b.wins = b.claims[:n], b.wins[:n]
}

// unconfirmedAt reports whether a claim for the slot was sent without an answer, so it may have succeeded.
func (e *entry) unconfirmedAt(slot time.Time) bool {
	_, ok := e.unconfirmed[slot.UnixMilli()]
	return ok
}

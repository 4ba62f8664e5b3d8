package scheduler

import (
	"sync"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/plan"
	"fibercrons/app/runner"
)

// batch is the claims of one or more jobs on their way to the store.
type batch struct {
	parts  []part
	permit int   // workers reserved: so many of the claims may begin as soon as they are won
	at     int64 // when it was made, in ms: what is due until then is claimed
	pulled bool  // by a worker
	claims []contract.Claim
	// troubles of the claimer when the batch was made
	troubles int64
	// generation of this version of the program when the batch was made
	generation int64
	startedMS  int64           // when this process learned the schedules
	wins       []runner.Win    // parallel to claims
	runs       []runner.Run    // not yet given away
	decisions  []plan.Decision // room
}

// part is the stretch of a batch that belongs to one job. While the job is busy its next slot
// and its doubts are the batch's alone.
type part struct {
	entry *entry
	table *plan.Table
	first int64 // the job's next slot when the batch was made
	next  int64 // and after the stretch
	ahead int64 // how far the clock is ahead of the store's, as far as the job knows
	held  int64 // how old slots have to be, in ms
	n     int   // claims
	waits bool  // for the gate, with the slots from next on
}

const (
	batchJobs = 100  // jobs after which a batch is sent off, so that its runs need not wait for the rest
	sliceSize = 1000 // claims in one call of the store
	// runsTogether bounds the runs that are allocated at once. The last that is dropped keeps the memory of all. So many
	// fill a block of Go's allocator.
	runsTogether = 17
)

// batches are used again: a burst of slots needs the most memory.
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

// newRun returns room for the run of the i-th claim.
func (b *batch) newRun(i int) *runner.Run {
	if len(b.runs) == 0 {
		b.runs = make([]runner.Run, min(len(b.claims)-i, runsTogether))
	}
	r := &b.runs[0]
	b.runs = b.runs[1:]
	return r
}

// workers returns how many workers are reserved for the batch.
func (b *batch) workers() int {
	n := b.permit
	for i := range b.wins {
		if b.wins[i].Worker {
			n++
		}
	}
	return n
}

// elsewhere makes of a claim the record that another store runs its slot.
func (b *batch) elsewhere(i int) {
	c := &b.claims[i]
	c.Status, c.Reason, c.Detail, c.Args = cron.Skipped, cron.ReasonElsewhere, "another replica, with a database of its own, has this slot", nil
	b.release(i)
}

// release gives up the worker that was meant for a claim.
func (b *batch) release(i int) {
	if b.wins[i].Worker {
		b.wins[i].Worker = false
		b.permit++
	}
}

// whole is the cut that takes nothing away.
func (b *batch) whole() []int {
	keep := make([]int, len(b.parts))
	for k := range b.parts {
		keep[k] = b.parts[k].n
	}
	return keep
}

// until is the cut that keeps what is decided when the gate has answered only so many of the requests,
// which stand for the claims of. What else a plan holds is left for a plan that knows more.
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
			if asked || p.entry.doubts(c.Slot) {
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

// cut leaves of each part its first keep claims. A job that loses claims is due again later, from the first slot that
// was cut off.
func (b *batch) cut(keep []int) {
	i, n := 0, 0
	for k := range b.parts {
		p := &b.parts[k]
		last := i + keep[k]
		if keep[k] < p.n {
			first := b.claims[last].Slot
			p.next, p.waits = first.UnixMilli(), true
			if keep[k] > 0 {
				// One row may stand for many slots: all before the cut are settled with it.
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

// doubts says whether a claim for the slot was made and not answered: it may be ours already.
func (e *entry) doubts(slot time.Time) bool {
	_, ok := e.doubt[slot.UnixMilli()]
	return ok
}

package scheduler

import (
	"sync"

	"fibercrons/app/contract"
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

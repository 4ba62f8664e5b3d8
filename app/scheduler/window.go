package scheduler

import (
	"container/heap"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/plan"
)

// stored is what the entry of a stored schedule has besides. claimer.mu guards place.
type stored struct {
	id    string
	args  json.RawMessage
	base  *entry // of the job
	place int    // in window.byNext; -1: its slot was handed out
}

// window is the stored schedules that are due soon, by the store as it was read last. What is not due soon is not in
// memory. claimer.mu guards it.
type window struct {
	entries map[string]*entry // by ID
	byNext  entryHeap
	until   int64           // how far the store was read, in ms
	alarm   int64           // when the clock rings next, in ms; plan.Never: not at all
	except  map[string]bool // jobs whose schedules are left to other processes
}

// entryHeap is ordered by the next slot.
type entryHeap []*entry

func (h entryHeap) Len() int           { return len(h) }
func (h entryHeap) Less(i, j int) bool { return h[i].next < h[j].next }

func (h entryHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].stored.place, h[j].stored.place = i, j
}

func (h *entryHeap) Push(x any) {
	e := x.(*entry)
	e.stored.place = len(*h)
	*h = append(*h, e)
}

func (h *entryHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	e.stored.place = -1
	return e
}

// await makes the entry ring at its next slot.
func (w *window) await(e *entry) {
	switch {
	case e.next == plan.Never:
		w.handOut(e)
	case e.stored.place >= 0:
		heap.Fix(&w.byNext, e.stored.place)
	default:
		heap.Push(&w.byNext, e)
	}
}

// handOut takes the entry off the heap.
func (w *window) handOut(e *entry) {
	if e.stored.place >= 0 {
		heap.Remove(&w.byNext, e.stored.place)
	}
}

// drop forgets the entry.
func (w *window) drop(e *entry) {
	w.handOut(e)
	if w.entries[e.stored.id] == e {
		delete(w.entries, e.stored.id)
	}
}

// ring hands out the entries whose next slot is at or before now.
func (w *window) ring(now int64) (due []*entry) {
	for len(w.byNext) > 0 && w.byNext[0].next <= now {
		due = append(due, heap.Pop(&w.byNext).(*entry))
	}
	return due
}

// overdue returns the entries whose slot was handed out and is still not claimed.
func (w *window) overdue(now int64) (due []*entry) {
	for _, e := range w.entries {
		if e.stored.place < 0 && !e.busy && e.due(now) {
			due = append(due, e)
		}
	}
	return due
}

// settled is called when the claims of the entry were answered.
func (w *window) settled(e *entry, outdated bool) {
	switch {
	case outdated, e.next > w.until && len(e.unconfirmed) == 0 && !e.waits:
		w.drop(e)
	case w.entries[e.stored.id] == e:
		w.await(e)
	}
}

// load takes what was read of the store: all schedules that are due up to until, or with partial the first of them. It
// returns the errors of those that cannot be followed, each once.
func (w *window) load(read []contract.Schedule, until int64, partial bool, entryOf func(*contract.Schedule) (*entry, error)) (errs []error) {
	if w.entries == nil {
		w.entries = make(map[string]*entry, len(read))
	}
	there := make(map[string]bool, len(read))
	for i := range read {
		g := &read[i]
		there[g.ID] = true
		e := w.entries[g.ID]
		if e == nil || e.table.Revision != g.Revision || e.job.Name != g.Job {
			made, err := entryOf(g)
			if made == nil {
				w.except[g.Job] = true
				continue
			}
			if err != nil {
				errs = append(errs, err)
			}
			if e != nil {
				w.drop(e)
			}
			e = made
			w.entries[g.ID] = e
			w.await(e)
			continue
		}
		if next := e.after(g.Watermark.UnixMilli()); next > e.next && !e.busy && len(e.unconfirmed) == 0 { // settled elsewhere
			e.next = next
			w.await(e)
		}
	}
	w.until = until
	if partial {
		return errs
	}
	for id, e := range w.entries {
		if !there[id] && !e.busy && len(e.unconfirmed) == 0 {
			w.drop(e)
		}
	}
	return errs
}

// excluded returns the jobs whose schedules are left to other processes. elsewhere says whether one still is.
func (w *window) excluded(elsewhere func(job string) bool) []string {
	if w.except == nil {
		w.except = make(map[string]bool)
	}
	maps.DeleteFunc(w.except, func(job string, _ bool) bool { return !elsewhere(job) })
	return slices.Sorted(maps.Keys(w.except))
}

// newStored returns the entry of a stored schedule of the job of base. With an error it is never due.
func newStored(g *contract.Schedule, base *entry, l *lanes) (*entry, error) {
	e := &entry{
		job: base.job, lane: l.of(g.ID, base.lane), next: plan.Never, pressing: base.pressing,
		stored: &stored{id: g.ID, args: g.Args, base: base, place: -1},
	}
	table, err := tableOf(base.job, g)
	if err != nil {
		e.table = &plan.Table{Revision: g.Revision, Zone: time.UTC}
		return e, err
	}
	e.table = table
	from := g.Watermark
	if g.Paused && g.PausedUntil.After(from) && !keepsPaused(base.job) { // its slots before that are not recorded
		from = g.PausedUntil.Add(-time.Millisecond)
	}
	e.next = e.after(from.UnixMilli())
	return e, nil
}

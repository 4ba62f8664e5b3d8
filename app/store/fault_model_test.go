//go:build unix

package store_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/store/row"
)

// What must have run of the stored schedules that [tenants] has changed. A change and a claim of a slot are each one
// transaction, and the answer to a change says up to which slot the schedule was settled before it. So the slots of each
// phase are known exactly: those after the watermark with which it began, up to the one with which it ended. Each has one
// row, with the arguments of that phase. There are no others: what was due and not yet claimed at a change is gone with
// it. How much that may be is another question; see [tenants.passedOver].

// expected is what a walk through the phases finds about one slot.
type expected struct {
	slotOf
	phase  *phase
	paused bool // it is recorded and does not run
}

// slots yields what must be there of a schedule, given the rows that are. What ends a schedule with a limit is how many
// ran.
func (d *tenants) slots(w *world, id string, rows map[int64]*row.JobRun, yield func(expected)) (ran int64) {
	all := d.lives[id]
	for i := range all {
		p := &all[i]
		if p.born {
			ran = 0
		}
		table := d.timetable(&p.g)
		until := p.settled
		if p.asked == 0 {
			until = w.watermark(id)
		}
		for slot := table.After(p.g.Watermark.UnixMilli()); slot <= until; slot = table.After(slot) {
			if p.g.MaxRuns > 0 && ran >= p.g.MaxRuns {
				break
			}
			e := expected{slotOf{job: p.g.Job, schedule: id, at: slot}, p, p.g.PausedNow(time.UnixMilli(slot))}
			if e.paused && !keepsPaused(d.jobs[p.g.Job]) {
				continue
			}
			yield(e)
			if r := rows[slot]; r != nil && cron.Status(r.Status) != cron.Skipped {
				ran++
			}
		}
	}
	return ran
}

// watermark is that of a schedule at the end, in ms.
func (w *world) watermark(id string) int64 {
	if g := w.find(id); g != nil {
		return g.Watermark.UnixMilli()
	}
	return 0
}

func (w *world) find(id string) *contract.Schedule {
	i, ok := slices.BinarySearchFunc(w.stored, id, func(g contract.Schedule, id string) int { return strings.Compare(g.ID, id) })
	if !ok {
		return nil
	}
	return &w.stored[i]
}

// violations says what is not as the changes have it.
func (d *tenants) violations(w *world, rows map[slotOf]*row.JobRun, say func(format string, args ...any)) {
	for _, bad := range d.bad {
		say("%s", bad)
	}
	by := d.rowsBySchedule(w)
	for _, id := range slices.Sorted(maps.Keys(d.lives)) {
		unexplained := maps.Clone(by[id])
		ran := d.slots(w, id, by[id], func(e expected) {
			r := by[id][e.at]
			switch delete(unexplained, e.at); {
			case r == nil:
				say("missing: %s has no row; its schedule: %+v", e.slotOf, e.phase.g)
			case r.Job != e.job:
				say("stale: %s has a row of the job %s", e.slotOf, r.Job)
			case cron.Status(r.Status) == cron.Skipped:
				// In the last phase the job itself may be paused; see [crew.rest].
				if r.Reason == string(cron.ReasonPaused) && !e.paused && e.phase.asked != 0 {
					say("halted: %s was skipped as paused, and its schedule was not", e.slotOf)
				}
			case e.paused && !(!e.phase.g.PausedUntil.IsZero() && int64(r.QueuedAt) >= e.phase.g.PausedUntil.UnixMilli()-w.slack.Milliseconds()):
				say("paused: %s is %s, and its schedule was paused", e.slotOf, r.Status)
			default:
				if have, want := tenantArgsOf([]byte(r.Args.String)), tenantArgsOf(e.phase.g.Args); have != want {
					say("stale: %s ran with the arguments %d, and those of its schedule were %d", e.slotOf, have, want)
				}
			}
		})
		for _, r := range unexplained {
			say("extra: %s has a row, and is no slot of its schedule", slotOfRun(r))
		}
		d.atTheEnd(w, id, ran, say)
	}
	for _, m := range w.marks {
		if m.Kind != "start" || !d.mine(m.Schedule) || m.Slot == 0 {
			continue
		}
		if r := rows[m.slot()]; r != nil && tenantArgsOf([]byte(r.Args.String)) != m.Args {
			say("stale: %s was started with the arguments %d: %s", m.slot(), m.Args, r.Args.String)
		}
	}
	d.deferred(w, say)
	if cut := d.passedOver(w); cut.worst > w.slack && w.slack > 0 {
		say("passed over: %s was due and not claimed at a change, when slots %s younger were", cut.slot, cut.worst)
	}
}

func (d *tenants) mine(schedule string) bool {
	_, ok := d.lives[schedule]
	return ok
}

// atTheEnd compares a schedule with what is left in the database.
func (d *tenants) atTheEnd(w *world, id string, ran int64, say func(format string, args ...any)) {
	g, p := w.find(id), d.now(id)
	switch {
	case (g == nil) != (p == nil), g != nil && g.Revision != p.g.Revision:
		say("forgotten: %s is %+v, and was last %+v", id, g, p)
	case g == nil:
	case g.Runs != ran:
		say("miscounted: %s has had %d runs, and says %d", id, ran, g.Runs)
	case w.rested == 0, g.MaxRuns > 0 && g.Runs >= g.MaxRuns, g.Paused && !keepsPaused(d.jobs[g.Job]):
	default:
		if slot := d.timetable(g).After(g.Watermark.UnixMilli()); slot <= w.rested {
			say("unsettled: %s has no row", slotOf{job: g.Job, schedule: id, at: slot})
		}
	}
}

// deferred says which deferred runs did not run exactly once, when they were to.
func (d *tenants) deferred(w *world, say func(format string, args ...any)) {
	rows, keys := map[string]*row.JobRun{}, map[string]int{}
	for i := range w.rows {
		rows[w.rows[i].ID] = &w.rows[i]
		if key := w.rows[i].RequestKey; key.Valid {
			keys[key.String]++
		}
	}
	first, args := map[string]int64{}, map[string]int{}
	for _, m := range w.marks {
		if at := m.At - w.skew[m.Life].Microseconds(); m.Kind == "start" && m.Slot == 0 && (first[m.Run] == 0 || at < first[m.Run]) {
			first[m.Run], args[m.Run] = at, m.Args
		}
	}
	for i := range d.later {
		p := &d.later[i]
		r, at := rows[p.id], first[p.id]
		switch {
		case r == nil || keys[p.key] != 1:
			say("lost: the deferred run %s of %s has %d rows by its key: %+v", p.id, p.job, keys[p.key], r)
		case p.cancelled && (at != 0 || cron.Status(r.Status) != cron.Cancelled):
			say("undead: the deferred run %s of %s was cancelled before it was due, and is %s", p.id, p.job, r.Status)
		case at != 0 && at < p.due*1000:
			say("early: the deferred run %s of %s was started %d µs before it was due", p.id, p.job, p.due*1000-at)
		case r.Attempt == 0 && !p.cancelling:
			say("lost: the deferred run %s of %s never ran, and is %s %s", p.id, p.job, r.Status, r.Reason)
		case tenantArgsOf([]byte(r.Args.String)) != p.args, at != 0 && args[p.id] != p.args:
			say("stale: the deferred run %s of %s has the arguments %s and ran with %d, not with %d", p.id, p.job, r.Args.String, args[p.id], p.args)
		}
	}
}

// cut is the slots that were due and not claimed when their schedules were changed.
type cut struct {
	slots int
	worst time.Duration // how much younger slots were that were claimed before that
	slot  slotOf        // and of which slot
}

// passedOver looks for slots that were not claimed at a change of their schedule, although later ones of others were. A
// machine that is busy claims all of them late, and passes over none for long.
func (d *tenants) passedOver(w *world) (all cut) {
	var claimed []*row.JobRun
	for i := range w.rows {
		if r := &w.rows[i]; r.Schedule != "" && r.Slot.Valid {
			claimed = append(claimed, r)
		}
	}
	slices.SortFunc(claimed, func(a, b *row.JobRun) int { return cmp.Compare(a.QueuedAt, b.QueuedAt) })
	youngest := make([]int64, len(claimed)+1) // of the first so many
	for i, r := range claimed {
		youngest[i+1] = max(youngest[i], r.Slot.Int64)
	}
	for id, phases := range d.lives {
		for i := range phases {
			p := &phases[i]
			if p.asked == 0 || p.g.MaxRuns > 0 || p.g.Paused || w.absent[p.g.Job] {
				continue
			}
			if i+1 < len(phases) && !phases[i+1].born && phases[i+1].g.Watermark.UnixMilli() == p.settled {
				continue // the slots go on
			}
			table := d.timetable(&p.g)
			for slot := table.After(max(p.settled, p.g.Watermark.UnixMilli())); slot < p.asked; slot = table.After(slot) {
				all.slots++
				n, _ := slices.BinarySearchFunc(claimed, p.asked, func(r *row.JobRun, at int64) int { return cmp.Compare(int64(r.QueuedAt), at) })
				if by := time.Duration(youngest[n]-slot) * time.Millisecond; by > all.worst {
					all.worst, all.slot = by, slotOf{job: p.g.Job, schedule: id, at: slot}
				}
			}
		}
	}
	return all
}

func (d *tenants) rowsBySchedule(w *world) map[string]map[int64]*row.JobRun {
	by := make(map[string]map[int64]*row.JobRun, len(d.lives))
	for i := range w.rows {
		if r := &w.rows[i]; r.Schedule != "" && r.Slot.Valid {
			if by[r.Schedule] == nil {
				by[r.Schedule] = map[int64]*row.JobRun{}
			}
			by[r.Schedule][r.Slot.Int64] = r
		}
	}
	return by
}

// tally is what was put to the test.
type tally struct {
	schedules, phases, slots, ran, deferred int
	changes                                 map[string]int
	cut                                     cut
}

func (d *tenants) figures(w *world) (n tally) {
	by := d.rowsBySchedule(w)
	n.schedules, n.deferred, n.changes, n.cut = len(d.lives), len(d.later), d.count, d.passedOver(w)
	for id, phases := range d.lives {
		n.phases += len(phases)
		d.slots(w, id, by[id], func(e expected) {
			n.slots++
			if r := by[id][e.at]; r != nil && cron.Status(r.Status) != cron.Skipped {
				n.ran++
			}
		})
	}
	return n
}

func (n tally) String() string {
	changes, _ := json.Marshal(n.changes)
	return fmt.Sprintf("%d stored schedules in %d phases had %d slots, of which %d ran, and %d that a change came before (passed over for %s at most); %d runs deferred; %s",
		n.schedules, n.phases, n.slots, n.ran, n.cut.slots, n.cut.worst.Round(time.Millisecond), n.deferred, changes)
}

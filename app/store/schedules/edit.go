package schedules

import (
	"bytes"
	"maps"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/store/row"
)

// change is one change of a schedule: a put, a pause or, if it is neither, a deletion.
type change struct {
	id         string
	match      int64
	after      func(time.Time) time.Time
	keepPaused bool
	at         time.Time
	by         string

	put   *contract.PutSchedule
	pause *contract.PauseSchedule
}

// edit is changes that belong together. It may be carried out several times, until it is committed.
type edit struct {
	want   []change
	latest *atomic.Int64
	out    []contract.PutResult // in order; an empty outcome: nothing has the ID

	now   int64
	clock int64                         // now, if the database has a clock of its own
	there map[string]*contract.Schedule // as the changes so far leave them
	wrote map[string]int64              // the revision that this edit gave to a schedule; 0: it was deleted
}

// run carries the changes out.
func (e *edit) run(t Tx) error {
	ids := make([]string, len(e.want))
	for i := range e.want {
		ids[i] = e.want[i].id
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	e.now, e.there = t.Now(), make(map[string]*contract.Schedule, len(ids))
	if e.clock = math.MaxInt64; t.Statements().Locks != nil {
		e.clock = e.now
	}
	e.read(t, ids)
	if err := t.Err(); err != nil {
		return err
	}
	if e.committed(ids) {
		return nil
	}
	e.out, e.wrote = make([]contract.PutResult, len(e.want)), make(map[string]int64, len(ids))
	for len(ids) > 0 && t.Err() == nil {
		ids = e.attempt(t, ids)
	}
	return nil
}

// attempt makes the changes of schedules, and returns those that another process has made meanwhile, as if to be
// changed, not made.
func (e *edit) attempt(t Tx, ids []string) (lost []string) {
	had := make(map[string]bool, len(ids))
	for _, id := range ids {
		had[id] = e.there[id] != nil
	}
	for i := range e.want {
		if _, mine := had[e.want[i].id]; mine {
			e.out[i] = e.decide(&e.want[i])
		}
	}
	var fresh, changed []string
	for _, id := range ids {
		switch _, wrote := e.wrote[id]; {
		case !wrote:
		case e.there[id] == nil:
			t.Delete(id)
		case had[id]:
			changed = append(changed, id)
		default:
			fresh = append(fresh, id)
		}
	}
	q := t.Statements()
	t.Put(&q.InsertSchedules, e.rows(fresh), width)
	if q.Locks != nil && len(fresh) > 0 {
		mine := maps.Clone(e.there)
		e.read(t, fresh)
		for _, id := range fresh {
			if g := e.there[id]; g != nil && g.Revision != e.wrote[id] {
				lost = append(lost, id)
				delete(e.wrote, id)
			} else {
				e.there[id] = mine[id]
			}
		}
	}
	t.Put(&q.UpdateSchedules, e.rows(changed), width)
	for id := range e.wrote {
		t.Changed(id, e.there[id])
	}
	return lost
}

func (e *edit) rows(ids []string) []any {
	flat := make([]any, 0, width*len(ids))
	for _, id := range ids {
		flat = append(flat, values(e.there[id])...)
	}
	return flat
}

func (e *edit) read(t Tx, ids []string) {
	t.Each(&t.Statements().ScheduleRows, ids, func(r Row) error {
		g, err := scan(r)
		e.there[g.ID] = &g
		return err
	})
}

// committed reports whether an earlier attempt was committed, and only its acknowledgement lost.
func (e *edit) committed(ids []string) bool {
	for _, id := range ids {
		if revision, wrote := e.wrote[id]; wrote {
			g := e.there[id]
			return g == nil && revision == 0 || g != nil && g.Revision == revision
		}
	}
	return false
}

// decide makes one change in memory. The rules are those of [contract.Schedules].
func (e *edit) decide(c *change) contract.PutResult {
	was := e.there[c.id]
	switch {
	case was == nil && c.put == nil:
		return contract.PutResult{}
	case c.match != 0 && (was == nil && c.match != contract.NoRevision || was != nil && c.match != was.Revision):
		return contract.PutResult{Outcome: contract.PutConflict, Before: was}
	case c.put == nil && c.pause == nil:
		e.there[c.id], e.wrote[c.id] = nil, 0
		return contract.PutResult{Outcome: contract.PutChanged, Before: was}
	}
	at := row.MillisOf(c.at).Time()
	out := contract.PutResult{Outcome: contract.PutChanged, Before: was}
	g := contract.Schedule{ID: c.id, CreatedAt: at}
	if was != nil {
		g = *was
	} else {
		out.Outcome = contract.PutCreated
	}
	paused := g.PausedNow(at)
	var same, restarted bool
	if c.put != nil {
		same, restarted = c.edit(&g, was, paused)
	} else {
		same = c.pause.Resume && !paused || !c.pause.Resume && paused && g.PausedUntil.Equal(row.MillisOf(c.pause.Until).Time()) && g.PausedReason == c.pause.Reason
		restarted = c.pause.Resume && !c.keepPaused
		setPause(&g, c.pause, paused)
	}
	if same {
		out.Outcome, out.After = contract.PutUnchanged, was
		return out
	}
	if restarted {
		restart(&g, row.Millis(min(int64(row.MillisOf(c.at)), e.clock)).Time())
	}
	g.Revision = e.newRevision(g.Revision, e.now)
	g.UpdatedAt, g.UpdatedBy = at, c.by
	g.Next = next(&g, c)
	e.there[c.id], e.wrote[c.id] = &g, g.Revision
	out.After = &g
	return out
}

// edit makes the change of a put, and reports whether there is none, and whether the slots begin anew.
func (c *change) edit(g, was *contract.Schedule, paused bool) (same, restarted bool) {
	p := c.put
	g.Job, g.Expr, g.Zone, g.Args = p.Job, p.Expr, p.Zone, p.Args
	g.From, g.Until, g.MaxRuns, g.Meta = row.MillisOf(p.From).Time(), row.MillisOf(p.Until).Time(), p.MaxRuns, p.Meta
	restarted = was == nil || g.Job != was.Job || g.Expr != was.Expr || g.Zone != was.Zone || !g.From.Equal(was.From) || !g.Until.Equal(was.Until) || g.MaxRuns != was.MaxRuns
	same = !restarted && paused == p.Paused && bytes.Equal(g.Args, was.Args) && maps.Equal(g.Meta, was.Meta)
	switch {
	case p.Paused && !paused:
		setPause(g, &contract.PauseSchedule{Actor: p.UpdatedBy, At: p.At}, false)
	case paused && !p.Paused:
		setPause(g, &contract.PauseSchedule{Resume: true}, true)
		restarted = restarted || !c.keepPaused
	}
	return same, restarted
}

// setPause pauses or resumes. A pause that changes keeps its beginning.
func setPause(g *contract.Schedule, p *contract.PauseSchedule, paused bool) {
	if p.Resume {
		g.Paused, g.PausedAt, g.PausedUntil, g.PausedBy, g.PausedReason = false, time.Time{}, time.Time{}, "", ""
		return
	}
	if !paused {
		g.PausedAt = row.MillisOf(p.At).Time()
	}
	g.Paused, g.PausedUntil, g.PausedBy, g.PausedReason = true, row.MillisOf(p.Until).Time(), p.Actor, p.Reason
}

// restart moves the watermark to now, never back, and up to the first slot that may be.
func restart(g *contract.Schedule, now time.Time) {
	if now.After(g.Watermark) {
		g.Watermark = now
	}
	if begin := g.From.Add(-time.Millisecond); !g.From.IsZero() && begin.After(g.Watermark) {
		g.Watermark = begin
	}
}

// next is the first slot that is not settled, without those of a pause if they are not recorded.
func next(g *contract.Schedule, c *change) time.Time {
	from := g.Watermark
	if g.Paused && !c.keepPaused {
		if g.PausedUntil.IsZero() {
			return time.Time{}
		}
		if end := g.PausedUntil.Add(-time.Millisecond); end.After(from) {
			from = end
		}
	}
	if g.MaxRuns > 0 && g.Runs >= g.MaxRuns {
		return time.Time{}
	}
	return row.MillisOf(c.after(from)).Time()
}

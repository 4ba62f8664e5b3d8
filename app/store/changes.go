package store

import (
	"database/sql"
	"encoding/json"
	"maps"
	"slices"

	"gorm.io/gorm"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/store/db"
	"fibercrons/app/store/row"
)

// changes are what a transaction will write, gathered into few statements.
type changes struct {
	*session
	inserts    []*run
	starts     []*run
	ends       []end
	lines      []line
	outcomes   map[string]*outcome
	watermarks map[string]movedWatermark
	moved      map[string]*storedSchedule // whose watermark, next slot or number of runs changes, by ID
	last       map[string]lastRun         // of each stored schedule
	undefer    []string                   // deferred runs that are started
}

// end is a run that ends, or is queued again.
type end struct {
	run *run
	f   *contract.Finish
	own bool // owner, lease and token change as well
}

type line struct {
	run string
	cron.LogLine
}

// outcome gathers what the ended runs of a job change in its state.
type outcome struct {
	job            string
	status         cron.Status
	err            string
	run            *run // the last that had started
	startedAt      int64
	endedAt        int64
	success        int64
	own            int64 // success of a run without a stored schedule
	runs, failures int64
	loose          bool // nothing has locked the job's state: there are only skipped slots of stored schedules
}

// lastRun is the run of a stored schedule that ended last, and the end of the last one that succeeded.
type lastRun struct {
	*run
	success int64
}

// plain reports whether all of the runs were started and succeeded, and the last had no stored schedule.
func (o *outcome) plain() bool {
	return o.status == cron.Succeeded && o.err == "" && o.run != nil && o.failures == 0 && o.success == o.endedAt && o.own == o.success
}

// skipped reports whether none of the runs was started, and the last was skipped.
func (o *outcome) skipped() bool { return o.status == cron.Skipped && o.run == nil }

// movedWatermark is the watermark of a job, which may not have had a row.
type movedWatermark struct {
	job   string
	at    int64
	added bool
}

// noteOutcome gathers what the end of a run changes in the state of its job.
func (t *changes) noteOutcome(r *run, err string, endedAt int64) {
	o := t.outcome(r)
	o.loose = false
	o.status, o.err = r.status, err
	if r.startedAt == 0 {
		return
	}
	o.run, o.startedAt, o.endedAt = r, r.startedAt, endedAt
	o.runs++
	switch r.status {
	case cron.Succeeded:
		o.success = endedAt
		if r.schedule == "" {
			o.own = endedAt
		} else {
			t.last[r.schedule] = lastRun{r, endedAt}
		}
	case cron.Failed, cron.Interrupted:
		o.failures++
	}
}

// noteSkip is noteOutcome for a new run that was skipped.
func (t *changes) noteSkip(r *run, err string, endedAt int64) {
	o := t.outcome(r)
	loose := r.schedule != "" && (o.loose || o.status == "")
	t.noteOutcome(r, err, endedAt)
	o.loose = loose
}

func (t *changes) outcome(r *run) *outcome {
	if r.schedule != "" {
		t.last[r.schedule] = lastRun{r, t.last[r.schedule].success}
	}
	o := t.outcomes[r.job]
	if o == nil {
		o = &outcome{job: r.job}
		t.outcomes[r.job] = o
	}
	return o
}

// touch is called before a change of a run is gathered. An earlier change of it is written first.
func (t *changes) touch(r *run) {
	if r.pending {
		t.fail(t.flushRuns())
	}
	r.pending = true
}

// flush writes everything that was gathered.
func (t *changes) flush() error {
	t.fail(t.flushRuns())
	t.flushLines()
	t.flushStates()
	return t.err
}

// handle writes what has been gathered, and returns a handle on the transaction, for what is rare.
func (t *changes) handle() *gorm.DB {
	t.fail(t.flush())
	t.wrote = true
	db := t.db.Read(t.ctx).Session(&gorm.Session{NewDB: true, Context: t.ctx})
	db.Statement.ConnPool = t.tx
	return db
}

func (t *changes) flushRuns() error {
	t.flushInserts()
	batch(t.session, t.starts, updateRows, &t.sql.Start, func(r *run, args []any) []any {
		return append(args, r.id, int64(r.attempt), r.startedAt, r.leaseUntil, r.instance, r.attemptAt)
	})
	batch(t.session, t.undefer, updateRows, &t.sql.Undefer, func(id string, args []any) []any { return append(args, id) })
	t.flushEnds()
	for _, r := range t.inserts {
		r.pending, r.claim = false, nil
	}
	for _, r := range t.starts {
		r.pending = false
	}
	for _, e := range t.ends {
		e.run.pending = false
	}
	t.inserts, t.starts, t.ends, t.undefer = nil, nil, nil, nil
	return t.err
}

// Rows of one statement. The driver prepares a statement anew each time, which many rows share, and finds each
// parameter by a walk from the first, which takes longer the more there are. What rows have in common is given once.
const (
	insertRows = 32
	updateRows = 64
	wideRows   = 16
)

// insertWide is the statement for runs with little in common.
func (t *changes) insertWide() *db.Values {
	if t.users && t.sql.Locks != nil {
		return &t.sql.Locks.InsertKeyed
	}
	return &t.sql.InsertWide
}

// flushInserts writes runs with much in common together. It keeps the order of the claims of each job and of each stored
// schedule, which is the order of its history.
func (t *changes) flushInserts() {
	for _, like := range t.byTurns() {
		switch {
		case like.wide:
			batch(t.session, like.runs, wideRows, t.insertWide(), insertArgs)
		case like.stored:
			batch(t.session, like.runs, insertRows, &t.sql.InsertStored, func(r *run, args []any) []any {
				return append(args, r.id, r.job, r.schedule, r.slotOrNull(), r.token, r.claim.At.UnixMilli(), textOrNull(string(r.claim.Args)))
			}, string(like.status), string(like.trigger), int64(like.attempt), like.instance, like.leaseUntil, string(like.reason), like.detail, like.group)
		default:
			batch(t.session, like.runs, insertRows, &t.sql.Insert, func(r *run, args []any) []any {
				return append(args, r.id, r.job, r.slotOrNull(), r.token, r.claim.At.UnixMilli())
			}, string(like.status), string(like.trigger), int64(like.attempt), like.instance, like.leaseUntil, string(like.reason), like.detail)
		}
	}
}

// similarRuns are runs to insert that have the same in common.
type similarRuns struct {
	common
	turn int
	runs []*run
}

// byTurns orders the runs to insert: the first of each job or stored schedule, then the second of each, and so on, and
// those of one turn by what they have in common. So the run and the skipped slots of a job that is late are written
// together with those of other jobs.
func (t *changes) byTurns() []*similarRuns {
	if len(t.inserts) == 0 {
		return nil
	}
	type place struct {
		common
		turn int
	}
	turns := make(map[source]int, len(t.inserts))
	places := make(map[place]*similarRuns)
	var all []*similarRuns
	for _, r := range t.inserts {
		p := place{t.commonOf(r), turns[r.source]}
		turns[r.source]++
		if places[p] == nil {
			places[p] = &similarRuns{common: p.common, turn: p.turn}
			all = append(all, places[p])
		}
		places[p].runs = append(places[p].runs, r)
	}
	slices.SortStableFunc(all, func(a, b *similarRuns) int { return a.turn - b.turn })
	joined := all[:0]
	for _, next := range all {
		if n := len(joined); n > 0 && joined[n-1].common == next.common {
			joined[n-1].runs = append(joined[n-1].runs, next.runs...)
		} else {
			joined = append(joined, next)
		}
	}
	return joined
}

// common is what the claims of one tick share.
type common struct {
	wide       bool // nothing: each has columns of its own
	stored     bool // they are those of stored schedules
	status     cron.Status
	trigger    cron.Trigger
	attempt    int
	instance   string
	leaseUntil int64
	reason     cron.Reason // of what is skipped
	detail     string
	group      string // of those of stored schedules
}

func (t *changes) commonOf(r *run) common {
	c, stored := r.claim, r.schedule != ""
	switch {
	case !t.sql.Insert.Exists() || c.Actor != "" || c.Key != "" || !c.DataSlot.IsZero() || r.dueAt != 0,
		!stored && (r.group != "" || c.Args != nil):
		return common{wide: true}
	}
	all := common{stored: stored, group: r.group, status: r.status, trigger: c.Trigger, attempt: r.attempt, instance: r.instance, leaseUntil: r.leaseUntil, reason: r.reason}
	if r.status == cron.Skipped {
		all.detail = c.Detail
	}
	return all
}

func insertArgs(r *run, args []any) []any {
	c := r.claim
	at := c.At.UnixMilli()
	var detail string
	var endedAt any
	if r.status == cron.Skipped {
		detail, endedAt = c.Detail, at
	}
	return append(args, r.id, r.job, r.slotOrNull(), r.token, string(r.status), string(c.Trigger), int64(r.attempt),
		r.instance, at, orNull(r.startedAt), r.leaseUntil, endedAt, string(r.reason), detail, r.group, c.Actor,
		textOrNull(c.Key), textOrNull(string(c.Args)), orNull(int64(row.MillisOf(c.DataSlot))), r.schedule, orNull(r.dueAt), orNull(r.dueAt))
}

// flushEnds writes plain successes, which are most, by a statement with few columns.
func (t *changes) flushEnds() {
	var plain, wide []end
	for _, e := range t.ends {
		f := e.f
		if f.Status == cron.Succeeded && !e.own && f.Reason == "" && f.Error == "" && f.Stack == "" && f.Result == nil && f.Progress == nil {
			plain = append(plain, e)
		} else {
			wide = append(wide, e)
		}
	}
	batch(t.session, plain, updateRows, &t.sql.End, func(e end, args []any) []any {
		return append(args, e.run.id, e.f.At.UnixMilli(), orNull(e.run.startedAt), attempts(e.f))
	})
	batch(t.session, wide, wideRows, &t.sql.EndWide, func(e end, args []any) []any {
		f := e.f
		var endedAt, nextAt row.Millis
		if f.Status.Ended() {
			endedAt = row.MillisOf(f.At)
		} else {
			nextAt = row.MillisOf(f.NextAt)
		}
		return append(args, e.run.id, orNull(int64(endedAt)), orNull(e.run.startedAt), attempts(f),
			string(f.Status), string(f.Reason), f.Error, f.Stack, textOrNull(string(f.Result)), jsonOrNull(f.Progress, f.Progress != nil),
			orNull(int64(nextAt)), e.run.instance, e.run.leaseUntil, e.run.token)
	})
}

func attempts(f *contract.Finish) any { return jsonOrNull(f.Attempts, f.Attempts != nil) }

func (t *changes) flushLines() {
	batch(t.session, t.lines, wideRows, &t.sql.Lines, func(l line, args []any) []any {
		return append(args, l.run, l.Seq, orNull(int64(row.MillisOf(l.Time))), int64(l.Attempt), l.Level, l.Message, textOrNull(string(l.Attrs)))
	})
	t.lines = nil
}

func (t *changes) flushStates() {
	t.flushStored()
	t.dropLoose()
	var added, moved []movedWatermark
	var skipped []*outcome
	for job, w := range t.watermarks {
		if o := t.outcomes[job]; o != nil && o.skipped() && !w.added && t.sql.Skips.Exists() {
			skipped = append(skipped, o)
			delete(t.outcomes, job)
		} else if w.added {
			added = append(added, movedWatermark{job, w.at, true})
		} else {
			moved = append(moved, movedWatermark{job, w.at, false})
		}
	}
	batch(t.session, added, updateRows, &t.sql.States, func(w movedWatermark, args []any) []any { return append(args, w.job, t.now, w.at) })
	batch(t.session, moved, updateRows, &t.sql.Watermarks, func(w movedWatermark, args []any) []any { return append(args, w.job, w.at) })

	batch(t.session, skipped, updateRows, &t.sql.Skips, func(o *outcome, args []any) []any {
		return append(args, o.job, t.watermarks[o.job].at, o.err)
	})

	var plain, wide []*outcome
	for _, o := range t.outcomes {
		if o.plain() {
			plain = append(plain, o)
		} else {
			wide = append(wide, o)
		}
	}
	batch(t.session, plain, updateRows, &t.sql.Successes, func(o *outcome, args []any) []any {
		return append(args, o.job, o.startedAt, o.run.id, o.run.slotOrNull(), o.endedAt, o.runs)
	})
	batch(t.session, wide, wideRows, &t.sql.Outcomes, func(o *outcome, args []any) []any {
		var id string
		var slot any
		if o.run != nil {
			id, slot = o.run.id, o.run.slotOrNull()
		}
		return append(args, o.job, t.now, string(o.status), o.err, orNull(o.startedAt), id, slot, o.endedAt-o.startedAt, orNull(o.success), orNull(o.own), o.runs, o.failures)
	})
	clear(t.watermarks)
	clear(t.outcomes)
}

func (t *changes) flushStored() {
	if len(t.moved) > 0 {
		batch(t.session, slices.Collect(maps.Keys(t.moved)), updateRows, &t.sql.ScheduleMarks, func(id string, args []any) []any {
			g := t.moved[id]
			return append(args, id, g.watermark, orNull(g.next), g.runs)
		})
		clear(t.moved)
	}
	if len(t.last) > 0 {
		batch(t.session, slices.Collect(maps.Values(t.last)), updateRows, &t.sql.ScheduleOutcomes, func(r lastRun, args []any) []any {
			return append(args, r.schedule, orNull(r.startedAt), r.id, string(r.status), orNull(r.success))
		})
		clear(t.last)
	}
}

// dropLoose leaves out what slots of stored schedules that were skipped would change in the states of jobs that another
// process has locked: to wait for those now could be to wait in a circle.
func (t *changes) dropLoose() {
	if t.sql.Locks == nil {
		return
	}
	var loose []string
	for job, o := range t.outcomes {
		if o.loose {
			loose = append(loose, job)
		}
	}
	free := make(map[string]bool, len(loose))
	t.each(&t.sql.Locks.FreeStates, db.Args(unique(loose)), 1, func(rows *sql.Rows) error {
		var name string
		var s jobState
		var now int64
		err := rows.Scan(append(append([]any{&name}, s.fields()...), &now)...)
		free[name] = true
		return err
	})
	for _, job := range loose {
		if !free[job] {
			delete(t.outcomes, job)
		}
	}
}

func orNull(ms int64) any {
	if ms == 0 {
		return nil
	}
	return ms
}

func textOrNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func jsonOrNull(v any, some bool) any {
	if !some {
		return nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil // cannot happen: it has times, strings and numbers
	}
	return string(b)
}

func nullText(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }

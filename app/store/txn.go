package store

import (
	"database/sql"
	"math"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/store/db"
)

// needs is what the ops of a group need to read. It is read before the first of
// them decides, because one statement for many rows costs a fraction of one for each.
type needs struct {
	claims []*contract.Claim
	tries  []int    // parallel to claims: how often they were put off
	ids    []string // of runs
	jobs   []string // whose state they decide about
	stored []string // schedules that they decide about
	serial []source // whose active runs matter
	groups []string // whose running runs matter
	turns  []string // groups whose waiting runs matter
	known  []string // jobs that get a state if they have none
	seen   int64    // when those were first seen; 0: now
}

// txn is one transaction: what was read, kept up to date with each decision, and what is to be written. Nothing in it
// outlives the transaction, since other processes write to the same database.
type txn struct {
	changes
	rules  rules
	states map[string]*jobState
	marks  map[string]*jobState // as they were before the locks
	stored map[string]*storedSchedule
	runs   map[string]*run
	slots  map[slotKey]*run
	keys   map[requestKey]*run
	active map[source][]*run
	groups map[string][]*run // running, by group
	queues map[string][]*run // waiting for a first attempt, by group
	taken  map[source]bool   // what another process has locked: jobs, or schedules of whatever job

	created    int64 // first_seen of the states that it made
	claimsOnly bool  // only claims are still to be carried out
}

type (
	slotKey struct {
		source
		slot int64
	}
	requestKey struct{ job, key string }
)

func newTxn(on *session, rules rules) *txn {
	return &txn{
		changes: changes{session: on, outcomes: map[string]*outcome{}, watermarks: map[string]movedWatermark{}, moved: map[string]*storedSchedule{}, last: map[string]lastRun{}},
		rules:   rules,
		states:  map[string]*jobState{}, stored: map[string]*storedSchedule{}, runs: map[string]*run{},
		slots: map[slotKey]*run{}, keys: map[requestKey]*run{},
		active: map[source][]*run{}, groups: map[string][]*run{}, queues: map[string][]*run{},
		taken: map[source]bool{},
	}
}

// load reads what the ops need.
func (t *txn) load(n *needs, careful bool) {
	if len(n.claims) > 0 {
		t.loadForClaims(n, careful)
	}
	t.loadRuns(&t.sql.RunsByID, unique(n.ids), func(r *run) { t.remember(r) })
	t.each(&t.sql.Active, sourceArgs(n.serial), 2, func(rows *sql.Rows) error {
		r, err := scanRun(rows)
		r = t.remember(r)
		t.active[r.source] = append(t.active[r.source], r)
		return err
	})
	t.loadRuns(&t.sql.RunningByGroup, unique(n.groups), func(r *run) {
		r = t.remember(r)
		t.groups[r.group] = append(t.groups[r.group], r)
	})
	t.loadRuns(&t.sql.WaitingByGroup, unique(n.turns), func(r *run) {
		t.queues[r.group] = append(t.queues[r.group], t.remember(r))
	})
}

// loadForClaims reads the states first, since they show which claims need more. A slot
// above the watermark is most likely free and is inserted without a look, unless careful; and few
// jobs have active runs.
func (t *txn) loadForClaims(n *needs, careful bool) {
	var jobs, stored []string
	for _, c := range n.claims {
		if _, ok := t.states[c.Job]; !ok {
			t.states[c.Job] = &jobState{}
			jobs = append(jobs, c.Job)
		}
		if _, ok := t.stored[c.Schedule]; !ok && c.Schedule != "" {
			t.stored[c.Schedule] = &storedSchedule{}
			stored = append(stored, c.Schedule)
		}
	}
	if t.sql.Locks != nil {
		jobs, stored = nil, nil // existing ones were read when they were locked
	}
	t.each(&t.sql.StatesByJob, db.Args(jobs), 1, func(rows *sql.Rows) error {
		var name string
		var s jobState
		if err := rows.Scan(append(append([]any{&name}, s.fields()...), &s.busy)...); err != nil {
			return err
		}
		s.known = true
		t.states[name] = &s
		return nil
	})
	t.each(&t.sql.Schedules, db.Args(stored), 1, func(rows *sql.Rows) error {
		var id string
		var g storedSchedule
		err := rows.Scan(append(append([]any{&id}, g.fields()...), &g.busy)...)
		g.known = true
		t.stored[id] = &g
		return err
	})
	var slots, keys []any
	for _, c := range n.claims {
		s := t.states[c.Job]
		busy, occupied, watermark, sure := s.busy, &s.occupied, s.watermark, true
		if c.Schedule != "" {
			g := t.stored[c.Schedule]
			sure = g.known && (g.glimpsed() || g.job == c.Job && !t.rules.edited(g.revision, c.Revision))
			busy, occupied, watermark = g.busy || !sure, &g.occupied, g.watermark
			if !sure {
				watermark = math.MaxInt64 // the claim may have succeeded before the schedule was changed or deleted
			}
		}
		if c.Slot.IsZero() {
			n.ids = append(n.ids, c.ID)
		} else if slot := c.Slot.UnixMilli(); careful || t.rules.passed(c, watermark) {
			slots = append(slots, c.Job, c.Schedule, slot)
		}
		if c.Key != "" {
			keys = append(keys, c.Job, c.Key)
		}
		switch {
		case !busy || c.Force || c.Overlap == cron.Allow || c.Status == cron.Skipped || deferred(c):
		case t.claimsOnly && c.Overlap == cron.Skip && sure:
			*occupied = true
		default:
			n.serial = append(n.serial, source{c.Job, c.Schedule})
		}
	}
	t.each(&t.sql.RunsBySlot, slots, 3, func(rows *sql.Rows) error {
		r, err := scanRun(rows)
		r = t.remember(r)
		t.slots[slotKey{r.source, r.slot}] = r
		return err
	})
	t.each(&t.sql.RunsByKey, keys, 2, func(rows *sql.Rows) error {
		var key string
		r, err := scanRun(rows, &key)
		r = t.remember(r)
		t.keys[requestKey{r.job, key}] = r
		return err
	})
}

func (t *txn) loadRuns(v *db.Values, by []string, keep func(*run)) {
	t.each(v, db.Args(by), 1, func(rows *sql.Rows) error {
		r, err := scanRun(rows)
		keep(r)
		return err
	})
}

// remember keeps one run per ID, however often it was read.
func (t *txn) remember(r *run) *run {
	if known := t.runs[r.id]; known != nil {
		return known
	}
	t.runs[r.id] = r
	return r
}

// rules are the comparisons that the guarantees rest on, named so that a test can take one away
// and see that its checks then fail. They are set once, to theRules.
type rules struct {
	fenced  func(have, given int64) bool     // a token that is no longer the row's
	expired func(lease, now int64) bool      // a lease that has run out
	settled func(slot, watermark int64) bool // a slot that may not be claimed again

	// Of stored schedules, and of deferred runs:

	settledStored func(slot, watermark int64) bool // as settled
	edited        func(have, given int64) bool     // a revision that is no longer the schedule's
	due           func(at, now int64) bool         // a time that has come
}

var theRules = rules{
	fenced:  func(have, given int64) bool { return have != given },
	expired: func(lease, now int64) bool { return lease <= now },
	settled: func(slot, watermark int64) bool { return slot <= watermark },

	settledStored: func(slot, watermark int64) bool { return slot <= watermark },
	edited:        func(have, given int64) bool { return have != given },
	due:           func(at, now int64) bool { return at <= now },
}

// passed reports whether the slot of a claim is settled, by the watermark of what it belongs to.
func (r *rules) passed(c *contract.Claim, watermark int64) bool {
	if c.Schedule != "" {
		return r.settledStored(c.Slot.UnixMilli(), watermark)
	}
	return r.settled(c.Slot.UnixMilli(), watermark)
}

// expiredRun reports whether an active run may be taken: its lease has run out, or if it is deferred its time has come.
func (r *rules) expiredRun(of *run, now int64) bool {
	if of.dueAt != 0 {
		return r.due(of.leaseUntil, now)
	}
	return r.expired(of.leaseUntil, now)
}

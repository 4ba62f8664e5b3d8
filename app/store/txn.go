package store

import (
	"database/sql"

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
	serial []string // jobs whose active runs matter
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
	runs   map[string]*run
	slots  map[slotKey]*run
	keys   map[requestKey]*run
	active map[string][]*run // by job
	groups map[string][]*run // running, by group
	queues map[string][]*run // waiting for a first attempt, by group
	taken  map[string]bool   // jobs that another process has locked

	created    int64 // first_seen of the states that it made
	claimsOnly bool  // only claims are still to be carried out
}

type (
	slotKey struct {
		job  string
		slot int64
	}
	requestKey struct{ job, key string }
)

func newTxn(on *session, rules rules) *txn {
	return &txn{
		changes: changes{session: on, outcomes: map[string]*outcome{}, watermarks: map[string]movedWatermark{}},
		rules:   rules,
		states:  map[string]*jobState{}, runs: map[string]*run{},
		slots: map[slotKey]*run{}, keys: map[requestKey]*run{},
		active: map[string][]*run{}, groups: map[string][]*run{}, queues: map[string][]*run{},
		taken: map[string]bool{},
	}
}

// load reads what the ops need.
func (t *txn) load(n *needs, careful bool) {
	if len(n.claims) > 0 {
		t.loadForClaims(n, careful)
	}
	t.loadRuns(&t.sql.RunsByID, unique(n.ids), func(r *run) { t.remember(r) })
	jobs := unique(n.serial)
	t.loadRuns(&t.sql.ActiveByJob, jobs, func(r *run) {
		r = t.remember(r)
		t.active[r.job] = append(t.active[r.job], r)
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
	var jobs []string
	for _, c := range n.claims {
		if _, ok := t.states[c.Job]; !ok {
			t.states[c.Job] = &jobState{}
			jobs = append(jobs, c.Job)
		}
	}
	if t.sql.Locks != nil {
		jobs = nil // existing states were read when they were locked
	}
	t.each(&t.sql.StatesByJob, db.Args(jobs), 1, func(rows *sql.Rows) error {
		var name string
		var s jobState
		if err := rows.Scan(&name, &s.watermark, &s.paused, &s.pausedUntil, &s.generation, &s.overrideAt, &s.busy); err != nil {
			return err
		}
		s.known = true
		t.states[name] = &s
		return nil
	})
	var slots, keys []any
	for _, c := range n.claims {
		s := t.states[c.Job]
		if c.Slot.IsZero() {
			n.ids = append(n.ids, c.ID)
		} else if slot := c.Slot.UnixMilli(); careful || t.rules.settled(slot, s.watermark) {
			slots = append(slots, c.Job, slot)
		}
		if c.Key != "" {
			keys = append(keys, c.Job, c.Key)
		}
		switch {
		case !s.busy || c.Force || c.Overlap == cron.Allow || c.Status == cron.Skipped:
		case t.claimsOnly && c.Overlap == cron.Skip:
			s.occupied = true
		default:
			n.serial = append(n.serial, c.Job)
		}
	}
	t.each(&t.sql.RunsBySlot, slots, 2, func(rows *sql.Rows) error {
		r, err := scanRun(rows)
		r = t.remember(r)
		t.slots[slotKey{r.job, r.slot}] = r
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
}

var theRules = rules{
	fenced:  func(have, given int64) bool { return have != given },
	expired: func(lease, now int64) bool { return lease <= now },
	settled: func(slot, watermark int64) bool { return slot <= watermark },
}

package store

import (
	"context"
	"database/sql"
	"slices"

	"gorm.io/gorm"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// run is what a transaction has to know of a row of job_runs to decide about it.
type run struct {
	id, job      string
	slot         int64
	hand         bool
	token        int64
	status       cron.Status
	reason       cron.Reason
	attempt      int
	startedAt    int64
	attemptAt    int64 // of a start that flush will write
	cancelAt     int64
	cancelReason cron.Reason
	instance     string
	leaseUntil   int64
	group        string

	claim   *contract.Claim // not inserted yet
	pending bool            // part of what flush will write
}

func (r *run) active() bool { return !r.status.Ended() }

func (r *run) claimed(by string) contract.Claimed {
	return contract.Claimed{Won: r.id == by, ID: r.id, Status: r.status, Reason: r.reason}
}

// jobState is what a transaction has to know of a row of job_state.
type jobState struct {
	watermark   int64
	paused      bool
	pausedUntil int64
	generation  int64
	overrideAt  int64
	busy        bool // has active runs in the database
	known       bool // has a row
	locked      bool // by this transaction; see locks
	occupied    bool // one of its runs is active, whichever it is
}

// needs is what the ops of a group want to look at. It is read at once, before the first of
// them decides, because one statement for many rows costs a fraction of many for one.
type needs struct {
	claims []*contract.Claim
	tries  []int    // parallel to claims: how often they were put off
	ids    []string // of runs
	jobs   []string // whose state will be decided about
	serial []string // jobs whose active runs matter
	groups []string // whose running runs matter
	turns  []string // groups whose waiting runs matter
	known  []string // jobs that get a state if they have none
	seen   int64    // when those were first seen; 0: now
}

// txn is one transaction: what its ops have read, in memory and brought up to date by each
// decision, and what they want to write, gathered into few statements. Nothing in it outlives
// the transaction, since other processes write to the same database.
type txn struct {
	ctx    context.Context
	store  *Store
	tx     conn
	sql    *statements
	now    int64 // the clock of leases
	err    error // the first failed statement; nothing is committed after it
	wrote  bool
	states map[string]*jobState
	runs   map[string]*run
	slots  map[slotKey]*run
	keys   map[requestKey]*run
	active map[string][]*run // by job
	groups map[string][]*run // running, by group
	queues map[string][]*run // waiting for a first attempt, by group
	taken  map[string]bool   // jobs that another process is just deciding about

	created int64 // when the states that it made were first seen

	inserts    []*run
	starts     []*run
	ends       []end
	lines      []line
	outcomes   map[string]*outcome
	watermarks map[string]watermark

	done       map[*op]bool // carried out before anything was read
	claimsOnly bool         // are left to be carried out
}

type (
	slotKey struct {
		job  string
		slot int64
	}
	requestKey struct{ job, key string }
)

func newTxn(ctx context.Context, s *Store, tx *sql.Tx, group []*op, careful, quick bool) (*txn, error) {
	t := &txn{
		ctx: ctx, store: s, tx: conn{tx, s.db.sql(), s.heard}, sql: s.db.sql(),
		states: map[string]*jobState{}, runs: map[string]*run{},
		slots: map[slotKey]*run{}, keys: map[requestKey]*run{},
		active: map[string][]*run{}, groups: map[string][]*run{}, queues: map[string][]*run{},
		taken: map[string]bool{}, outcomes: map[string]*outcome{}, watermarks: map[string]watermark{},
	}
	if quick && t.sql.quickEnd.head != "" {
		if t.now, t.err = s.db.now(ctx, t.tx); t.err == nil {
			t.quick(group)
		}
	}
	var n needs
	for _, o := range group {
		if o.need != nil && !t.done[o] {
			o.need(&n)
		}
		for range o.claims {
			n.tries = append(n.tries, o.tries)
		}
	}
	t.lock(&n)
	t.load(&n, careful)
	if t.now == 0 && t.err == nil { // no statement has told
		t.now, t.err = s.db.now(ctx, t.tx)
	}
	return t, t.err
}

// load reads what the ops need.
func (t *txn) load(n *needs, careful bool) {
	if len(n.claims) > 0 {
		t.loadForClaims(n, careful)
	}
	t.loadRuns(&t.sql.runsByID, unique(n.ids), func(r *run) { t.remember(r) })
	jobs := unique(n.serial)
	t.loadRuns(&t.sql.activeByJob, jobs, func(r *run) {
		r = t.remember(r)
		t.active[r.job] = append(t.active[r.job], r)
	})
	t.loadRuns(&t.sql.runningByGroup, unique(n.groups), func(r *run) {
		r = t.remember(r)
		t.groups[r.group] = append(t.groups[r.group], r)
	})
	t.loadRuns(&t.sql.waitingByGroup, unique(n.turns), func(r *run) {
		t.queues[r.group] = append(t.queues[r.group], t.remember(r))
	})
}

// loadForClaims reads the states first, since they tell which claims need more: a slot that is
// above the watermark is most likely nobody's yet and is just inserted, unless careful; and few
// jobs have active runs.
func (t *txn) loadForClaims(n *needs, careful bool) {
	var jobs []string
	for _, c := range n.claims {
		if _, ok := t.states[c.Job]; !ok {
			t.states[c.Job] = &jobState{}
			jobs = append(jobs, c.Job)
		}
	}
	if t.sql.locks != nil {
		jobs = nil // what there is was locked
	}
	t.each(&t.sql.statesByJob, anys(jobs), 1, func(rows *sql.Rows) error {
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
		} else if slot := c.Slot.UnixMilli(); careful || t.store.rules.settled(slot, s.watermark) {
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
	t.each(&t.sql.runsBySlot, slots, 2, func(rows *sql.Rows) error {
		r, err := scanRun(rows)
		r = t.remember(r)
		t.slots[slotKey{r.job, r.slot}] = r
		return err
	})
	t.each(&t.sql.runsByKey, keys, 2, func(rows *sql.Rows) error {
		var key string
		r, err := scanRun(rows, &key)
		r = t.remember(r)
		t.keys[requestKey{r.job, key}] = r
		return err
	})
}

// loadRows bounds the parameters of one statement.
const loadRows = 100

// each reads what there is for a list of rows, each of width parameters.
func (t *txn) each(v *values, flat []any, width int, read func(*sql.Rows) error) {
	for some := range slices.Chunk(flat, width*v.atMost(loadRows)) {
		query, args := v.call(len(some)/width, slices.Clip(some))
		t.query(query, args, read)
	}
}

func (t *txn) loadRuns(v *values, by []string, keep func(*run)) {
	t.each(v, anys(by), 1, func(rows *sql.Rows) error {
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

// runColumns are the columns of scanRun.
const runColumns = "r.id, r.job, r.slot, r.token, r.status, r.reason, r.attempt, COALESCE(r.started_at, 0), " +
	"COALESCE(r.cancel_at, 0), r.cancel_reason, r.instance, r.lease_until, r.run_group"

func scanRun(rows *sql.Rows, more ...any) (*run, error) {
	var r run
	var slot sql.NullInt64
	err := rows.Scan(append([]any{&r.id, &r.job, &slot, &r.token, &r.status, &r.reason, &r.attempt, &r.startedAt,
		&r.cancelAt, &r.cancelReason, &r.instance, &r.leaseUntil, &r.group}, more...)...)
	r.slot, r.hand = slot.Int64, !slot.Valid
	return &r, err
}

// query runs a statement of the transaction; the first failure ends it.
func (t *txn) query(query string, args []any, each func(*sql.Rows) error) {
	if t.err != nil {
		return
	}
	rows, err := t.tx.QueryContext(t.ctx, query, args...)
	if err != nil {
		t.err = err
		return
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			t.err = err
			return
		}
	}
	t.err = rows.Err()
}

func (t *txn) exec(query string, args ...any) {
	t.wrote = true
	if t.err == nil {
		_, t.err = t.tx.ExecContext(t.ctx, query, args...)
	}
}

// gorm writes what has been gathered and returns a handle inside the transaction, for what is
// rare. Its errors go through failed.
func (t *txn) gorm() *gorm.DB {
	t.fail(t.flush())
	t.wrote = true
	db := t.store.users.Session(&gorm.Session{NewDB: true, Context: t.ctx})
	db.Statement.ConnPool = t.tx
	return db
}

// fail ends the transaction if err is one of the database.
func (t *txn) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}

func unique(s []string) []string {
	slices.Sort(s)
	return slices.Compact(s)
}

func anys(s []string) []any {
	out := make([]any, len(s))
	for i, v := range s {
		out[i] = v
	}
	return out
}

func chunks(s []string, each func([]string)) {
	for some := range slices.Chunk(s, loadRows) {
		each(some)
	}
}

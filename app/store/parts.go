package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"fibercrons/app/contract"
	"fibercrons/app/store/alerts"
	"fibercrons/app/store/db"
	"fibercrons/app/store/row"
	"fibercrons/app/store/schedules"
)

// alertDB is what the alerts need of the store.
type alertDB struct {
	db     *db.Database
	writer *writer
}

// Read implements [alerts.Database].
func (a alertDB) Read(ctx context.Context) *gorm.DB { return a.db.Read(ctx) }

// Now implements [alerts.Database].
func (a alertDB) Now(ctx context.Context) (int64, error) { return a.db.Now(ctx, a.db.Writer()) }

// Explain implements [alerts.Database].
func (a alertDB) Explain(err error) error { return a.db.Explain(err) }

// Write implements [alerts.Database].
func (a alertDB) Write(ctx context.Context, kind string, rows int, run func(alerts.Tx) error) error {
	return a.writer.do(ctx, &op{kind: kind, rows: rows, run: func(t *txn) error { return run(alertTx{t}) }})
}

// alertTx is a transaction as the alerts see it.
type alertTx struct{ t *txn }

// DB implements [alerts.Tx].
func (a alertTx) DB() *gorm.DB { return a.t.handle() }

// Now implements [alerts.Tx].
func (a alertTx) Now() int64 { return a.t.now }

// Fail implements [alerts.Tx].
func (a alertTx) Fail(err error) { a.t.fail(err) }

// Err implements [alerts.Tx].
func (a alertTx) Err() error { return a.t.err }

// scheduleDB is what the stored schedules need of the store.
type scheduleDB struct{ alertDB }

// Write implements [schedules.Database].
func (d scheduleDB) Write(ctx context.Context, kind string, ids []string, run func(schedules.Tx) error) error {
	return d.writer.do(ctx, &op{
		kind: kind,
		rows: len(ids),
		need: func(n *needs) { n.stored = append(n.stored, ids...) },
		run: func(t *txn) error {
			t.fail(t.flush()) // claims before it have moved them
			return run(scheduleTx{t})
		},
	})
}

// scheduleTx is a transaction as the stored schedules see it.
type scheduleTx struct{ t *txn }

// Statements implements [schedules.Tx].
func (s scheduleTx) Statements() *db.Statements { return s.t.sql }

// Now implements [schedules.Tx].
func (s scheduleTx) Now() int64 { return s.t.now }

// Err implements [schedules.Tx].
func (s scheduleTx) Err() error { return s.t.err }

// Each implements [schedules.Tx].
func (s scheduleTx) Each(v *db.Values, ids []string, read func(schedules.Row) error) {
	s.t.each(v, db.Args(ids), 1, func(rows *sql.Rows) error { return read(rows) })
}

// Put implements [schedules.Tx].
func (s scheduleTx) Put(v *db.Values, flat []any, width int) {
	batch(s.t.session, slices.Collect(slices.Chunk(flat, width)), insertRows, v, func(one, args []any) []any { return append(args, one...) })
}

// Delete implements [schedules.Tx].
func (s scheduleTx) Delete(id string) { s.t.exec("DELETE FROM job_schedules WHERE id = ?", id) }

// Changed implements [schedules.Tx].
func (s scheduleTx) Changed(id string, g *contract.Schedule) {
	known := storedSchedule{locked: true, busy: true}
	if g != nil {
		known.known, known.job, known.revision, known.most, known.runs = true, g.Job, g.Revision, g.MaxRuns, g.Runs
		known.watermark, known.next = int64(row.MillisOf(g.Watermark)), int64(row.MillisOf(g.Next))
		known.paused, known.pausedUntil = g.Paused, int64(row.MillisOf(g.PausedUntil))
	}
	s.t.stored[id] = &known
}

// In returns the store's part in a transaction of the user's own, which [Store.DB] has begun, or on a server any other
// handle on the same database. Nothing of it counts until the user commits, and no process waits for it but those that
// change the same schedules, or run them.
func (s *Store) In(tx *gorm.DB) (contract.Transaction, error) {
	if tx == nil || tx.Statement == nil {
		return nil, errNoTransaction
	}
	if _, open := tx.Statement.ConnPool.(gorm.TxCommitter); !open {
		return nil, errNoTransaction
	}
	d := &userDB{alertDB: alertDB{s.db, s.writer}, tx: s.db.UserTx(tx.Statement.ConnPool), rules: s.writer.rules}
	if !s.db.IsOurs(tx) {
		if err := s.db.Same(tx.Statement.Context, d.tx); err != nil {
			return nil, err
		}
	}
	return &userTx{Store: s.scheduleStore.On(d), db: d}, nil
}

var errNoTransaction = errors.New("not a transaction: begin one with app.DB(ctx).Transaction(func(tx *gorm.DB) error {...}), and give that tx")

// userDB is the store's database in a transaction of the user's own.
type userDB struct {
	alertDB
	tx    *db.Tx
	rules rules
}

// Write implements [schedules.Database], and does not commit.
func (d *userDB) Write(ctx context.Context, _ string, ids []string, run func(schedules.Tx) error) error {
	return d.within(ctx, &needs{stored: ids}, func(t *txn) error { return run(scheduleTx{t}) })
}

func (d *userDB) within(ctx context.Context, n *needs, run func(*txn) error) error {
	t := newTxn(&session{ctx: ctx, db: d.db, tx: d.tx, sql: d.db.Statements(), users: true}, d.rules)
	if n.claims != nil {
		t.lock(n)
		t.load(n, true)
	}
	t.clock()
	if t.err == nil {
		t.fail(run(t))
	}
	return t.flush()
}

// userTx is a [contract.Transaction].
type userTx struct {
	*schedules.Store
	db *userDB
}

// Defer implements [contract.Transaction].
func (u *userTx) Defer(ctx context.Context, c contract.Claim) (out contract.Claimed, err error) {
	if err = validClaim(&c); err == nil && !deferred(&c) {
		err = fmt.Errorf("claim of job %q: it needs a time, and no slot", c.Job)
	}
	if err == nil {
		err = u.db.within(ctx, &needs{claims: []*contract.Claim{&c}, tries: []int{0}}, func(t *txn) error {
			out = t.claim(&c)
			t.fail(t.flush())
			if out.Won && c.Key != "" { // unless another transaction was first
				t.query(t.sql.ByKey, []any{c.Job, c.Key}, func(rows *sql.Rows) error {
					there := run{}
					err := rows.Scan(&there.id, &there.status, &there.reason)
					out = there.claimed(c.ID)
					return err
				})
			}
			return nil
		})
	}
	if err != nil {
		return contract.Claimed{}, fmt.Errorf("defer run of job %q: %w", c.Job, u.db.Explain(err))
	}
	return out, nil
}

// Audit implements [contract.AuditLog].
func (u *userTx) Audit(ctx context.Context, e contract.AuditEntry) error {
	entry := auditRow(&e)
	if err := u.db.within(ctx, &needs{}, func(t *txn) error { return t.handle().Create(&entry).Error }); err != nil {
		return fmt.Errorf("audit %s of %s: %w", e.Action, e.Target, u.db.Explain(err))
	}
	return nil
}

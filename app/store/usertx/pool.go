package usertx

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"reflect"

	"gorm.io/gorm"
)

// pool is the pool of the user's own tables as gorm sees it. What begins in it can be ended.
type pool struct {
	*sql.DB
	tracker *Tracker
}

var (
	_ gorm.ConnPool         = (*pool)(nil)
	_ gorm.ConnPoolBeginner = (*pool)(nil)
	_ gorm.GetDBConnector   = (*pool)(nil)
	_ gorm.Tx               = (*tx)(nil)
)

// Pool returns db as a pool for gorm whose transactions and statements the tracker can end. A nil Tracker returns db.
func (t *Tracker) Pool(db *sql.DB) gorm.ConnPool {
	if t == nil {
		return db
	}
	return &pool{DB: db, tracker: t}
}

// GetDBConn implements [gorm.GetDBConnector]. What begins there is named, and cannot be ended.
func (p *pool) GetDBConn() (*sql.DB, error) { return p.DB, nil }

// BeginTx implements [gorm.ConnPoolBeginner].
func (p *pool) BeginTx(given context.Context, opts *sql.TxOptions) (gorm.ConnPool, error) {
	ctx, cancel := context.WithCancel(given)
	h := newHold(ctx, false, cancel)
	inner, err := p.DB.BeginTx(context.WithValue(ctx, holdKey{}, h), opts)
	if err != nil {
		cancel()
		return nil, err
	}
	return &tx{Tx: inner, tracker: p.tracker, hold: h, given: given, ctx: ctx, cancel: cancel}, nil
}

// ExecContext implements [gorm.ConnPool]: a statement outside of a transaction is one by itself.
func (p *pool) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	h := newHold(ctx, true, cancel)
	res, err := p.DB.ExecContext(context.WithValue(ctx, holdKey{}, h), query, args...)
	if err != nil {
		err = cmp.Or(p.tracker.overdue(h), err)
	}
	return res, err
}

// tx is a transaction that can be ended. Package sql then rolls it back, also while a statement is carried out.
type tx struct {
	*sql.Tx
	tracker *Tracker
	hold    *hold
	given   context.Context // as it was begun with
	ctx     context.Context // ends with it
	cancel  context.CancelFunc
}

// within is ctx, ended with the transaction: what a statement waits for ends, too.
func (t *tx) within(ctx context.Context) (context.Context, func()) {
	if reflect.TypeOf(ctx).Comparable() && ctx == t.given {
		return t.ctx, func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(t.ctx, cancel)
	return ctx, func() { stop(); cancel() }
}

func (t *tx) explain(err error) error {
	if err == nil {
		return nil
	}
	return cmp.Or(t.tracker.overdue(t.hold), err)
}

// ExecContext implements [gorm.ConnPool].
func (t *tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	ctx, done := t.within(ctx)
	defer done()
	res, err := t.Tx.ExecContext(ctx, query, args...)
	return res, t.explain(err)
}

// QueryContext implements [gorm.ConnPool]. The rows end with the transaction, whatever their context is.
func (t *tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	ctx, done := t.within(ctx)
	rows, err := t.Tx.QueryContext(ctx, query, args...)
	if err != nil {
		done()
		return nil, t.explain(err)
	}
	context.AfterFunc(t.ctx, done) // not earlier: the rows are still to be read
	return rows, nil
}

// PrepareContext implements [gorm.ConnPool].
func (t *tx) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	stmt, err := t.Tx.PrepareContext(ctx, query)
	return stmt, t.explain(err)
}

// Commit implements [gorm.TxCommitter].
func (t *tx) Commit() error {
	defer t.cancel()
	return t.explain(t.Tx.Commit())
}

// Rollback implements [gorm.TxCommitter].
func (t *tx) Rollback() error {
	defer t.cancel()
	err := t.Tx.Rollback()
	if errors.Is(err, sql.ErrTxDone) && t.tracker.overdue(t.hold) != nil {
		return nil // it was rolled back when it was ended
	}
	return err
}

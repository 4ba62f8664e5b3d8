package store

import (
	"context"

	"gorm.io/gorm"

	"fibercrons/app/store/alerts"
	"fibercrons/app/store/db"
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

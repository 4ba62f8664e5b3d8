package db

import (
	"context"
	"database/sql"
	"errors"
)

// BreakMigrationAfter has the next migrations fail when n statements were carried out.
func (d *Database) BreakMigrationAfter(n int) { d.migrator.dialect = &brittle{d.dialect, n} }

// ErrBroken is what such a migration answers.
var ErrBroken = errors.New("broken off")

type brittle struct {
	dialect
	left int
}

func (d *brittle) lock(ctx context.Context, db *sql.DB) (step, error) {
	tx, err := d.dialect.lock(ctx, db)
	return &brittleStep{tx, d}, err
}

type brittleStep struct {
	step
	d *brittle
}

func (b *brittleStep) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if b.d.left--; b.d.left < 0 {
		return nil, ErrBroken
	}
	return b.step.ExecContext(ctx, query, args...)
}

// ExplainSQLite is what is said of a result code of SQLite about a file, and whether it is tried again.
func ExplainSQLite(path string, code int) string {
	return explainSQLite(path, code, errors.New("disk I/O error")).Error()
}

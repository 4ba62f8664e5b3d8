package db

import (
	"context"
	"database/sql"
	"errors"
)

// BreakMigrationAfter has the next migrations fail when n statements were carried out.
func (d *Database) BreakMigrationAfter(n int) { d.migrator.Dialect = &brittle{d.dialect, n} }

// ErrBroken is what such a migration answers.
var ErrBroken = errors.New("broken off")

type brittle struct {
	Dialect
	left int
}

func (d *brittle) Lock(ctx context.Context, db *sql.DB) (Step, error) {
	tx, err := d.Dialect.Lock(ctx, db)
	return &brittleStep{tx, d}, err
}

type brittleStep struct {
	Step
	d *brittle
}

func (b *brittleStep) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if b.d.left--; b.d.left < 0 {
		return nil, ErrBroken
	}
	return b.Step.ExecContext(ctx, query, args...)
}

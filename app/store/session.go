package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"fibercrons/app/store/db"
)

// session is a transaction. Its first failed statement ends it.
type session struct {
	ctx   context.Context
	db    *db.Database
	tx    *db.Tx
	sql   *db.Statements
	now   int64 // the clock of leases; 0: not read yet
	err   error // of the first failed statement; nothing is committed after it
	wrote bool
	users bool // the transaction is the user's own
}

// clock reads the clock of leases, unless a statement has brought it along.
func (t *session) clock() {
	if t.now == 0 && t.err == nil {
		t.now, t.err = t.db.Now(t.ctx, t.tx)
	}
}

// fail ends the transaction, unless err is nil.
func (t *session) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}

// query runs a statement and has each row read.
func (t *session) query(query string, args []any, each func(*sql.Rows) error) {
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

func (t *session) exec(query string, args ...any) {
	t.wrote = true
	if t.err == nil {
		_, t.err = t.tx.ExecContext(t.ctx, query, args...)
	}
}

// loadRows bounds the parameters of one statement.
const loadRows = 100

// each reads what there is for a list of rows, each of width parameters, by as few statements as may be.
func (t *session) each(v *db.Values, flat []any, width int, read func(*sql.Rows) error) {
	for some := range slices.Chunk(flat, width*v.AtMost(loadRows)) {
		query, args := v.Call(len(some)/width, slices.Clip(some))
		t.query(query, args, read)
	}
}

// batch writes rows by multi-row statements; last are the parameters after the rows.
func batch[R any](t *session, rows []R, most int, v *db.Values, args func(R, []any) []any, last ...any) {
	eachBatch(t, rows, most, v, args, last, func(query string, all []any, _ int) { t.exec(query, all...) })
}

// eachBatch makes the statements of batch, and has each carried out by write, with its number of rows.
func eachBatch[R any](t *session, rows []R, most int, v *db.Values, args func(R, []any) []any, last []any, write func(query string, all []any, rows int)) {
	most = v.AtMost(most)
	for len(rows) > 0 && t.err == nil {
		some := rows[:min(most, len(rows))]
		rows = rows[len(some):]
		var list []any
		for _, r := range some {
			list = args(r, list)
		}
		query, all := v.Call(len(some), list, last...)
		write(query, all, len(some))
	}
}

// locking makes a read of runs lock its rows, in order of their IDs, as all locks on runs are taken. On SQLite that is
// not needed, and the order would cost a walk through the whole history.
func (t *session) locking(db *gorm.DB) *gorm.DB {
	if t.sql.Locks == nil {
		return db
	}
	return db.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Order("id")
}

func unique(s []string) []string {
	slices.Sort(s)
	return slices.Compact(s)
}

// sourceArgs are sources as the parameters of a statement, each once.
func sourceArgs(list []source) (args []any) {
	slices.SortFunc(list, func(a, b source) int {
		return cmp.Or(strings.Compare(a.job, b.job), strings.Compare(a.schedule, b.schedule))
	})
	for _, s := range slices.Compact(list) {
		args = append(args, s.job, s.schedule)
	}
	return args
}

func chunks(s []string, each func([]string)) {
	for some := range slices.Chunk(s, loadRows) {
		each(some)
	}
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"gorm.io/gorm"

	"fibercrons/app/contract"
	"fibercrons/app/store/row"
	"fibercrons/app/store/usertx"
)

// Tamper has f called at "begin", "commit" and "committed" of every transaction with the kinds
// of its ops. An error that it returns is taken for the database's.
func (s *Store) Tamper(f func(point string, kinds []string) error) {
	s.tamper = func(point string, ops []*op) error {
		kinds := make([]string, len(ops))
		for i, o := range ops {
			kinds[i] = o.kind
		}
		return f(point, kinds)
	}
}

// Heard has f called with every statement of the writer, the beginnings and ends of transactions included.
func (s *Store) Heard(f func(query string)) {
	s.heard = f
	s.tamper = func(point string, _ []*op) error {
		if point != "committed" {
			f(point)
		}
		return nil
	}
}

// WithoutLocks has a server's transactions lock nothing.
func (s *Store) WithoutLocks() {
	s.db = lockless{s.db}
}

type lockless struct{ dialect }

func (d lockless) sql() *statements {
	q := d.dialect.sql()
	bare := func(v *values) values {
		cut := func(text string) string {
			for _, lock := range []string{" FOR NO KEY UPDATE", " FOR UPDATE", " SKIP LOCKED"} {
				text = strings.ReplaceAll(text, lock, "")
			}
			return text
		}
		return values{head: cut(v.head), row: v.row, first: v.first, sep: v.sep, size: v.size, columns: v.columns, tail: cut(v.tail)}
	}
	return &statements{
		runsByID: bare(&q.runsByID), runsBySlot: bare(&q.runsBySlot), runsByKey: bare(&q.runsByKey), activeByJob: bare(&q.activeByJob),
		runningByGroup: bare(&q.runningByGroup), waitingByGroup: bare(&q.waitingByGroup), insert: bare(&q.insert), insertWide: bare(&q.insertWide), watermarks: bare(&q.watermarks),
		start: bare(&q.start), end: bare(&q.end), endWide: bare(&q.endWide), successes: bare(&q.successes), outcomes: bare(&q.outcomes),
		locks: &locks{
			marks: bare(&q.locks.marks), free: bare(&q.locks.free), states: bare(&q.locks.states), create: bare(&q.locks.create),
			groups: bare(&q.locks.groups), createGroups: bare(&q.locks.createGroups),
		},
		begin: q.begin, look: q.look, bind: q.bind, text: q.text, array: q.array, whole: q.whole,
	}
}

// BreakMigrationAfter has the next migrations fail when n statements were carried out.
func (s *Store) BreakMigrationAfter(n int) { s.db = &brittle{s.db, n} }

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

// WithoutFence takes away the comparison of tokens.
func (s *Store) WithoutFence() { s.rules.fenced = func(int64, int64) bool { return false } }

// WithoutLease takes every active run for expired.
func (s *Store) WithoutLease() { s.rules.expired = func(int64, int64) bool { return true } }

// WithoutWatermark takes no slot for settled.
func (s *Store) WithoutWatermark() { s.rules.settled = func(int64, int64) bool { return false } }

// Texts reads rows of one text.
var Texts = oneColumn

// Exec runs a statement on the writer's connection.
func (s *Store) Exec(query string, args ...any) error {
	_, err := s.writes.ExecContext(context.Background(), query, args...)
	return err
}

// Writes is the writer's pool.
func (s *Store) Writes() *sql.DB { return s.writes }

// RunsSQL is the statement for a query.
func (s *Store) RunsSQL(q contract.Query) string {
	db, err := selectRuns(s.reads, q)
	if err != nil {
		return err.Error()
	}
	return db.Session(&gorm.Session{DryRun: true}).Find(&[]row.JobRun{}).Statement.SQL.String()
}

// The statements whose plans are looked at.
var (
	PrunableByNumber = prunableByNumber
	PrunableByAge    = prunableByAge
	NewestSQL        = newestSQL
	InsertedSQL      = insertedSQL
	ActiveSQL        = activeSQL
	ActiveColumn     = activeColumn
	LastAuditSQL     = lastAuditSQL
	ToldSQL          = toldSQL
	TroubledSQL      = troubledSQL
	UnendedSQL       = unendedSQL
	LateSQL          = lateRunsSQL
	OpenSQL          = openSQL
	HotStatements    = func() map[string]string {
		q := &sqliteStatements
		return map[string]string{
			"states": q.statesByJob.sql(3), "runs by ID": q.runsByID.sql(3), "runs by slot": q.runsBySlot.sql(3), "runs by key": q.runsByKey.sql(3),
			"active": q.activeByJob.sql(3), "running in group": q.runningByGroup.sql(3), "waiting in group": q.waitingByGroup.sql(3), "start": q.start.sql(3), "end": q.end.sql(3),
			"end wide": q.endWide.sql(3), "watermarks": q.watermarks.sql(3), "successes": q.successes.sql(3),
		}
	}
)

// ExplainSQLite is what is said of a result code of SQLite about a file, and whether it is tried again.
func ExplainSQLite(path string, code int) string {
	return (&sqlite{path: path}).explainCode(code, errors.New("disk I/O error")).Error()
}

// HeardReads has f called with every statement of those who read.
func (s *Store) HeardReads(f func(query string)) error {
	return usertx.Trace(s.reads, func(ctx context.Context, _ string) (context.Context, func(system, table, text string, rows int64, err error)) {
		return ctx, func(_, _, text string, _ int64, _ error) { f(text) }
	})
}

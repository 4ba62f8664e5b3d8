package store

import (
	"context"
	"database/sql"
	"strings"

	"gorm.io/gorm"

	"fibercrons/app/contract"
	"fibercrons/app/store/row"
	"fibercrons/app/store/usertx"
)

// Tamper has f called at "begin", "commit" and "committed" of every transaction with the kinds
// of its ops. An error that it returns is taken for the database's.
func (s *Store) Tamper(f func(point string, kinds []string) error) {
	s.writer.tamper = func(point string, ops []*op) error {
		kinds := make([]string, len(ops))
		for i, o := range ops {
			kinds[i] = o.kind
		}
		return f(point, kinds)
	}
}

// Heard has f called with every statement of the writer, the beginnings and ends of transactions included.
func (s *Store) Heard(f func(query string)) {
	s.writer.edit = func(query string) string {
		f(query)
		return query
	}
	s.writer.tamper = func(point string, _ []*op) error {
		if point != "committed" {
			f(point)
		}
		return nil
	}
}

// WithoutLocks has a server's transactions lock nothing.
func (s *Store) WithoutLocks() {
	locks := strings.NewReplacer(" FOR NO KEY UPDATE", "", " FOR UPDATE", "", " SKIP LOCKED", "")
	s.writer.edit = locks.Replace
}

// WithoutFence takes away the comparison of tokens.
func (s *Store) WithoutFence() { s.writer.rules.fenced = func(int64, int64) bool { return false } }

// WithoutLease takes every active run for expired.
func (s *Store) WithoutLease() { s.writer.rules.expired = func(int64, int64) bool { return true } }

// WithoutWatermark takes no slot for settled.
func (s *Store) WithoutWatermark() { s.writer.rules.settled = func(int64, int64) bool { return false } }

// WithoutScheduleWatermark takes no slot of a stored schedule for settled.
func (s *Store) WithoutScheduleWatermark() {
	s.writer.rules.settledStored = func(int64, int64) bool { return false }
}

// WithoutRevision takes every stored schedule for what it was when it was read.
func (s *Store) WithoutRevision() { s.writer.rules.edited = func(int64, int64) bool { return false } }

// WithoutDue takes every deferred run for due.
func (s *Store) WithoutDue() { s.writer.rules.due = func(int64, int64) bool { return true } }

// Exec runs a statement on the writer's connection.
func (s *Store) Exec(query string, args ...any) error {
	_, err := s.db.Writer().ExecContext(context.Background(), query, args...)
	return err
}

// Writes is the writer's pool.
func (s *Store) Writes() *sql.DB { return s.db.Writer() }

// RunsSQL is the statement for a query.
func (s *Store) RunsSQL(q contract.Query) string {
	db, err := selectRuns(s.db.Read(context.Background()), q)
	if err != nil {
		return err.Error()
	}
	return db.Session(&gorm.Session{DryRun: true}).Find(&[]row.JobRun{}).Statement.SQL.String()
}

// The statements whose plans are looked at.
var (
	PastKept       = pastKept
	PrunableSlots  = prunableSlots
	PrunableByHand = prunableByHand
	PrunableByAge  = prunableByAge
	NewestSQL      = newestSQL
	InsertedSQL    = insertedSQL
	ActiveSQL      = activeSQL
	ActiveColumn   = activeColumn
	LastAuditSQL   = lastAuditSQL
	ToldSQL        = toldSQL
	SoonDueSQL     = soonDueSQL
	NextDueSQL     = nextDueSQL
	TroubledSQL    = troubledSQL
	UnendedSQL     = unendedSQL
	LateSQL        = lateRunsSQL
)

// HeardReads has f called with every statement of those who read.
func (s *Store) HeardReads(f func(query string)) error {
	return usertx.Trace(s.db.Read(context.Background()), func(ctx context.Context, _ string) (context.Context, func(system, table, text string, rows int64, err error)) {
		return ctx, func(_, _, text string, _ int64, _ error) { f(text) }
	})
}

// HotStatements are those of the hot path, with three rows.
func (s *Store) HotStatements() map[string]string {
	q := s.db.Statements()
	return map[string]string{
		"states": q.StatesByJob.SQL(3), "runs by ID": q.RunsByID.SQL(3), "runs by slot": q.RunsBySlot.SQL(3), "runs by key": q.RunsByKey.SQL(3),
		"active": q.Active.SQL(3), "running in group": q.RunningByGroup.SQL(3), "waiting in group": q.WaitingByGroup.SQL(3), "start": q.Start.SQL(3), "end": q.End.SQL(3),
		"end wide": q.EndWide.SQL(3), "watermarks": q.Watermarks.SQL(3), "successes": q.Successes.SQL(3),
		"stored schedules": q.Schedules.SQL(3), "schedule rows": q.ScheduleRows.SQL(3), "schedule marks": q.ScheduleMarks.SQL(3), "schedule outcomes": q.ScheduleOutcomes.SQL(3),
	}
}

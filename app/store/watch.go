package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"fibercrons/app/contract"
	"fibercrons/app/store/row"
)

// The statements of a glance. Each goes by an index, and what it reads is what is new or active; but
// for the jobs, of which there are few beside the runs.
const (
	newestSQL   = "SELECT seq, id FROM job_runs WHERE seq = (SELECT MAX(seq) FROM job_runs)"
	insertedSQL = "SELECT seq, id, status, attempt, cancel_at IS NOT NULL FROM job_runs WHERE seq >= ? ORDER BY seq LIMIT ?"
	activeSQL   = "SELECT r.id, r.status, r.attempt, r.cancel_at IS NOT NULL, " +
		"COALESCE((SELECT MAX(l.seq) FROM job_run_logs l WHERE l.run_id = r.id), 0), COALESCE(r.progress, '') " +
		"FROM job_runs r WHERE r.ended_at IS NULL"
	lastAuditSQL     = "SELECT COALESCE(MAX(id), 0) FROM job_audit"
	toldSQL          = "SELECT target, action = 'pause' FROM job_audit WHERE id > ? AND action IN ('pause', 'resume') ORDER BY id"
	recentNumbersSQL = "SELECT seq FROM job_runs WHERE seq > ? ORDER BY seq"
	recentAuditsSQL  = "SELECT id FROM job_audit WHERE id > ? ORDER BY id"
	auditsSQL        = "SELECT id FROM job_audit WHERE id IN ?"
	lateToldSQL      = "SELECT target, action = 'pause' FROM job_audit WHERE id IN ? AND action IN ('pause', 'resume') ORDER BY id"
	lateSQL          = "SELECT seq, id, status, attempt, cancel_at IS NOT NULL FROM job_runs WHERE seq IN ?"
	switchSQL        = "SELECT name, paused, paused_at, paused_until, override_at FROM job_state WHERE paused OR override_at IS NOT NULL"
)

// Summarize implements [contract.Watch], in one read transaction. The marked run is read along with those
// after it: when it is not there any more, its number may have been given to another run. What got
// its number before the mark and was committed after it is found by the gaps that the mark tells of.
func (s *Store) Summarize(ctx context.Context, after contract.Position, limit int) (contract.Summary, error) {
	var g contract.Summary
	err := s.db.Read(ctx).Transaction(func(db *gorm.DB) error {
		g = contract.Summary{}
		l := look{db: db, server: s.db.Statements().Locks != nil, after: after, limit: limit, at: make(map[string]int), g: &g}
		for _, part := range []func() error{l.runs, l.late, l.active, l.audits, l.switches} {
			if err := part(); err != nil {
				return err
			}
		}
		return nil
	}, s.db.Statements().Look)
	if err != nil {
		return contract.Summary{}, fmt.Errorf("look for changes: %w", s.db.Explain(err))
	}
	return g, nil
}

// look is one glance on its way.
type look struct {
	db     *gorm.DB
	server bool // numbers are not in the order of commits
	after  contract.Position
	limit  int
	at     map[string]int // where in g.Runs a run is
	g      *contract.Summary
}

func (l *look) read(query string, each func(*sql.Rows) error, args ...any) error {
	rows, err := l.db.Raw(query, args...).Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// gapsAfter returns the numbers missing after one of them.
func (l *look) gapsAfter(query string, from int64) ([]contract.Gap, error) {
	seen := []int64{from}
	err := l.read(query, func(rows *sql.Rows) error {
		var n int64
		err := rows.Scan(&n)
		seen = append(seen, n)
		return err
	}, from)
	return between(seen), err
}

func (l *look) sight(r contract.RunSummary) {
	if i, there := l.at[r.ID]; there {
		l.g.Runs[i] = r
		return
	}
	l.at[r.ID] = len(l.g.Runs)
	l.g.Runs = append(l.g.Runs, r)
}

// runs reads those that were inserted after the mark.
func (l *look) runs() error {
	g, marked, inserted := l.g, l.after.Number == 0, 0
	err := l.read(newestSQL, func(rows *sql.Rows) error { return rows.Scan(&g.Newest.Number, &g.Newest.ID) })
	if err != nil {
		return err
	}
	seen := []int64{l.after.Number}
	err = l.read(insertedSQL, func(rows *sql.Rows) error {
		var number int64
		var r contract.RunSummary
		if err := rows.Scan(&number, &r.ID, &r.Status, &r.Attempt, &r.Cancelled); err != nil {
			return err
		}
		if number == l.after.Number && r.ID == l.after.ID {
			marked = true
			return nil
		}
		inserted++
		seen = append(seen, number)
		l.sight(r)
		return nil
	}, l.after.Number, l.limit+2)
	g.Missed = !marked || inserted > l.limit
	if err != nil || !l.server {
		return err
	}
	if g.Missed || l.after.Number == 0 || l.after.Number > g.Newest.Number { // what is open is not known from before
		g.Newest.Gaps, err = l.gapsAfter(recentNumbersSQL, max(g.Newest.Number-gapWindow, 0))
		return err
	}
	g.Newest.Gaps = between(seen)
	return nil
}

// late reads the runs that have come to light in the gaps before the mark.
func (l *look) late() error {
	filled := make(map[int64]bool)
	for some := range slices.Chunk(l.after.Gaps, gapRows) {
		err := l.read(lateSQL, func(rows *sql.Rows) error {
			var number int64
			var r contract.RunSummary
			err := rows.Scan(&number, &r.ID, &r.Status, &r.Attempt, &r.Cancelled)
			filled[number] = true
			l.sight(r)
			return err
		}, numbers(some))
		if err != nil {
			return err
		}
	}
	l.g.Newest.Gaps = stillOpen(l.g.Newest.Gaps, l.after.Gaps, filled, gapWindow)
	return nil
}

func (l *look) active() error {
	return l.read(activeSQL, func(rows *sql.Rows) error {
		var r contract.RunSummary
		err := rows.Scan(&r.ID, &r.Status, &r.Attempt, &r.Cancelled, &r.LastLine, &r.Progress)
		l.sight(r)
		return err
	})
}

// audits reads what was told of pauses.
func (l *look) audits() error {
	g := l.g
	err := l.read(lastAuditSQL, func(rows *sql.Rows) error { return rows.Scan(&g.Newest.Audit) })
	if err != nil {
		return err
	}
	told := func(rows *sql.Rows) error {
		var t contract.PauseChange
		err := rows.Scan(&t.Job, &t.Paused)
		g.Told = append(g.Told, t)
		return err
	}
	if len(l.after.AuditGaps) > 0 {
		if err := l.read(lateToldSQL, told, numbers(l.after.AuditGaps)); err != nil {
			return err
		}
	}
	if err := l.read(toldSQL, told, l.after.Audit); err != nil || !l.server {
		return err
	}
	from := l.after.Audit
	if from == 0 || from > g.Newest.Audit {
		from = max(g.Newest.Audit-gapAudits, 0)
	}
	fresh, err := l.gapsAfter(recentAuditsSQL, from)
	if err != nil {
		return err
	}
	filled := make(map[int64]bool)
	err = l.read(auditsSQL, func(rows *sql.Rows) error {
		var number int64
		err := rows.Scan(&number)
		filled[number] = true
		return err
	}, numbers(l.after.AuditGaps))
	g.Newest.AuditGaps = stillOpen(fresh, l.after.AuditGaps, filled, gapAudits)
	return err
}

func (l *look) switches() error {
	return l.read(switchSQL, func(rows *sql.Rows) error {
		var w contract.JobSetting
		var pausedAt, pausedUntil, overrideAt row.Millis
		if err := rows.Scan(&w.Job, &w.Paused, &pausedAt, &pausedUntil, &overrideAt); err != nil {
			return err
		}
		w.PausedAt, w.PausedUntil, w.OverrideAt = pausedAt.Time(), pausedUntil.Time(), overrideAt.Time()
		l.g.Jobs = append(l.g.Jobs, w)
		return nil
	})
}

package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"fibercrons/app/contract"
	"fibercrons/app/store/row"
)

// The statements of a summary. Each uses an index and reads only what is new or active, except that of the
// jobs, which are few beside the runs.
const (
	newestSQL   = "SELECT seq, id FROM job_runs WHERE seq = (SELECT MAX(seq) FROM job_runs)"
	insertedSQL = "SELECT seq, id, status, attempt, cancel_at IS NOT NULL, due_at IS NOT NULL FROM job_runs WHERE seq >= ? ORDER BY seq LIMIT ?"
	activeSQL   = "SELECT r.id, r.status, r.attempt, r.cancel_at IS NOT NULL, " +
		"COALESCE((SELECT MAX(l.seq) FROM job_run_logs l WHERE l.run_id = r.id), 0), COALESCE(r.progress, '') " +
		"FROM job_runs r WHERE r.ended_at IS NULL AND r.due_at IS NULL"
	soonDueSQL       = "SELECT id FROM job_runs WHERE ended_at IS NULL AND due_at > 0 AND due_at <= ? ORDER BY due_at LIMIT ?"
	nextDueSQL       = "SELECT COALESCE(MIN(due_at), 0) FROM job_runs WHERE ended_at IS NULL AND due_at > ?"
	lastAuditSQL     = "SELECT COALESCE(MAX(id), 0) FROM job_audit"
	toldSQL          = "SELECT target, action FROM job_audit WHERE id > ? AND action IN ('pause', 'resume', 'cancel') ORDER BY id"
	recentNumbersSQL = "SELECT seq FROM job_runs WHERE seq > ? ORDER BY seq"
	recentAuditsSQL  = "SELECT id FROM job_audit WHERE id > ? ORDER BY id"
	auditsSQL        = "SELECT id FROM job_audit WHERE id IN ?"
	lateToldSQL      = "SELECT target, action FROM job_audit WHERE id IN ? AND action IN ('pause', 'resume', 'cancel') ORDER BY id"
	lateSQL          = "SELECT seq, id, status, attempt, cancel_at IS NOT NULL, due_at IS NOT NULL FROM job_runs WHERE seq IN ?"
	switchSQL        = "SELECT name, paused, paused_at, paused_until, override_at FROM job_state WHERE paused OR override_at IS NOT NULL"
)

// Summarize implements [contract.Watch], in one read transaction. The run at the position is read along with those
// after it: if it is gone, another run may have got its number. What got
// its number before the position and was committed after it is found by the gaps in the position.
func (s *Store) Summarize(ctx context.Context, after contract.Position, limit int) (contract.Summary, error) {
	var g contract.Summary
	err := s.db.Read(ctx).Transaction(func(db *gorm.DB) error {
		g = contract.Summary{}
		l := summarizer{db: db, server: s.db.Statements().Locks != nil, after: after, limit: limit, at: make(map[string]int), g: &g}
		for _, part := range []func() error{l.runs, l.late, l.active, l.soon, l.audits, l.switches} {
			if err := part(); err != nil {
				return err
			}
		}
		return nil
	}, s.db.Statements().ReadTx)
	if err != nil {
		return contract.Summary{}, fmt.Errorf("look for changes: %w", s.db.Explain(err))
	}
	return g, nil
}

// summarizer gathers one summary.
type summarizer struct {
	db     *gorm.DB
	server bool // a database server: numbers are not in the order of commits
	after  contract.Position
	limit  int
	at     map[string]int // where in g.Runs a run is
	g      *contract.Summary
}

func (l *summarizer) read(query string, each func(*sql.Rows) error, args ...any) error {
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
func (l *summarizer) gapsAfter(query string, from int64) ([]contract.Gap, error) {
	seen := []int64{from}
	err := l.read(query, func(rows *sql.Rows) error {
		var n int64
		err := rows.Scan(&n)
		seen = append(seen, n)
		return err
	}, from)
	return between(seen), err
}

func (l *summarizer) add(r contract.RunSummary) {
	if i, there := l.at[r.ID]; there {
		l.g.Runs[i] = r
		return
	}
	l.at[r.ID] = len(l.g.Runs)
	l.g.Runs = append(l.g.Runs, r)
}

// runs reads those that were inserted after the position.
func (l *summarizer) runs() error {
	g, marked, inserted := l.g, l.after.Number == 0, 0
	err := l.read(newestSQL, func(rows *sql.Rows) error { return rows.Scan(&g.Newest.Number, &g.Newest.ID) })
	if err != nil {
		return err
	}
	seen := []int64{l.after.Number}
	err = l.read(insertedSQL, func(rows *sql.Rows) error {
		var number int64
		var r contract.RunSummary
		if err := rows.Scan(&number, &r.ID, &r.Status, &r.Attempt, &r.Cancelled, &r.Deferred); err != nil {
			return err
		}
		if number == l.after.Number && r.ID == l.after.ID {
			marked = true
			return nil
		}
		inserted++
		seen = append(seen, number)
		l.add(r)
		return nil
	}, l.after.Number, l.limit+2)
	g.Missed = !marked || inserted > l.limit
	if err != nil || !l.server {
		return err
	}
	if g.Missed || l.after.Number == 0 || l.after.Number > g.Newest.Number { // the gaps are not known
		g.Newest.Gaps, err = l.gapsAfter(recentNumbersSQL, max(g.Newest.Number-gapWindow, 0))
		return err
	}
	g.Newest.Gaps = between(seen)
	return nil
}

// late reads the runs that were committed since into gaps before the position.
func (l *summarizer) late() error {
	filled := make(map[int64]bool)
	for some := range slices.Chunk(l.after.Gaps, gapRows) {
		err := l.read(lateSQL, func(rows *sql.Rows) error {
			var number int64
			var r contract.RunSummary
			err := rows.Scan(&number, &r.ID, &r.Status, &r.Attempt, &r.Cancelled, &r.Deferred)
			filled[number] = true
			l.add(r)
			return err
		}, numbers(some))
		if err != nil {
			return err
		}
	}
	l.g.Newest.Gaps = stillOpen(l.g.Newest.Gaps, l.after.Gaps, filled, gapWindow)
	return nil
}

func (l *summarizer) active() error {
	return l.read(activeSQL, func(rows *sql.Rows) error {
		var r contract.RunSummary
		err := rows.Scan(&r.ID, &r.Status, &r.Attempt, &r.Cancelled, &r.LastLine, &r.Progress)
		l.add(r)
		return err
	})
}

// soon reads the deferred runs whose time is near.
func (l *summarizer) soon() error {
	horizon := time.Now().Add(contract.SoonDue).UnixMilli()
	err := l.read(soonDueSQL, func(rows *sql.Rows) error {
		var id string
		err := rows.Scan(&id)
		l.g.Soon = append(l.g.Soon, id)
		return err
	}, horizon, l.limit+1)
	if err != nil {
		return err
	}
	return l.read(nextDueSQL, func(rows *sql.Rows) error {
		var next row.Millis
		err := rows.Scan(&next)
		l.g.NextDue = next.Time()
		return err
	}, horizon)
}

// audits reads pauses, resumes and cancellations.
func (l *summarizer) audits() error {
	g := l.g
	err := l.read(lastAuditSQL, func(rows *sql.Rows) error { return rows.Scan(&g.Newest.Audit) })
	if err != nil {
		return err
	}
	told := func(rows *sql.Rows) error {
		var target, action string
		err := rows.Scan(&target, &action)
		if action == "cancel" {
			g.Cancelled = append(g.Cancelled, target)
		} else {
			g.Told = append(g.Told, contract.PauseChange{Job: target, Paused: action == "pause"})
		}
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

func (l *summarizer) switches() error {
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

// A server's sequence gives numbers to transactions when they insert, and they commit in any order: a
// reader may see number 10 before number 9. An active run is seen anyway, but one that was
// inserted and has ended between two summaries would never be. So each summary lists the numbers before its
// newest that it has not seen, and the next one asks for them again, until no transaction can still hold
// them: then they were rolled back, or pruned.

const (
	// gapFor is longer than any transaction lasts, including that of a process which stopped in the middle.
	gapFor = 45 * time.Second
	// gapWindow is how far back the first summary looks for gaps, in numbers: no more are in flight at a time.
	gapWindow = 5000
	gapAudits = 100 // the same for audit entries
	// gapRows bounds the gaps in one statement.
	gapRows = 500
)

// between returns the numbers missing in an ascending list.
func between(seen []int64) (gaps []contract.Gap) {
	now := time.Now()
	for i := 1; i < len(seen); i++ {
		for n := max(seen[i-1]+1, seen[i]-gapWindow); n < seen[i]; n++ {
			gaps = append(gaps, contract.Gap{Number: n, Since: now})
		}
	}
	return gaps
}

// stillOpen adds to fresh the gaps that are neither filled nor too old, and keeps the last most of them.
func stillOpen(fresh, gaps []contract.Gap, filled map[int64]bool, most int) []contract.Gap {
	known := make(map[int64]bool, len(fresh))
	for _, gap := range fresh {
		known[gap.Number] = true
	}
	for _, gap := range gaps {
		if !filled[gap.Number] && !known[gap.Number] && time.Since(gap.Since) < gapFor {
			fresh = append(fresh, gap)
		}
	}
	slices.SortFunc(fresh, func(a, b contract.Gap) int { return cmp.Compare(a.Number, b.Number) })
	return fresh[max(0, len(fresh)-most):]
}

// numbers lists the gaps for a statement, where a list must not be empty.
func numbers(gaps []contract.Gap) []int64 {
	out := []int64{-1}
	for _, gap := range gaps {
		out = append(out, gap.Number)
	}
	return out
}

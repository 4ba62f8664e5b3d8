package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/store/db"
	"fibercrons/app/store/row"
)

// Note implements [contract.Journal].
func (s *Store) Note(ctx context.Context, notes []contract.Note) error {
	notes = slices.Clone(notes)
	rows := 0
	for i := range notes {
		rows += 1 + len(notes[i].Lines)
	}
	err := s.writer.do(ctx, &op{
		kind: "note",
		rows: rows,
		need: func(n *needs) {
			for i := range notes {
				n.ids = append(n.ids, notes[i].ID)
			}
		},
		run: func(t *txn) error {
			for i := range notes {
				t.note(&notes[i])
			}
			return nil
		},
	})
	if err != nil {
		return fmt.Errorf("note: %w", err)
	}
	return nil
}

func (t *txn) note(n *contract.Note) {
	r := t.runs[n.ID]
	if r == nil || t.rules.fenced(r.token, n.Token) || !r.active() {
		return
	}
	for _, l := range n.Lines {
		t.lines = append(t.lines, line{r.id, l})
	}
	if n.Progress != nil {
		t.touch(r)
		t.fail(t.flushRuns())
		t.exec("UPDATE job_runs SET progress = ? WHERE id = ?", jsonOrNull(n.Progress, true), r.id)
	}
}

// Prune implements [contract.Journal]. It walks a job's history from its oldest end, and reads
// hardly more rows than it deletes. A run that ended before cutoff was queued before it, too.
func (s *Store) Prune(ctx context.Context, job string, keep int, cutoff time.Time, limit int) (int, error) {
	if keep <= 0 && cutoff.IsZero() || limit <= 0 {
		return 0, nil
	}
	var gone []string
	err := s.writer.do(ctx, &op{
		kind: "prune",
		rows: groupRows / 2,
		need: func(n *needs) { n.jobs = append(n.jobs, job) },
		run: func(t *txn) error {
			t.fail(t.flush())
			if len(gone) > 0 && !t.exist(gone) {
				return nil // the last attempt had been committed
			}
			gone = nil
			collect := func(query string, args ...any) {
				t.query(query, args, func(rows *sql.Rows) error {
					var id string
					err := rows.Scan(&id)
					gone = append(gone, id)
					return err
				})
			}
			if keep > 0 {
				collect(prunableByNumber, job, job, job, keep, limit)
			}
			if !cutoff.IsZero() {
				collect(prunableByAge, job, job, int64(row.MillisOf(cutoff)), limit)
			}
			gone = unique(gone)
			gone = gone[:min(len(gone), limit)]
			chunks(gone, func(ids []string) {
				t.exec("DELETE FROM job_run_logs WHERE run_id IN "+db.Tuple(len(ids)), db.Args(ids)...)
				t.exec("DELETE FROM job_runs WHERE id IN "+db.Tuple(len(ids)), db.Args(ids)...)
			})
			return nil
		},
	})
	if err != nil {
		return 0, fmt.Errorf("prune job %q: %w", job, err)
	}
	return len(gone), nil
}

// exist reports whether any of the runs exists.
func (t *txn) exist(ids []string) bool {
	found := false
	t.loadRuns(&t.sql.RunsByID, ids, func(*run) { found = true })
	return found
}

// Both use the index (job, seq). A run above the watermark stays: only its row keeps
// its slot from being claimed again.
const (
	settledRuns = "SELECT id FROM job_runs WHERE job = ? AND ended_at IS NOT NULL AND (slot IS NULL OR slot <= " +
		"COALESCE((SELECT watermark FROM job_state WHERE name = ?), 0))"

	prunableByNumber = settledRuns + " AND seq <= (SELECT seq FROM job_runs WHERE job = ? AND ended_at IS NOT NULL " +
		"ORDER BY seq DESC LIMIT 1 OFFSET ?) ORDER BY seq LIMIT ?"
	prunableByAge = settledRuns + " AND ended_at < ? ORDER BY seq LIMIT ?"
)

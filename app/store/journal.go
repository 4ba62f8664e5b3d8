package store

import (
	"context"
	"database/sql"
	"fmt"
	"math"
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

// Prune implements [contract.Journal]. It walks a history from its oldest end, and reads
// hardly more rows than it deletes. A run that ended before cutoff was queued before it, too.
func (s *Store) Prune(ctx context.Context, p contract.Prune) (int, error) {
	if p.Schedule != "" {
		p.Cutoff = time.Time{}
	}
	if p.Keep <= 0 && p.Cutoff.IsZero() || p.Limit <= 0 {
		return 0, nil
	}
	var gone []string
	err := s.writer.do(ctx, &op{
		kind: "prune",
		rows: groupRows / 2,
		need: func(n *needs) {
			if p.Schedule != "" {
				n.stored = append(n.stored, p.Schedule)
			} else {
				n.jobs = append(n.jobs, p.Job)
			}
		},
		run: func(t *txn) error {
			t.fail(t.flush())
			if len(gone) > 0 && !t.exist(gone) {
				return nil // the last attempt had been committed
			}
			gone = t.prunable(&p)
			chunks(gone, func(ids []string) {
				t.exec("DELETE FROM job_run_logs WHERE run_id IN "+db.Tuple(len(ids)), db.Args(ids)...)
				t.exec("DELETE FROM job_runs WHERE id IN "+db.Tuple(len(ids)), db.Args(ids)...)
			})
			return nil
		},
	})
	if err != nil {
		return 0, fmt.Errorf("prune job %q: %w", p.Job, err)
	}
	return len(gone), nil
}

// prunable returns the IDs of the runs to delete.
func (t *txn) prunable(p *contract.Prune) (ids []string) {
	collect := func(query string, args ...any) {
		t.query(query, args, func(rows *sql.Rows) error {
			var id string
			err := rows.Scan(&id)
			ids = append(ids, id)
			return err
		})
	}
	if p.Keep > 0 {
		var newest int64 // of those to delete
		t.query(pastKept, []any{p.Job, p.Schedule, p.Keep + 1, p.Job, p.Schedule, p.Keep + 1, p.Keep}, func(rows *sql.Rows) error { return rows.Scan(&newest) })
		if newest > 0 {
			watermark := t.watermark(p)
			collect(prunableSlots, p.Job, p.Schedule, watermark, newest, p.Limit)
			collect(prunableByHand, p.Job, p.Schedule, newest, p.Limit)
		}
	}
	if !p.Cutoff.IsZero() {
		cutoff := int64(row.MillisOf(p.Cutoff))
		collect(prunableByAge, p.Job, cutoff, p.Job, cutoff, pruneSlack, p.Limit)
	}
	ids = unique(ids)
	return ids[:min(len(ids), p.Limit)]
}

// watermark is that of the job or the stored schedule. One that was deleted has no slots to come.
func (t *txn) watermark(p *contract.Prune) int64 {
	query, of, at := "SELECT watermark FROM job_state WHERE name = ?", p.Job, int64(0)
	if p.Schedule != "" {
		query, of, at = "SELECT watermark FROM job_schedules WHERE id = ?", p.Schedule, math.MaxInt64
	}
	t.query(query, []any{of}, func(rows *sql.Rows) error { return rows.Scan(&at) })
	return at
}

// exist reports whether any of the runs exists.
func (t *txn) exist(ids []string) bool {
	found := false
	t.loadRuns(&t.sql.RunsByID, ids, func(*run) { found = true })
	return found
}

// A run above the watermark stays: only its row keeps its slot from being claimed again.
//
// The history of a stored schedule, or of a job without those of its schedules, is found by the index (job, schedule,
// slot), where manual runs come apart from the others. The order of slots stands for that of insertion: where the two
// differ, less is deleted at a time.
const (
	endedOf = "FROM job_runs WHERE job = ? AND schedule = ? AND ended_at IS NOT NULL "

	pastKept = "SELECT seq FROM (SELECT * FROM (SELECT seq " + endedOf + "AND slot IS NULL ORDER BY seq DESC LIMIT ?) a " +
		"UNION ALL SELECT * FROM (SELECT seq " + endedOf + "AND slot IS NOT NULL ORDER BY slot DESC LIMIT ?) b) c ORDER BY seq DESC LIMIT 1 OFFSET ?"
	prunableSlots  = "SELECT id " + endedOf + "AND slot <= ? AND seq <= ? ORDER BY slot LIMIT ?"
	prunableByHand = "SELECT id " + endedOf + "AND slot IS NULL AND seq <= ? ORDER BY seq LIMIT ?"

	// By the index (job, seq), up to where runs were queued after the cutoff, and a little further: the clocks of
	// processes differ.
	prunableByAge = "SELECT r.id FROM job_runs r WHERE r.job = ? AND r.ended_at IS NOT NULL AND r.ended_at < ? AND (r.slot IS NULL OR r.slot <= CASE r.schedule " +
		"WHEN '' THEN COALESCE((SELECT watermark FROM job_state WHERE name = ?), 0) " +
		"ELSE COALESCE((SELECT watermark FROM job_schedules WHERE id = r.schedule), r.slot) END) " +
		"AND r.seq < COALESCE((SELECT seq FROM job_runs WHERE queued_at >= ? ORDER BY queued_at, seq LIMIT 1), 9223372036854770000) + ? ORDER BY r.seq LIMIT ?"
	pruneSlack = 1000
)

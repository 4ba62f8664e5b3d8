package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/store/row"
)

// Runs implements [contract.Admin]. Newest first is the reverse order of insertion.
func (s *Store) Runs(ctx context.Context, q contract.Query) ([]cron.Record, error) {
	db, err := selectRuns(s.reads.WithContext(ctx), q)
	if err != nil {
		return nil, fmt.Errorf("read runs: %w", s.db.explain(err))
	}
	var rows []row.JobRun
	if err := db.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read runs: %w", s.db.explain(err))
	}
	return records(rows), nil
}

func selectRuns(read *gorm.DB, q contract.Query) (*gorm.DB, error) {
	db := read.Model(&row.JobRun{})
	// Each order is that of an index: of a job's history, of time, of the table itself. Active
	// runs are few and have an index of their own, whose order the expression keeps out.
	order, byTime := "seq DESC", q.Job == "" && !(q.Since.IsZero() && q.Until.IsZero())
	switch {
	case activeOnly(q.Statuses):
		db, byTime = db.Where("ended_at IS NULL"), false
		order = "seq + 0 DESC"
	case byTime:
		order = "queued_at DESC, seq DESC"
	}
	if q.Job != "" {
		db = db.Where("job = ?", q.Job)
	}
	if len(q.Statuses) > 0 {
		db = db.Where("status IN ?", q.Statuses)
	}
	if len(q.IDs) > 0 {
		db, order = db.Where("id IN ?", q.IDs), "seq + 0 DESC" // by the IDs, not through the history
	}
	if q.Instance != "" {
		db = db.Where("instance = ?", q.Instance)
	}
	if !q.Since.IsZero() {
		db = db.Where("queued_at >= ?", row.MillisOf(q.Since))
	}
	if !q.Until.IsZero() {
		db = db.Where("queued_at < ?", row.MillisOf(q.Until))
	}
	if q.Before != "" {
		var cursor []row.JobRun
		if err := read.Select("seq", "queued_at").Where("id = ?", q.Before).Limit(1).Find(&cursor).Error; err != nil {
			return nil, err
		}
		switch {
		case len(cursor) == 0: // pruned meanwhile; IDs are ordered by time as well
			db = db.Where("id < ?", q.Before)
		case byTime:
			db = db.Where("(queued_at, seq) < (?, ?)", cursor[0].QueuedAt, cursor[0].Seq)
		default:
			db = db.Where("seq < ?", cursor[0].Seq)
		}
	}
	if q.Limit <= 0 {
		q.Limit = 50
	}
	return db.Order(order).Limit(q.Limit), nil
}

func activeOnly(statuses []cron.Status) bool {
	for _, s := range statuses {
		if s.Ended() {
			return false
		}
	}
	return len(statuses) > 0
}

package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/store/row"
)

// activeRuns is the condition of active runs. Deferred ones are not.
const activeRuns = "ended_at IS NULL AND due_at IS NULL"

// Runs implements [contract.Admin]. Newest first is the reverse order of insertion.
func (s *Store) Runs(ctx context.Context, q contract.Query) ([]cron.Record, error) {
	db, err := selectRuns(s.db.Read(ctx), q)
	if err != nil {
		return nil, fmt.Errorf("read runs: %w", s.db.Explain(err))
	}
	var rows []row.JobRun
	if err := db.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read runs: %w", s.db.Explain(err))
	}
	return records(rows), nil
}

func selectRuns(read *gorm.DB, q contract.Query) (*gorm.DB, error) {
	db := read.Model(&row.JobRun{})
	if q.Limit <= 0 {
		q.Limit = 50
	}
	alone := q.Unscheduled && q.Job != "" && len(q.IDs) == 0 && !activeOnly(q.Statuses)
	// Each order is that of an index: a job's history, time, the table itself. Active runs are few and have an index of
	// their own; the expression keeps the planner from preferring the order of another.
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
	if q.Unscheduled {
		db = db.Where("schedule = ''")
	}
	if q.Schedule != "" {
		db, byTime = db.Where("schedule = ? AND schedule <> ''", q.Schedule), false // as the index has it
	}
	if len(q.Statuses) > 0 {
		db = db.Where("status IN ?", q.Statuses)
	}
	if len(q.IDs) > 0 {
		db, order = db.Where("id IN ?", q.IDs), "seq + 0 DESC" // by the index of IDs
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
	if alone {
		var found []int64
		if err := ofJobAlone(db.Session(&gorm.Session{}), q.Limit).Scan(&found).Error; err != nil {
			return nil, err
		}
		db = read.Model(&row.JobRun{}).Where("seq IN ?", found)
	}
	return db.Order(order).Limit(q.Limit), nil
}

// ofJobAlone finds the newest of the selected runs of a job without those of its stored schedules, which may be a
// million. It goes by the index (job, schedule, slot), where manual runs come apart from the others, and the order of
// slots stands for that of insertion.
func ofJobAlone(selected *gorm.DB, limit int) *gorm.DB {
	newest := func(slot, order string) *gorm.DB { return selected.Select("seq").Where(slot).Order(order).Limit(limit) }
	return selected.Session(&gorm.Session{NewDB: true}).Raw("SELECT seq FROM (SELECT * FROM (?) a UNION ALL SELECT * FROM (?) b) c ORDER BY seq DESC LIMIT ?",
		newest("slot IS NULL", "seq DESC"), newest("slot IS NOT NULL", "slot DESC"), limit)
}

func activeOnly(statuses []cron.Status) bool {
	for _, s := range statuses {
		if s.Ended() {
			return false
		}
	}
	return len(statuses) > 0
}

// Run implements [contract.Admin]. Of a run that waits for another attempt it also returns the number of the last line,
// so that the process that makes the attempt continues from there.
func (s *Store) Run(ctx context.Context, id string) (cron.Record, error) {
	rec, err := oneRun(s.db.Read(ctx), id)
	if err != nil {
		return cron.Record{}, fmt.Errorf("run %s: %w", id, s.db.Explain(err))
	}
	if rec.Status == cron.Queued && rec.Attempt > 0 {
		one := []cron.Record{rec}
		if err := s.lastLines(ctx, one); err != nil {
			return cron.Record{}, fmt.Errorf("run %s: %w", id, s.db.Explain(err))
		}
		rec = one[0]
	}
	return rec, nil
}

// Logs implements [contract.Admin].
func (s *Store) Logs(ctx context.Context, id string, after int64, limit int) ([]cron.LogLine, error) {
	var rows []row.RunLog
	err := s.db.Read(ctx).Where("run_id = ? AND seq > ?", id, after).Order("seq").Limit(limit).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read logs of run %s: %w", id, s.db.Explain(err))
	}
	out := make([]cron.LogLine, len(rows))
	for i, r := range rows {
		out[i] = cron.LogLine{Seq: r.Seq, Time: r.At.Time(), Attempt: r.Attempt, Level: r.Level, Message: r.Message, Attrs: raw(r.Attrs)}
	}
	return out, nil
}

// lastLines sets the number of the line that each run logged last, so that whoever takes it over continues from there.
func (s *Store) lastLines(ctx context.Context, recs []cron.Record) error {
	byID := make(map[string]*cron.Record, len(recs))
	ids := make([]string, len(recs))
	for i := range recs {
		ids[i], byID[recs[i].ID] = recs[i].ID, &recs[i]
	}
	var err error
	chunks(ids, func(some []string) {
		var last []struct {
			RunID string
			Seq   int64
		}
		if err == nil {
			err = s.db.Read(ctx).Model(&row.RunLog{}).Select("run_id, MAX(seq) AS seq").
				Where("run_id IN ?", some).Group("run_id").Find(&last).Error
		}
		for _, l := range last {
			byID[l.RunID].LogSeq = l.Seq
		}
	})
	return err
}

// LogEnd returns the number of the last line that a run has logged, 0 for none.
func (s *Store) LogEnd(ctx context.Context, id string) (int64, error) {
	var last int64
	if err := s.db.Read(ctx).Raw(logEndSQL, id).Scan(&last).Error; err != nil {
		return 0, fmt.Errorf("read the end of the log of run %s: %w", id, s.db.Explain(err))
	}
	return last, nil
}

const logEndSQL = "SELECT COALESCE(MAX(seq), 0) FROM job_run_logs WHERE run_id = ?"

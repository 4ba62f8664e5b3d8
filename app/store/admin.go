package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/store/row"
)

// States implements [contract.Admin], by one statement.
func (s *Store) States(ctx context.Context, names ...string) (map[string]contract.State, error) {
	out := make(map[string]contract.State, len(names))
	err := s.db.sql().eachState(s.reads.WithContext(ctx), names, func(st contract.State) { out[st.Name] = st })
	if err != nil {
		return nil, fmt.Errorf("read job states: %w", s.db.explain(err))
	}
	return out, nil
}

// Run implements [contract.Admin]. Of a run that waits for another attempt it also tells the last line, so
// that whichever process makes that attempt goes on from there.
func (s *Store) Run(ctx context.Context, id string) (cron.Record, error) {
	rec, err := oneRun(s.reads.WithContext(ctx), id)
	if err != nil {
		return cron.Record{}, fmt.Errorf("run %s: %w", id, s.db.explain(err))
	}
	if rec.Status == cron.Queued && rec.Attempt > 0 {
		one := []cron.Record{rec}
		if err := s.lastLines(ctx, one); err != nil {
			return cron.Record{}, fmt.Errorf("run %s: %w", id, s.db.explain(err))
		}
		rec = one[0]
	}
	return rec, nil
}

func oneRun(db *gorm.DB, id string) (cron.Record, error) {
	var rows []row.JobRun
	if err := db.Where("id = ?", id).Limit(1).Find(&rows).Error; err != nil {
		return cron.Record{}, err
	}
	if len(rows) == 0 {
		return cron.Record{}, cron.ErrNotFound
	}
	return record(&rows[0]), nil
}

func records(rows []row.JobRun) []cron.Record {
	out := make([]cron.Record, len(rows))
	for i := range rows {
		out[i] = record(&rows[i])
	}
	return out
}

func record(r *row.JobRun) cron.Record {
	rec := cron.Record{
		ID: r.ID, Job: r.Job, Status: cron.Status(r.Status), Reason: cron.Reason(r.Reason), Trigger: cron.Trigger(r.TriggeredBy),
		DataSlot: r.DataSlot.Pointer(), Attempt: r.Attempt, Error: r.Error, Stack: r.Stack, Key: r.RequestKey.String,
		Actor: r.Actor, Instance: r.Instance, QueuedAt: r.QueuedAt.Time(), NextAt: r.NextAt.Pointer(),
		StartedAt: r.StartedAt.Pointer(), EndedAt: r.EndedAt.Pointer(), Cancel: r.CancelAt.Pointer(), AttemptAt: r.AttemptAt.Pointer(),
		Token: r.Token, Group: r.RunGroup,
	}
	if r.Slot.Valid {
		at := time.UnixMilli(r.Slot.Int64).UTC()
		rec.Slot = &at
	}
	if r.StartedAt != 0 && r.EndedAt != 0 {
		d := int64(r.EndedAt - r.StartedAt)
		rec.Duration = &d
	}
	rec.Args, rec.Result = raw(r.Args), raw(r.Result)
	// Written by this package; a row edited by hand into nonsense shows none of it.
	if r.Attempts.Valid {
		_ = json.Unmarshal([]byte(r.Attempts.String), &rec.Attempts)
	}
	if r.Progress.Valid {
		_ = json.Unmarshal([]byte(r.Progress.String), &rec.Progress)
	}
	return rec
}

// Logs implements [contract.Admin].
func (s *Store) Logs(ctx context.Context, id string, after int64, limit int) ([]cron.LogLine, error) {
	var rows []row.RunLog
	err := s.reads.WithContext(ctx).Where("run_id = ? AND seq > ?", id, after).Order("seq").Limit(limit).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read logs of run %s: %w", id, s.db.explain(err))
	}
	out := make([]cron.LogLine, len(rows))
	for i, r := range rows {
		out[i] = cron.LogLine{Seq: r.Seq, Time: r.At.Time(), Attempt: r.Attempt, Level: r.Level, Message: r.Message, Attrs: raw(r.Attrs)}
	}
	return out, nil
}

package store

import (
	"database/sql"
	"encoding/json"
	"time"

	"gorm.io/gorm"

	"fibercrons/app/cron"
	"fibercrons/app/store/row"
)

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
		ID: r.ID, Job: r.Job, Schedule: cron.ScheduleOf(r.Schedule), Status: cron.Status(r.Status), Reason: cron.Reason(r.Reason), Trigger: cron.Trigger(r.TriggeredBy),
		DataSlot: r.DataSlot.Pointer(), Attempt: r.Attempt, Error: r.Error, Stack: r.Stack, Key: r.RequestKey.String,
		Actor: r.Actor, Instance: r.Instance, QueuedAt: r.QueuedAt.Time(), NextAt: r.NextAt.Pointer(),
		StartedAt: r.StartedAt.Pointer(), EndedAt: r.EndedAt.Pointer(), Cancel: r.CancelAt.Pointer(), AttemptAt: r.AttemptAt.Pointer(),
		Token: r.Token, Group: r.RunGroup,
		Deferred: r.DueAt != 0 && r.EndedAt == 0 && r.Instance == "", // one that an older release has taken has an owner
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
	// This package has written them; what somebody has edited into nonsense is left out.
	if r.Attempts.Valid {
		_ = json.Unmarshal([]byte(r.Attempts.String), &rec.Attempts)
	}
	if r.Progress.Valid {
		_ = json.Unmarshal([]byte(r.Progress.String), &rec.Progress)
	}
	return rec
}

func raw(s sql.NullString) json.RawMessage {
	if !s.Valid {
		return nil
	}
	return json.RawMessage(s.String)
}

package alerts

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"fibercrons/app/alert"
	"fibercrons/app/cron"
	"fibercrons/app/store/row"
)

// Silences implements [alert.Silences].
func (s *Store) Silences(ctx context.Context, all bool) ([]alert.Silence, error) {
	now, err := s.db.Now(ctx)
	if err != nil {
		return nil, fmt.Errorf("read silences: %w", s.db.Explain(err))
	}
	db := s.db.Read(ctx)
	if !all {
		db = db.Where("until_at > ? AND ended_at IS NULL", now)
	}
	var rows []row.Silence
	if err := db.Order("created_at DESC, id DESC").Limit(1000).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read silences: %w", s.db.Explain(err))
	}
	out := make([]alert.Silence, len(rows))
	for i := range rows {
		out[i] = silenceOf(&rows[i])
	}
	return out, nil
}

// Silence implements [alert.Silences].
func (s *Store) Silence(ctx context.Context, a alert.Silence) error {
	silence := row.Silence{
		ID: a.ID, Job: a.Job, UntilAt: row.MillisOf(a.Until), Reason: a.Reason, Actor: a.By, CreatedAt: row.MillisOf(a.CreatedAt),
	}
	err := s.db.Write(ctx, "silence", 1, func(t Tx) error {
		if !among(t, &row.Silence{}, "id", "id IN ?", []string{silence.ID})[silence.ID] {
			t.Fail(t.DB().Create(&silence).Error)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep a silence: %w", err)
	}
	return nil
}

// Unsilence implements [alert.Silences].
func (s *Store) Unsilence(ctx context.Context, id, actor string, at time.Time) (alert.Silence, error) {
	var rows []row.Silence
	found := int64(0)
	err := s.db.Write(ctx, "unsilence", 1, func(t Tx) error {
		db, ended := t.DB(), row.MillisOf(at)
		// A second try finds it ended when the first was committed and only the answer was lost; another call of the
		// same millisecond has not seen it open.
		open := db.Model(&row.Silence{}).Where("id = ? AND ended_at IS NULL AND until_at > ?", id, ended).Session(&gorm.Session{})
		if found == 0 {
			t.Fail(open.Count(&found).Error)
		}
		if found == 0 {
			return cron.ErrNotFound
		}
		t.Fail(open.Updates(map[string]any{"ended_at": ended, "ended_by": actor}).Error)
		t.Fail(db.Where("id = ? AND ended_at = ? AND ended_by = ?", id, ended, actor).Find(&rows).Error)
		if len(rows) == 0 {
			return cron.ErrNotFound
		}
		return nil
	})
	if err != nil {
		return alert.Silence{}, fmt.Errorf("end silence %s: %w", id, err)
	}
	return silenceOf(&rows[0]), nil
}

func silenceOf(r *row.Silence) alert.Silence {
	return alert.Silence{
		ID: r.ID, Job: r.Job, Until: r.UntilAt.Time(), Reason: r.Reason, By: r.Actor, CreatedAt: r.CreatedAt.Time(),
		EndedAt: r.EndedAt.Pointer(), EndedBy: r.EndedBy,
	}
}

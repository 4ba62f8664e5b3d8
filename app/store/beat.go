package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/store/row"
)

// Beat implements [contract.Claims]. With Gone no lease is extended, and others may take over at once what the instance
// has queued.
func (s *Store) Beat(ctx context.Context, b contract.Beat) ([]contract.LeasedRun, error) {
	var held []contract.LeasedRun
	var err error
	if b.Quick {
		held, err = heldBy(s.db.Read(ctx), b.Instance.ID)
	} else {
		err = s.writer.do(ctx, &op{
			kind: "beat",
			rows: groupRows / 2,
			run: func(t *txn) error {
				db := t.handle()
				t.fail(saveInstance(db, &b))
				var err error
				held, err = heldBy(t.locking(db), b.Instance.ID) // locks them before they are written
				t.fail(err)
				lease := db.Model(&row.JobRun{}).Where("instance = ? AND "+activeRuns, b.Instance.ID)
				if b.Gone {
					t.fail(lease.Where("status = ?", cron.Queued).Update("lease_until", 0).Error)
				} else {
					t.fail(lease.Update("lease_until", t.now+b.Lease.Milliseconds()).Error)
				}
				for _, r := range t.runs { // a Take of the same group sees it
					if r.instance == b.Instance.ID && !b.Gone {
						r.leaseUntil = t.now + b.Lease.Milliseconds()
					}
				}
				return nil
			},
		})
	}
	if err != nil {
		return nil, fmt.Errorf("beat: %w", s.db.Explain(err))
	}
	return held, nil
}

func saveInstance(db *gorm.DB, b *contract.Beat) error {
	sign := row.Instance{
		ID: b.Instance.ID, Host: b.Instance.Host, PID: b.Instance.PID, Version: b.Instance.Version, TZData: b.Instance.TZData,
		Parts:     strings.Join(b.Instance.Parts, " "),
		StartedAt: row.MillisOf(b.Instance.StartedAt), SeenAt: row.MillisOf(b.At),
	}
	if b.Gone {
		sign.StoppedAt = sign.SeenAt
	}
	return db.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "id"}},
		DoUpdates: clause.AssignmentColumns([]string{"host", "pid", "version", "tzdata", "parts", "started_at", "seen_at", "stopped_at"}),
	}).Create(&sign).Error
}

func heldBy(db *gorm.DB, instance string) ([]contract.LeasedRun, error) {
	rows, err := db.Model(&row.JobRun{}).
		Select("id, token, status, cancel_at, cancel_reason, cancel_by").
		Where("instance = ? AND "+activeRuns, instance).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var held []contract.LeasedRun
	for rows.Next() {
		var h contract.LeasedRun
		var at row.Millis
		if err := rows.Scan(&h.ID, &h.Token, &h.Status, &at, &h.Reason, &h.CancelBy); err != nil {
			return nil, err
		}
		h.Cancel = at != 0
		held = append(held, h)
	}
	return held, rows.Err()
}

// Expired implements [contract.Claims].
func (s *Store) Expired(ctx context.Context, limit int) ([]cron.Record, error) {
	now, err := s.db.Now(ctx, s.db.Reader())
	if err != nil {
		return nil, fmt.Errorf("look for expired runs: %w", s.db.Explain(err))
	}
	var rows []row.JobRun
	err = s.db.Read(ctx).
		// An older release that takes a deferred run leaves its time, and may not end it.
		Where("ended_at IS NULL AND lease_until <= ? AND (due_at IS NULL OR due_at > 0 AND due_at <= ? AND instance <> '')", now, now).
		Order("seq + 0"). // an expression: the index of seq would lead through the whole table
		Limit(limit).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("look for expired runs: %w", s.db.Explain(err))
	}
	recs := records(rows)
	if err := s.lastLines(ctx, recs); err != nil {
		return nil, fmt.Errorf("look for expired runs: %w", s.db.Explain(err))
	}
	return recs, nil
}

// DueRuns implements [contract.ScheduleReader].
func (s *Store) DueRuns(ctx context.Context, until time.Time, except []string, limit int) ([]cron.Record, error) {
	now, err := s.db.Now(ctx, s.db.Reader())
	if err != nil {
		return nil, fmt.Errorf("look for deferred runs: %w", s.db.Explain(err))
	}
	db := s.db.Read(ctx).Where("ended_at IS NULL AND due_at > 0 AND due_at <= ? AND instance = ''", row.MillisOf(until)).
		Where("job NOT IN (SELECT name FROM job_state WHERE paused AND (paused_until IS NULL OR paused_until > ?))", now)
	if len(except) > 0 {
		db = db.Where("job NOT IN ?", except)
	}
	var rows []row.JobRun
	if err := db.Order("due_at").Limit(limit).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("look for deferred runs: %w", s.db.Explain(err))
	}
	return records(rows), nil
}

// Instances returns every process that has sent a heartbeat, by ID.
func (s *Store) Instances(ctx context.Context) ([]contract.InstanceInfo, error) {
	var rows []row.Instance
	if err := s.db.Read(ctx).Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list instances: %w", s.db.Explain(err))
	}
	out := make([]contract.InstanceInfo, len(rows))
	for i, r := range rows {
		out[i] = contract.InstanceInfo{
			ID: r.ID, Host: r.Host, PID: r.PID, Version: r.Version, TZData: r.TZData, Parts: strings.Fields(r.Parts),
			StartedAt: r.StartedAt.Time(), SeenAt: r.SeenAt.Time(), StoppedAt: r.StoppedAt.Time(),
		}
	}
	return out, nil
}

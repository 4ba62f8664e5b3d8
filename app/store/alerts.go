package store

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"fibercrons/app/alert"
	"fibercrons/app/cron"
	"fibercrons/app/store/db"
	"fibercrons/app/store/row"
)

var _ alert.Store = (*Store)(nil)

const (
	troubledSQL = "SELECT " + outcomeColumns + " FROM job_runs WHERE " + db.Troubled + " AND ended_at >= ? ORDER BY ended_at, seq LIMIT ?"
	unendedSQL  = "SELECT job, id, status, triggered_by, slot, started_at FROM job_runs WHERE ended_at IS NULL ORDER BY seq + 0 DESC LIMIT ?"
	lateRunsSQL = "SELECT " + outcomeColumns + " FROM job_runs WHERE queued_at >= ? AND slot IS NOT NULL AND started_at > slot + ? ORDER BY queued_at LIMIT ?"
	openSQL     = "SELECT a.*, COALESCE(s.last_success, 0) AS last_success FROM job_alerts a LEFT JOIN job_state s ON s.name = a.job WHERE a.open_key > ''"
)

// Troubled implements [alert.Sights].
func (s *Store) Troubled(ctx context.Context, since time.Time, limit int) ([]cron.Record, error) {
	return s.outline(ctx, "look for runs that went wrong", troubledSQL, int64(row.MillisOf(since)), limit)
}

// Active implements [alert.Sights].
func (s *Store) Active(ctx context.Context, limit int) ([]cron.Record, error) {
	return s.outline(ctx, "look for runs that go on", unendedSQL, limit)
}

// StartedLate implements [alert.Sights].
func (s *Store) StartedLate(ctx context.Context, since time.Time, by time.Duration, limit int) ([]cron.Record, error) {
	return s.outline(ctx, "look for runs that started late", lateRunsSQL, int64(row.MillisOf(since)), by.Milliseconds(), limit)
}

func (s *Store) outline(ctx context.Context, what, query string, args ...any) ([]cron.Record, error) {
	var rows []row.JobRun
	if err := s.db.Read(ctx).Raw(query, args...).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("%s: %w", what, s.db.Explain(err))
	}
	return records(rows), nil
}

// OpenAlerts implements [alert.Sights].
func (s *Store) OpenAlerts(ctx context.Context) ([]alert.Open, error) {
	var rows []struct {
		row.Alert
		LastSuccess row.Millis
	}
	if err := s.db.Read(ctx).Raw(openSQL).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("read open alerts: %w", s.db.Explain(err))
	}
	out := make([]alert.Open, len(rows))
	for i := range rows {
		out[i] = alert.Open{Alert: alertOf(&rows[i].Alert), LastSuccess: rows[i].LastSuccess.Time()}
	}
	return out, nil
}

// Alerts implements [alert.Book].
func (s *Store) Alerts(ctx context.Context, q alert.Query) ([]alert.Alert, int, error) {
	db := s.db.Read(ctx).Model(&row.Alert{})
	if q.Job != "" {
		db = db.Where("job = ?", q.Job)
	}
	if q.Status != "" {
		db = db.Where("status = ?", q.Status)
	}
	if q.Limit <= 0 {
		q.Limit = 50
	}
	db = db.Session(&gorm.Session{})
	var total int64
	var rows []row.Alert
	err := db.Count(&total).Error
	if err == nil && total > 0 {
		err = db.Order("raised_at DESC, id DESC").Limit(q.Limit).Offset(q.Offset).Find(&rows).Error
	}
	var sends map[string][]alert.Delivery
	if err == nil {
		sends, err = deliveriesOf(s.db.Read(ctx), rows)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read alerts: %w", s.db.Explain(err))
	}
	out := make([]alert.Alert, len(rows))
	for i := range rows {
		out[i] = alertOf(&rows[i])
		if d := sends[rows[i].Message]; d != nil {
			out[i].Deliveries = d
		}
	}
	return out, int(total), nil
}

func alertOf(r *row.Alert) alert.Alert {
	return alert.Alert{
		ID: r.ID, Job: r.Job, Kind: cron.AlertKind(r.Kind), Status: alert.Status(r.Status), Run: r.RunID, Slot: r.Slot.Pointer(),
		At: r.At.Time(), RaisedAt: r.RaisedAt.Time(), Detail: r.Detail, Error: r.Error, Number: r.Number, Open: r.OpenKey != nil,
		Silence: r.Silence, Message: r.Message, Dedup: r.Dedup, Deliveries: []alert.Delivery{},
	}
}

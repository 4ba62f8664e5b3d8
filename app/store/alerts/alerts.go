package alerts

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"fibercrons/app/alert"
	"fibercrons/app/cron"
	"fibercrons/app/store/row"
)

const openSQL = "SELECT a.*, COALESCE(CASE a.schedule WHEN '' THEN s.own_success ELSE g.last_success END, 0) AS last_success, " +
	"a.schedule <> '' AND g.id IS NULL AS gone, COALESCE(g.next_slot IS NULL AND NOT g.paused, FALSE) AS ended " +
	"FROM job_alerts a LEFT JOIN job_state s ON s.name = a.job LEFT JOIN job_schedules g ON a.schedule <> '' AND g.id = a.schedule AND g.job = a.job WHERE a.open_key > ''"

// OpenAlerts implements [alert.Sights].
func (s *Store) OpenAlerts(ctx context.Context) ([]alert.Open, error) {
	var rows []struct {
		row.Alert
		LastSuccess row.Millis
		Gone, Ended bool
	}
	if err := s.db.Read(ctx).Raw(openSQL).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("read open alerts: %w", s.db.Explain(err))
	}
	out := make([]alert.Open, len(rows))
	for i := range rows {
		out[i] = alert.Open{Alert: alertOf(&rows[i].Alert), LastSuccess: rows[i].LastSuccess.Time(), Gone: rows[i].Gone, Ended: rows[i].Gone || rows[i].Ended && rows[i].Schedule != ""}
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
		ID: r.ID, Job: r.Job, Schedule: r.Schedule, Kind: cron.AlertKind(r.Kind), Status: alert.Status(r.Status), Run: r.RunID, Slot: r.Slot.Pointer(),
		At: r.At.Time(), RaisedAt: r.RaisedAt.Time(), Detail: r.Detail, Error: r.Error, Number: r.Number, Others: r.Others, Open: r.OpenKey != nil,
		Silence: r.Silence, Message: r.Message, Dedup: r.Dedup, Deliveries: []alert.Delivery{},
	}
}

// deliveriesOf returns the deliveries of each message of the alerts.
func deliveriesOf(db *gorm.DB, alerts []row.Alert) (map[string][]alert.Delivery, error) {
	var messages []string
	for i := range alerts {
		if m := alerts[i].Message; m != "" {
			messages = append(messages, m)
		}
	}
	slices.Sort(messages)
	messages = slices.Compact(messages)
	out := make(map[string][]alert.Delivery, len(messages))
	for some := range slices.Chunk(messages, alertRows) {
		var rows []row.AlertDelivery
		if err := db.Where("message IN ?", some).Order("channel").Find(&rows).Error; err != nil {
			return nil, err
		}
		for i := range rows {
			out[rows[i].Message] = append(out[rows[i].Message], deliveryOf(&rows[i]))
		}
	}
	return out, nil
}

func deliveryOf(r *row.AlertDelivery) alert.Delivery {
	d := alert.Delivery{
		ID: r.ID, Channel: r.Channel, Status: alert.Status(r.Status), Attempts: r.Attempts, SentAt: r.SentAt.Pointer(), Error: r.Error,
		CreatedAt: r.CreatedAt.Time(), Message: r.Message, Token: r.Token, Total: r.Alerts,
	}
	if d.Status == alert.Pending {
		d.NextAt = row.Millis(r.NextAt).Pointer()
	}
	return d
}

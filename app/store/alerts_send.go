package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"fibercrons/app/alert"
	"fibercrons/app/cron"
	"fibercrons/app/store/row"
)

// aMinute is what limits by the minute look back.
const aMinute = int64(time.Minute / time.Millisecond)

// Gather implements [alert.Book].
func (s *Store) Gather(ctx context.Context, g alert.Gather) (waiting bool, err error) {
	var idle int64
	err = s.db.Read(ctx).Model(&row.Alert{}).Where("status = 'pending' AND message = ''").Count(&idle).Error
	if err != nil {
		return false, fmt.Errorf("gather alerts: %w", s.db.Explain(err))
	}
	if idle == 0 {
		return false, nil
	}
	message := uuid.Must(uuid.NewV7()).String()
	ids := make([]string, len(g.Channels))
	for i := range ids {
		ids[i] = uuid.Must(uuid.NewV7()).String()
	}
	err = s.writer.do(ctx, &op{
		kind: "gather",
		rows: alertRows,
		run: func(t *txn) error {
			waiting = t.gather(g, message, ids)
			return nil
		},
	})
	if err != nil {
		return false, fmt.Errorf("gather alerts: %w", err)
	}
	return waiting, nil
}

func (t *txn) gather(g alert.Gather, message string, ids []string) (waiting bool) {
	db := t.handle()
	loose := func() *gorm.DB { return db.Model(&row.Alert{}).Where("status = 'pending' AND message = ''") }
	var wait struct {
		Number        int64
		First, Newest row.Millis
	}
	t.fail(loose().Select("COUNT(*) AS number, MIN(raised_at) AS first, MAX(raised_at) AS newest").Scan(&wait).Error)
	if t.err != nil {
		return false
	}
	if wait.Number > 0 {
		if t.now-int64(wait.Newest) < g.Quiet.Milliseconds() && t.now-int64(wait.First) < g.Longest.Milliseconds() {
			return true
		}
		var lately []string // few, and found by their time
		t.fail(db.Model(&row.AlertDelivery{}).Where("created_at > ?", t.now-aMinute).Pluck("message", &lately).Error)
		if t.err != nil || len(unique(lately)) >= g.PerMinute {
			return true
		}
		t.fail(loose().Update("message", message).Error)
	}
	// None when another process was first; some, also, when this is a second time.
	var mine int64
	t.fail(db.Model(&row.Alert{}).Where("message = ?", message).Count(&mine).Error)
	there := t.among(&row.AlertDelivery{}, "channel", "message IN ?", []string{message})
	var rows []row.AlertDelivery
	for i, channel := range g.Channels {
		if mine > 0 && !there[channel] {
			rows = append(rows, row.AlertDelivery{
				ID: ids[i], Message: message, Channel: channel, Status: string(alert.Pending), Alerts: int(mine),
				CreatedAt: row.Millis(t.now), NextAt: t.now,
			})
		}
	}
	if len(rows) > 0 && t.err == nil {
		t.fail(db.Create(&rows).Error)
	}
	return false
}

// TakeDeliveries implements [alert.Book].
func (s *Store) TakeDeliveries(ctx context.Context, k alert.Take) ([]alert.Delivery, error) {
	db := s.db.Read(ctx)
	var due int64
	err := db.Model(&row.AlertDelivery{}).Where("status = 'pending' AND channel IN ?", k.Channels).Count(&due).Error
	if err != nil {
		return nil, fmt.Errorf("take deliveries of alerts: %w", s.db.Explain(err))
	}
	if due == 0 {
		return nil, nil
	}
	var rows []row.AlertDelivery
	token := rand.Int64()
	err = s.writer.do(ctx, &op{
		kind: "deliver",
		rows: alertRows,
		run: func(t *txn) error {
			rows = t.takeDeliveries(k, token)
			return nil
		},
	})
	if err != nil {
		return nil, fmt.Errorf("take deliveries of alerts: %w", err)
	}
	out := make([]alert.Delivery, len(rows))
	for i := range rows {
		out[i] = deliveryOf(&rows[i])
		if err := contents(db, &out[i], k.Alerts); err != nil {
			return nil, fmt.Errorf("read the alerts of a message: %w", s.db.Explain(err))
		}
	}
	return out, nil
}

func (t *txn) takeDeliveries(k alert.Take, token int64) (rows []row.AlertDelivery) {
	db := t.handle()
	pending := func(channel string) *gorm.DB {
		return db.Model(&row.AlertDelivery{}).Where("status = 'pending' AND channel = ?", channel)
	}
	mine := func(channel string) (list []row.AlertDelivery) {
		t.fail(pending(channel).Where("token = ? AND lease_until > ?", token, t.now).Order("created_at, id").Find(&list).Error)
		return list
	}
	for _, channel := range k.Channels {
		if before := mine(channel); len(before) > 0 { // this is a second time
			rows = append(rows, before...)
			continue
		}
		var sent, under int64
		t.fail(db.Model(&row.AlertDelivery{}).Where("channel = ? AND sent_at > ?", channel, t.now-aMinute).Count(&sent).Error)
		t.fail(pending(channel).Where("lease_until > ?", t.now).Count(&under).Error)
		room := min(k.Limit, k.PerMinute-int(sent)-int(under))
		if t.err != nil || room <= 0 {
			continue
		}
		var ids []string
		t.fail(pending(channel).Where("next_at <= ? AND lease_until <= ?", t.now, t.now).Order("next_at, id").Limit(room).Pluck("id", &ids).Error)
		if t.err != nil || len(ids) == 0 {
			continue
		}
		t.fail(pending(channel).Where("id IN ? AND lease_until <= ?", ids, t.now).Updates(map[string]any{
			"token": token, "lease_until": t.now + k.Lease.Milliseconds(), "attempts": gorm.Expr("attempts + 1"),
		}).Error)
		rows = append(rows, mine(channel)...)
	}
	return rows
}

// contents reads what a delivery tells: the first of its alerts, and how many there are of each kind.
func contents(db *gorm.DB, d *alert.Delivery, most int) error {
	var rows []row.Alert
	if err := db.Where("message = ?", d.Message).Order("at, id").Limit(most).Find(&rows).Error; err != nil {
		return err
	}
	for i := range rows {
		d.Alerts = append(d.Alerts, alertOf(&rows[i]))
	}
	var kinds []struct {
		Kind   cron.AlertKind
		Number int
	}
	err := db.Model(&row.Alert{}).Select("kind, COUNT(*) AS number").Where("message = ?", d.Message).Group("kind").Scan(&kinds).Error
	d.Kinds = make(map[cron.AlertKind]int, len(kinds))
	for _, k := range kinds {
		d.Kinds[k.Kind] = k.Number
	}
	return err
}

// Settle implements [alert.Book].
func (s *Store) Settle(ctx context.Context, e alert.Settlement) error {
	err := s.writer.do(ctx, &op{
		kind: "delivered",
		rows: alertRows,
		run: func(t *txn) error {
			set := map[string]any{"lease_until": 0, "token": 0, "error": e.Error, "next_at": t.now + e.Again.Milliseconds()}
			switch {
			case e.Sent:
				set["status"], set["sent_at"] = string(alert.Sent), row.Millis(t.now)
			case e.GaveUp:
				set["status"] = string(alert.Failed)
			}
			db := t.handle()
			t.fail(db.Model(&row.AlertDelivery{}).Where("id = ? AND token = ? AND status = 'pending'", e.ID, e.Token).Updates(set).Error)
			if e.Sent || e.GaveUp {
				t.concludeMessages(db.Model(&row.AlertDelivery{}).Where("id = ?", e.ID))
			}
			return nil
		},
	})
	if err != nil {
		return fmt.Errorf("settle a delivery of alerts: %w", err)
	}
	return nil
}

// concludeMessages ends the alerts of the messages of these deliveries that go on through no channel.
func (t *txn) concludeMessages(of *gorm.DB) {
	var messages []string
	t.fail(of.Distinct("message").Pluck("message", &messages).Error)
	if t.err != nil || len(messages) == 0 {
		return
	}
	going := t.among(&row.AlertDelivery{}, "message", "status = 'pending' AND message IN ?", messages)
	broken := t.among(&row.AlertDelivery{}, "message", "status = 'failed' AND message IN ?", messages)
	for _, m := range messages {
		if going[m] {
			continue
		}
		status := alert.Sent
		if broken[m] {
			status = alert.Failed
		}
		t.fail(t.handle().Model(&row.Alert{}).Where("message = ?", m).Update("status", string(status)).Error)
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
	messages = unique(messages)
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

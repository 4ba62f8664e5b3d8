package alerts

import (
	"cmp"
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

// aMinute is the period of the limits per minute, in milliseconds.
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
	err = s.db.Write(ctx, "gather", alertRows, func(t Tx) error {
		waiting = gather(t, g, message, ids)
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("gather alerts: %w", err)
	}
	return waiting, nil
}

func gather(t Tx, g alert.Gather, message string, ids []string) (waiting bool) {
	db := t.DB()
	loose := func() *gorm.DB { return db.Model(&row.Alert{}).Where("status = 'pending' AND message = ''") }
	var wait struct {
		Number        int64
		First, Newest row.Millis
	}
	t.Fail(loose().Select("COUNT(*) AS number, MIN(raised_at) AS first, MAX(raised_at) AS newest").Scan(&wait).Error)
	if t.Err() != nil {
		return false
	}
	if wait.Number > 0 {
		if t.Now()-int64(wait.Newest) < g.Quiet.Milliseconds() && t.Now()-int64(wait.First) < g.Longest.Milliseconds() {
			return true
		}
		var lately []string // few, and found by an index
		t.Fail(db.Model(&row.AlertDelivery{}).Where("created_at > ?", t.Now()-aMinute).Pluck("message", &lately).Error)
		slices.Sort(lately)
		if t.Err() != nil || len(slices.Compact(lately)) >= g.PerMinute {
			return true
		}
		t.Fail(loose().Update("message", message).Error)
	}
	// None when another process was first; some when this transaction was committed before.
	var mine int64
	t.Fail(db.Model(&row.Alert{}).Select(weight).Where("message = ?", message).Scan(&mine).Error)
	there := among(t, &row.AlertDelivery{}, "channel", "message IN ?", []string{message})
	var rows []row.AlertDelivery
	for i, channel := range g.Channels {
		if mine > 0 && !there[channel] {
			rows = append(rows, row.AlertDelivery{
				ID: ids[i], Message: message, Channel: channel, Status: string(alert.Pending), Alerts: int(mine),
				CreatedAt: row.Millis(t.Now()), NextAt: t.Now(),
			})
		}
	}
	if len(rows) > 0 && t.Err() == nil {
		t.Fail(db.Create(&rows).Error)
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
	err = s.db.Write(ctx, "deliver", alertRows, func(t Tx) error {
		rows = takeDeliveries(t, k, token)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("take deliveries of alerts: %w", err)
	}
	out := make([]alert.Delivery, len(rows))
	for i := range rows {
		out[i] = deliveryOf(&rows[i])
		if err := contents(db, &out[i], &k); err != nil {
			return nil, fmt.Errorf("read the alerts of a message: %w", s.db.Explain(err))
		}
	}
	return out, nil
}

func takeDeliveries(t Tx, k alert.Take, token int64) (rows []row.AlertDelivery) {
	db := t.DB()
	pending := func(channel string) *gorm.DB {
		return db.Model(&row.AlertDelivery{}).Where("status = 'pending' AND channel = ?", channel)
	}
	mine := func(channel string) (list []row.AlertDelivery) {
		t.Fail(pending(channel).Where("token = ? AND lease_until > ?", token, t.Now()).Order("created_at, id").Find(&list).Error)
		return list
	}
	for _, channel := range k.Channels {
		if before := mine(channel); len(before) > 0 { // this transaction was committed before
			rows = append(rows, before...)
			continue
		}
		var sent, under int64
		t.Fail(db.Model(&row.AlertDelivery{}).Where("channel = ? AND sent_at > ?", channel, t.Now()-aMinute).Count(&sent).Error)
		t.Fail(pending(channel).Where("lease_until > ?", t.Now()).Count(&under).Error)
		room := min(k.Limit, k.PerMinute-int(sent)-int(under))
		if t.Err() != nil || room <= 0 {
			continue
		}
		var ids []string
		t.Fail(pending(channel).Where("next_at <= ? AND lease_until <= ?", t.Now(), t.Now()).Order("next_at, id").Limit(room).Pluck("id", &ids).Error)
		if t.Err() != nil || len(ids) == 0 {
			continue
		}
		t.Fail(pending(channel).Where("id IN ? AND lease_until <= ?", ids, t.Now()).Updates(map[string]any{
			"token": token, "lease_until": t.Now() + k.Lease.Milliseconds(), "attempts": gorm.Expr("attempts + 1"),
		}).Error)
		rows = append(rows, mine(channel)...)
	}
	return rows
}

// weight is how many alerts rows stand for.
const weight = "COALESCE(SUM(CASE WHEN others > 0 THEN others ELSE 1 END), 0) AS number"

// contents reads the first alerts of a delivery, its groups, and how many alerts there are of each kind.
func contents(db *gorm.DB, d *alert.Delivery, k *alert.Take) error {
	of := db.Model(&row.Alert{}).Where("message = ?", d.Message).Session(&gorm.Session{})
	var rows []row.Alert
	if err := of.Where("schedule = '' AND others = 0").Order("at, id").Limit(k.Alerts).Find(&rows).Error; err != nil {
		return err
	}
	var groups []struct {
		Job             string
		Kind            cron.AlertKind
		First           row.Millis
		Number          int
		Schedules, Rest int
	}
	err := of.Select("job, kind, MIN(at) AS first, " + weight + ", COUNT(DISTINCT CASE WHEN others = 0 THEN schedule END) AS schedules, SUM(others) AS rest").
		Where("schedule <> '' OR others > 0").Group("job, kind").Order("first, job, kind").Limit(k.Alerts).Scan(&groups).Error
	if err != nil {
		return err
	}
	for _, g := range groups {
		var some []row.Alert
		err := of.Where("job = ? AND kind = ? AND others = 0 AND schedule <> ''", g.Job, g.Kind).Order("at, id").Limit(k.Each).Find(&some).Error
		if err != nil {
			return err
		}
		group := alert.Group{Job: g.Job, Kind: g.Kind, Total: g.Schedules + g.Rest, Schedules: []string{}, At: g.First.Time(), Alerts: g.Number}
		for i := range some {
			if some[i].Schedule != "" && !slices.Contains(group.Schedules, some[i].Schedule) {
				group.Schedules = append(group.Schedules, some[i].Schedule)
			}
			group.Error = cmp.Or(group.Error, some[i].Error)
		}
		d.Groups = append(d.Groups, group)
		rows = append(rows, some...)
	}
	slices.SortStableFunc(rows, func(a, b row.Alert) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.ID, b.ID)) })
	for i := range rows[:min(len(rows), k.Alerts)] {
		d.Alerts = append(d.Alerts, alertOf(&rows[i]))
	}
	var kinds []struct {
		Kind   cron.AlertKind
		Number int
	}
	err = of.Select("kind, " + weight).Group("kind").Scan(&kinds).Error
	d.Kinds = make(map[cron.AlertKind]int, len(kinds))
	for _, k := range kinds {
		d.Kinds[k.Kind] = k.Number
	}
	return err
}

// Settle implements [alert.Book].
func (s *Store) Settle(ctx context.Context, e alert.Settlement) error {
	err := s.db.Write(ctx, "delivered", alertRows, func(t Tx) error {
		set := map[string]any{"lease_until": 0, "token": 0, "error": e.Error, "next_at": t.Now() + e.Again.Milliseconds()}
		switch {
		case e.Sent:
			set["status"], set["sent_at"] = string(alert.Sent), row.Millis(t.Now())
		case e.GaveUp:
			set["status"] = string(alert.Failed)
		}
		db := t.DB()
		t.Fail(db.Model(&row.AlertDelivery{}).Where("id = ? AND token = ? AND status = 'pending'", e.ID, e.Token).Updates(set).Error)
		if e.Sent || e.GaveUp {
			concludeMessages(t, db.Model(&row.AlertDelivery{}).Where("id = ?", e.ID))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("settle a delivery of alerts: %w", err)
	}
	return nil
}

// concludeMessages ends the alerts of those messages of the deliveries that no channel has still to send.
func concludeMessages(t Tx, of *gorm.DB) {
	var messages []string
	t.Fail(of.Distinct("message").Pluck("message", &messages).Error)
	if t.Err() != nil || len(messages) == 0 {
		return
	}
	going := among(t, &row.AlertDelivery{}, "message", "status = 'pending' AND message IN ?", messages)
	broken := among(t, &row.AlertDelivery{}, "message", "status = 'failed' AND message IN ?", messages)
	for _, m := range messages {
		if going[m] {
			continue
		}
		status := alert.Sent
		if broken[m] {
			status = alert.Failed
		}
		t.Fail(t.DB().Model(&row.Alert{}).Where("message = ?", m).Update("status", string(status)).Error)
	}
}

package store

import (
	"context"
	"fmt"
	"time"

	"fibercrons/app/alert"
	"fibercrons/app/store/row"
)

// pruneAlerts bounds what one call of PruneAlerts deletes of each table.
const pruneAlerts = 500

// PruneAlerts implements [alert.Book].
func (s *Store) PruneAlerts(ctx context.Context, giveUp, keep time.Duration) ([]alert.Delivery, error) {
	var late []row.AlertDelivery
	err := s.writer.do(ctx, &op{
		kind: "prune",
		rows: groupRows / 2,
		run: func(t *txn) error {
			db := t.handle()
			late = nil
			t.fail(db.Where("status = 'pending' AND created_at < ? AND lease_until <= ?", t.now-giveUp.Milliseconds(), t.now).
				Order("created_at").Limit(alertRows).Find(&late).Error)
			if len(late) > 0 {
				ids := make([]string, len(late))
				for i := range late {
					ids[i], late[i].Status = late[i].ID, string(alert.Failed)
				}
				t.fail(db.Model(&row.AlertDelivery{}).Where("id IN ?", ids).Update("status", string(alert.Failed)).Error)
				t.concludeMessages(db.Model(&row.AlertDelivery{}).Where("id IN ?", ids))
			}
			before := t.now - keep.Milliseconds()
			t.forget(&row.Alert{}, "raised_at < ? AND open_key IS NULL AND status <> 'pending'", "raised_at", before)
			t.forget(&row.AlertDelivery{}, "created_at < ? AND status <> 'pending'", "created_at", before)
			t.forget(&row.Silence{}, "until_at < ?", "until_at", before)
			return nil
		},
	})
	if err != nil {
		return nil, fmt.Errorf("prune alerts: %w", err)
	}
	out := make([]alert.Delivery, len(late))
	for i := range late {
		out[i] = deliveryOf(&late[i])
	}
	return out, nil
}

// forget deletes the oldest rows that answer to where.
func (t *txn) forget(model any, where, order string, before int64) {
	var ids []string
	t.fail(t.handle().Model(model).Where(where, before).Order(order).Limit(pruneAlerts).Pluck("id", &ids).Error)
	chunks(ids, func(some []string) { t.fail(t.handle().Where("id IN ?", some).Delete(model).Error) })
}

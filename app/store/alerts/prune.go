package alerts

import (
	"context"
	"fmt"
	"slices"
	"time"

	"fibercrons/app/alert"
	"fibercrons/app/store/row"
)

// pruneAlerts bounds what one call of PruneAlerts deletes of each table.
const pruneAlerts = 500

// PruneAlerts implements [alert.Book].
func (s *Store) PruneAlerts(ctx context.Context, giveUp, keep time.Duration) ([]alert.Delivery, error) {
	var late []row.AlertDelivery
	err := s.db.Write(ctx, "prune", pruneAlerts, func(t Tx) error {
		db := t.DB()
		late = nil
		t.Fail(db.Where("status = 'pending' AND created_at < ? AND lease_until <= ?", t.Now()-giveUp.Milliseconds(), t.Now()).
			Order("created_at").Limit(alertRows).Find(&late).Error)
		if len(late) > 0 {
			ids := make([]string, len(late))
			for i := range late {
				ids[i], late[i].Status = late[i].ID, string(alert.Failed)
			}
			t.Fail(db.Model(&row.AlertDelivery{}).Where("id IN ?", ids).Update("status", string(alert.Failed)).Error)
			concludeMessages(t, db.Model(&row.AlertDelivery{}).Where("id IN ?", ids))
		}
		before := t.Now() - keep.Milliseconds()
		forget(t, &row.Alert{}, "raised_at < ? AND open_key IS NULL AND status <> 'pending'", "raised_at", before)
		forget(t, &row.AlertDelivery{}, "created_at < ? AND status <> 'pending'", "created_at", before)
		forget(t, &row.Silence{}, "until_at < ?", "until_at", before)
		return nil
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

// forget deletes the oldest rows that meet the condition.
func forget(t Tx, model any, where, order string, before int64) {
	var ids []string
	t.Fail(t.DB().Model(model).Where(where, before).Order(order).Limit(pruneAlerts).Pluck("id", &ids).Error)
	for some := range slices.Chunk(ids, alertRows) {
		t.Fail(t.DB().Where("id IN ?", some).Delete(model).Error)
	}
}

package store

import (
	"context"
	"fmt"

	"fibercrons/app/contract"
	"fibercrons/app/store/row"
)

// Audit keeps one change that a person or a program made.
func (s *Store) Audit(ctx context.Context, e contract.AuditEntry) error {
	entry := auditRow(&e)
	err := s.writer.do(ctx, &op{
		kind: "audit",
		rows: 1,
		run: func(t *txn) error {
			db := t.handle()
			var there int64
			if entry.ID != 0 { // the last attempt may have been committed
				t.fail(db.Model(&row.AuditEntry{}).Where("id = ? AND at = ? AND action = ? AND target = ?", entry.ID, entry.At, entry.Action, entry.Target).Count(&there).Error)
			}
			if there == 0 {
				entry.ID = 0
				t.fail(db.Create(&entry).Error)
			}
			return nil
		},
	})
	if err != nil {
		return fmt.Errorf("audit %s of %s: %w", e.Action, e.Target, err)
	}
	return nil
}

func auditRow(e *contract.AuditEntry) row.AuditEntry {
	return row.AuditEntry{
		At: row.MillisOf(e.At), Actor: e.Actor, Action: e.Action, Target: e.Target,
		Before: nullText(string(e.Before)), After: nullText(string(e.After)), Origin: e.Origin, RequestID: e.RequestID,
	}
}

// Audits returns what was changed, newest first: of a target or of all, at most limit entries
// older than the one with ID before (0: from the newest on).
func (s *Store) Audits(ctx context.Context, target string, before int64, limit int) ([]contract.AuditEntry, error) {
	db := s.db.Read(ctx).Model(&row.AuditEntry{})
	if target != "" {
		db = db.Where("target = ?", target)
	}
	if before > 0 {
		db = db.Where("id < ?", before)
	}
	var rows []row.AuditEntry
	if err := db.Order("id DESC").Limit(limit).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read audit entries: %w", s.db.Explain(err))
	}
	out := make([]contract.AuditEntry, len(rows))
	for i, r := range rows {
		out[i] = contract.AuditEntry{
			ID: r.ID, At: r.At.Time(), Actor: r.Actor, Action: r.Action, Target: r.Target,
			Before: raw(r.Before), After: raw(r.After), Origin: r.Origin, RequestID: r.RequestID,
		}
	}
	return out, nil
}

package store

import (
	"context"
	"fmt"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/plan"
	"fibercrons/app/store/row"
)

// Override implements [contract.Admin].
func (s *Store) Override(ctx context.Context, o plan.Override) (contract.State, error) {
	at := row.MillisOf(o.At)
	var out contract.State
	err := s.writer.do(ctx, &op{
		kind: "override",
		rows: 1,
		need: func(n *needs) { n.jobs = append(n.jobs, o.Job) },
		run: func(t *txn) error {
			if t.sql.locks != nil { // the database's clock decides from when on it holds
				at = min(at, row.Millis(t.now))
			}
			db := t.gorm()
			t.fail(db.Model(&row.JobState{}).Where("name = ?", o.Job).Updates(map[string]any{
				"override_expr": o.Expr, "override_zone": o.Zone, "override_by": o.Actor, "override_at": at,
			}).Error)
			t.fail(db.Model(&row.JobState{}).Where("name = ? AND watermark < ?", o.Job, at).Update("watermark", at).Error)
			found := false
			t.fail(t.sql.eachState(db, []string{o.Job}, func(st contract.State) { out, found = st, true }))
			if !found {
				return cron.ErrNotFound
			}
			if known := t.states[o.Job]; known != nil {
				known.watermark, known.overrideAt = int64(row.MillisOf(out.Watermark)), int64(at)
			}
			return nil
		},
	})
	if err != nil {
		return contract.State{}, fmt.Errorf("override the schedule of job %q: %w", o.Job, err)
	}
	return out, nil
}

// Overrides implements [contract.Admin].
func (s *Store) Overrides(ctx context.Context) ([]plan.Override, error) {
	var rows []row.JobState
	if err := s.reads.WithContext(ctx).Where("override_at IS NOT NULL").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read schedule overrides: %w", s.db.explain(err))
	}
	out := make([]plan.Override, len(rows))
	for i := range rows {
		out[i] = override(&rows[i])
	}
	return out, nil
}

func override(r *row.JobState) plan.Override {
	if r.OverrideAt == 0 {
		return plan.Override{}
	}
	return plan.Override{Job: r.Name, Expr: r.OverrideExpr, Zone: r.OverrideZone, Actor: r.OverrideBy, At: r.OverrideAt.Time()}
}

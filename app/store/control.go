package store

import (
	"context"
	"fmt"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/plan"
	"fibercrons/app/store/row"
)

// Pause implements [contract.Admin].
func (s *Store) Pause(ctx context.Context, p contract.Pause) (contract.State, error) {
	var out contract.State
	err := s.writer.do(ctx, &op{
		kind: "pause",
		rows: 1,
		need: func(n *needs) { n.jobs = append(n.jobs, p.Job) },
		run: func(t *txn) error {
			set := map[string]any{"paused": false, "paused_at": nil, "paused_until": nil, "paused_by": "", "paused_reason": ""}
			if !p.Resume {
				set = map[string]any{"paused": true, "paused_at": row.MillisOf(p.At), "paused_until": row.MillisOf(p.Until),
					"paused_by": p.Actor, "paused_reason": p.Reason}
			}
			db := t.handle()
			t.fail(db.Model(&row.JobState{}).Where("name = ?", p.Job).Updates(set).Error)
			found := false
			t.fail(eachState(t.sql, db, []string{p.Job}, func(st contract.State) { out, found = st, true }))
			if !found {
				return cron.ErrNotFound
			}
			if st := t.states[p.Job]; st != nil {
				st.paused, st.pausedUntil = out.Paused, int64(row.MillisOf(out.PausedUntil))
			}
			return nil
		},
	})
	if err != nil {
		return contract.State{}, fmt.Errorf("pause job %q: %w", p.Job, err)
	}
	return out, nil
}

// Override implements [contract.Admin].
func (s *Store) Override(ctx context.Context, o plan.Override) (contract.State, error) {
	at := row.MillisOf(o.At)
	var out contract.State
	err := s.writer.do(ctx, &op{
		kind: "override",
		rows: 1,
		need: func(n *needs) { n.jobs = append(n.jobs, o.Job) },
		run: func(t *txn) error {
			if t.sql.Locks != nil { // the database's clock decides from when on it holds
				at = min(at, row.Millis(t.now))
			}
			db := t.handle()
			t.fail(db.Model(&row.JobState{}).Where("name = ?", o.Job).Updates(map[string]any{
				"override_expr": o.Expr, "override_zone": o.Zone, "override_by": o.Actor, "override_at": at,
			}).Error)
			t.fail(db.Model(&row.JobState{}).Where("name = ? AND watermark < ?", o.Job, at).Update("watermark", at).Error)
			found := false
			t.fail(eachState(t.sql, db, []string{o.Job}, func(st contract.State) { out, found = st, true }))
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
	if err := s.db.Read(ctx).Where("override_at IS NOT NULL").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read schedule overrides: %w", s.db.Explain(err))
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

// Cancel implements [contract.Admin].
func (s *Store) Cancel(ctx context.Context, id string, reason cron.Reason, actor string) (cron.Record, error) {
	var out cron.Record
	was, err := oneRun(s.db.Read(ctx), id) // it says what to lock: a deferred run ends here
	if err == nil {
		err = s.writer.do(ctx, cancelling(&was, reason, actor, &out))
	}
	if err != nil {
		return cron.Record{}, fmt.Errorf("cancel run %s: %w", id, s.db.Explain(err))
	}
	return out, nil
}

func cancelling(was *cron.Record, reason cron.Reason, actor string, out *cron.Record) *op {
	f := contract.Finish{Fence: contract.Fence{ID: was.ID}, Job: was.Job, Schedule: was.ScheduleID(), Status: cron.Cancelled, Reason: reason}
	return &op{
		kind: "cancel",
		rows: 1,
		need: func(n *needs) {
			n.ids = append(n.ids, f.ID)
			if was.Deferred {
				n.ends(&f)
			}
		},
		run: func(t *txn) error {
			r := t.runs[f.ID]
			if r == nil {
				return cron.ErrNotFound
			}
			if r.active() {
				t.cancel(r, t.now, reason, actor)
			}
			if r.active() && r.dueAt != 0 && was.Deferred {
				f.At = time.UnixMilli(t.now).UTC()
				t.end(r, &f)
			}
			var err error
			*out, err = oneRun(t.handle(), f.ID)
			t.fail(err)
			return nil
		},
	}
}

package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/store/row"
)

// Sync implements [contract.Claims].
func (s *Store) Sync(ctx context.Context, p contract.Program) (contract.Synced, error) {
	defs := slices.Clone(p.Definitions)
	at := row.MillisOf(p.At)
	var out contract.Synced
	err := s.writer.do(ctx, &op{
		kind: "sync",
		rows: groupRows,
		need: func(n *needs) {
			for _, d := range defs {
				n.known = append(n.known, d.Name)
			}
			n.seen = int64(at)
			n.groups = append(n.groups, versionsLock)
		},
		run: func(t *txn) error {
			db := t.gorm()
			own, newer := t.version(db, &p)
			kept := make(map[string]contract.State)
			t.fail(t.sql.eachState(db, nil, func(st contract.State) { kept[st.Name] = st }))
			generations := t.generations(db)
			now := at
			if t.sql.locks != nil { // the database's clock decides when a job begins, and what is far ahead
				now = row.Millis(t.now)
				at = min(at, now)
			}
			strayedAt := now.Time().Add(contract.WrongClock)
			var changed []row.JobState
			var strayed []string
			out = contract.Synced{States: make([]contract.State, len(defs)), Generation: own}
			here := make(map[string]bool, len(defs))
			for i, d := range defs {
				here[d.Name] = true
				st, seen := kept[d.Name]
				if !seen {
					st = contract.State{Name: d.Name, FirstSeen: at.Time()}
				}
				same := seen && st.Definition == d.Definition && st.RemovedAt.IsZero()
				if newer && !same && generations[d.Name] > own {
					st.Superseded = true
					out.States[i] = st
					continue
				}
				if st.Watermark.After(strayedAt) {
					st.Watermark = now.Time()
					strayed = append(strayed, d.Name)
				}
				fresh := st.Definition != d.Definition || st.Watermark.IsZero()
				switch {
				case st.Watermark.IsZero() && t.created != 0 && row.MillisOf(st.FirstSeen) == row.Millis(t.created):
					st.Watermark = st.FirstSeen // its history begins with nothing before it
				case fresh && at.Time().After(st.Watermark):
					st.Watermark = at.Time()
				}
				if fresh || !st.RemovedAt.IsZero() {
					changed = append(changed, row.JobState{
						Name: d.Name, Definition: d.Definition, FirstSeen: row.MillisOf(st.FirstSeen), Watermark: row.MillisOf(st.Watermark),
						Generation: own,
					})
				}
				st.Definition, st.RemovedAt = d.Definition, time.Time{}
				kept[d.Name], out.States[i] = st, st
			}
			chunks(strayed, func(some []string) {
				t.fail(db.Model(&row.JobState{}).Where("name IN ?", some).Update("watermark", now).Error)
			})
			for name, st := range kept {
				if known := t.states[name]; known != nil {
					known.known, known.watermark = true, int64(row.MillisOf(st.Watermark))
				}
				if !here[name] && st.RemovedAt.IsZero() && !(newer && generations[name] > own) {
					changed = append(changed, row.JobState{
						Name: name, Definition: st.Definition, FirstSeen: row.MillisOf(st.FirstSeen),
						Watermark: row.MillisOf(st.Watermark), RemovedAt: at, Generation: own,
					})
				}
			}
			batch(t, changed, updateRows, &t.sql.definitions, func(st row.JobState, args []any) []any {
				return append(args, st.Name, st.Definition, int64(st.FirstSeen), int64(st.Watermark), orNull(int64(st.RemovedAt)), st.Generation)
			})
			return nil
		},
	})
	if err != nil {
		return contract.Synced{}, fmt.Errorf("sync jobs: %w", s.db.explain(err))
	}
	return out, nil
}

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
			db := t.gorm()
			t.fail(db.Model(&row.JobState{}).Where("name = ?", p.Job).Updates(set).Error)
			found := false
			t.fail(t.sql.eachState(db, []string{p.Job}, func(st contract.State) { out, found = st, true }))
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

// Cancel implements [contract.Admin].
func (s *Store) Cancel(ctx context.Context, id string, reason cron.Reason, actor string) (cron.Record, error) {
	var out cron.Record
	err := s.writer.do(ctx, &op{
		kind: "cancel",
		rows: 1,
		need: func(n *needs) { n.ids = append(n.ids, id) },
		run: func(t *txn) error {
			r := t.runs[id]
			if r == nil {
				return cron.ErrNotFound
			}
			if r.active() {
				t.cancel(r, t.now, reason, actor)
			}
			var err error
			out, err = oneRun(t.gorm(), id)
			t.fail(err)
			return nil
		},
	})
	if err != nil {
		return cron.Record{}, fmt.Errorf("cancel run %s: %w", id, err)
	}
	return out, nil
}

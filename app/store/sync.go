package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"fibercrons/app/contract"
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
			db := t.handle()
			own, newer := t.version(db, &p)
			kept := make(map[string]contract.State)
			t.fail(eachState(t.sql, db, nil, func(st contract.State) { kept[st.Name] = st }))
			generations := t.generations(db)
			now := at
			if t.sql.Locks != nil { // the database's clock decides when a job begins, and what lies in the future
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
			batch(t.session, changed, updateRows, &t.sql.Definitions, func(st row.JobState, args []any) []any {
				return append(args, st.Name, st.Definition, int64(st.FirstSeen), int64(st.Watermark), orNull(int64(st.RemovedAt)), st.Generation)
			})
			return nil
		},
	})
	if err != nil {
		return contract.Synced{}, fmt.Errorf("sync jobs: %w", s.db.Explain(err))
	}
	return out, nil
}

// versionsLock is the row of job_groups that a sync locks, so that of versions that start at the same
// time one is newer. No group of jobs has this name.
const versionsLock = ""

// instancesKept is how long a process stays listed after its last heartbeat.
const instancesKept = 30 * 24 * time.Hour

// version records the program and its instance. It returns the program's generation, and whether an
// instance of a newer one is alive; see [contract.Program].
func (t *txn) version(db *gorm.DB, p *contract.Program) (own int64, newer bool) {
	if p.Print == "" {
		return 0, false
	}
	var last int64
	t.fail(db.Raw("SELECT COALESCE(MAX(generation), 0) FROM job_versions").Scan(&last).Error)
	t.fail(db.Raw("SELECT COALESCE(MAX(generation), 0) FROM job_versions WHERE print = ?", p.Print).Scan(&own).Error)
	if own != 0 && own < last {
		alive := t.now - 2*p.Lease.Milliseconds()
		t.fail(db.Raw("SELECT COUNT(*) > 0 FROM job_instances WHERE stopped_at IS NULL AND seen_at > ? AND generation > ?", alive, own).Scan(&newer).Error)
	}
	switch {
	case own == 0:
		own = last + 1
		t.fail(db.Exec("INSERT INTO job_versions (print, generation, seen_at) VALUES (?, ?, ?)", p.Print, own, t.now).Error)
	case own < last && !newer:
		own = last + 1
		t.fail(db.Exec("UPDATE job_versions SET generation = ?, seen_at = ? WHERE print = ?", own, t.now, p.Print).Error)
	}
	t.fail(db.Exec("DELETE FROM job_instances WHERE seen_at < ?", t.now-instancesKept.Milliseconds()).Error)
	if p.Instance.ID != "" {
		t.fail(saveInstance(db, &contract.Beat{Instance: p.Instance, At: p.At}))
		t.fail(db.Exec("UPDATE job_instances SET generation = ? WHERE id = ?", own, p.Instance.ID).Error)
	}
	return own, newer
}

// generations are those of the jobs, by name.
func (t *txn) generations(db *gorm.DB) map[string]int64 {
	var rows []row.JobState
	t.fail(db.Select("name, generation").Where("generation > 0").Find(&rows).Error)
	out := make(map[string]int64, len(rows))
	for _, r := range rows {
		out[r.Name] = r.Generation
	}
	return out
}

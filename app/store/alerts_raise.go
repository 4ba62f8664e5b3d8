package store

import (
	"context"
	"fmt"
	"slices"

	"fibercrons/app/alert"
	"fibercrons/app/store/row"
)

// alertRows bounds the rows of one statement.
const alertRows = 100

// Raise implements [alert.Book]. The unique keys of the table decide when two processes raise the
// same; that the rows are looked for first spares them the error in all but that case.
func (s *Store) Raise(ctx context.Context, r alert.Raise) error {
	rows := make([]row.Alert, len(r.Alerts))
	for i, a := range r.Alerts {
		rows[i] = row.Alert{
			ID: a.ID, Job: a.Job, Kind: string(a.Kind), Dedup: a.Dedup, RunID: a.Run,
			At: row.MillisOf(a.At), Status: string(a.Status), Silence: a.Silence, Detail: a.Detail, Error: a.Error, Number: a.Number,
		}
		if a.Slot != nil {
			rows[i].Slot = row.MillisOf(*a.Slot)
		}
		if a.Open {
			key := rows[i].Kind + ":" + a.Job
			rows[i].OpenKey = &key
		}
	}
	err := s.writer.do(ctx, &op{
		kind: "alert",
		rows: len(rows) + len(r.Looked),
		run: func(t *txn) error {
			t.raise(rows, r)
			return nil
		},
	})
	if err != nil {
		return fmt.Errorf("raise alerts: %w", err)
	}
	return nil
}

func (t *txn) raise(rows []row.Alert, r alert.Raise) {
	db := t.handle()
	known := t.knownAlerts(rows)
	looked := t.alreadyLooked(r.Looked)
	if t.err != nil {
		return
	}
	for some := range slices.Chunk(r.Close, alertRows) {
		t.fail(db.Model(&row.Alert{}).Where("id IN ?", some).Update("open_key", nil).Error)
	}
	open := t.openKeys(rows)
	var fresh []row.Alert
	for _, a := range rows {
		if known[a.Dedup] || looked[a.RunID] || a.OpenKey != nil && open[*a.OpenKey] {
			continue
		}
		a.RaisedAt = row.Millis(t.now)
		fresh = append(fresh, a)
	}
	for some := range slices.Chunk(fresh, alertRows) {
		t.fail(db.Create(&some).Error)
	}
	for some := range slices.Chunk(r.Looked, alertRows) {
		t.fail(db.Model(&row.JobRun{}).Where("id IN ? AND looked_at IS NULL", some).Update("looked_at", t.now).Error)
	}
}

func (t *txn) knownAlerts(rows []row.Alert) map[string]bool {
	keys := make([]string, len(rows))
	for i := range rows {
		keys[i] = rows[i].Dedup
	}
	return t.among(&row.Alert{}, "dedup", "dedup IN ?", keys)
}

func (t *txn) openKeys(rows []row.Alert) map[string]bool {
	var keys []string
	for i := range rows {
		if rows[i].OpenKey != nil {
			keys = append(keys, *rows[i].OpenKey)
		}
	}
	return t.among(&row.Alert{}, "open_key", "open_key IN ?", keys)
}

// alreadyLooked are the runs that another process has looked at meanwhile.
func (t *txn) alreadyLooked(ids []string) map[string]bool {
	return t.among(&row.JobRun{}, "id", "id IN ? AND looked_at IS NOT NULL", ids)
}

// among returns which of the values there are.
func (t *txn) among(model any, column, where string, values []string) map[string]bool {
	found := map[string]bool{}
	for some := range slices.Chunk(values, alertRows) {
		var list []string
		t.fail(t.handle().Model(model).Where(where, some).Pluck(column, &list).Error)
		for _, v := range list {
			found[v] = true
		}
	}
	return found
}

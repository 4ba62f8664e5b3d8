package alerts

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"fibercrons/app/alert"
	"fibercrons/app/cron"
	"fibercrons/app/store/row"
)

// Raise implements [alert.Book]. The unique keys of the table decide when two processes raise the
// same alert. That known ones are read first avoids the error in most cases.
func (s *Store) Raise(ctx context.Context, r alert.Raise) error {
	rows := make([]row.Alert, len(r.Alerts))
	for i, a := range r.Alerts {
		rows[i] = row.Alert{
			ID: a.ID, Job: a.Job, Schedule: a.Schedule, Kind: string(a.Kind), Dedup: a.Dedup, RunID: a.Run,
			At: row.MillisOf(a.At), Status: string(a.Status), Silence: a.Silence, Detail: a.Detail, Error: a.Error, Number: a.Number, Others: a.Others,
		}
		if a.Slot != nil {
			rows[i].Slot = row.MillisOf(*a.Slot)
		}
		if a.Open {
			key := openKey(a.Kind, a.Job, a.Schedule, a.Others > 0)
			rows[i].OpenKey = &key
		}
	}
	err := s.db.Write(ctx, "alert", len(rows)+len(r.Looked)+len(r.Further), func(t Tx) error {
		raise(t, rows, r)
		return nil
	})
	if err != nil {
		return fmt.Errorf("raise alerts: %w", err)
	}
	return nil
}

// openKey identifies what must not be raised twice. A job's name has no colon.
func openKey(kind cron.AlertKind, job, schedule string, others bool) string {
	key := string(kind) + ":" + job
	if schedule != "" || others {
		key += ":" + schedule
	}
	return key
}

func raise(t Tx, rows []row.Alert, r alert.Raise) {
	db := t.DB()
	known := knownAlerts(t, rows)
	looked := alreadyLooked(t, r.Looked)
	if t.Err() != nil {
		return
	}
	for some := range slices.Chunk(r.Close, alertRows) {
		t.Fail(db.Model(&row.Alert{}).Where("id IN ?", some).Update("open_key", nil).Error)
	}
	open := openKeys(t, rows)
	var fresh []row.Alert
	for _, a := range rows {
		if known[a.Dedup] || looked[a.RunID] || a.OpenKey != nil && open[*a.OpenKey] {
			continue
		}
		a.RaisedAt = row.Millis(t.Now())
		fresh = append(fresh, a)
	}
	for some := range slices.Chunk(fresh, alertRows) {
		t.Fail(db.Create(&some).Error)
	}
	for _, f := range r.Further {
		n := 0
		for _, run := range f.Runs {
			if !looked[run] {
				n++
			}
		}
		t.Fail(db.Model(&row.Alert{}).Where("open_key = ? AND message = ''", openKey(f.Kind, f.Job, "", true)).Update("others", gorm.Expr("others + ?", n)).Error)
	}
	for some := range slices.Chunk(r.Looked, alertRows) {
		t.Fail(db.Model(&row.JobRun{}).Where("id IN ? AND looked_at IS NULL", some).Update("looked_at", t.Now()).Error)
	}
}

func knownAlerts(t Tx, rows []row.Alert) map[string]bool {
	keys := make([]string, len(rows))
	for i := range rows {
		keys[i] = rows[i].Dedup
	}
	return among(t, &row.Alert{}, "dedup", "dedup IN ?", keys)
}

func openKeys(t Tx, rows []row.Alert) map[string]bool {
	var keys []string
	for i := range rows {
		if rows[i].OpenKey != nil {
			keys = append(keys, *rows[i].OpenKey)
		}
	}
	return among(t, &row.Alert{}, "open_key", "open_key IN ?", keys)
}

// alreadyLooked are the runs that another process has checked meanwhile.
func alreadyLooked(t Tx, ids []string) map[string]bool {
	return among(t, &row.JobRun{}, "id", "id IN ? AND looked_at IS NOT NULL", ids)
}

package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"fibercrons/app/store/row"
)

const modelTable = "job_model_migrations"

// checkModels finds mistakes in the user's migrations before anything is changed.
func checkModels(list []row.Migration) error {
	var errs []error
	seen := map[string]int{}
	for i, m := range list {
		switch {
		case strings.TrimSpace(m.ID) == "" || len(m.ID) > 200:
			errs = append(errs, fmt.Errorf("models/migrations.go: migration %d needs an ID of 1 to 200 bytes", i+1))
		case seen[m.ID] != 0:
			errs = append(errs, fmt.Errorf("models/migrations.go: migrations %d and %d have the same ID %q: give each its own", seen[m.ID], i+1, m.ID))
		case m.Up == nil:
			errs = append(errs, fmt.Errorf("models/migrations.go: migration %q has no function Up", m.ID))
		}
		seen[m.ID] = i + 1
	}
	return errors.Join(errs...)
}

// migrateModel carries out a migration of the user's, unless the database has had it.
func migrateModel(ctx context.Context, d dialect, changes *sql.DB, m row.Migration, log *slog.Logger) error {
	lock, err := d.lock(ctx, changes)
	if err != nil {
		return err
	}
	defer lock.Rollback() //nolint:errcheck // after Commit it only says so
	had, err := oneColumn(ctx, lock, d.sql().bound("SELECT id FROM "+modelTable+" WHERE id = ?"), m.ID)
	if err != nil || len(had) > 0 {
		return err
	}
	tx, whole := lock.(*sql.Tx)
	if conn, ok := lock.(beginner); ok { // the lock is the connection's
		if tx, err = conn.BeginTx(ctx, nil); err != nil {
			return err
		}
		defer tx.Rollback() //nolint:errcheck // after Commit it only says so
	}
	db, err := openGorm(d, tx, log)
	if err != nil {
		return err
	}
	if err := m.Up(db.WithContext(ctx)); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, d.sql().bound("INSERT INTO "+modelTable+" (id, applied_at) VALUES (?, ?)"), m.ID, int64(row.MillisOf(time.Now()))); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil || whole {
		return err
	}
	return lock.Commit()
}

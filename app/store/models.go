package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"fibercrons/app/store/row"
)

// Models returns the IDs of the user's migrations: those that the database has had, in any order, and those that it has
// yet to have, in theirs.
func (s *Store) Models(ctx context.Context) (applied, pending []string, err error) {
	v, err := s.look(ctx, s.writes)
	if _, there := v.relations[modelTable]; err == nil && there {
		applied, err = oneColumn(ctx, s.writes, "SELECT id FROM "+modelTable+" ORDER BY applied_at, id")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read migrations of models: %w", s.db.explain(err))
	}
	had := map[string]bool{}
	for _, id := range applied {
		had[id] = true
	}
	for _, m := range s.opts.Migrations {
		if !had[m.ID] {
			pending = append(pending, m.ID)
		}
	}
	return applied, pending, nil
}

const modelTable = "job_model_migrations"

// checkModels finds mistakes in the list before anything is changed.
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

// migrateModels carries out what of the user's the database has not had.
func (s *Store) migrateModels(ctx context.Context) error {
	if len(s.opts.Migrations) == 0 {
		return nil
	}
	_, pending, err := s.Models(ctx)
	if err != nil || len(pending) == 0 {
		return err
	}
	for _, m := range s.opts.Migrations {
		if err := s.migrateModel(ctx, m); err != nil {
			return fmt.Errorf("migration %q of models/migrations.go: %w", m.ID, err)
		}
	}
	return nil
}

func (s *Store) migrateModel(ctx context.Context, m row.Migration) error {
	lock, err := s.db.lock(ctx, s.changes)
	if err != nil {
		return err
	}
	defer lock.Rollback() //nolint:errcheck // after Commit it only says so
	had, err := oneColumn(ctx, lock, s.db.sql().bound("SELECT id FROM "+modelTable+" WHERE id = ?"), m.ID)
	if err != nil || len(had) > 0 {
		return err
	}
	tx, whole := lock.(*sql.Tx)
	if conn, ok := lock.(*mysqlStep); ok { // the lock is the connection's
		if tx, err = conn.BeginTx(ctx, nil); err != nil {
			return err
		}
		defer tx.Rollback() //nolint:errcheck // after Commit it only says so
	}
	db, err := s.gorm(tx)
	if err != nil {
		return err
	}
	if err := m.Up(db.WithContext(ctx)); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, s.db.sql().bound("INSERT INTO "+modelTable+" (id, applied_at) VALUES (?, ?)"), m.ID, int64(row.MillisOf(time.Now()))); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil || whole {
		return err
	}
	return lock.Commit()
}

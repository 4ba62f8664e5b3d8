package store

import (
	"context"
	"fmt"
	"time"

	"fibercrons/models"
)

// migration is one step of the schema. Steps are only ever appended: one that has been released
// is never edited, so that every database has walked the same way.
type migration struct {
	name string
	sql  []string
}

const versionTable = "schema_migrations"

// Version returns the version of the database's tables, 0 for none, and the one that this
// program needs.
func (s *Store) Version(ctx context.Context) (have, want int, err error) {
	want = len(s.db.migrations())
	have, err = s.version(ctx, s.writes)
	if err != nil {
		return 0, want, fmt.Errorf("read schema version: %w", s.db.explain(err))
	}
	return have, want, nil
}

func (s *Store) version(ctx context.Context, q querier) (int, error) {
	ok, err := s.db.hasTable(ctx, q, versionTable)
	if err != nil || !ok {
		return 0, err
	}
	var have int
	err = q.QueryRowContext(ctx, "SELECT COALESCE(MAX(version), 0) FROM "+versionTable).Scan(&have)
	return have, err
}

// current says whether the tables are those this program knows, without changing them.
func (s *Store) current(ctx context.Context) error {
	have, want, err := s.Version(ctx)
	switch {
	case err != nil:
		return err
	case have > want:
		return newer(have, want)
	case have < want:
		return fmt.Errorf("the database is at schema version %d and this program needs %d: start the server once, or run `go run ./cmd/cli migrate`", have, want)
	}
	return nil
}

func newer(have, want int) error {
	return fmt.Errorf("the database is at schema version %d, and this program knows only up to %d: a newer release has used it, so run that one, or restore a backup made before it", have, want)
}

// Migrate brings the tables up to date, each step in a transaction that no other process can
// have at the same time. It refuses a database that a newer release has migrated further.
func (s *Store) Migrate(ctx context.Context) error {
	steps := s.db.migrations()
	for {
		more, err := s.step(ctx, steps)
		if err != nil {
			return fmt.Errorf("migrate: %w", s.db.explain(err))
		}
		if !more {
			return nil
		}
	}
}

// step applies the next migration, and says whether there may be another.
func (s *Store) step(ctx context.Context, steps []migration) (more bool, err error) {
	have, err := s.version(ctx, s.writes)
	if err != nil {
		return false, err
	}
	if have == len(steps) {
		return false, nil
	}
	tx, err := s.db.lock(ctx, s.changes)
	if err != nil {
		return false, err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it only says so
	have, err = s.version(ctx, tx)
	switch {
	case err != nil:
		return false, err
	case have > len(steps):
		return false, newer(have, len(steps))
	case have == len(steps):
		return false, nil
	case have == 0:
		if _, err := tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS "+versionTable+
			" (version BIGINT NOT NULL PRIMARY KEY, name VARCHAR(200) NOT NULL, applied_at BIGINT NOT NULL)"); err != nil {
			return false, err
		}
	}
	m := steps[have]
	for _, q := range m.sql {
		if _, err := tx.ExecContext(ctx, q); err != nil {
			return false, fmt.Errorf("step %d (%s): %w", have+1, m.name, err)
		}
	}
	if _, err := tx.ExecContext(ctx, s.db.sql().bound("INSERT INTO "+versionTable+" (version, name, applied_at) VALUES (?, ?, ?)"),
		have+1, m.name, int64(models.MillisOf(time.Now()))); err != nil {
		return false, err
	}
	return true, tx.Commit()
}

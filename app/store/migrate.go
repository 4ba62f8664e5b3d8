package store

import (
	"context"
	"fmt"
	"time"

	"fibercrons/app/store/row"
)

// migration is one step of the schema. Steps are only ever appended: one that has been released
// is never edited, so that every database has walked the same way.
type migration struct {
	name string
	sql  []string
}

// Version returns the version of the database's tables, 0 for none, and the one that this
// program needs.
func (s *Store) Version(ctx context.Context) (have, want int, err error) {
	want = len(s.db.migrations())
	v, err := s.look(ctx, s.writes)
	if err != nil {
		return 0, want, fmt.Errorf("read schema version: %w", s.db.explain(err))
	}
	return v.have, want, nil
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
// have at the same time. It refuses a database that a newer release has migrated further, one of an older release
// whose processes live (rename.go), and one in which a name of these tables is taken. Then it carries out the user's own.
func (s *Store) Migrate(ctx context.Context) error {
	v, err := s.look(ctx, s.writes)
	for more := v.have != len(s.db.migrations()); more && err == nil; {
		more, err = s.step(ctx)
	}
	if err == nil {
		err = s.migrateModels(ctx)
	}
	if err != nil {
		return fmt.Errorf("migrate: %w", s.db.explain(err))
	}
	return nil
}

// step applies the next migration, and says whether there is another.
func (s *Store) step(ctx context.Context) (more bool, err error) {
	steps := s.db.migrations()
	tx, err := s.db.lock(ctx, s.changes)
	if err != nil {
		return false, err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it only says so
	v, err := s.look(ctx, tx)
	switch {
	case err != nil:
		return false, err
	case v.have > len(steps):
		return false, newer(v.have, len(steps))
	case v.have == len(steps):
		return false, nil
	case v.old:
		err = s.rename(ctx, tx, v)
	default:
		err = s.apply(ctx, tx, v, steps[v.have])
	}
	if err != nil {
		return false, err
	}
	return v.old || v.have+1 < len(steps), tx.Commit()
}

// apply carries out the step after v.have.
func (s *Store) apply(ctx context.Context, tx step, v survey, m migration) error {
	version := versionRow{v.have + 1, m.name, int64(row.MillisOf(time.Now()))}
	if v.have == 0 && !v.begun {
		if err := s.createVersions(ctx, tx, v); err != nil {
			return err
		}
	}
	if s.db.piecemeal() && !v.begun {
		if err := s.enter(ctx, tx, versionTable, versionRow{version.version, version.name, 0}); err != nil {
			return err
		}
	}
	for _, q := range m.sql {
		if err := s.carryOut(ctx, tx, q, v.begun); err != nil {
			return fmt.Errorf("step %d (%s): %w", version.version, m.name, err)
		}
	}
	if !s.db.piecemeal() {
		return s.enter(ctx, tx, versionTable, version)
	}
	_, err := tx.ExecContext(ctx, s.db.sql().bound("UPDATE "+versionTable+" SET applied_at = ? WHERE version = ?"), version.at, version.version)
	return err
}

// carryOut carries out a statement. One that was begun before may have been carried out already.
func (s *Store) carryOut(ctx context.Context, tx step, q string, again bool) error {
	_, err := tx.ExecContext(ctx, q)
	if again && s.db.done(err) {
		return nil
	}
	return err
}

func (s *Store) createVersions(ctx context.Context, tx step, v survey) error {
	if _, there := v.relations[versionTable]; there {
		return nil
	}
	_, err := tx.ExecContext(ctx, "CREATE TABLE "+versionTable+" (version BIGINT NOT NULL PRIMARY KEY, name VARCHAR(200) NOT NULL, applied_at BIGINT NOT NULL)")
	return err
}

func (s *Store) enter(ctx context.Context, tx step, table string, rows ...versionRow) error {
	var args []any
	for _, r := range rows {
		args = append(args, r.version, r.name, r.at)
	}
	_, err := tx.ExecContext(ctx, s.db.sql().bound("INSERT INTO "+table+" (version, name, applied_at) VALUES "+list(tuple(3), len(rows))), args...)
	return err
}

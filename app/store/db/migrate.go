package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"gorm.io/gorm"

	"fibercrons/app/store/row"
)

// migrator brings the tables of a database up to date.
type migrator struct {
	Dialect
	writes  *sql.DB
	changes *sql.DB // for migrations, which may take long
	lease   time.Duration
	models  []row.Migration
	gorm    *gorm.DB // another program's, which its migrations go by; nil: a handle of the store's
	log     *slog.Logger
}

// versions returns the version of the database's tables, 0 for none, and the one that this program needs.
func (m *migrator) versions(ctx context.Context) (have, want int, err error) {
	want = len(m.Migrations())
	v, err := look(ctx, m.Dialect, m.writes)
	if err != nil {
		return 0, want, fmt.Errorf("read schema version: %w", m.Explain(err))
	}
	return v.have, want, nil
}

// current returns an error unless the tables are those that this program knows. It changes nothing.
func (m *migrator) current(ctx context.Context) error {
	have, want, err := m.versions(ctx)
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

// migrate carries out the missing steps, then the user's migrations.
func (m *migrator) migrate(ctx context.Context) error {
	v, err := look(ctx, m.Dialect, m.writes)
	for more := v.have != len(m.Migrations()); more && err == nil; {
		more, err = m.step(ctx)
	}
	if err == nil {
		err = m.migrateModels(ctx)
	}
	if err != nil {
		return fmt.Errorf("migrate: %w", m.Explain(err))
	}
	return nil
}

// step applies the next migration, and reports whether there is another.
func (m *migrator) step(ctx context.Context) (more bool, err error) {
	steps := m.Migrations()
	tx, err := m.Lock(ctx, m.changes)
	if err != nil {
		return false, err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it only says so
	v, err := look(ctx, m.Dialect, tx)
	switch {
	case err != nil:
		return false, err
	case v.have > len(steps):
		return false, newer(v.have, len(steps))
	case v.have == len(steps):
		return false, nil
	case v.old:
		err = renameOldTables(ctx, m.Dialect, tx, v, m.lease)
	default:
		err = m.apply(ctx, tx, v, steps[v.have])
	}
	if err != nil {
		return false, err
	}
	return v.old || v.have+1 < len(steps), tx.Commit()
}

// apply carries out the step after v.have.
func (m *migrator) apply(ctx context.Context, tx Step, v survey, next Migration) error {
	version := versionRow{v.have + 1, next.Name, int64(row.MillisOf(time.Now()))}
	if _, there := v.relations[versionTable]; v.have == 0 && !v.begun && !there {
		if err := createVersions(ctx, tx); err != nil {
			return err
		}
	}
	if m.Piecemeal() && !v.begun {
		if err := insertVersions(ctx, m.Dialect, tx, versionTable, versionRow{version.version, version.name, 0}); err != nil {
			return err
		}
	}
	for _, q := range next.SQL {
		if err := carryOut(ctx, m.Dialect, tx, q, v.begun); err != nil {
			return fmt.Errorf("step %d (%s): %w", version.version, next.Name, err)
		}
	}
	if !m.Piecemeal() {
		return insertVersions(ctx, m.Dialect, tx, versionTable, version)
	}
	_, err := tx.ExecContext(ctx, m.Statements().bound("UPDATE "+versionTable+" SET applied_at = ? WHERE version = ?"), version.at, version.version)
	return err
}

// writable returns an error if the user of a server's database may not write to the tables, before the first job finds
// out. Each statement matches no row; servers check the rights, and whether they are read-only, all the same.
func (m *migrator) writable(ctx context.Context) error {
	tx, err := m.writes.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // nothing was changed
	for _, step := range m.Migrations() {
		for _, statement := range step.SQL {
			if !strings.HasPrefix(statement, "CREATE TABLE ") {
				continue
			}
			table := Created(statement)
			if err := mayWrite(ctx, tx, table); err != nil {
				return fmt.Errorf("write to %s: %w", table, m.Explain(err))
			}
		}
	}
	return nil
}

func mayWrite(ctx context.Context, q Querier, table string) error {
	columns, err := ColumnNames(ctx, q, "SELECT * FROM "+table+" WHERE 1 = 0")
	if err != nil {
		return err
	}
	for _, statement := range []string{
		"INSERT INTO %[1]s SELECT * FROM %[1]s WHERE 1 = 0", "UPDATE %[1]s SET %[2]s = %[2]s WHERE 1 = 0", "DELETE FROM %[1]s WHERE 1 = 0",
	} {
		if _, err := q.ExecContext(ctx, fmt.Sprintf(statement, table, columns[0])); err != nil {
			return err
		}
	}
	return nil
}

// modelTable lists the user's migrations that the database has had.
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
func (m *migrator) migrateModel(ctx context.Context, model row.Migration) error {
	lock, err := m.Lock(ctx, m.changes)
	if err != nil {
		return err
	}
	defer lock.Rollback() //nolint:errcheck // after Commit it only says so
	had, err := OneColumn(ctx, lock, m.Statements().bound("SELECT id FROM "+modelTable+" WHERE id = ?"), model.ID)
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
	db, err := m.handle(tx)
	if err != nil {
		return err
	}
	if err := model.Up(db.WithContext(ctx)); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, m.Statements().bound("INSERT INTO "+modelTable+" (id, applied_at) VALUES (?, ?)"), model.ID, int64(row.MillisOf(time.Now()))); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil || whole {
		return err
	}
	return lock.Commit()
}

// handle is what the user's migrations go by.
func (m *migrator) handle(tx *sql.Tx) (*gorm.DB, error) {
	if m.gorm != nil {
		return onPool(m.gorm, tx), nil
	}
	return openGorm(m.Dialect, tx, m.log)
}

// modelSteps returns the IDs of the user's migrations: those that the database has had, and those that are pending.
func (m *migrator) modelSteps(ctx context.Context) (applied, pending []string, err error) {
	v, err := look(ctx, m.Dialect, m.writes)
	if _, there := v.relations[modelTable]; err == nil && there {
		applied, err = OneColumn(ctx, m.writes, "SELECT id FROM "+modelTable+" ORDER BY applied_at, id")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read migrations of models: %w", m.Explain(err))
	}
	had := map[string]bool{}
	for _, id := range applied {
		had[id] = true
	}
	for _, m := range m.models {
		if !had[m.ID] {
			pending = append(pending, m.ID)
		}
	}
	return applied, pending, nil
}

// migrateModels carries out the user's migrations that the database has not had.
func (m *migrator) migrateModels(ctx context.Context) error {
	if len(m.models) == 0 {
		return nil
	}
	_, pending, err := m.modelSteps(ctx)
	if err != nil || len(pending) == 0 {
		return err
	}
	for _, model := range m.models {
		if err := m.migrateModel(ctx, model); err != nil {
			return fmt.Errorf("migration %q of models/migrations.go: %w", model.ID, err)
		}
	}
	return nil
}

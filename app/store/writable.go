package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// writable says whether the user of a server's database may write to the tables, before the first job finds out. Each
// statement is about no row; servers check the rights, and whether they are read-only, all the same. An SQLite file has
// been tried by then; see settle.
func (s *Store) writable(ctx context.Context) error {
	if _, file := s.db.(*sqlite); file {
		return nil
	}
	tx, err := s.writes.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // nothing was changed
	for _, m := range s.db.migrations() {
		for _, statement := range m.sql {
			if !strings.HasPrefix(statement, "CREATE TABLE ") {
				continue
			}
			table := created(statement)
			if err := mayWrite(ctx, tx, table); err != nil {
				return fmt.Errorf("write to %s: %w", table, s.db.explain(err))
			}
		}
	}
	return nil
}

func mayWrite(ctx context.Context, q querier, table string) error {
	columns, err := columnsOf(ctx, q, table)
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

func columnsOf(ctx context.Context, q querier, table string) ([]string, error) {
	rows, err := q.QueryContext(ctx, "SELECT * FROM "+table+" WHERE 1 = 0")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	return columns, errors.Join(err, rows.Err())
}

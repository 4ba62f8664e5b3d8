package store

import (
	"context"
	"database/sql"
)

func (d *sqlite) watchPool() (*sql.DB, error) {
	return d.pool(d.dsn("rw", userLockWait, "query_only(1)"), 1, "")
}

// version changes with the commits of all connections but this one, of this process and of others
// (https://sqlite.org/pragma.html#pragma_data_version).
func (d *sqlite) version(ctx context.Context, conn querier) (int64, error) {
	var v int64
	err := conn.QueryRowContext(ctx, "PRAGMA data_version").Scan(&v)
	return v, err
}

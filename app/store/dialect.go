package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"gorm.io/gorm"
)

// dialect is what differs between databases: sqlite*.go, postgres*.go and mysql*.go.
type dialect interface {
	// open creates what is missing and connects, or says in a sentence why it cannot.
	open(ctx context.Context, readOnly bool) (pools, error)
	gorm(pool gorm.ConnPool) gorm.Dialector
	migrations() []migration
	// lock begins the transaction of a migration, which excludes every other process's.
	lock(ctx context.Context, db *sql.DB) (step, error)
	// piecemeal says that each statement of a migration commits by itself, so that one may be left half done. Then
	// done recognises what a statement answers that was carried out before.
	piecemeal() bool
	done(err error) bool
	// relations finds which of these names are taken, in the schema that tables are created in.
	relations(ctx context.Context, q querier, names []string) (map[string]relation, error)
	// rename gives tables other names, and renames what belongs to them where that has names in the same schema;
	// steps are those that made them.
	rename(ctx context.Context, tx step, from, to []string, steps []migration) error
	// strange is the error about names that are taken by what this program did not make.
	strange(things []string) error
	// now is the clock of leases, in UTC milliseconds.
	now(ctx context.Context, q querier) (int64, error)
	// sql are the statements of the hot path.
	sql() *statements
	// patience bounds how long a transaction may take, so that a dead network holds nobody up.
	patience(ctx context.Context) (context.Context, context.CancelFunc)
	// sentence is an error about the database, with a remedy.
	sentence(cause error, format string, args ...any) error
	// explain turns an error of the driver into a sentence with a remedy.
	explain(err error) error
	// class says what a failed commit calls for.
	class(err error) class
}

type pools struct {
	writes, reads, users *sql.DB
	changes              *sql.DB // of migrations, which may take long; nil: writes
	anchor               *sql.DB // keeps a database in memory alive; else nil
	absent               bool
}

// step is the transaction of a migration.
type step interface {
	querier
	Commit() error
	Rollback() error
}

type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// class of an error.
type class int

const (
	other     class = iota // the statement's own fault: it fails again
	transient              // try the same again
	locked                 // another process writes, and was waited for: try the same again
	duplicate              // a unique key was there: look before inserting
	hopeless               // disk full, read-only, damaged: trying again at once is no use
)

// parse finds the dialect of a URL. The URL may hold a password and is never part of an error.
func parse(url string) (dialect, error) {
	scheme, rest, ok := strings.Cut(url, "://")
	switch {
	case url == "":
		return nil, fmt.Errorf("open store: DATABASE_URL is empty: use sqlite://data/crons.db")
	case url == "sqlite::memory:":
		return inMemory(), nil
	case !ok:
		return nil, fmt.Errorf("open store: DATABASE_URL has no scheme: use sqlite://data/crons.db")
	}
	switch strings.ToLower(scheme) {
	case "sqlite":
		return parseSQLite(rest)
	case "postgres", "postgresql":
		return parsePostgres(url)
	case "mysql", "mariadb":
		return parseMySQL(url)
	}
	return nil, fmt.Errorf("open store: databases of the kind %q are not supported: use sqlite://data/crons.db, postgres://user:password@host/name or mysql://user:password@host/name", scheme)
}

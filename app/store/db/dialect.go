package db

import (
	"context"
	"database/sql"
	"log/slog"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// dialect is what differs between databases: sqlite*.go, postgres*.go and mysql*.go.
type dialect interface {
	// open creates what is missing and connects, or says in a sentence why it cannot.
	open(ctx context.Context, readOnly bool) (pools, error)
	gorm(pool gorm.ConnPool) gorm.Dialector
	migrations() []migration
	// lock begins the transaction of a migration, which excludes every other process's.
	lock(ctx context.Context, db *sql.DB) (step, error)
	// piecemeal reports whether each statement of a migration commits by itself, so that a migration may be left half
	// done. Then done recognises the error of a statement that was carried out before.
	piecemeal() bool
	done(err error) bool
	// relations finds which of these names are taken, in the schema that tables are created in.
	relations(ctx context.Context, q Querier, names []string) (map[string]relation, error)
	// rename gives tables other names, and renames what belongs to them where that has names in the same schema;
	// steps are those that made them.
	rename(ctx context.Context, tx step, from, to []string, steps []migration) error
	// namesTaken is the error about names that belong to what this program did not make.
	namesTaken(things []string) error
	// now is the clock of leases, in UTC milliseconds.
	now(ctx context.Context, q Querier) (int64, error)
	// sql are the statements of the hot path.
	sql() *Statements
	// withTimeout bounds how long a transaction may take, so that a dead network blocks nobody.
	withTimeout(ctx context.Context) (context.Context, context.CancelFunc)
	// sentence is an error about the database, with a remedy.
	sentence(cause error, format string, args ...any) error
	// explain turns an error of the driver into a sentence with a remedy.
	explain(err error) error
	// class says what a failed commit calls for.
	class(err error) Class
}

// stamper is a dialect that can tell cheaply whether anything was committed.
type stamper interface {
	// version returns a number that changes with every commit of any other connection.
	version(ctx context.Context, conn Querier) (int64, error)
}

// watcher is a stamper whose versions are comparable on one connection only.
type watcher interface {
	stamper
	// watchPool opens that connection, which does nothing else.
	watchPool() (*sql.DB, error)
}

// pools are the connections to one database.
type pools struct {
	writes, reads, users *sql.DB
	changes              *sql.DB // of migrations, which may take long; nil: writes
	anchor               *sql.DB // keeps a database in memory alive; else nil
	absent               bool
}

// step is the transaction of a migration.
type step interface {
	Querier
	Commit() error
	Rollback() error
}

// beginner is a step that is a connection, and no transaction.
type beginner interface {
	BeginTx(ctx context.Context, opts *sql.TxOptions) (*sql.Tx, error)
}

// Querier is a pool, a connection or a transaction.
type Querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// migration is one step of the schema. Steps are only ever appended: one that has been released
// is never edited, so that every database has walked the same way.
type migration struct {
	name string
	sql  []string
}

// relation is what has a name among the tables of a database.
type relation struct {
	kind    string // table, view, index and so on
	columns []string
}

// is reports whether it is a table with at least these columns.
func (r relation) is(columns string) bool {
	for c := range strings.FieldsSeq(columns) {
		if !slices.Contains(r.columns, c) {
			return false
		}
	}
	return r.kind == "table"
}

// readRelations reads rows of name, kind and column, the last of which may be NULL.
func readRelations(ctx context.Context, q Querier, key func(string) string, query string, args ...any) (map[string]relation, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]relation{}
	for rows.Next() {
		var name, kind string
		var column *string
		if err := rows.Scan(&name, &kind, &column); err != nil {
			return nil, err
		}
		r := all[key(name)]
		r.kind = kind
		if column != nil {
			r.columns = append(r.columns, key(*column))
		}
		all[key(name)] = r
	}
	return all, rows.Err()
}

// oneColumn reads rows of one text.
func oneColumn(ctx context.Context, q Querier, query string, args ...any) ([]string, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, rows.Err()
}

// openGorm returns a handle on the pool, which may be a transaction.
func openGorm(d dialect, pool gorm.ConnPool, log *slog.Logger) (*gorm.DB, error) {
	return gorm.Open(d.gorm(pool), &gorm.Config{
		SkipDefaultTransaction: true,
		// No PrepareStmt: the drivers prepare as they see fit, and gorm's cache of statements has a
		// goroutine that nothing ends.
		TranslateError: true,
		Logger: logger.NewSlogLogger(log, logger.Config{
			SlowThreshold:             time.Second,
			LogLevel:                  logger.Warn,
			IgnoreRecordNotFoundError: true,
			ParameterizedQueries:      true,
		}),
	})
}

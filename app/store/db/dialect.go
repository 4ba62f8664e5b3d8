package db

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"fibercrons/app/store/usertx"
)

// Dialect is what differs between databases. Each has a package of its own, with its driver, that implements it.
type Dialect interface {
	// Connect creates what is missing and connects, or says in a sentence why it cannot.
	Connect(ctx context.Context) (Pools, error)
	// Remote reports whether the database is on a server, which has rights and breaks connections.
	Remote() bool
	// Gorm returns gorm's own dialect on the pool.
	Gorm(pool gorm.ConnPool) gorm.Dialector
	// Migrations are all steps of the schema, in order.
	Migrations() []Migration
	// Lock begins the transaction of a migration, which excludes every other process's.
	Lock(ctx context.Context, db *sql.DB) (Step, error)
	// Piecemeal reports whether each statement of a migration commits by itself, so that a migration may be left half
	// done. Then Done recognises the error of a statement that was carried out before.
	Piecemeal() bool
	Done(err error) bool
	// Relations finds which of these names are taken, in the schema that tables are created in.
	Relations(ctx context.Context, q Querier, names []string) (map[string]Relation, error)
	// Rename gives tables other names, and renames what belongs to them where that has names in the same schema;
	// steps are those that made them.
	Rename(ctx context.Context, tx Step, from, to []string, steps []Migration) error
	// Elsewhere says how to keep this program's tables apart from another's that has their names.
	Elsewhere() string
	// Now is the clock of leases, in UTC milliseconds.
	Now(ctx context.Context, q Querier) (int64, error)
	// Statements are those of the hot path.
	Statements() *Statements
	// WithTimeout bounds how long a transaction may take, so that a dead network blocks nobody.
	WithTimeout(ctx context.Context) (context.Context, context.CancelFunc)
	// Sentence is an error about the database, with a remedy; see [Sentence].
	Sentence(cause error, format string, args ...any) error
	// Explain turns an error of the driver into a sentence with a remedy. Any other error stays as it is.
	Explain(err error) error
	// Class says what a failed commit calls for.
	Class(err error) Class
}

// Stamper is a Dialect that can tell cheaply whether anything was committed.
type Stamper interface {
	// Version returns a number that changes with every commit of any other connection.
	Version(ctx context.Context, conn Querier) (int64, error)
}

// Watcher is a Stamper whose versions are comparable on one connection only.
type Watcher interface {
	Stamper
	// WatchPool opens that connection, which does nothing else.
	WatchPool() (*sql.DB, error)
}

// Adviser is a Dialect that may have to say something about a database that was opened.
type Adviser interface {
	// Advise logs it.
	Advise(log *slog.Logger)
}

// Pools are the connections to one database. The same pool may have several uses.
type Pools struct {
	Writes, Reads, Users *sql.DB
	Changes              *sql.DB         // of migrations, which may take long; nil: Writes
	Anchor               *sql.DB         // keeps a database in memory alive; else nil
	Tracker              *usertx.Tracker // of transactions on Users that keep Writes waiting; nil: there are none
	// Seal makes the database read-only once it has its tables. Not nil: there is no database, and this one in memory
	// stands for it.
	Seal func(ctx context.Context) error
}

// Step is the transaction of a migration.
type Step interface {
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

// Migration is one step of the schema. Steps are only ever appended: one that has been released
// is never edited, so that every database has walked the same way.
type Migration struct {
	Name string
	SQL  []string
}

// Relation is what has a name among the tables of a database.
type Relation struct {
	Kind    string // table, view, index and so on
	Columns []string
}

// is reports whether it is a table with at least these columns.
func (r Relation) is(columns string) bool {
	for c := range strings.FieldsSeq(columns) {
		if !slices.Contains(r.Columns, c) {
			return false
		}
	}
	return r.Kind == "table"
}

// ReadRelations reads rows of name, kind and column, the last of which may be NULL. Key gives names the form that they
// are compared in.
func ReadRelations(ctx context.Context, q Querier, key func(string) string, query string, args ...any) (map[string]Relation, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]Relation{}
	for rows.Next() {
		var name, kind string
		var column *string
		if err := rows.Scan(&name, &kind, &column); err != nil {
			return nil, err
		}
		r := all[key(name)]
		r.Kind = kind
		if column != nil {
			r.Columns = append(r.Columns, key(*column))
		}
		all[key(name)] = r
	}
	return all, rows.Err()
}

// OneColumn reads rows of one text.
func OneColumn(ctx context.Context, q Querier, query string, args ...any) ([]string, error) {
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

// ColumnNames returns the names of a query's columns.
func ColumnNames(ctx context.Context, q Querier, query string, args ...any) ([]string, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	return columns, errors.Join(err, rows.Err())
}

// onPool is another program's handle on another pool, or a transaction.
func onPool(host *gorm.DB, pool gorm.ConnPool) *gorm.DB {
	on := host.Session(&gorm.Session{NewDB: true, Context: context.Background()}) // a context has the statement copied
	on.Statement.ConnPool = pool
	return on
}

// openGorm returns a handle on the pool, which may be a transaction.
func openGorm(d Dialect, pool gorm.ConnPool, log *slog.Logger) (*gorm.DB, error) {
	return gorm.Open(d.Gorm(pool), &gorm.Config{
		SkipDefaultTransaction: true,
		// No PrepareStmt: the drivers prepare as they see fit, and gorm's cache of statements has a
		// goroutine that nothing ends.
		TranslateError: true,
		Logger: logger.NewSlogLogger(slog.New(unlessCancelled{log.Handler()}), logger.Config{
			SlowThreshold:             time.Second,
			LogLevel:                  logger.Warn,
			IgnoreRecordNotFoundError: true,
			ParameterizedQueries:      true,
		}),
	})
}

// unlessCancelled logs nothing of statements that were cancelled, as all are that a shutdown finds on their way: they are
// no error, and whoever cancelled them knows. gorm asks it with the statement's context, and derives no logger from it.
type unlessCancelled struct{ slog.Handler }

func (h unlessCancelled) Enabled(ctx context.Context, level slog.Level) bool {
	return !errors.Is(ctx.Err(), context.Canceled) && h.Handler.Enabled(ctx, level)
}

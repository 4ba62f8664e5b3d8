package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	gormlite "github.com/glebarez/sqlite"
	"gorm.io/gorm"

	"fibercrons/app/part"
	"fibercrons/app/store/db"
	"fibercrons/app/store/usertx"
)

func init() {
	part.Register("sqlite")
	db.Register("sqlite", parse)
}

// dialect is that of one file, or of a database in memory.
type dialect struct {
	path     string
	memory   string // name of the database in memory; empty: it is a file
	readOnly bool
	tracker  *usertx.Tracker // of the user's transactions; nil: the database is read-only
}

// parse reads sqlite:// and a path, or sqlite::memory:.
func parse(o db.Options) (db.Dialect, error) {
	d := &dialect{readOnly: o.ReadOnly}
	if !o.ReadOnly {
		d.tracker = usertx.New(usertx.Options{HoldFor: o.HoldFor, LockWait: userLockWait, Locked: lockTaken, Logger: o.Logger})
	}
	_, path, file := strings.Cut(o.URL, "://")
	if !file {
		d.inMemory()
		return d, nil
	}
	path, options, found := strings.Cut(path, "?")
	switch {
	case path == "":
		return nil, errors.New("open store: DATABASE_URL names no file: use sqlite://data/crons.db")
	case path == ":memory:":
		return nil, errors.New("open store: DATABASE_URL names no file: use sqlite://data/crons.db, or sqlite::memory: for a database that ends with the process")
	case found && options != "":
		return nil, errors.New("open store: DATABASE_URL takes no options after the file's name: remove what follows the question mark")
	}
	// A job may change the working directory before the next connection is opened.
	whole, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open store: find %s: %w", path, err)
	}
	d.path = whole
	return d, nil
}

// inMemory gives it a database that belongs to this process and ends with its last connection.
// SQLite's own :memory: gives each connection a database of its own; a name in the memdb file system is shared
// (https://sqlite.org/src/file/src/memdb.c). It has no write-ahead log, so readers and the writer take turns.
func (d *dialect) inMemory() { d.path, d.memory = "the database in memory", "/"+rand.Text() }

const (
	// lockWait is how long SQLite itself waits for another process's lock. SQLite checks it less and
	// less often, in the end ten times a second, and would miss the short pauses between
	// the transactions of a busy process. The writer tries again at once, and so checks it
	// every few milliseconds.
	lockWait = 10 * time.Millisecond
	// userLockWait is the same for the user's own statements, which are not retried.
	userLockWait = 10 * time.Second
	readers      = 4
)

// Remote implements [db.Dialect].
func (d *dialect) Remote() bool { return false }

// Advise implements [db.Adviser].
func (d *dialect) Advise(log *slog.Logger) {
	if d.memory != "" {
		return
	}
	if kind := remoteFileSystem(filepath.Dir(d.path)); kind != "" {
		log.Warn("the database file is not on a local disk; one process may work there, two can damage it, so use a local disk, or a postgres:// or mysql:// server",
			"file", d.path, "file_system", kind)
	}
}

// Connect implements [db.Dialect].
func (d *dialect) Connect(ctx context.Context) (db.Pools, error) {
	absent, err := d.prepare()
	switch {
	case err != nil:
		return db.Pools{}, err
	case absent || d.memory != "" && d.readOnly: // nobody else has ever written to it
		empty := &dialect{}
		empty.inMemory()
		return empty.openMemory(ctx, true)
	case d.memory != "":
		return d.openMemory(ctx, false)
	case d.readOnly:
		// rw, not ro: SQLite needs the files beside the database to read it. query_only
		// keeps every statement from changing anything.
		dsn := d.dsn("rw", userLockWait, "query_only(1)")
		pool, err := d.pool(dsn, readers, "")
		if err == nil {
			err = probe(ctx, pool)
		}
		return db.Pools{Writes: pool, Reads: pool, Users: pool}, err
	}
	return d.openPools(ctx)
}

// openMemory opens one more connection, the Anchor: the database ends with its last one.
func (d *dialect) openMemory(ctx context.Context, absent bool) (db.Pools, error) {
	anchor, err := d.pool(d.dsn("rwc", lockWait), 1, "")
	if err != nil {
		return db.Pools{}, err
	}
	if err := anchor.PingContext(ctx); err != nil {
		anchor.Close()
		return db.Pools{}, err
	}
	p, err := d.openPools(ctx)
	p.Anchor = anchor
	if absent && p.Users != nil { // what would be written would be lost
		p.Users.Close()
		p.Users = p.Reads
		p.Seal = func(ctx context.Context) error {
			_, err := p.Writes.ExecContext(ctx, "PRAGMA query_only = 1")
			return err
		}
	}
	return p, err
}

func (d *dialect) openPools(ctx context.Context) (p db.Pools, err error) {
	if p.Writes, err = d.pool(d.dsn("rwc", lockWait), 1, "immediate"); err != nil {
		return p, err
	}
	if err = db.CheckTables(ctx, d, p.Writes); err == nil { // before anything is changed
		err = d.useWAL(ctx, p.Writes)
	}
	if err != nil {
		p.Writes.Close()
		return db.Pools{}, err
	}
	if p.Reads, err = d.pool(d.dsn("rw", userLockWait, "query_only(1)"), readers, ""); err != nil {
		return p, err
	}
	p.Users, err = d.userPool()
	p.Tracker = d.tracker
	return p, err
}

// userPool is the pool of the user's own tables.
func (d *dialect) userPool() (*sql.DB, error) {
	dsn := d.dsn("rw", userLockWait) + "&_txlock=immediate"
	c, err := connectorTo(dsn)
	if err != nil {
		return nil, err
	}
	pool := sql.OpenDB(d.tracker.Connector(c, dsn))
	pool.SetMaxOpenConns(readers)
	pool.SetMaxIdleConns(readers)
	return pool, nil
}

// prepare checks the file before SQLite does, whose own messages for these mistakes say little.
func (d *dialect) prepare() (absent bool, err error) {
	if d.memory != "" {
		return false, nil
	}
	info, err := os.Stat(d.path)
	switch {
	case err == nil && info.IsDir():
		return false, d.Sentence(nil, "is a directory: let DATABASE_URL name a file in it, such as sqlite://%s", filepath.Join(d.path, "crons.db"))
	case err == nil && info.Size() == 0 && d.hasWAL():
		return false, d.Sentence(nil, "is empty, and %s-wal beside it is not: it was cut short, and SQLite would delete the rest; nothing was changed; restore a backup, or move both away to begin anew", d.path)
	case err == nil:
		f, err := os.Open(d.path)
		if err != nil {
			return false, d.Sentence(err, "cannot be read by this user: change its owner or its mode, or let DATABASE_URL name another file")
		}
		return false, f.Close()
	case errors.Is(err, fs.ErrNotExist):
		if d.readOnly {
			return true, nil
		}
		dir := filepath.Dir(d.path)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return false, d.Sentence(err, "needs the folder %s, which cannot be created: create it, or let DATABASE_URL name a file elsewhere", dir)
		}
		return false, nil
	}
	return false, d.Sentence(err, "cannot be reached: check the folders on the way to it, or let DATABASE_URL name another file")
}

// hasWAL reports whether there is a write-ahead log that is not empty. A new database has none
// before the file itself has its first page.
func (d *dialect) hasWAL() bool {
	info, err := os.Stat(d.path + "-wal")
	return err == nil && info.Size() > 0
}

// dsn is the driver's name for the file. It never has _time_format, which would silently switch
// _txlock off.
func (d *dialect) dsn(mode string, wait time.Duration, pragmas ...string) string {
	q := url.Values{"mode": {mode}}
	if d.memory != "" {
		q = url.Values{"vfs": {"memdb"}}
	}
	q.Add("_pragma", fmt.Sprintf("busy_timeout(%d)", wait.Milliseconds()))
	q.Add("_pragma", "foreign_keys(1)")
	q.Add("_pragma", "synchronous(FULL)")
	for _, p := range pragmas {
		q.Add("_pragma", p)
	}
	path := filepath.ToSlash(d.path)
	if d.memory != "" {
		path = d.memory
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

func (d *dialect) pool(dsn string, size int, lock string) (*sql.DB, error) {
	if lock != "" {
		dsn += "&_txlock=" + lock
	}
	c, err := connectorTo(dsn)
	if err != nil {
		return nil, err
	}
	pool := sql.OpenDB(c)
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	return pool, nil
}

// useWAL makes the file a WAL database, which its header then records.
func (d *dialect) useWAL(ctx context.Context, pool *sql.DB) error {
	var mode string
	if err := pool.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" && d.memory == "" {
		return d.Sentence(nil, "cannot use a write-ahead log (its journal mode is %s): let DATABASE_URL name a file on a local disk, or a postgres:// or mysql:// server", mode)
	}
	// This write fails if the database can be read but not written. The first job is not to find out.
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // nothing was changed
	var version int
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version))
	return err
}

func probe(ctx context.Context, pool *sql.DB) error {
	var n int
	return pool.QueryRowContext(ctx, "SELECT COUNT(*) FROM sqlite_schema").Scan(&n)
}

// Gorm implements [db.Dialect].
func (d *dialect) Gorm(pool gorm.ConnPool) gorm.Dialector { return &gormlite.Dialector{Conn: pool} }

// Migrations implements [db.Dialect].
func (d *dialect) Migrations() []db.Migration { return migrations }

// Lock implements [db.Dialect].
func (d *dialect) Lock(ctx context.Context, pool *sql.DB) (db.Step, error) {
	return pool.BeginTx(ctx, nil) // immediate: the write lock is the lock
}

// Piecemeal implements [db.Dialect].
func (d *dialect) Piecemeal() bool { return false }

// Done implements [db.Dialect].
func (d *dialect) Done(error) bool { return false }

// Relations implements [db.Dialect].
func (d *dialect) Relations(ctx context.Context, q db.Querier, names []string) (map[string]db.Relation, error) {
	return db.ReadRelations(ctx, q, strings.ToLower, "SELECT m.name, m.type, c.name FROM sqlite_schema m LEFT JOIN pragma_table_info(m.name) c ON m.type = 'table' WHERE LOWER(m.name) IN "+db.Tuple(len(names)), db.Args(names)...)
}

// Rename implements [db.Dialect]. It recreates the indexes: SQLite cannot rename one.
func (d *dialect) Rename(ctx context.Context, tx db.Step, from, to []string, steps []db.Migration) error {
	for i, old := range from {
		statements := []string{"ALTER TABLE " + old + " RENAME TO " + to[i]}
		for _, m := range steps {
			for _, q := range m.SQL {
				if index := db.Created(q); strings.Contains(q, " ON "+to[i]+" ") {
					statements = append(statements, "DROP INDEX IF EXISTS "+old+strings.TrimPrefix(index, to[i]), q)
				}
			}
		}
		for _, q := range statements {
			if _, err := tx.ExecContext(ctx, q); err != nil {
				return err
			}
		}
	}
	return nil
}

// Elsewhere implements [db.Dialect].
func (d *dialect) Elsewhere() string {
	return "let DATABASE_URL name another file"
}

// Now implements [db.Dialect] by the process's clock: SQLite has no other.
func (d *dialect) Now(context.Context, db.Querier) (int64, error) { return time.Now().UnixMilli(), nil }

// WithTimeout implements [db.Dialect]. It sets none: on a file only the disk is slow, and giving up does not make it
// faster.
func (d *dialect) WithTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return ctx, func() {}
}

// Statements implements [db.Dialect].
func (d *dialect) Statements() *db.Statements { return &statements }

// WatchPool implements [db.Watcher]. The pool has one connection, which does nothing but ask for the version.
func (d *dialect) WatchPool() (*sql.DB, error) {
	return d.pool(d.dsn("rw", userLockWait, "query_only(1)"), 1, "")
}

// Version implements [db.Stamper] by a number that changes with the commits of all connections but this one, of this
// process and of others (https://sqlite.org/pragma.html#pragma_data_version).
func (d *dialect) Version(ctx context.Context, conn db.Querier) (int64, error) {
	var v int64
	err := conn.QueryRowContext(ctx, "PRAGMA data_version").Scan(&v)
	return v, err
}

// Sentence implements [db.Dialect].
func (d *dialect) Sentence(cause error, format string, args ...any) error {
	return fileError(d.path, cause, format, args...)
}

// Explain implements [db.Dialect].
func (d *dialect) Explain(err error) error {
	if err == nil || db.Explained(err) {
		return err
	}
	return explain(d.path, codeOf(err), err)
}

// Class implements [db.Dialect].
func (d *dialect) Class(err error) db.Class { return classOf(err) }

package db

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	gormlite "github.com/glebarez/sqlite"
	"gorm.io/gorm"

	"fibercrons/app/store/usertx"
)

// sqlite is the dialect of one file, or of a database in memory.
type sqlite struct {
	path    string
	memory  string          // name of the database in memory; empty: it is a file
	absent  bool            // it stands for a database that does not exist
	tracker *usertx.Tracker // of the user's transactions; nil: the database is read-only
}

func parseSQLite(path string) (dialect, error) {
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
	return &sqlite{path: whole}, nil
}

// inMemory is the dialect of a database that belongs to this process and ends with its last connection.
// SQLite's own :memory: gives each connection a database of its own; a name in the memdb file system is shared
// (https://sqlite.org/src/file/src/memdb.c). It has no write-ahead log, so readers and the writer take turns.
func inMemory() *sqlite { return &sqlite{path: "the database in memory", memory: "/" + rand.Text()} }

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

func (d *sqlite) open(ctx context.Context, readOnly bool) (pools, error) {
	absent, err := d.prepare(readOnly)
	switch {
	case err != nil:
		return pools{}, err
	case absent || d.memory != "" && readOnly: // nobody else has ever written to it
		return inMemory().openMemory(ctx, true)
	case d.memory != "":
		return d.openMemory(ctx, false)
	case readOnly:
		// rw, not ro: SQLite needs the files beside the database to read it. query_only
		// keeps every statement from changing anything.
		dsn := d.dsn("rw", userLockWait, "query_only(1)")
		db, err := d.pool(dsn, readers, "")
		if err == nil {
			err = probe(ctx, db)
		}
		return pools{writes: db, reads: db, users: db}, err
	}
	return d.openPools(ctx)
}

// openMemory opens one more connection, the anchor: the database ends with its last one.
func (d *sqlite) openMemory(ctx context.Context, absent bool) (pools, error) {
	anchor, err := d.pool(d.dsn("rwc", lockWait), 1, "")
	if err != nil {
		return pools{}, err
	}
	if err := anchor.PingContext(ctx); err != nil {
		anchor.Close()
		return pools{}, err
	}
	p, err := d.openPools(ctx)
	p.anchor, p.absent = anchor, absent
	if absent && p.users != nil { // what would be written would be lost
		p.users.Close()
		p.users = p.reads
	}
	return p, err
}

func (d *sqlite) openPools(ctx context.Context) (p pools, err error) {
	if p.writes, err = d.pool(d.dsn("rwc", lockWait), 1, "immediate"); err != nil {
		return p, err
	}
	if _, err = look(ctx, d, p.writes); err == nil { // before anything is changed
		err = d.useWAL(ctx, p.writes)
	}
	if err != nil {
		p.writes.Close()
		return pools{}, err
	}
	if p.reads, err = d.pool(d.dsn("rw", userLockWait, "query_only(1)"), readers, ""); err != nil {
		return p, err
	}
	p.users, err = d.userPool()
	return p, err
}

// userPool is the pool of the user's own tables.
func (d *sqlite) userPool() (*sql.DB, error) {
	dsn := d.dsn("rw", userLockWait) + "&_txlock=immediate"
	bare, err := sql.Open(gormlite.DriverName, dsn) // connects to nothing
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(d.tracker.Connector(bare.Driver(), dsn))
	db.SetMaxOpenConns(readers)
	db.SetMaxIdleConns(readers)
	return db, bare.Close()
}

// prepare checks the file before SQLite does, whose own messages for these mistakes say little.
func (d *sqlite) prepare(readOnly bool) (absent bool, err error) {
	switch {
	case d.absent:
		return true, nil
	case d.memory != "":
		return false, nil
	}
	info, err := os.Stat(d.path)
	switch {
	case err == nil && info.IsDir():
		return false, d.sentence(nil, "is a directory: let DATABASE_URL name a file in it, such as sqlite://%s", filepath.Join(d.path, "crons.db"))
	case err == nil && info.Size() == 0 && d.hasWAL():
		return false, d.sentence(nil, "is empty, and %s-wal beside it is not: it was cut short, and SQLite would delete the rest; nothing was changed; restore a backup, or move both away to begin anew", d.path)
	case err == nil:
		f, err := os.Open(d.path)
		if err != nil {
			return false, d.sentence(err, "cannot be read by this user: change its owner or its mode, or let DATABASE_URL name another file")
		}
		return false, f.Close()
	case errors.Is(err, fs.ErrNotExist):
		if readOnly {
			return true, nil
		}
		dir := filepath.Dir(d.path)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return false, d.sentence(err, "needs the folder %s, which cannot be created: create it, or let DATABASE_URL name a file elsewhere", dir)
		}
		return false, nil
	}
	return false, d.sentence(err, "cannot be reached: check the folders on the way to it, or let DATABASE_URL name another file")
}

// hasWAL reports whether there is a write-ahead log that is not empty. A new database has none
// before the file itself has its first page.
func (d *sqlite) hasWAL() bool {
	info, err := os.Stat(d.path + "-wal")
	return err == nil && info.Size() > 0
}

// dsn is the driver's name for the file. It never has _time_format, which would silently switch
// _txlock off.
func (d *sqlite) dsn(mode string, wait time.Duration, pragmas ...string) string {
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

func (d *sqlite) pool(dsn string, size int, lock string) (*sql.DB, error) {
	if lock != "" {
		dsn += "&_txlock=" + lock
	}
	db, err := sql.Open(gormlite.DriverName, dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db, nil
}

// useWAL makes the file a WAL database, which its header then records.
func (d *sqlite) useWAL(ctx context.Context, db *sql.DB) error {
	var mode string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" && d.memory == "" {
		return d.sentence(nil, "cannot use a write-ahead log (its journal mode is %s): let DATABASE_URL name a file on a local disk, or a postgres:// or mysql:// server", mode)
	}
	// This write fails if the database can be read but not written. The first job is not to find out.
	tx, err := db.BeginTx(ctx, nil)
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

func probe(ctx context.Context, db *sql.DB) error {
	var n int
	return db.QueryRowContext(ctx, "SELECT COUNT(*) FROM sqlite_schema").Scan(&n)
}

func (d *sqlite) gorm(pool gorm.ConnPool) gorm.Dialector { return &gormlite.Dialector{Conn: pool} }

func (d *sqlite) migrations() []migration { return sqliteMigrations }

func (d *sqlite) lock(ctx context.Context, db *sql.DB) (step, error) {
	return db.BeginTx(ctx, nil) // immediate: the write lock is the lock
}

func (d *sqlite) piecemeal() bool { return false }

func (d *sqlite) done(error) bool { return false }

func (d *sqlite) relations(ctx context.Context, q Querier, names []string) (map[string]relation, error) {
	return readRelations(ctx, q, strings.ToLower, "SELECT m.name, m.type, c.name FROM sqlite_schema m LEFT JOIN pragma_table_info(m.name) c ON m.type = 'table' WHERE LOWER(m.name) IN "+Tuple(len(names)), Args(names)...)
}

// rename recreates the indexes: SQLite cannot rename one.
func (d *sqlite) rename(ctx context.Context, tx step, from, to []string, steps []migration) error {
	for i, old := range from {
		statements := []string{"ALTER TABLE " + old + " RENAME TO " + to[i]}
		for _, m := range steps {
			for _, q := range m.sql {
				if index := created(q); strings.Contains(q, " ON "+to[i]+" ") {
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

func (d *sqlite) namesTaken(things []string) error {
	return d.sentence(nil, "%s", takenNames(things, "let DATABASE_URL name another file"))
}

// now is the process's clock: SQLite has no other.
func (d *sqlite) now(context.Context, Querier) (int64, error) { return time.Now().UnixMilli(), nil }

// withTimeout sets none: on a file only the disk is slow, and giving up does not make it faster.
func (d *sqlite) withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return ctx, func() {}
}

func (d *sqlite) sql() *Statements { return &sqliteStatements }

// watchPool is of one connection, which does nothing but ask for the version.
func (d *sqlite) watchPool() (*sql.DB, error) {
	return d.pool(d.dsn("rw", userLockWait, "query_only(1)"), 1, "")
}

// version changes with the commits of all connections but this one, of this process and of others
// (https://sqlite.org/pragma.html#pragma_data_version).
func (d *sqlite) version(ctx context.Context, conn Querier) (int64, error) {
	var v int64
	err := conn.QueryRowContext(ctx, "PRAGMA data_version").Scan(&v)
	return v, err
}

func (d *sqlite) sentence(cause error, format string, args ...any) error {
	return fileError(d.path, cause, format, args...)
}

func (d *sqlite) explain(err error) error {
	if err == nil || explained(err) {
		return err
	}
	return explainSQLite(d.path, sqliteCode(err), err)
}

func (d *sqlite) class(err error) Class { return classOfSQLite(err) }

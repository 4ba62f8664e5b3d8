package db

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"fibercrons/app/store/row"
	"fibercrons/app/store/usertx"
)

// Options say what to open. Zero values but URL have defaults.
type Options struct {
	// URL of the database. sqlite://data/crons.db is a file relative to the working directory,
	// sqlite:///var/lib/crons.db an absolute one, and sqlite::memory: a database of this process alone that ends with
	// [Database.Close]. postgres://user:password@host:5432/name and mysql://user:password@host:3306/name are databases
	// on servers. Required.
	URL string
	// ReadOnly opens for reading only: nothing is created or migrated, and every write is refused. A file that does not
	// exist reads as an empty database; see [Database.Absent].
	ReadOnly bool
	// NoMigrate leaves the tables as they are.
	NoMigrate bool
	// Logger hears of slow statements and of transactions that hold up the writer. Optional. Default: none.
	Logger *slog.Logger
	// Migrations are of the user's own tables. Optional.
	Migrations []row.Migration
	// Lease is how long processes hold a run without a heartbeat: those of an older release that gave one within twice
	// as long keep their tables from being migrated. Optional. Default: 30 seconds.
	Lease time.Duration
	// RetryFor is how long Open waits for another process that migrates or writes much. Optional. Default: 5 seconds.
	RetryFor time.Duration
	// HoldFor is how old a transaction on the user's own tables may get on SQLite while the writer waits for it; see
	// package usertx. Optional. Default: 10 seconds.
	HoldFor time.Duration
	// Span hears of statements on the user's own tables. Optional.
	Span usertx.Span
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.RetryFor <= 0 {
		o.RetryFor = 5 * time.Second
	}
	if o.Lease <= 0 {
		o.Lease = 30 * time.Second
	}
	if o.HoldFor <= 0 {
		o.HoldFor = 10 * time.Second
	}
	return o
}

// Database is an open database whose tables are up to date.
type Database struct {
	o         Options
	dialect   dialect
	writePool *sql.DB  // the writer's alone
	readPool  *sql.DB  // a few connections that cannot write
	reads     *gorm.DB // on readPool
	users     *gorm.DB // for the user's own tables
	tracker   *usertx.Tracker
	migrator  migrator
	pools     []*sql.DB
	absent    bool
	stamps    stamps
}

// RetryFor is [Options].RetryFor, or its default.
func (d *Database) RetryFor() time.Duration { return d.o.RetryFor }

// Open opens the database, creates its folder and file if need be, and brings its tables up to date. Its errors name
// the database and the remedy, without credentials.
func Open(ctx context.Context, o Options) (*Database, error) {
	o = o.withDefaults()
	dialect, err := parse(o.URL)
	if err != nil {
		return nil, err
	}
	if err := checkModels(o.Migrations); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	d := &Database{o: o, dialect: dialect}
	if file, ok := dialect.(*sqlite); ok && !o.ReadOnly {
		d.tracker = usertx.New(usertx.Options{HoldFor: o.HoldFor, LockWait: userLockWait, Locked: lockTaken, Logger: o.Logger})
		file.tracker = d.tracker
	}
	if err := d.openPatiently(ctx); err != nil {
		return nil, fmt.Errorf("open store: %w", dialect.explain(err))
	}
	if file, ok := dialect.(*sqlite); ok && file.memory == "" && !d.absent {
		if kind := remoteFileSystem(filepath.Dir(file.path)); kind != "" {
			o.Logger.Warn("the database file is not on a local disk; one process may work there, two can damage it, so use a local disk, or a postgres:// or mysql:// server",
				"file", file.path, "file_system", kind)
		}
	}
	return d, nil
}

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

// openPatiently waits for a process that migrates or writes much.
func (d *Database) openPatiently(ctx context.Context) error {
	pause := 10 * time.Millisecond
	for deadline := time.Now().Add(d.o.RetryFor); ; {
		err := d.open(ctx)
		if err == nil {
			return nil
		}
		_ = d.closePools() // the first error counts
		if c := d.dialect.class(err); (c != Transient && c != Locked) || time.Now().Add(pause).After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
		pause = min(2*pause, time.Second)
	}
}

func (d *Database) open(ctx context.Context) error {
	p, err := d.dialect.open(ctx, d.o.ReadOnly)
	d.pools = []*sql.DB{p.writes, p.reads, p.users, p.anchor} // those that were opened before an error, too
	if err != nil {
		return err
	}
	d.writePool, d.readPool, d.absent = p.writes, p.reads, p.absent
	d.migrator = migrator{
		dialect: d.dialect, writes: p.writes, changes: cmp.Or(p.changes, p.writes), lease: d.o.Lease, models: d.o.Migrations, log: d.o.Logger,
	}
	switch {
	case d.o.NoMigrate:
	case d.o.ReadOnly && !d.absent && !d.file() && d.none(ctx):
		return d.openAbsent(ctx)
	case d.o.ReadOnly && !d.absent:
		err = d.migrator.current(ctx)
	default:
		if err = d.migrator.migrate(ctx); err == nil && !d.file() { // opening has written to a file
			err = d.migrator.writable(ctx)
		}
	}
	if err == nil && d.absent { // what would be written would be lost
		_, err = p.writes.ExecContext(ctx, "PRAGMA query_only = 1")
	}
	if err != nil {
		return err
	}
	if d.reads, err = openGorm(d.dialect, p.reads, d.o.Logger); err != nil {
		return err
	}
	if d.users, err = openGorm(d.dialect, d.tracker.Pool(p.users), d.o.Logger); err != nil {
		return err
	}
	return usertx.Trace(d.users, d.o.Span)
}

func (d *Database) file() bool {
	_, file := d.dialect.(*sqlite)
	return file
}

// none reports whether a server's database has no tables yet.
func (d *Database) none(ctx context.Context) bool {
	v, err := look(ctx, d.dialect, d.writePool)
	return err == nil && v.have == 0
}

// openAbsent puts an empty database in place of one that has no tables yet.
func (d *Database) openAbsent(ctx context.Context) error {
	if err := d.closePools(); err != nil {
		return err
	}
	d.dialect = &sqlite{absent: true}
	return d.open(ctx)
}

// Close closes all connections.
func (d *Database) Close() error {
	d.stamps.close()
	return d.closePools()
}

func (d *Database) closePools() error {
	var errs []error
	closed := map[*sql.DB]bool{nil: true}
	for i := len(d.pools) - 1; i >= 0; i-- {
		if p := d.pools[i]; !closed[p] {
			closed[p] = true
			err := p.Close()
			if d.file() {
				errs = append(errs, err)
			} // closing a connection to a server that broke before is no error
		}
	}
	return errors.Join(errs...)
}

// Absent reports whether the database was opened read-only and does not exist yet. It then reads as empty.
func (d *Database) Absent() bool { return d.absent }

// Writer is the pool of the writer, for statements outside of a transaction.
func (d *Database) Writer() *sql.DB { return d.writePool }

// Reader is the pool of connections that cannot write.
func (d *Database) Reader() *sql.DB { return d.readPool }

// Read returns a handle on [Database.Reader] for one read.
func (d *Database) Read(ctx context.Context) *gorm.DB { return d.reads.WithContext(ctx) }

// Users returns a handle for the user's own tables. Its connections are not the writer's.
func (d *Database) Users() *gorm.DB { return d.users }

// Statements are those of the hot path, in the words of this database.
func (d *Database) Statements() *Statements { return d.dialect.sql() }

// Begin begins a transaction of the writer. Edit, unless nil, is given each of its statements and returns the one to
// carry out.
func (d *Database) Begin(ctx context.Context, edit func(query string) string) (*Tx, error) {
	tx, err := d.writePool.BeginTx(ctx, d.Statements().begin)
	if err != nil {
		return nil, err
	}
	return &Tx{Tx: tx, sql: d.Statements(), edit: edit}, nil
}

// WithTimeout bounds how long a transaction of a server may take, so that a dead network blocks nobody.
func (d *Database) WithTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return d.dialect.withTimeout(ctx)
}

// Now is the clock of leases in UTC milliseconds: the server's, or this process's for a file.
func (d *Database) Now(ctx context.Context, q Querier) (int64, error) { return d.dialect.now(ctx, q) }

// Class says what a failed commit calls for.
func (d *Database) Class(err error) Class {
	if errors.Is(err, gorm.ErrDuplicatedKey) { // gorm has translated it
		return Duplicate
	}
	return d.dialect.class(err)
}

// Explain turns an error of the driver into a sentence with a remedy. Any other error stays as it is.
func (d *Database) Explain(err error) error { return d.dialect.explain(err) }

// ExplainWrite is Explain for an error of the writer. It also names a transaction of this process that holds the lock.
func (d *Database) ExplainWrite(err error) error { return d.Explain(d.tracker.Explain(err)) }

// Blocked is called when the writer finds the write lock taken; see [usertx.Tracker.Blocked].
func (d *Database) Blocked() { d.tracker.Blocked() }

// Stamp returns a number that changes with every commit of any process. Of a database that cannot tell cheaply, it
// counts the calls.
func (d *Database) Stamp(ctx context.Context) (int64, error) {
	return d.stamps.stamp(ctx, d.dialect, d.readPool, d.absent)
}

// Version returns the version of the database's tables, 0 for none, and the one that this program needs.
func (d *Database) Version(ctx context.Context) (have, want int, err error) {
	return d.migrator.versions(ctx)
}

// Migrate brings the tables up to date, each step in a transaction that no other process can
// have at the same time. It refuses a database that a newer release has migrated further, one of an older release
// with live processes (rename.go), and one in which a name of these tables is taken. Then it carries out the user's
// migrations.
func (d *Database) Migrate(ctx context.Context) error { return d.migrator.migrate(ctx) }

// Models returns the IDs of the user's migrations: those that the database has had, in the order in which it had them,
// and those that are pending, in theirs.
func (d *Database) Models(ctx context.Context) (applied, pending []string, err error) {
	return d.migrator.modelSteps(ctx)
}

// Identity is a UUID that this database was given when it was first asked for, the same for every
// process that opens it. It tells replicas apart that have an SQLite file each; a copy of a file has the
// identity of its original until the row is deleted. Read-only it may be empty: nobody has asked yet.
func (d *Database) Identity(ctx context.Context) (string, error) {
	if !d.o.ReadOnly {
		// By a connection that waits for others who write: nobody tries this again.
		err := d.users.WithContext(ctx).Exec(
			"INSERT INTO job_identity (id) SELECT ? WHERE NOT EXISTS (SELECT 1 FROM job_identity)", uuid.NewString()).Error
		if err != nil {
			return "", fmt.Errorf("name the database: %w", d.Explain(err))
		}
	}
	var id string
	if err := d.Read(ctx).Raw("SELECT id FROM job_identity").Scan(&id).Error; err != nil {
		return "", fmt.Errorf("read the database's identity: %w", d.Explain(err))
	}
	return id, nil
}

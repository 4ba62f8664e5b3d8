package db

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"fibercrons/app/part"
	"fibercrons/app/store/usertx"
)

// Database is an open database whose tables are up to date.
type Database struct {
	o        Options
	dialect  Dialect
	pools    Pools    // Writes are the writer's alone, Reads a few connections that cannot write
	reads    *gorm.DB // on Reads
	users    *gorm.DB // for the user's own tables
	migrator migrator
	stamps   stamps
}

// RetryFor is [Options].RetryFor, or its default.
func (d *Database) RetryFor() time.Duration { return d.o.RetryFor }

// Open opens the database, creates its folder and file if need be, and brings its tables up to date. Its errors name
// the database and the remedy, without credentials.
func Open(ctx context.Context, o Options) (*Database, error) {
	o = o.withDefaults()
	dialect, err := dialectOf(o)
	if err != nil {
		return nil, err
	}
	if err := checkModels(o.Migrations); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	d := &Database{o: o, dialect: dialect}
	if err := d.openPatiently(ctx); err != nil {
		return nil, fmt.Errorf("open store: %w", dialect.Explain(err))
	}
	if a, ok := d.dialect.(Adviser); ok && !d.Absent() {
		a.Advise(o.Logger)
	}
	return d, nil
}

// memoryURL is that of a database of this process alone.
const memoryURL = "sqlite::memory:"

// dialectOf finds the dialect of a URL. The URL may hold a password and is never part of an error.
func dialectOf(o Options) (Dialect, error) {
	if o.Gorm != nil {
		return dialectOfGorm(o)
	}
	scheme, _, ok := strings.Cut(o.URL, "://")
	switch {
	case o.URL == "":
		return nil, errors.New("open store: DATABASE_URL is empty: use sqlite://data/crons.db")
	case o.URL == memoryURL:
		scheme = "sqlite"
	case !ok:
		return nil, errors.New("open store: DATABASE_URL has no scheme: use sqlite://data/crons.db")
	}
	name, ok := schemes[strings.ToLower(scheme)]
	if !ok {
		return nil, fmt.Errorf("open store: databases of the kind %q are not supported: use sqlite://data/crons.db, postgres://user:password@host/name or mysql://user:password@host/name", scheme)
	}
	parse := parserOf(name)
	if parse == nil {
		return nil, fmt.Errorf("open store: %w", part.Missing("DATABASE_URL", name))
	}
	return parse(o)
}

// dialectOfGorm finds the dialect of another program's handle.
func dialectOfGorm(o Options) (Dialect, error) {
	name := o.Gorm.Name()
	switch {
	case name == "sqlite":
		return nil, errors.New("open store: app.WithGorm does not take SQLite: the store needs connections of its own there (one that locks the file when a transaction begins, " +
			"others that cannot write) and rolls back transactions that keep it waiting: leave app.WithGorm out, and let DATABASE_URL name a file, such as sqlite://data/crons.db")
	case schemes[name] != name:
		return nil, fmt.Errorf("open store: app.WithGorm does not take databases of the kind %q: give it one on Postgres or MySQL, or set DATABASE_URL", name)
	}
	parse := parserOf(name)
	if parse == nil {
		return nil, fmt.Errorf("open store: %w", part.Missing("app.WithGorm", name))
	}
	dialect, err := parse(o)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	return dialect, nil
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
		if c := d.dialect.Class(err); (c != Transient && c != Locked) || time.Now().Add(pause).After(deadline) {
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
	p, err := d.dialect.Connect(ctx)
	d.pools = p // those that were opened before an error, too
	if err != nil {
		return err
	}
	d.migrator = migrator{
		Dialect: d.dialect, writes: p.Writes, changes: cmp.Or(p.Changes, p.Writes), lease: d.o.Lease, models: d.o.Migrations, gorm: d.o.Gorm, log: d.o.Logger,
	}
	switch {
	case d.o.NoMigrate:
	case d.o.ReadOnly && !d.Absent() && d.dialect.Remote() && d.none(ctx):
		return d.openAbsent(ctx)
	case d.o.ReadOnly && !d.Absent():
		err = d.migrator.current(ctx)
	default:
		if err = d.migrator.migrate(ctx); err == nil && d.dialect.Remote() { // opening has written to a file
			err = d.migrator.writable(ctx)
		}
	}
	if err == nil && p.Seal != nil { // what would be written would be lost
		err = p.Seal(ctx)
	}
	if err != nil {
		return err
	}
	if d.reads, err = openGorm(d.dialect, p.Reads, d.o.Logger); err != nil {
		return err
	}
	return d.openUsers()
}

// openUsers makes the handle for the user's own tables. Another program's handle has its own callbacks.
func (d *Database) openUsers() (err error) {
	switch {
	case d.lent() && d.o.ReadOnly:
		d.users = onPool(d.o.Gorm, d.pools.Reads)
		return nil
	case d.lent():
		d.users = d.o.Gorm
		return nil
	}
	if d.users, err = openGorm(d.dialect, d.pools.Tracker.Pool(d.pools.Users), d.o.Logger); err != nil {
		return err
	}
	return usertx.Trace(d.users, d.o.Span)
}

// lent reports whether the database is another program's. One in memory that stands for it is not.
func (d *Database) lent() bool { return d.o.Gorm != nil && d.dialect.Remote() }

// none reports whether a server's database has no tables yet.
func (d *Database) none(ctx context.Context) bool {
	v, err := look(ctx, d.dialect, d.pools.Writes)
	return err == nil && v.have == 0
}

// openAbsent puts an empty database, in memory, in place of one that has no tables yet.
func (d *Database) openAbsent(ctx context.Context) error {
	memory := d.o
	memory.URL, memory.Gorm = memoryURL, nil
	empty, err := dialectOf(memory)
	if err != nil { // built without SQLite
		return d.dialect.Sentence(nil, "has no tables yet: start the server once, or run `go run ./cmd/cli migrate`")
	}
	if err := d.closePools(); err != nil {
		return err
	}
	d.dialect = empty
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
	for _, p := range []*sql.DB{d.pools.Anchor, d.pools.Changes, d.pools.Users, d.pools.Reads, d.pools.Writes} {
		if !closed[p] {
			closed[p] = true
			err := p.Close()
			if !d.dialect.Remote() {
				errs = append(errs, err)
			} // closing a connection to a server that broke before is no error
		}
	}
	return errors.Join(errs...)
}

// Location returns the server and the name of the database; both are empty for a file.
func (d *Database) Location() (at, name string) {
	if l, ok := d.dialect.(interface{ Location() (at, name string) }); ok {
		return l.Location()
	}
	return "", ""
}

// Absent reports whether the database was opened read-only and does not exist yet. It then reads as empty.
func (d *Database) Absent() bool { return d.pools.Seal != nil }

// Writer is the pool of the writer, for statements outside of a transaction.
func (d *Database) Writer() *sql.DB { return d.pools.Writes }

// Reader is the pool of connections that cannot write.
func (d *Database) Reader() *sql.DB { return d.pools.Reads }

// Read returns a handle on [Database.Reader] for one read.
func (d *Database) Read(ctx context.Context) *gorm.DB { return d.reads.WithContext(ctx) }

// Users returns a handle for the user's own tables, [Options].Gorm if there is one. Its connections are not the writer's.
func (d *Database) Users() *gorm.DB { return d.users }

// Statements are those of the hot path, in the words of this database.
func (d *Database) Statements() *Statements { return d.dialect.Statements() }

// Begin begins a transaction of the writer. Edit, unless nil, is given each of its statements and returns the one to
// carry out.
func (d *Database) Begin(ctx context.Context, edit func(query string) string) (*Tx, error) {
	tx, err := d.pools.Writes.BeginTx(ctx, d.Statements().Begin)
	if err != nil {
		return nil, err
	}
	return &Tx{ConnPool: tx, sql: d.Statements(), edit: edit}, nil
}

// UserTx is a transaction of the user's own as one of the writer's.
func (d *Database) UserTx(tx gorm.ConnPool) *Tx { return &Tx{ConnPool: tx, sql: d.Statements()} }

// IsOurs reports whether a transaction was begun on the pool of [Database.Users].
func (d *Database) IsOurs(tx *gorm.DB) bool { return tx.Config.ConnPool == d.users.Config.ConnPool }

// Same returns an error unless a transaction is on this database, as the moments show at which its tables were made.
func (d *Database) Same(ctx context.Context, tx *Tx) error {
	if d.dialect.Remote() {
		ours, err := versionRows(ctx, d.pools.Reads, versionTable)
		if err != nil {
			return fmt.Errorf("compare databases: %w", d.Explain(err))
		}
		if theirs, err := versionRows(ctx, tx, versionTable); err == nil && slices.Equal(ours, theirs) {
			return nil
		}
	}
	return d.dialect.Sentence(nil, "is not the database of this transaction: begin it with app.DB(ctx).Transaction(func(tx *gorm.DB) error {...})")
}

// WithTimeout bounds how long a transaction of a server may take, so that a dead network blocks nobody.
func (d *Database) WithTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return d.dialect.WithTimeout(ctx)
}

// Now is the clock of leases in UTC milliseconds: the server's, or this process's for a file.
func (d *Database) Now(ctx context.Context, q Querier) (int64, error) { return d.dialect.Now(ctx, q) }

// Class says what a failed commit calls for.
func (d *Database) Class(err error) Class {
	if errors.Is(err, gorm.ErrDuplicatedKey) { // gorm has translated it
		return Duplicate
	}
	return d.dialect.Class(err)
}

// Explain turns an error of the driver into a sentence with a remedy. Any other error stays as it is.
func (d *Database) Explain(err error) error { return d.dialect.Explain(err) }

// ExplainWrite is Explain for an error of the writer. It also names a transaction of this process that holds the lock.
func (d *Database) ExplainWrite(err error) error { return d.Explain(d.pools.Tracker.Explain(err)) }

// Blocked is called when the writer finds the write lock taken; see [usertx.Tracker.Blocked].
func (d *Database) Blocked() { d.pools.Tracker.Blocked() }

// Stamp returns a number that changes with every commit of any process. Of a database that cannot tell cheaply, it
// counts the calls.
func (d *Database) Stamp(ctx context.Context) (int64, error) {
	return d.stamps.stamp(ctx, d.dialect, d.pools.Reads, d.Absent())
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
		on, err := d.users, error(nil)
		if d.lent() {
			on, err = openGorm(d.dialect, d.pools.Changes, d.o.Logger)
		}
		if err == nil {
			err = on.WithContext(ctx).Exec("INSERT INTO job_identity (id) SELECT ? WHERE NOT EXISTS (SELECT 1 FROM job_identity)", uuid.NewString()).Error
		}
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

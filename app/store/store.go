package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"fibercrons/app/contract"
	"fibercrons/app/store/row"
	"fibercrons/app/store/usertx"
)

// ErrClosed is the answer to whatever is asked after Close.
var ErrClosed = errors.New("the store is closed")

// Options say what to open.
type Options struct {
	// URL of the database. sqlite://data/crons.db is a file relative to the working
	// directory, sqlite:///var/lib/crons.db an absolute one, and sqlite::memory: a database of this
	// process alone that ends with [Store.Close]. postgres://user:password@host:5432/name
	// and mysql://user:password@host:3306/name are databases on servers. Required.
	URL string
	// ReadOnly opens for reading only: nothing is created or migrated, and whatever would
	// write is refused. A file that is not there yet reads as an empty database; see
	// [Store.Absent].
	ReadOnly bool
	// NoMigrate leaves the tables as they are: only Version, Migrate, DB, Ping and Close may
	// then be relied on.
	NoMigrate bool
	// Logger hears of slow statements; what fails is returned. Optional. Default: none.
	Logger *slog.Logger
	// Migrations are of the user's own tables. Optional.
	Migrations []row.Migration
	// Lease is how long the processes on the database hold a run without a heartbeat: those of an older release that
	// gave one within twice as long keep their tables from being migrated. Optional. Default: 30 seconds.
	Lease time.Duration
	// RetryFor is how long a write that fails for a passing reason (another process holds
	// the lock, the connection broke) is tried again. Optional. Default: 5 seconds.
	RetryFor time.Duration
	// HoldFor is how old a transaction on the user's own tables may get on SQLite while the writer waits for
	// it, before it is rolled back; see [Store.DB]. Optional. Default: 10 seconds.
	HoldFor time.Duration
	// Committed is told of every group of writes, and must not block. Optional.
	Committed func(Commit)
	// Span hears of statements on the user's own tables; see [Store.DB]. Optional.
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

// Store is a [contract.Store] on a database.
type Store struct {
	opts     Options
	db       dialect
	writes   *sql.DB  // the writer's alone
	reads    *gorm.DB // a few connections that cannot write
	readPool *sql.DB
	changes  *sql.DB         // for migrations
	users    *gorm.DB        // for the user's own tables
	tracker  *usertx.Tracker // of these; nil: they hold up nobody
	pools    []*sql.DB
	writer   *writer
	absent   bool
	stamps   stamps
	outlined atomic.Int64 // how many jobs there were in the last outline
	rules    rules
	tamper   func(point string, ops []*op) error // tests only: fails where it likes
	heard    func(query string)                  // tests only: is told of the writer's statements
}

var _ contract.Store = (*Store)(nil)

// Open opens the database, creates its folder and file if need be, and brings its tables up to
// date. Its errors are sentences that name the file and the remedy, without credentials.
func Open(ctx context.Context, opts Options) (*Store, error) {
	opts = opts.withDefaults()
	d, err := parse(opts.URL)
	if err != nil {
		return nil, err
	}
	if err := checkModels(opts.Migrations); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s := &Store{opts: opts, db: d, rules: theRules}
	if file, ok := d.(*sqlite); ok && !opts.ReadOnly {
		s.tracker = usertx.New(usertx.Options{HoldFor: opts.HoldFor, LockWait: userLockWait, Locked: lockTaken, Logger: opts.Logger})
		file.tracker = s.tracker
	}
	if err := s.openPatiently(ctx); err != nil {
		return nil, fmt.Errorf("open store: %w", d.explain(err))
	}
	if file, ok := d.(*sqlite); ok && file.memory == "" && !s.absent {
		if kind := mounted(filepath.Dir(file.path)); kind != "" {
			opts.Logger.Warn("the database file is not on a local disk; one process may work there, two can damage it, so use a local disk, or a postgres:// or mysql:// server",
				"file", file.path, "file_system", kind)
		}
	}
	s.writer = startWriter(s)
	return s, nil
}

// openPatiently waits for a process that is just migrating or writing much.
func (s *Store) openPatiently(ctx context.Context) error {
	pause := 10 * time.Millisecond
	for deadline := time.Now().Add(s.opts.RetryFor); ; {
		err := s.open(ctx)
		if err == nil {
			return nil
		}
		_ = s.closePools() // the first error counts
		if c := s.db.class(err); (c != transient && c != locked) || time.Now().Add(pause).After(deadline) {
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

func (s *Store) open(ctx context.Context) error {
	p, err := s.db.open(ctx, s.opts.ReadOnly)
	s.pools = []*sql.DB{p.writes, p.reads, p.users, p.anchor} // those that were opened before an error, too
	if err != nil {
		return err
	}
	s.writes, s.readPool, s.changes, s.absent = p.writes, p.reads, cmp.Or(p.changes, p.writes), p.absent
	switch {
	case s.opts.NoMigrate:
	case s.opts.ReadOnly && !s.absent && s.db.sql().locks != nil && s.none(ctx):
		return s.openAbsent(ctx)
	case s.opts.ReadOnly && !s.absent:
		err = s.current(ctx)
	default:
		if err = s.Migrate(ctx); err == nil {
			err = s.writable(ctx)
		}
	}
	if err == nil && s.absent { // what would be written would be lost
		_, err = p.writes.ExecContext(ctx, "PRAGMA query_only = 1")
	}
	if err != nil {
		return err
	}
	if s.reads, err = s.gorm(p.reads); err != nil {
		return err
	}
	if s.users, err = s.gorm(s.tracker.Pool(p.users)); err != nil {
		return err
	}
	return usertx.Trace(s.users, s.opts.Span)
}

// none says whether a server's database has no tables yet.
func (s *Store) none(ctx context.Context) bool {
	v, err := s.look(ctx, s.writes)
	return err == nil && v.have == 0
}

// openAbsent puts an empty database in place of one that has no tables yet.
func (s *Store) openAbsent(ctx context.Context) error {
	if err := s.closePools(); err != nil {
		return err
	}
	s.db = &sqlite{absent: true}
	return s.open(ctx)
}

func (s *Store) gorm(pool gorm.ConnPool) (*gorm.DB, error) {
	return gorm.Open(s.db.gorm(pool), &gorm.Config{
		SkipDefaultTransaction: true,
		// No PrepareStmt: the drivers prepare as they see fit, and gorm's cache of statements has a
		// goroutine that nothing ends.
		TranslateError: true,
		Logger: logger.NewSlogLogger(s.opts.Logger, logger.Config{
			SlowThreshold:             time.Second,
			LogLevel:                  logger.Warn,
			IgnoreRecordNotFoundError: true,
			ParameterizedQueries:      true,
		}),
	})
}

// Absent says that the database was opened read-only and is not there yet; it reads as empty.
func (s *Store) Absent() bool { return s.absent }

// DB returns a handle for the user's own tables. Its connections are not the writer's.
//
// On SQLite one transaction writes at a time, and while one of the user's is open no run starts and none is
// recorded. One that keeps the writer waiting is told of after a second with its job, run and line, and is rolled
// back when it is 10 s old ([Options].HoldFor): what its owner does next in it fails with the reason. A single
// statement has 10 s more, in which it may have waited itself. A transaction that only reads takes no lock when it
// says so (sql.TxOptions{ReadOnly: true}). What is begun on the *sql.DB behind gorm is told of, and not ended.
// On servers a transaction holds up those alone that want its rows.
func (s *Store) DB() *gorm.DB { return s.users }

// Ping implements [contract.Admin].
func (s *Store) Ping(ctx context.Context) error {
	var one int
	if err := s.reads.WithContext(ctx).Raw("SELECT 1").Scan(&one).Error; err != nil {
		return fmt.Errorf("ping store: %w", s.db.explain(err))
	}
	return nil
}

// Close commits what is waiting and closes the database. Later calls answer [ErrClosed].
func (s *Store) Close() error {
	s.writer.close()
	s.stamps.close()
	return s.closePools()
}

func (s *Store) closePools() error {
	var errs []error
	closed := map[*sql.DB]bool{nil: true}
	for i := len(s.pools) - 1; i >= 0; i-- {
		if p := s.pools[i]; !closed[p] {
			closed[p] = true
			err := p.Close()
			if _, file := s.db.(*sqlite); file {
				errs = append(errs, err)
			} // a server is told goodbye, and that a connection had broken before is no error
		}
	}
	return errors.Join(errs...)
}

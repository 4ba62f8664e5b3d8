package store

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"fibercrons/app/alert"
	"fibercrons/app/contract"
	"fibercrons/app/store/alerts"
	"fibercrons/app/store/db"
	"fibercrons/app/store/row"
	"fibercrons/app/store/schedules"
	"fibercrons/app/store/usertx"
)

// Options say what to open. All but the last are those of [db.Options].
type Options struct {
	// URL of the database. Required, but for Gorm.
	URL string
	// Gorm is another program's handle on a Postgres or MySQL database, and URL is then not looked at; see
	// [db.Options].Gorm. Optional.
	Gorm *gorm.DB
	// ReadOnly opens for reading only: nothing is created or migrated, and every write is refused. A file that does not
	// exist reads as an empty database; see [Store.Absent].
	ReadOnly bool
	// NoMigrate leaves the tables as they are: only Version, Migrate, DB, Ping and Close may
	// then be relied on.
	NoMigrate bool
	// Logger hears of slow statements; what fails is returned. Optional. Default: none.
	Logger *slog.Logger
	// Migrations are of the user's own tables. Optional.
	Migrations []row.Migration
	// Lease is how long the processes on the database hold a run without a heartbeat. Optional. Default: 30 seconds.
	Lease time.Duration
	// RetryFor is how long a write that fails for a passing reason (another process holds
	// the lock, the connection broke) is tried again. Optional. Default: 5 seconds.
	RetryFor time.Duration
	// HoldFor is how old a transaction on the user's own tables may get on SQLite while the writer waits for
	// it, before it is rolled back; see [Store.DB]. Optional. Default: 10 seconds.
	HoldFor time.Duration
	// Span hears of statements on the user's own tables; see [Store.DB]. Optional.
	Span usertx.Span
	// Committed is called after every group of writes, and must not block. Optional.
	Committed func(Commit)
}

// The parts of a Store that keep alerts and silences, and stored schedules.
type (
	alertStore    = alerts.Store
	scheduleStore = schedules.Store
)

// Store is a [contract.Store] and an [alert.Store] on a database.
type Store struct {
	*alertStore
	*scheduleStore
	db       *db.Database
	writer   *writer
	outlined atomic.Int64 // how many jobs there were in the last outline
}

var (
	_ contract.Store = (*Store)(nil)
	_ alert.Store    = (*Store)(nil)
)

// Open opens the database, creates its folder and file if need be, and brings its tables up to
// date. Its errors are sentences that name the file and the remedy, without credentials.
func Open(ctx context.Context, o Options) (*Store, error) {
	d, err := db.Open(ctx, db.Options{
		URL: o.URL, Gorm: o.Gorm, ReadOnly: o.ReadOnly, NoMigrate: o.NoMigrate, Logger: o.Logger, Migrations: o.Migrations,
		Lease: o.Lease, RetryFor: o.RetryFor, HoldFor: o.HoldFor, Span: o.Span,
	})
	if err != nil {
		return nil, err
	}
	w := startWriter(committer{db: d, rules: theRules, retryFor: d.RetryFor()}, o.Committed)
	return &Store{alertStore: alerts.New(alertDB{d, w}), scheduleStore: schedules.New(scheduleDB{alertDB{d, w}}), db: d, writer: w}, nil
}

// Close commits what is waiting and closes the database. Later calls answer [ErrClosed].
func (s *Store) Close() error {
	s.writer.close()
	return s.db.Close()
}

// Absent reports whether the database was opened read-only and does not exist yet. It then reads as empty.
func (s *Store) Absent() bool { return s.db.Absent() }

// DB returns a handle for the user's own tables, [Options].Gorm if there is one. Its connections are not the writer's.
//
// On SQLite one transaction writes at a time, and while one of the user's is open no run starts and none is
// recorded. One that keeps the writer waiting is logged after a second with its job, run and line, and is rolled
// back when it is 10 s old ([Options].HoldFor): what its owner does next in it fails with the reason. A single
// statement has 10 s more, in which it may have waited itself. A transaction that only reads takes no lock when it
// says so (sql.TxOptions{ReadOnly: true}). What begins on the *sql.DB behind gorm is logged, and not ended.
// On servers a transaction holds up only those that want its rows.
func (s *Store) DB() *gorm.DB { return s.db.Users() }

// Location returns the server and the name of the database; both are empty for a file.
func (s *Store) Location() (at, name string) { return s.db.Location() }

// Ping implements [contract.Admin].
func (s *Store) Ping(ctx context.Context) error {
	var one int
	if err := s.db.Read(ctx).Raw("SELECT 1").Scan(&one).Error; err != nil {
		return fmt.Errorf("ping store: %w", s.db.Explain(err))
	}
	return nil
}

// Version returns the version of the database's tables, 0 for none, and the one that this
// program needs.
func (s *Store) Version(ctx context.Context) (have, want int, err error) { return s.db.Version(ctx) }

// Migrate brings the tables up to date, and then the user's own; see [db.Database.Migrate].
func (s *Store) Migrate(ctx context.Context) error { return s.db.Migrate(ctx) }

// Models returns the IDs of the user's migrations: those that the database has had, and those that are pending.
func (s *Store) Models(ctx context.Context) (applied, pending []string, err error) {
	return s.db.Models(ctx)
}

// Identity is a UUID of the database; see [db.Database.Identity].
func (s *Store) Identity(ctx context.Context) (string, error) { return s.db.Identity(ctx) }

// Stamp implements [contract.Watch]. On a database without a cheap way to tell, it counts its calls.
func (s *Store) Stamp(ctx context.Context) (int64, error) { return s.db.Stamp(ctx) }

// Queued is how many calls wait to be written.
func (s *Store) Queued() int { return s.writer.queued() }

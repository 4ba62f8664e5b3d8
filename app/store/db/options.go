package db

import (
	"log/slog"
	"time"

	"gorm.io/gorm"

	"fibercrons/app/store/row"
	"fibercrons/app/store/usertx"
)

// Options say what to open. Zero values but URL have defaults.
type Options struct {
	// URL of the database. sqlite://data/crons.db is a file relative to the working directory,
	// sqlite:///var/lib/crons.db an absolute one, and sqlite::memory: a database of this process alone that ends with
	// [Database.Close]. postgres://user:password@host:5432/name and mysql://user:password@host:3306/name are databases
	// on servers. Required, but for Gorm.
	URL string
	// Gorm is another program's handle on a Postgres or MySQL database, and URL is then not looked at. The store works on
	// its pool, and [Database.Users] is this handle. Optional.
	Gorm *gorm.DB
	// ReadOnly opens for reading only: nothing is created or migrated, and every write is refused. A file that does not
	// exist reads as an empty database; see [Database.Absent].
	ReadOnly bool
	// NoMigrate leaves the tables as they are.
	NoMigrate bool
	// Logger hears of statements that are slow or go wrong, but for those that were cancelled, and of transactions that
	// hold up the writer. Optional. Default: none.
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

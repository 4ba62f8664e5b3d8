// Package remote is what the dialects of database servers have in common: how many connections a process has and how
// long it waits on them, connections that do not wait for a silent network (dial.go), a pool that another program lends
// (lent.go), and errors that name the server (server.go). A process has at most ten connections to a server: two of the writer, four that cannot write, four of the
// user's own. No read or write on the first six waits longer than ten seconds and no transaction longer than fifteen,
// whatever the network does. The server rolls back a process that has stopped in mid-transaction after fifteen seconds,
// so that it holds the others up no longer.
package remote

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"fibercrons/app/store/db"
)

// The most connections that a process has to a server. The writer has one transaction at a time, and a migration
// needs another connection for its lock.
const (
	Writers = 2
	Readers = 4
	Users   = 4
)

// How long a process waits.
const (
	// Connections are renewed, so that they follow a failover or a changed address.
	connLifetime = 15 * time.Minute
	connIdle     = 5 * time.Minute

	// DialWait is for a connection.
	DialWait = 5 * time.Second
	// LockTimeout is how long a statement waits for another process's lock before it is tried again.
	LockTimeout = 4 * time.Second
	// StatementTimeout is how long the server works on one of this package's statements.
	StatementTimeout = 8 * time.Second
	// NetworkTimeout is how long this process waits for a silent server. After that the network or
	// the server is gone, whatever the connection looks like.
	NetworkTimeout = 10 * time.Second
	// IdleTimeout is how long the server keeps the locks of a process that stopped in mid-transaction.
	IdleTimeout = 15 * time.Second
	// TransactionTimeout is how long a transaction may take in all.
	TransactionTimeout = 15 * time.Second
	// MigrationWait is how long a process waits for another that migrates, before it asks again.
	MigrationWait = time.Minute
)

// Server names a database server to its operator.
type Server struct {
	At   string // host:port, or a socket
	Name string // of the database
	User string
	Lent bool // by the program that mounts this one: it was opened with app.WithGorm
}

// Sentence implements [db.Dialect]. It never contains the password.
func (s *Server) Sentence(cause error, format string, args ...any) error {
	text, where := fmt.Sprintf(format, args...), fmt.Sprintf("the database %q at %s ", s.Name, s.At)
	if s.Lent {
		text = strings.ReplaceAll(text, "DATABASE_URL", "what the pool of app.WithGorm was opened with")
	}
	if s.At == "" { // nothing was heard of it yet
		where = "the database of app.WithGorm "
	}
	return db.Sentence(cause, where+text)
}

// Unreachable explains errors of the connection.
func (s *Server) Unreachable(err error) error {
	var dns *net.DNSError
	switch {
	case errors.Is(err, context.Canceled): // the caller has gone
		return err
	case errors.As(err, &dns):
		return s.Sentence(err, "cannot be reached: its host has no address; correct the name in DATABASE_URL")
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOENT):
		return s.Sentence(err, "cannot be reached: nothing listens there; start the server, or correct host and port in DATABASE_URL")
	case Broken(err):
		return s.Sentence(err, "does not answer: check that the server is up and the network lets this host through")
	case strings.Contains(err.Error(), "tls: "), strings.Contains(err.Error(), "x509: "):
		return s.Sentence(err, "cannot be trusted: its certificate does not check out (%s); give the authority's certificate, or another TLS mode in DATABASE_URL", lastOf(err))
	}
	return err
}

// Location returns what [db.Database.Location] does.
func (s *Server) Location() (at, name string) { return s.At, s.Name }

// Remote implements [db.Dialect].
func (s *Server) Remote() bool { return true }

// WithTimeout implements [db.Dialect].
func (s *Server) WithTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, TransactionTimeout)
}

// Limit bounds the number of a pool's connections, and their age.
func Limit(pool *sql.DB, size int) *sql.DB {
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	pool.SetConnMaxLifetime(connLifetime)
	pool.SetConnMaxIdleTime(connIdle)
	return pool
}

// Broken reports whether the connection failed and not the statement.
func Broken(err error) bool {
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return true
	}
	_, ok := errors.AsType[net.Error](err)
	return ok
}

// lastOf is the text of the innermost error: the outer ones repeat addresses and users.
func lastOf(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}

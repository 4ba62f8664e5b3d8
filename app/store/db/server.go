package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// What database servers have in common.
const (
	// The most connections that a process has to a server. The writer has one transaction at a time, and a migration
	// needs another connection for its lock.
	serverWriters = 2
	serverReaders = 4
	serverUsers   = 4

	// Connections are renewed, so that they follow a failover or a changed address.
	connLifetime = 15 * time.Minute
	connIdle     = 5 * time.Minute

	dialWait = 5 * time.Second
	// lockTimeout is how long a statement waits for another process's lock before it is tried again.
	lockTimeout = 4 * time.Second
	// statementTimeout is how long the server works on one of this package's statements.
	statementTimeout = 8 * time.Second
	// networkTimeout is how long this process waits for a silent server. After that the network or
	// the server is gone, whatever the connection looks like.
	networkTimeout = 10 * time.Second
	// idleTimeout is how long the server keeps the locks of a process that stopped in mid-transaction.
	idleTimeout = 15 * time.Second
	// transactionTimeout is how long a transaction may take in all.
	transactionTimeout = 15 * time.Second
	// migrationWait is how long a process waits for another that migrates, before it asks again.
	migrationWait = time.Minute
)

// server names a database server to its operator.
type server struct {
	at   string // host:port, or a socket
	name string // of the database
	user string
}

// sentence never contains the password.
func (s *server) sentence(cause error, format string, args ...any) error {
	return &sentence{text: fmt.Sprintf("the database %q at %s ", s.name, s.at) + fmt.Sprintf(format, args...), cause: cause}
}

// unreachable explains errors of the connection.
func (s *server) unreachable(err error) error {
	var dns *net.DNSError
	switch {
	case errors.Is(err, context.Canceled): // the caller has gone
		return err
	case errors.As(err, &dns):
		return s.sentence(err, "cannot be reached: its host has no address; correct the name in DATABASE_URL")
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOENT):
		return s.sentence(err, "cannot be reached: nothing listens there; start the server, or correct host and port in DATABASE_URL")
	case broken(err):
		return s.sentence(err, "does not answer: check that the server is up and the network lets this host through")
	case strings.Contains(err.Error(), "tls: "), strings.Contains(err.Error(), "x509: "):
		return s.sentence(err, "cannot be trusted: its certificate does not check out (%s); give the authority's certificate, or another TLS mode in DATABASE_URL", lastOf(err))
	}
	return err
}

func (s *server) withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, transactionTimeout)
}

func limitPool(db *sql.DB, size int) *sql.DB {
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	db.SetConnMaxLifetime(connLifetime)
	db.SetConnMaxIdleTime(connIdle)
	return db
}

// dial connects. With a limit, no read or write on the connection takes longer. When one has timed out, the others that
// are as old are most likely dead, too, and fail at once.
func dial(limit time.Duration) func(ctx context.Context, network, addr string) (net.Conn, error) {
	d := &net.Dialer{
		Timeout:         dialWait,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3},
	}
	silent := new(atomic.Int64)
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := d.DialContext(ctx, network, addr)
		if err != nil || limit == 0 {
			return c, err
		}
		return &limitedConn{Conn: c, limit: limit, born: time.Now().UnixNano(), silent: silent}, nil
	}
}

// limitedConn is a connection whose reads and writes time out. The deadline that a driver sets to break off
// a statement takes precedence.
type limitedConn struct {
	net.Conn
	limit time.Duration
	born  int64
	// silent is when a connection of the same dialer last timed out.
	silent *atomic.Int64
	dead   atomic.Bool // this one has timed out

	mu  sync.Mutex
	set bool // the driver has set a deadline
}

// Read implements [net.Conn].
func (c *limitedConn) Read(p []byte) (int, error) {
	if c.dead.Load() { // a driver may read on after the first error
		return 0, os.ErrDeadlineExceeded
	}
	ours := c.limited(c.Conn.SetReadDeadline)
	n, err := c.Conn.Read(p)
	if ours && errors.Is(err, os.ErrDeadlineExceeded) {
		c.dead.Store(true)
		c.silent.Store(time.Now().UnixNano())
	}
	return n, err
}

// Write implements [net.Conn].
func (c *limitedConn) Write(p []byte) (int, error) {
	if c.born < c.silent.Load() {
		return 0, os.ErrDeadlineExceeded
	}
	c.limited(c.Conn.SetWriteDeadline)
	return c.Conn.Write(p)
}

// limited sets the deadline, unless the driver has set one, and reports whether it did.
func (c *limitedConn) limited(set func(time.Time) error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.set {
		_ = set(time.Now().Add(c.limit)) // if it cannot be set, what follows fails
	}
	return !c.set
}

// SyscallConn implements [syscall.Conn]: a driver checks by it whether the peer has hung up.
func (c *limitedConn) SyscallConn() (syscall.RawConn, error) {
	if inner, ok := c.Conn.(syscall.Conn); ok {
		_ = c.Conn.SetReadDeadline(time.Time{}) // that of the last read may have passed
		return inner.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// SetDeadline implements [net.Conn].
func (c *limitedConn) SetDeadline(t time.Time) error { return c.driver(c.Conn.SetDeadline, t) }

// SetReadDeadline implements [net.Conn].
func (c *limitedConn) SetReadDeadline(t time.Time) error { return c.driver(c.Conn.SetReadDeadline, t) }

// SetWriteDeadline implements [net.Conn].
func (c *limitedConn) SetWriteDeadline(t time.Time) error {
	return c.driver(c.Conn.SetWriteDeadline, t)
}

func (c *limitedConn) driver(set func(time.Time) error, t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set = !t.IsZero()
	return set(t)
}

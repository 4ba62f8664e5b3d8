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
	// A process has so many connections to a server at most: one transaction of the writer at a time, since
	// what has gathered meanwhile is the next, and one to spare for a migration's lock.
	serverWriters = 2
	serverReaders = 4
	serverUsers   = 4

	// Connections are renewed now and then, so that they follow a failover or a changed address.
	connLifetime = 15 * time.Minute
	connIdle     = 5 * time.Minute

	dialWait = 5 * time.Second
	// lockTimeout is how long a statement waits for another process's lock before it is tried again.
	lockTimeout = 4 * time.Second
	// statementTimeout is how long the server works on one of this package's statements.
	statementTimeout = 8 * time.Second
	// silence is how long this process waits for a server that says nothing: longer than that, the network or
	// the server is gone, whatever the connection looks like.
	silence = 10 * time.Second
	// idleTimeout is how long the server keeps the locks of a process that stopped in mid-transaction.
	idleTimeout = 15 * time.Second
	// transactionTimeout is how long a transaction may take in all.
	transactionTimeout = 15 * time.Second
	// migrationWait is how long a process waits for another that is just migrating, before it asks again.
	migrationWait = time.Minute
)

// server is a database server as its operator knows it.
type server struct {
	at   string // host:port, or a socket
	name string // of the database
	user string
}

// sentence never has the password in it.
func (s *server) sentence(cause error, format string, args ...any) error {
	return &sentence{text: fmt.Sprintf("the database %q at %s ", s.name, s.at) + fmt.Sprintf(format, args...), cause: cause}
}

// unreachable explains what can go wrong before a server has said a word.
func (s *server) unreachable(err error) error {
	var dns *net.DNSError
	switch {
	case errors.Is(err, context.Canceled): // whoever asked has gone
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

func (s *server) patience(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, transactionTimeout)
}

func bounded(db *sql.DB, size int) *sql.DB {
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	db.SetConnMaxLifetime(connLifetime)
	db.SetConnMaxIdleTime(connIdle)
	return db
}

// dial connects. With a limit, no read or write on the connection takes longer. Where one has waited that long
// in vain, the others that are as old are most likely as dead, and are not waited for in turn.
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
		return &impatient{Conn: c, limit: limit, born: time.Now().UnixNano(), silent: silent}, nil
	}
}

// impatient is a connection that gives up on a silent peer. A deadline that its driver sets, to break off
// a statement, holds beside that.
type impatient struct {
	net.Conn
	limit time.Duration
	born  int64
	// silent is when a connection of the same kind was last given up on.
	silent *atomic.Int64
	dead   atomic.Bool // this one was

	mu  sync.Mutex
	set bool // the driver's deadline is
}

// Read implements [net.Conn].
func (c *impatient) Read(p []byte) (int, error) {
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
func (c *impatient) Write(p []byte) (int, error) {
	if c.born < c.silent.Load() {
		return 0, os.ErrDeadlineExceeded
	}
	c.limited(c.Conn.SetWriteDeadline)
	return c.Conn.Write(p)
}

// limited says whether the limit is ours, and not the driver's.
func (c *impatient) limited(set func(time.Time) error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.set {
		_ = set(time.Now().Add(c.limit)) // if it cannot be set, what follows fails
	}
	return !c.set
}

// SyscallConn implements [syscall.Conn]: a driver looks through it whether the peer has hung up.
func (c *impatient) SyscallConn() (syscall.RawConn, error) {
	if inner, ok := c.Conn.(syscall.Conn); ok {
		_ = c.Conn.SetReadDeadline(time.Time{}) // that of the last read may have passed
		return inner.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// SetDeadline implements [net.Conn].
func (c *impatient) SetDeadline(t time.Time) error { return c.driver(c.Conn.SetDeadline, t) }

// SetReadDeadline implements [net.Conn].
func (c *impatient) SetReadDeadline(t time.Time) error { return c.driver(c.Conn.SetReadDeadline, t) }

// SetWriteDeadline implements [net.Conn].
func (c *impatient) SetWriteDeadline(t time.Time) error { return c.driver(c.Conn.SetWriteDeadline, t) }

func (c *impatient) driver(set func(time.Time) error, t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set = !t.IsZero()
	return set(t)
}

package remote

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Dial returns a function that connects. With a limit, no read or write on the connection takes longer. When one has timed out, the others that
// are as old are most likely dead, too, and fail at once.
func Dial(limit time.Duration) func(ctx context.Context, network, addr string) (net.Conn, error) {
	d := &net.Dialer{
		Timeout:         DialWait,
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

package mysql

import (
	"context"
	"database/sql/driver"
	"fmt"
)

// myConn is what the driver's connection can do.
type myConn interface {
	driver.Conn
	driver.Pinger
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
	driver.SessionResetter
	driver.Validator
}

type myStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
	driver.NamedValueChecker
}

// freshConn is a connection that is not used again when its server is read-only: after a fail-over that is the old
// primary, or a replica that was not yet promoted. The driver's own rejectReadOnly does the same, and loses the reason.
type freshConn struct {
	myConn
	stale bool
	back  func(broken bool) error // has the pool that lent it close it; nil: it is ours
}

// Close implements [driver.Conn].
func (c *freshConn) Close() error {
	if c.back != nil {
		return c.back(true)
	}
	return c.myConn.Close()
}

func fresh(c driver.Conn) (driver.Conn, error) {
	inner, ok := c.(myConn)
	if !ok {
		return nil, fmt.Errorf("the MySQL driver's %T lacks a method", c)
	}
	return &freshConn{myConn: inner}, nil
}

func (c *freshConn) note(err error) error {
	switch myCode(err) {
	case myOption, myReadOnly, myReadOnlyMode:
		c.stale = true
	}
	return err
}

// IsValid implements [driver.Validator].
func (c *freshConn) IsValid() bool { return !c.stale && c.myConn.IsValid() }

// ResetSession implements [driver.SessionResetter].
func (c *freshConn) ResetSession(ctx context.Context) error {
	if c.stale {
		return driver.ErrBadConn
	}
	return c.myConn.ResetSession(ctx)
}

// ExecContext implements [driver.ExecerContext].
func (c *freshConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	r, err := c.myConn.ExecContext(ctx, query, args)
	return r, c.note(err)
}

// QueryContext implements [driver.QueryerContext].
func (c *freshConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	r, err := c.myConn.QueryContext(ctx, query, args)
	return r, c.note(err)
}

// PrepareContext implements [driver.ConnPrepareContext].
func (c *freshConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	s, err := c.myConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, c.note(err)
	}
	inner, ok := s.(myStmt)
	if !ok {
		return nil, fmt.Errorf("the MySQL driver's %T lacks a method", s)
	}
	return &freshStmt{inner, c}, nil
}

type freshStmt struct {
	myStmt
	conn *freshConn
}

// ExecContext implements [driver.StmtExecContext].
func (s *freshStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	r, err := s.myStmt.ExecContext(ctx, args)
	return r, s.conn.note(err)
}

// QueryContext implements [driver.StmtQueryContext].
func (s *freshStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	r, err := s.myStmt.QueryContext(ctx, args)
	return r, s.conn.note(err)
}

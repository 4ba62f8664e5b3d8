package usertx

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
)

// connector connects to a database whose holds are noted, whoever begins them.
type connector struct {
	driver  driver.Driver
	dsn     string
	tracker *Tracker
}

// Connector returns a connector whose connections note in the tracker what may have the write lock.
func (t *Tracker) Connector(d driver.Driver, dsn string) driver.Connector {
	return &connector{driver: d, dsn: dsn, tracker: t}
}

// Connect implements [driver.Connector].
func (c *connector) Connect(context.Context) (driver.Conn, error) {
	inner, err := Open(c.driver, c.dsn)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: inner, tracker: c.tracker}, nil
}

// Driver implements [driver.Connector].
func (c *connector) Driver() driver.Driver { return c.driver }

// Conn is what a connection of the SQLite driver can do.
type Conn interface {
	driver.Conn
	driver.Pinger
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
}

// Open opens a connection, for a wrapper that has to hand on all that it can do.
func Open(d driver.Driver, dsn string) (Conn, error) {
	inner, err := d.Open(dsn)
	if err != nil {
		return nil, err
	}
	full, ok := inner.(Conn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the SQLite driver's %T lacks a method", inner), inner.Close())
	}
	return full, nil
}

type conn struct {
	Conn
	tracker *Tracker
	hold    *hold // of the open transaction
}

// BeginTx implements [driver.ConnBeginTx].
func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	inner, err := c.Conn.BeginTx(ctx, opts)
	if err != nil {
		return nil, c.tracker.Explain(err)
	}
	if !opts.ReadOnly { // else it takes no lock
		c.hold = c.tracker.begin(ctx, false)
	}
	return &connTx{inner, c}, nil
}

// ExecContext implements [driver.ExecerContext].
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if c.hold != nil {
		return c.Conn.ExecContext(ctx, query, args)
	}
	h := c.tracker.begin(ctx, true)
	res, err := c.Conn.ExecContext(ctx, query, args)
	c.tracker.done(h)
	return res, c.tracker.Explain(err)
}

// Close implements [driver.Conn].
func (c *conn) Close() error {
	defer c.release()
	return c.Conn.Close()
}

// IsValid implements [driver.Validator].
func (c *conn) IsValid() bool {
	v, ok := c.Conn.(driver.Validator)
	return !ok || v.IsValid()
}

func (c *conn) release() {
	if c.hold != nil {
		c.tracker.done(c.hold)
		c.hold = nil
	}
}

type connTx struct {
	driver.Tx
	conn *conn
}

// Commit implements [driver.Tx].
func (t *connTx) Commit() error {
	defer t.conn.release()
	return t.Tx.Commit()
}

// Rollback implements [driver.Tx].
func (t *connTx) Rollback() error {
	defer t.conn.release()
	return t.Tx.Rollback()
}

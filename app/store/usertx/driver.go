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
	inner, err := c.driver.Open(c.dsn)
	if err != nil {
		return nil, err
	}
	full, ok := inner.(fullConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the SQLite driver's %T lacks a method", inner), inner.Close())
	}
	return &conn{fullConn: full, tracker: c.tracker}, nil
}

// Driver implements [driver.Connector].
func (c *connector) Driver() driver.Driver { return c.driver }

// fullConn is what the driver's connection can do.
type fullConn interface {
	driver.Conn
	driver.Pinger
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
}

type conn struct {
	fullConn
	tracker *Tracker
	hold    *hold // of the open transaction
}

// BeginTx implements [driver.ConnBeginTx].
func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	inner, err := c.fullConn.BeginTx(ctx, opts)
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
		return c.fullConn.ExecContext(ctx, query, args)
	}
	h := c.tracker.begin(ctx, true)
	res, err := c.fullConn.ExecContext(ctx, query, args)
	c.tracker.done(h)
	return res, c.tracker.Explain(err)
}

// Close implements [driver.Conn].
func (c *conn) Close() error {
	defer c.release()
	return c.fullConn.Close()
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

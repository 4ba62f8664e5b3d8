package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	gormlite "github.com/glebarez/sqlite"
)

// connector makes connections whose transactions end with their commit, whether or not it succeeds. In a database in
// memory, which has no write-ahead log, a COMMIT fails when a reader is busy for too long, and SQLite leaves the
// transaction open. database/sql does not know that: it gives the connection to the next transaction, which cannot begin.
type connector struct {
	driver driver.Driver
	dsn    string
}

func connectorTo(dsn string) (connector, error) {
	bare, err := sql.Open(gormlite.DriverName, dsn) // connects to nothing
	if err != nil {
		return connector{}, err
	}
	return connector{bare.Driver(), dsn}, bare.Close()
}

// Connect implements [driver.Connector].
func (c connector) Connect(context.Context) (driver.Conn, error) { return c.Open(c.dsn) }

// Driver implements [driver.Connector].
func (c connector) Driver() driver.Driver { return c }

// Open implements [driver.Driver].
func (c connector) Open(dsn string) (driver.Conn, error) {
	inner, err := c.driver.Open(dsn)
	if err != nil {
		return nil, err
	}
	full, ok := inner.(fullConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the SQLite driver's %T lacks a method", inner), inner.Close())
	}
	return &conn{fullConn: full}, nil
}

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
	broken bool
}

// BeginTx implements [driver.ConnBeginTx].
func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	inner, err := c.fullConn.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	return tx{inner, c}, nil
}

// IsValid implements [driver.Validator]: a connection that cannot end its transaction is closed.
func (c *conn) IsValid() bool { return !c.broken }

type tx struct {
	driver.Tx
	conn *conn
}

// Commit implements [driver.Tx].
func (t tx) Commit() error {
	err := t.Tx.Commit()
	if err != nil && t.Tx.Rollback() != nil {
		t.conn.broken = true // or SQLite itself has rolled back
	}
	return err
}

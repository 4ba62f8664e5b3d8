package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"

	gormlite "github.com/glebarez/sqlite"

	"fibercrons/app/store/usertx"
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
	inner, err := usertx.Open(c.driver, dsn)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: inner}, nil
}

type conn struct {
	usertx.Conn
	broken bool
}

// BeginTx implements [driver.ConnBeginTx].
func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	inner, err := c.Conn.BeginTx(ctx, opts)
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

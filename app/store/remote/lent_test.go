package remote_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"strings"
	"testing"

	"fibercrons/app/store/remote"
)

// own is a connection of a driver, and instrumented one that another driver has around it.
type own struct {
	driver.Conn
	closed bool
}

func (c *own) Close() error { c.closed = true; return nil }

type instrumented struct {
	driver.Conn
	inner *own
}

func (c instrumented) Raw() driver.Conn { return c.inner }
func (c instrumented) Close() error     { return c.inner.Close() }

type connector struct{ conn driver.Conn }

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.conn, nil }
func (c connector) Driver() driver.Driver                        { return nil }

func TestBorrow(t *testing.T) {
	for _, around := range []bool{false, true} {
		inner := &own{}
		var conn driver.Conn = inner
		if around {
			conn = instrumented{inner: inner}
		}
		pool := sql.OpenDB(connector{conn})
		got, back, err := remote.Borrow[*own](t.Context(), pool)
		if err != nil || got != inner || pool.Stats().InUse != 1 {
			t.Fatalf("%v, %v", got, err)
		}
		if err := back(false); err != nil || inner.closed || pool.Stats().Idle != 1 {
			t.Errorf("it was not given back: %v", err)
		}
		if _, back, err = remote.Borrow[*own](t.Context(), pool); err != nil {
			t.Fatal(err)
		}
		if err := back(true); err != nil || !inner.closed || pool.Stats().OpenConnections != 0 {
			t.Errorf("it was not closed: %v", err)
		}
		_, _, err = remote.Borrow[*connector](t.Context(), pool)
		if err == nil || !strings.Contains(err.Error(), "*remote_test.own") || !strings.Contains(err.Error(), "gorm's own driver") || pool.Stats().InUse != 0 {
			t.Errorf("another driver: %v", err)
		}
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	}
}

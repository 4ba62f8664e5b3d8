package remote

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"fibercrons/app/store/db"
)

// A program that mounts this one may lend its pool (app.WithGorm). The store takes connections out of it and works on the
// driver's own, so that statements are those of its own connections, whatever gorm or database/sql has around them. It
// keeps one connection for writing and one for reading as long as it is open: however many transactions the program has,
// heartbeats do not wait for one of them to end. It never closes the pool.

// The most connections that the store takes out of a lent pool, and the smallest pool that it works on: the program
// itself is never without one.
const (
	lentWriters = 2
	lentReaders = 2
	lentChanges = 1 // of migrations
	least       = lentWriters + lentReaders + 1
)

// LentPools are the store's pools on a lent one; all but Changes keep a connection. For reading only there is Reads alone,
// which then takes the place of Writes.
func LentPools(writes, reads, changes driver.Connector) db.Pools {
	pool := func(c driver.Connector, most int) *sql.DB {
		p := sql.OpenDB(c)
		p.SetMaxOpenConns(most)
		p.SetMaxIdleConns(1)
		return p
	}
	p := db.Pools{Reads: pool(reads, lentReaders)}
	if p.Writes = p.Reads; writes != nil {
		p.Writes, p.Changes = pool(writes, lentWriters), pool(changes, lentChanges)
		p.Changes.SetConnMaxIdleTime(time.Second)
	}
	return p
}

// Pool is the pool behind a gorm handle, if the store can work on it.
func Pool(host *gorm.DB) (*sql.DB, error) {
	pool := host.ConnPool
	if host.Statement != nil && host.Statement.ConnPool != nil {
		pool = host.Statement.ConnPool
	}
	if _, tx := pool.(gorm.TxCommitter); tx {
		return nil, errors.New("app.WithGorm was given a transaction: give it the *gorm.DB that gorm.Open returned")
	}
	lent, err := host.DB()
	if err != nil {
		return nil, fmt.Errorf("app.WithGorm: the *gorm.DB has no *sql.DB: %w", err)
	}
	if most := lent.Stats().MaxOpenConnections; most > 0 && most < least {
		return nil, fmt.Errorf("app.WithGorm: the pool is limited to %d, and the store takes up to %d connections of it: call SetMaxOpenConns(%d) on its *sql.DB, or more",
			most, least-1, least)
	}
	return lent, nil
}

// Borrow takes a connection out of the pool, and returns the driver's own and a function that gives it back, or has the
// pool close it.
func Borrow[C any](ctx context.Context, pool *sql.DB) (c C, back func(broken bool) error, err error) {
	wait, cancel := context.WithTimeout(ctx, NetworkTimeout)
	defer cancel()
	conn, err := pool.Conn(wait)
	if err != nil {
		if s := pool.Stats(); wait.Err() != nil && s.MaxOpenConnections > 0 && s.InUse >= s.MaxOpenConnections {
			err = db.Sentence(err, fmt.Sprintf("the pool of app.WithGorm has no free connection: all %d are in use; look for transactions and rows that stay open, or raise SetMaxOpenConns", s.MaxOpenConnections))
		}
		return c, nil, err
	}
	err = conn.Raw(func(inner any) error {
		for {
			if found, ok := inner.(C); ok {
				c = found
				return nil
			}
			outer, ok := inner.(interface{ Raw() driver.Conn }) // an instrumented driver, such as otelsql's
			if !ok {
				return fmt.Errorf("app.WithGorm: the pool's driver has connections of the type %T, and the store works on %T: open the pool with gorm's own driver for this database", inner, c)
			}
			inner = outer.Raw()
		}
	})
	if err != nil {
		return c, nil, errors.Join(err, conn.Close())
	}
	return c, func(broken bool) error {
		if broken {
			_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // closes it
			return nil
		}
		return conn.Close()
	}, nil
}

package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"fibercrons/app/store/remote"
)

// Sessions may be shared: behind a pooler in transaction mode (PgBouncer, pgcat, RDS Proxy, Supabase's) another
// program's transaction may be the next in this session. So nothing is set for a session and nothing is prepared in
// one. What a statement needs is set for its transaction only, in one message with BEGIN.

// localConnector makes connections whose transactions begin with settings of their own.
type localConnector struct {
	driver.Connector
	lent  *sql.DB // another program's pool, instead of Connector
	begin string  // such as "BEGIN READ ONLY"
	local string  // what follows it; empty: nothing
}

// Connect implements [driver.Connector].
func (l localConnector) Connect(ctx context.Context) (driver.Conn, error) {
	if l.lent != nil {
		c, back, err := remote.Borrow[*stdlib.Conn](ctx, l.lent)
		if err != nil {
			return nil, err
		}
		return &localConn{Conn: c, begin: l.begin, local: l.local, back: back, mode: modeOn(c)}, nil
	}
	c, err := l.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &localConn{Conn: c.(*stdlib.Conn), begin: l.begin, local: l.local}, nil
}

// Driver implements [driver.Connector].
func (l localConnector) Driver() driver.Driver { return stdlib.GetDefaultDriver() }

// modeOn has a lent connection send statements as the store's own do, whatever its owner has chosen, if it can.
func modeOn(c *stdlib.Conn) []driver.NamedValue {
	if c.Conn().Config().DescriptionCacheCapacity == 0 {
		return nil
	}
	return []driver.NamedValue{{Value: pgx.QueryExecModeCacheDescribe}}
}

// localConn is a connection on which a statement outside of a transaction gets one of its own.
type localConn struct {
	*stdlib.Conn
	begin, local string
	open         bool                    // a transaction is
	back         func(broken bool) error // gives a lent connection back; nil: it is ours
	mode         []driver.NamedValue     // goes before the parameters
}

// Close implements [driver.Conn].
func (c *localConn) Close() error {
	if c.back != nil {
		return c.back(c.open)
	}
	return c.Conn.Close()
}

// note closes a connection whose server has become read-only, as OnPgError does to the store's own.
func (c *localConn) note(err error) error {
	if c.back != nil && pgCode(err) == pgReadOnly && !strings.Contains(c.begin, "READ ONLY") {
		_ = c.Conn.Close()
	}
	return err
}

// BeginTx implements [driver.ConnBeginTx].
func (c *localConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	begin := c.begin
	switch level := sql.IsolationLevel(opts.Isolation); level {
	case sql.LevelDefault:
	case sql.LevelReadUncommitted, sql.LevelReadCommitted, sql.LevelRepeatableRead, sql.LevelSerializable:
		begin += " ISOLATION LEVEL " + strings.ToUpper(level.String())
	default:
		return nil, fmt.Errorf("unsupported isolation: %v", level)
	}
	if opts.ReadOnly {
		begin += " READ ONLY"
	}
	if err := c.enter(ctx, begin); err != nil {
		return nil, err
	}
	return &localTx{conn: c, ctx: ctx}, nil
}

func (c *localConn) enter(ctx context.Context, begin string) error {
	conn := c.Conn.Conn()
	if conn.IsClosed() {
		return driver.ErrBadConn
	}
	if _, err := conn.Exec(ctx, begin+"; "+c.local); err != nil {
		_ = c.leave(ctx, "ROLLBACK") // the first error counts
		if pgconn.SafeToRetry(err) {
			return driver.ErrBadConn
		}
		return err
	}
	c.open = true
	return nil
}

// leave ends the transaction with COMMIT or ROLLBACK. If that fails, the connection is closed.
func (c *localConn) leave(ctx context.Context, how string) error {
	c.open = false
	conn := c.Conn.Conn()
	if conn.IsClosed() {
		return driver.ErrBadConn
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), remote.DialWait)
	defer cancel()
	tag, err := conn.Exec(ctx, how)
	if err == nil && how == "COMMIT" && tag.String() == "ROLLBACK" {
		err = pgx.ErrTxCommitRollback
	}
	if err != nil && !conn.IsClosed() && conn.PgConn().TxStatus() != 'I' {
		_ = conn.Close(ctx)
	}
	return err
}

// ExecContext implements [driver.ExecerContext].
func (c *localConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	args = append(slices.Clip(c.mode), args...)
	if c.open {
		res, err := c.Conn.ExecContext(ctx, query, args)
		return res, c.note(err)
	}
	if err := c.enter(ctx, c.begin); err != nil {
		return nil, err
	}
	res, err := c.Conn.ExecContext(ctx, query, args)
	if err != nil {
		_ = c.leave(ctx, "ROLLBACK") // the first error counts
		return nil, c.note(err)
	}
	return res, c.leave(ctx, "COMMIT")
}

// QueryContext implements [driver.QueryerContext].
func (c *localConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	args = append(slices.Clip(c.mode), args...)
	if c.open {
		rows, err := c.Conn.QueryContext(ctx, query, args)
		return rows, c.note(err)
	}
	if err := c.enter(ctx, c.begin); err != nil {
		return nil, err
	}
	rows, err := c.Conn.QueryContext(ctx, query, args)
	if err != nil {
		_ = c.leave(ctx, "ROLLBACK") // the first error counts
		return nil, err
	}
	return &localRows{Rows: rows.(*stdlib.Rows), conn: c, ctx: ctx}, nil
}

// localRows end the transaction of their statement when they are closed.
type localRows struct {
	*stdlib.Rows
	conn   *localConn
	ctx    context.Context
	closed bool
}

// Close implements [driver.Rows].
func (r *localRows) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	err := r.Rows.Close()
	end := r.conn.leave(r.ctx, "COMMIT")
	if err != nil || errors.Is(end, pgx.ErrTxCommitRollback) { // then its error has been read
		return err
	}
	return end
}

// localTx is a transaction of a localConn.
type localTx struct {
	conn *localConn
	ctx  context.Context
}

// Commit implements [driver.Tx].
func (t *localTx) Commit() error { return t.conn.leave(t.ctx, "COMMIT") }

// Rollback implements [driver.Tx].
func (t *localTx) Rollback() error { return t.conn.leave(t.ctx, "ROLLBACK") }

// setting is one that holds for a transaction. The value is an expression of SQL.
type setting struct{ name, value string }

// durable is on, unless the server's default is another mode that waits for the disk.
const durable = "CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END"

func pgText(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func pgMillis(d time.Duration) string { return pgText(strconv.FormatInt(d.Milliseconds(), 10)) }

// localSQL sets them for the current transaction.
func localSQL(settings []setting) string {
	if len(settings) == 0 {
		return ""
	}
	parts := make([]string, len(settings))
	for i, s := range settings {
		parts[i] = "set_config(" + pgText(s.name) + ", " + s.value + ", true)"
	}
	return "SELECT " + strings.Join(parts, ", ")
}

package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"gorm.io/gorm"

	"fibercrons/app/cron"
)

// On one SQLite file one transaction writes at a time, whoever's it is. While one of the user's is open no run
// starts and none is recorded. So the store knows which of this process's are open, names the one that holds the
// lock, and ends it when it has kept the writer waiting for too long.

const (
	// holdTime is how old a transaction of the user's gets that others wait for; see Options.HoldFor.
	holdTime = 10 * time.Second
	// holdTold is after how much of that time it is told of.
	holdTold = 10
)

// hold is a transaction of the user's, or a statement outside of any, that may have the write lock.
type hold struct {
	job, run  string // empty: it was begun outside of a run
	attempt   int
	at        string // folder/file.go:line of who began it
	since     time.Time
	statement bool               // that may itself be waiting for the lock
	end       context.CancelFunc // nil: it cannot be ended from here

	told, ended bool // holders.mu guards them
}

func (h *hold) String() string {
	what := "a transaction"
	if h.statement {
		what = "a statement"
	}
	if h.job == "" {
		return what + " that " + h.at + " began"
	}
	return fmt.Sprintf("%s of job %q (run %s, %s)", what, h.job, h.run, h.at)
}

func (h *hold) attrs(now time.Time) []slog.Attr {
	attrs := []slog.Attr{slog.String("at", h.at), slog.Time("since", h.since.UTC()), slog.String("held", now.Sub(h.since).Round(time.Millisecond).String())}
	if h.job != "" {
		attrs = append([]slog.Attr{slog.String("job", h.job), slog.String("run", h.run), slog.Int("attempt", h.attempt)}, attrs...)
	}
	return attrs
}

// tooLong is what a transaction is answered that was ended.
func (h *hold) tooLong(most time.Duration) error {
	return fmt.Errorf("%s was rolled back: it had held the database's write lock for more than %s while every job waited for it; "+
		"on SQLite one transaction writes at a time, so wait and compute outside of it, write in smaller ones, or give reads alone sql.TxOptions{ReadOnly: true}", h, most)
}

// holders are the holds of this process.
type holders struct {
	most time.Duration
	log  *slog.Logger

	mu   sync.Mutex
	open []*hold // in the order in which they began
}

type holdKey struct{}

// begin notes a hold of whoever ctx belongs to.
func (s *holders) begin(ctx context.Context, statement bool) *hold {
	h, _ := ctx.Value(holdKey{}).(*hold)
	if h == nil {
		h = newHold(ctx, statement, nil)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h.since = time.Now()
	s.open = append(s.open, h)
	return h
}

func newHold(ctx context.Context, statement bool, end context.CancelFunc) *hold {
	h := &hold{at: caller(), statement: statement, end: end}
	if run := cron.RunFrom(ctx); run != nil {
		h.job, h.run, h.attempt = run.Job(), run.ID(), run.Attempt()
	}
	return h
}

func (s *holders) done(h *hold) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.open, h); i >= 0 {
		s.open = slices.Delete(s.open, i, i+1)
	}
}

// holder is who has the lock, as far as this process knows: its one open transaction, or else a statement that
// has gone on for longer than it can have waited for the lock. nil: another process has it. s.mu is held.
func (s *holders) holder(now time.Time) (found *hold) {
	for _, h := range s.open {
		switch {
		case !h.statement:
			return h
		case found == nil && now.Sub(h.since) > userLockWait+time.Second:
			found = h
		}
	}
	return found
}

// pressed is called when the writer finds the lock taken.
func (s *holders) pressed() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	h := s.holder(now)
	if h == nil {
		return
	}
	held, most := now.Sub(h.since), s.most
	if h.statement { // part of that it may have waited itself
		most += userLockWait
	}
	if !h.told && held >= most/holdTold {
		h.told = true
		s.log.LogAttrs(context.Background(), slog.LevelWarn, "a transaction holds the database's write lock, and every job waits for it", h.attrs(now)...)
	}
	if h.end != nil && !h.ended && held >= most {
		h.ended = true
		s.log.LogAttrs(context.Background(), slog.LevelError, "a transaction was ended: it held the database's write lock for too long, and every job waited for it",
			append(h.attrs(now), slog.String("limit", most.String()))...)
		h.end()
	}
}

// overdue returns the error of a hold that was ended; nil: it was not.
func (s *holders) overdue(h *hold) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !h.ended {
		return nil
	}
	return h.tooLong(s.most)
}

// explain names the holder in the error of one who waited in vain.
func (s *holders) explain(err error) error {
	if s == nil || err == nil {
		return err
	}
	if c := code(err) & 0xff; c != codeBusy && c != codeLocked {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.holder(time.Now())
	if h == nil {
		return err
	}
	return &sentence{cause: err, text: fmt.Sprintf("the database is locked by %s, since %s: keep transactions short; they are ended after %s", h, h.since.UTC().Format(time.RFC3339), s.most)}
}

// caller is the line of the program that called the database: the innermost one beyond it.
func caller() string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		f, more := frames.Next()
		switch {
		case strings.HasPrefix(f.Function, "database/sql."), strings.HasPrefix(f.Function, "gorm.io/"), strings.HasPrefix(f.Function, "runtime."),
			strings.HasPrefix(f.Function, pkg+"."):
		case f.Function != "":
			return filepath.ToSlash(filepath.Join(filepath.Base(filepath.Dir(f.File)), filepath.Base(f.File))) + ":" + strconv.Itoa(f.Line)
		}
		if !more {
			return "an unknown place"
		}
	}
}

// pkg is the import path of this package, which may have been renamed.
var pkg = reflect.TypeFor[hold]().PkgPath()

// userPool is the pool of the user's own tables as gorm sees it: what it begins can be ended.
type userPool struct {
	*sql.DB
	holders *holders
}

var (
	_ gorm.ConnPool         = (*userPool)(nil)
	_ gorm.ConnPoolBeginner = (*userPool)(nil)
	_ gorm.GetDBConnector   = (*userPool)(nil)
	_ gorm.Tx               = (*userTx)(nil)
)

// GetDBConn implements [gorm.GetDBConnector]. What is begun there is named, and cannot be ended.
func (p *userPool) GetDBConn() (*sql.DB, error) { return p.DB, nil }

// BeginTx implements [gorm.ConnPoolBeginner].
func (p *userPool) BeginTx(given context.Context, opts *sql.TxOptions) (gorm.ConnPool, error) {
	ctx, cancel := context.WithCancel(given)
	h := newHold(ctx, false, cancel)
	tx, err := p.DB.BeginTx(context.WithValue(ctx, holdKey{}, h), opts)
	if err != nil {
		cancel()
		return nil, err
	}
	return &userTx{Tx: tx, holders: p.holders, hold: h, given: given, ctx: ctx, cancel: cancel}, nil
}

// ExecContext implements [gorm.ConnPool]: a statement outside of a transaction is one by itself.
func (p *userPool) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	h := newHold(ctx, true, cancel)
	res, err := p.DB.ExecContext(context.WithValue(ctx, holdKey{}, h), query, args...)
	if err != nil {
		err = cmpErr(p.holders.overdue(h), err)
	}
	return res, err
}

// userTx is a transaction that can be ended. Package sql rolls it back then, also in the middle of what its owner
// does elsewhere.
type userTx struct {
	*sql.Tx
	holders *holders
	hold    *hold
	given   context.Context // as it was begun with
	ctx     context.Context // ends with it
	cancel  context.CancelFunc
}

// within is ctx, ended with the transaction: what a statement waits for ends, too.
func (t *userTx) within(ctx context.Context) (context.Context, func()) {
	if reflect.TypeOf(ctx).Comparable() && ctx == t.given {
		return t.ctx, func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(t.ctx, cancel)
	return ctx, func() { stop(); cancel() }
}

func (t *userTx) explain(err error) error {
	if err == nil {
		return nil
	}
	return cmpErr(t.holders.overdue(t.hold), err)
}

func cmpErr(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

// ExecContext implements [gorm.ConnPool].
func (t *userTx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	ctx, done := t.within(ctx)
	defer done()
	res, err := t.Tx.ExecContext(ctx, query, args...)
	return res, t.explain(err)
}

// QueryContext implements [gorm.ConnPool]. The rows end with the transaction, whatever their context is.
func (t *userTx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	ctx, done := t.within(ctx)
	rows, err := t.Tx.QueryContext(ctx, query, args...)
	if err != nil {
		done()
		return nil, t.explain(err)
	}
	context.AfterFunc(t.ctx, done) // not earlier: the rows are still to be read
	return rows, nil
}

// PrepareContext implements [gorm.ConnPool].
func (t *userTx) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	stmt, err := t.Tx.PrepareContext(ctx, query)
	return stmt, t.explain(err)
}

// Commit implements [gorm.TxCommitter].
func (t *userTx) Commit() error {
	defer t.cancel()
	return t.explain(t.Tx.Commit())
}

// Rollback implements [gorm.TxCommitter].
func (t *userTx) Rollback() error {
	defer t.cancel()
	err := t.Tx.Rollback()
	if errors.Is(err, sql.ErrTxDone) && t.holders.overdue(t.hold) != nil {
		return nil // that was done
	}
	return err
}

// named is the driver's way to a database whose holds are noted, whoever begins them.
type named struct {
	driver  driver.Driver
	dsn     string
	holders *holders
}

// Connect implements [driver.Connector].
func (n *named) Connect(context.Context) (driver.Conn, error) {
	c, err := n.driver.Open(n.dsn)
	if err != nil {
		return nil, err
	}
	inner, ok := c.(fullConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the SQLite driver's %T lacks a method", c), c.Close())
	}
	return &namedConn{fullConn: inner, holders: n.holders}, nil
}

// Driver implements [driver.Connector].
func (n *named) Driver() driver.Driver { return n.driver }

// fullConn is what the driver's connection can do.
type fullConn interface {
	driver.Conn
	driver.Pinger
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
}

type namedConn struct {
	fullConn
	holders *holders
	hold    *hold // of the transaction that is open
}

// BeginTx implements [driver.ConnBeginTx].
func (c *namedConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	tx, err := c.fullConn.BeginTx(ctx, opts)
	if err != nil {
		return nil, c.holders.explain(err)
	}
	if !opts.ReadOnly { // else it takes no lock
		c.hold = c.holders.begin(ctx, false)
	}
	return &namedTx{tx, c}, nil
}

// ExecContext implements [driver.ExecerContext].
func (c *namedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if c.hold != nil {
		return c.fullConn.ExecContext(ctx, query, args)
	}
	h := c.holders.begin(ctx, true)
	res, err := c.fullConn.ExecContext(ctx, query, args)
	c.holders.done(h)
	return res, c.holders.explain(err)
}

// Close implements [driver.Conn].
func (c *namedConn) Close() error {
	defer c.release()
	return c.fullConn.Close()
}

func (c *namedConn) release() {
	if c.hold != nil {
		c.holders.done(c.hold)
		c.hold = nil
	}
}

type namedTx struct {
	driver.Tx
	conn *namedConn
}

// Commit implements [driver.Tx].
func (t *namedTx) Commit() error {
	defer t.conn.release()
	return t.Tx.Commit()
}

// Rollback implements [driver.Tx].
func (t *namedTx) Rollback() error {
	defer t.conn.release()
	return t.Tx.Rollback()
}

package usertx

import (
	"context"
	"fmt"
	"log/slog"
	"path"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"fibercrons/app/cron"
)

// Options of a [Tracker]. All are required.
type Options struct {
	// HoldFor is how old a transaction may get while the writer waits for it.
	HoldFor time.Duration
	// LockWait is how long a statement waits for the lock before it fails.
	LockWait time.Duration
	// Locked reports whether an error of the driver means that somebody else has the lock.
	Locked func(error) bool
	Logger *slog.Logger
}

// Tracker knows the transactions and statements of this process that may have the write lock. A nil Tracker knows none.
type Tracker struct {
	o Options

	mu   sync.Mutex
	open []*hold // in the order in which they began
}

// New returns a Tracker.
func New(o Options) *Tracker { return &Tracker{o: o} }

// warnAfter is the part of HoldFor after which a transaction is logged.
const warnAfter = 10

// hold is a transaction, or a statement outside of any, that may have the write lock.
type hold struct {
	job, run  string // empty: it began outside of a run
	schedule  string // ID of the stored schedule; empty: none
	attempt   int
	at        string // folder/file.go:line of the caller that began it
	since     time.Time
	statement bool               // it may itself wait for the lock
	end       context.CancelFunc // nil: it cannot be ended from here

	told, ended bool // Tracker.mu guards them
}

func newHold(ctx context.Context, statement bool, end context.CancelFunc) *hold {
	h := &hold{at: caller(), statement: statement, end: end}
	if run := cron.RunFrom(ctx); run != nil {
		h.job, h.run, h.attempt, h.schedule = run.Job(), run.ID(), run.Attempt(), run.Schedule()
	}
	return h
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
		of := []slog.Attr{slog.String("job", h.job), slog.String("run", h.run), slog.Int("attempt", h.attempt)}
		if h.schedule != "" {
			of = append(of, slog.String("schedule", h.schedule))
		}
		attrs = append(of, attrs...)
	}
	return attrs
}

// tooLong is the error of a transaction that was ended.
func (h *hold) tooLong(most time.Duration) error {
	return fmt.Errorf("%s was rolled back: it had held the database's write lock for more than %s while every job waited for it; "+
		"on SQLite one transaction writes at a time, so wait and compute outside of it, write in smaller ones, or give reads alone sql.TxOptions{ReadOnly: true}", h, most)
}

type holdKey struct{}

// begin notes the hold that ctx carries, or a new one.
func (t *Tracker) begin(ctx context.Context, statement bool) *hold {
	h, _ := ctx.Value(holdKey{}).(*hold)
	if h == nil {
		h = newHold(ctx, statement, nil)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	h.since = time.Now()
	t.open = append(t.open, h)
	return h
}

func (t *Tracker) done(h *hold) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.open, h); i >= 0 {
		t.open = slices.Delete(t.open, i, i+1)
	}
}

// holder returns who has the lock, as far as this process knows: its one open transaction, or else a statement that
// has gone on for longer than it can have waited for the lock. nil: another process has it. The caller holds t.mu.
func (t *Tracker) holder(now time.Time) (found *hold) {
	for _, h := range t.open {
		switch {
		case !h.statement:
			return h
		case found == nil && now.Sub(h.since) > t.o.LockWait+time.Second:
			found = h
		}
	}
	return found
}

// Blocked is called when the writer finds the lock taken. It logs who holds the lock, and ends what has held it for too
// long.
func (t *Tracker) Blocked() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	h := t.holder(now)
	if h == nil {
		return
	}
	held, most := now.Sub(h.since), t.o.HoldFor
	if h.statement { // part of that time it may have waited itself
		most += t.o.LockWait
	}
	if !h.told && held >= most/warnAfter {
		h.told = true
		t.o.Logger.LogAttrs(context.Background(), slog.LevelWarn, "a transaction holds the database's write lock, and every job waits for it", h.attrs(now)...)
	}
	if h.end != nil && !h.ended && held >= most {
		h.ended = true
		t.o.Logger.LogAttrs(context.Background(), slog.LevelError, "a transaction was ended: it held the database's write lock for too long, and every job waited for it",
			append(h.attrs(now), slog.String("limit", most.String()))...)
		h.end()
	}
}

// overdue returns the error of a hold that was ended; nil: it was not.
func (t *Tracker) overdue(h *hold) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !h.ended {
		return nil
	}
	return h.tooLong(t.o.HoldFor)
}

// LockedError says who holds the lock, to a caller who waited for it in vain.
type LockedError struct {
	text  string
	cause error
}

func (e *LockedError) Error() string { return e.text }
func (e *LockedError) Unwrap() error { return e.cause }

// Explain returns a [*LockedError] if err means that the lock was taken and this process knows who has it, and else
// err.
func (t *Tracker) Explain(err error) error {
	if t == nil || err == nil || !t.o.Locked(err) {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.holder(time.Now())
	if h == nil {
		return err
	}
	return &LockedError{cause: err, text: fmt.Sprintf("the database is locked by %s, since %s: keep transactions short; they are ended after %s", h, h.since.UTC().Format(time.RFC3339), t.o.HoldFor)}
}

// caller is the line of the program that called the database: the innermost one outside of sql, gorm and the store.
func caller() string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		f, more := frames.Next()
		switch {
		case strings.HasPrefix(f.Function, "database/sql."), strings.HasPrefix(f.Function, "gorm.io/"), strings.HasPrefix(f.Function, "runtime."), ours(f.Function):
		case f.Function != "":
			return filepath.ToSlash(filepath.Join(filepath.Base(filepath.Dir(f.File)), filepath.Base(f.File))) + ":" + strconv.Itoa(f.Line)
		}
		if !more {
			return "an unknown place"
		}
	}
}

// store is the import path of the store, which stands above this package. The module may have been renamed.
var store = path.Dir(reflect.TypeFor[hold]().PkgPath())

// ours reports whether a function is one of the store or of the packages below it, their tests aside.
func ours(function string) bool {
	rest, inside := strings.CutPrefix(function, store)
	name, _, _ := strings.Cut(rest, ".")
	return inside && (name == "" || name[0] == '/' && !strings.HasSuffix(name, "_test"))
}

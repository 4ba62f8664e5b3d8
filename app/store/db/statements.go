package db

import (
	"context"
	"database/sql"
	"strings"
	"sync"
	"unicode/utf8"

	"gorm.io/gorm"
)

// Statements are those of the hot path, in the words of one dialect. One that is empty is not used there; see
// [Values.Exists].
type Statements struct {
	StatesByJob    Values
	RunsByID       Values
	RunsBySlot     Values // of job, schedule and slot
	RunsByKey      Values // of pairs; the key comes last
	Active         Values // by job and schedule
	RunningByGroup Values
	WaitingByGroup Values // for a first attempt

	Insert, InsertWide Values // of runs; without Insert there is InsertWide alone
	InsertStored       Values // of runs of stored schedules; empty: InsertWide does it
	Start              Values
	Undefer            Values // of deferred runs that are started: they are no longer
	QuickStart         Values // of starts that need no look before, with their fences; empty: all need one
	QuickEnd           Values // the same of ends
	End, EndWide       Values
	Lines              Values
	States             Values // of new jobs
	Definitions        Values
	Watermarks         Values
	Skips              Values // watermarks of jobs whose slot was skipped, and why; empty: Watermarks and Outcomes do it
	Successes          Values // what runs that went well change in job_state
	Outcomes           Values // what all other ends change there

	Schedules        Values // what a claim needs to know of stored schedules; without Locks
	ScheduleRows     Values // whole rows; with Locks it locks them, in order of IDs
	InsertSchedules  Values // [EditedColumns]; with Locks those that exist are left as they are
	UpdateSchedules  Values // [EditedColumns] of rows that exist
	ScheduleMarks    Values // watermark, next slot and number of runs
	ScheduleOutcomes Values // what ended runs change in job_schedules

	Locks  *Locks         // nil: whoever has begun to write is alone
	ReadTx *sql.TxOptions // of a read that takes several statements
	Begin  *sql.TxOptions // of the writer's transactions

	ByKey string // ID, status and reason of the run of a job with a key; with Locks as it is now, in any isolation

	Bind func(string) string // gives the parameters of a statement the dialect's form; nil: they stay ?
	Text func(string) string // makes a text acceptable to the database; nil: it accepts any

	Array string // the function that makes a JSON array; empty: json_array
	Whole string // the operator that divides whole numbers; empty: a slash
}

// JSON replaces json_array in the query by this dialect's function of the same use.
func (s *Statements) JSON(query string) string {
	if s.Array == "" {
		return query
	}
	return strings.Replace(query, "json_array(", s.Array+"(", 1)
}

// Divide replaces the slash in the query by this dialect's operator that divides whole numbers.
func (s *Statements) Divide(query string) string {
	if s.Whole == "" {
		return query
	}
	return strings.Replace(query, "/", s.Whole, 1)
}

// Locks are the statements that lock what a transaction decides about, on a database where others
// commit at the same time. Each sees what was committed when it began (read committed).
type Locks struct {
	Watermarks   Values // as States, without a lock
	FreeStates   Values // as States, of those that nobody else has locked
	States       Values // name, watermark, paused, paused until, generation, override and clock
	Create       Values // states of jobs that have none: name and first seen
	Groups       Values // names
	CreateGroups Values

	ScheduleMarks Values // ID, watermark and clock, without a lock
	FreeSchedules Values // as Schedules, of those that nobody else has locked
	Schedules     Values // [ScheduleColumns] and the clock
	Skips         Values // the status skipped, and why, in the states of jobs that nobody else has locked
	InsertKeyed   Values // as InsertWide, but a run whose key the job has had is left out
}

// MaxRows is how many rows one statement takes at most, where its parameters are lists.
const MaxRows = 1000

// RunColumns are what the statements about runs select of job_runs, in this order. RunsByKey selects the key as well.
const RunColumns = "r.id, r.job, r.slot, r.token, r.status, r.reason, r.attempt, COALESCE(r.started_at, 0), " +
	"COALESCE(r.cancel_at, 0), r.cancel_reason, r.instance, r.lease_until, r.run_group, r.schedule, COALESCE(r.due_at, 0)"

// ScheduleColumns are what a claim needs to know of a row of job_schedules, in this order.
const ScheduleColumns = "s.id, s.job, s.revision, s.watermark, COALESCE(s.next_slot, 0), s.paused, COALESCE(s.paused_until, 0), s.max_runs, s.runs"

// EditedColumns are those of job_schedules that the changes of people and programs write.
const EditedColumns = "id, created_at, job, expr, zone, args, from_at, until_at, max_runs, meta, paused, paused_at, paused_until, paused_by, paused_reason, " +
	"revision, watermark, next_slot, updated_at, updated_by"

// ScheduleRow is what reads a whole row of job_schedules, in this order.
const ScheduleRow = "s.id, s.created_at, s.job, s.expr, s.zone, COALESCE(s.args, ''), s.from_at, s.until_at, s.max_runs, COALESCE(s.meta, ''), " +
	"s.paused, s.paused_at, s.paused_until, s.paused_by, s.paused_reason, s.revision, s.watermark, s.next_slot, s.updated_at, s.updated_by, " +
	"s.runs, s.last_run, s.last_run_id, s.last_status"

// Assign sets all [EditedColumns] but the first two to those of a row that could not be inserted, which the dialect
// gives a prefix, and a suffix.
func Assign(prefix string, suffix ...string) string {
	var all []string
	for _, name := range strings.Split(EditedColumns, ", ")[2:] {
		all = append(all, name+" = "+prefix+name+strings.Join(suffix, ""))
	}
	return strings.Join(all, ", ")
}

// Values is a statement with a list of rows in it.
type Values struct {
	Head, Row, Tail string
	First           string // the first row, when it differs
	Sep             string // between two rows; empty: a comma
	Size            int    // rows of one statement; 0: as the caller likes
	// Columns are the types of a row's columns, one letter each: t for a text, n for a number.
	// Then each column is one parameter, an array, and Head is the whole statement.
	Columns string
	cache   sync.Map // int -> string
}

// Exists reports whether the dialect has the statement.
func (v *Values) Exists() bool { return v.Head != "" }

// SQL is the text of the statement for so many rows.
func (v *Values) SQL(rows int) string {
	if v.Columns != "" {
		return v.Head
	}
	if q, ok := v.cache.Load(rows); ok {
		return q.(string)
	}
	sep, first := v.Sep, v.First
	if sep == "" {
		sep = ","
	}
	if first == "" {
		first = v.Row
	}
	q := v.Head + first + strings.Repeat(sep+v.Row, rows-1) + v.Tail
	v.cache.Store(rows, q)
	return q
}

// Call returns the statement for n rows whose parameters are in flat, row by row, and its own.
func (v *Values) Call(n int, flat []any, last ...any) (query string, args []any) {
	if v.Columns == "" {
		return v.SQL(n), append(flat, last...)
	}
	args = make([]any, len(v.Columns), len(v.Columns)+len(last))
	for c, kind := range v.Columns {
		if kind == 't' {
			args[c] = column[string](flat, c, len(v.Columns))
		} else {
			args[c] = column[int64](flat, c, len(v.Columns))
		}
	}
	return v.SQL(n), append(args, last...)
}

// column takes one column out of rows; nil is NULL.
func column[V any](flat []any, at, width int) any {
	all := make([]V, 0, len(flat)/width)
	for i := at; i < len(flat); i += width {
		v, some := flat[i].(V)
		if !some {
			return nullable[V](flat, at, width)
		}
		all = append(all, v)
	}
	return all
}

func nullable[V any](flat []any, at, width int) []*V {
	all := make([]*V, 0, len(flat)/width)
	for i := at; i < len(flat); i += width {
		if v, some := flat[i].(V); some {
			all = append(all, &v)
		} else {
			all = append(all, nil)
		}
	}
	return all
}

// AtMost is how many rows one statement takes, where the caller would give it some.
func (v *Values) AtMost(some int) int {
	switch {
	case v.Columns != "":
		return MaxRows
	case v.Size > 0:
		return v.Size
	}
	return some
}

// List repeats an item n times with commas between.
func List(item string, n int) string {
	return strings.TrimSuffix(strings.Repeat(item+",", n), ",")
}

// Tuple is n placeholders in brackets.
func Tuple(n int) string { return "(" + List("?", n) + ")" }

// In is a statement that ends with a list of n items and a closing bracket.
func In(head, item string) Values { return Values{Head: head, Row: item, Tail: ")"} }

// Args are texts as the parameters of a statement.
func Args(list []string) []any {
	args := make([]any, len(list))
	for i, text := range list {
		args[i] = text
	}
	return args
}

// Tx is a transaction whose statements and texts take the form that the dialect wants. Its statements have ? for
// parameters.
type Tx struct {
	gorm.ConnPool
	sql  *Statements
	edit func(query string) string
}

// ExecContext implements [Querier], and gorm's ConnPool.
func (t *Tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return t.ConnPool.ExecContext(ctx, t.bound(query), t.sql.fit(args)...)
}

// QueryContext implements [Querier], and gorm's ConnPool.
func (t *Tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return t.ConnPool.QueryContext(ctx, t.bound(query), t.sql.fit(args)...)
}

// QueryRowContext implements [Querier], and gorm's ConnPool.
func (t *Tx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return t.ConnPool.QueryRowContext(ctx, t.bound(query), t.sql.fit(args)...)
}

// Commit implements [Step].
func (t *Tx) Commit() error { return t.ConnPool.(gorm.TxCommitter).Commit() }

// Rollback implements [Step].
func (t *Tx) Rollback() error { return t.ConnPool.(gorm.TxCommitter).Rollback() }

func (t *Tx) bound(query string) string {
	if t.edit != nil {
		query = t.edit(query)
	}
	return t.sql.bound(query)
}

func (s *Statements) bound(query string) string {
	if s.Bind == nil {
		return query
	}
	return s.Bind(query)
}

// fit makes every text among the parameters acceptable to the database. What a job logs must not
// keep its end from being recorded.
func (s *Statements) fit(args []any) []any {
	if s.Text == nil {
		return args
	}
	for i, a := range args {
		switch v := a.(type) {
		case string:
			args[i] = s.Text(v)
		case []string:
			for k := range v {
				v[k] = s.Text(v[k])
			}
		case []*string:
			for _, p := range v {
				if p != nil {
					*p = s.Text(*p)
				}
			}
		case sql.NullString:
			v.String = s.Text(v.String)
			args[i] = v
		}
	}
	return args
}

// PlainText is a text as UTF-8 without NUL bytes, which Postgres cannot store.
func PlainText(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	}
	return s
}

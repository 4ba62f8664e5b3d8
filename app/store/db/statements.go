package db

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// Statements are those of the hot path, in the words of one dialect. One that is empty is not used there; see
// [Values.Exists].
type Statements struct {
	StatesByJob    Values
	RunsByID       Values
	RunsBySlot     Values // of pairs
	RunsByKey      Values // of pairs; the key comes last
	ActiveByJob    Values
	RunningByGroup Values
	WaitingByGroup Values // for a first attempt

	Insert, InsertWide Values // of runs; without Insert there is InsertWide alone
	Start              Values
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

	Locks  *Locks         // nil: whoever has begun to write is alone
	ReadTx *sql.TxOptions // of a read that takes several statements
	begin  *sql.TxOptions // of the writer's transactions

	bind func(string) string // gives the parameters of a statement the dialect's form; nil: they stay ?
	text func(string) string // makes a text acceptable to the database; nil: it accepts any

	array string // the function that makes a JSON array; empty: json_array
	whole string // the operator that divides whole numbers; empty: a slash
}

// JSON replaces json_array in the query by this dialect's function of the same use.
func (s *Statements) JSON(query string) string {
	if s.array == "" {
		return query
	}
	return strings.Replace(query, "json_array(", s.array+"(", 1)
}

// Divide replaces the slash in the query by this dialect's operator that divides whole numbers.
func (s *Statements) Divide(query string) string {
	if s.whole == "" {
		return query
	}
	return strings.Replace(query, "/", s.whole, 1)
}

// Locks are the statements that lock what a transaction decides about, on a database where others
// commit at the same time. Each sees what was committed when it began (read committed).
type Locks struct {
	Watermarks   Values // name, watermark and clock, without a lock
	FreeStates   Values // as States, of those that nobody else has locked
	States       Values // name, watermark, paused, paused until, generation, override and clock
	Create       Values // states of jobs that have none: name and first seen
	Groups       Values // names
	CreateGroups Values
}

// MaxRows is how many rows one statement takes at most, where its parameters are lists.
const MaxRows = 1000

// runColumns are what the statements about runs select of job_runs, in this order. RunsByKey selects the key as well.
const runColumns = "r.id, r.job, r.slot, r.token, r.status, r.reason, r.attempt, COALESCE(r.started_at, 0), " +
	"COALESCE(r.cancel_at, 0), r.cancel_reason, r.instance, r.lease_until, r.run_group"

// Values is a statement with a list of rows in it.
type Values struct {
	head, row, tail string
	first           string // the first row, when it differs
	sep             string // between two rows; empty: a comma
	size            int    // rows of one statement; 0: as the caller likes
	// columns are the types of a row's columns, one letter each: t for a text, n for a number.
	// Then each column is one parameter, an array, and head is the whole statement.
	columns string
	cache   sync.Map // int -> string
}

// Exists reports whether the dialect has the statement.
func (v *Values) Exists() bool { return v.head != "" }

// SQL is the text of the statement for so many rows.
func (v *Values) SQL(rows int) string {
	if v.columns != "" {
		return v.head
	}
	if q, ok := v.cache.Load(rows); ok {
		return q.(string)
	}
	sep, first := v.sep, v.first
	if sep == "" {
		sep = ","
	}
	if first == "" {
		first = v.row
	}
	q := v.head + first + strings.Repeat(sep+v.row, rows-1) + v.tail
	v.cache.Store(rows, q)
	return q
}

// Call returns the statement for n rows whose parameters are in flat, row by row, and its own.
func (v *Values) Call(n int, flat []any, last ...any) (query string, args []any) {
	if v.columns == "" {
		return v.SQL(n), append(flat, last...)
	}
	args = make([]any, len(v.columns), len(v.columns)+len(last))
	for c, kind := range v.columns {
		if kind == 't' {
			args[c] = column[string](flat, c, len(v.columns))
		} else {
			args[c] = column[int64](flat, c, len(v.columns))
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
	case v.columns != "":
		return MaxRows
	case v.size > 0:
		return v.size
	}
	return some
}

// list repeats an item n times with commas between.
func list(item string, n int) string {
	return strings.TrimSuffix(strings.Repeat(item+",", n), ",")
}

// Tuple is n placeholders in brackets.
func Tuple(n int) string { return "(" + list("?", n) + ")" }

// in is a statement that ends with a list of n items and a closing bracket.
func in(head, item string) Values { return Values{head: head, row: item, tail: ")"} }

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
	*sql.Tx
	sql  *Statements
	edit func(query string) string
}

// ExecContext implements [Querier], and gorm's ConnPool.
func (t *Tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return t.Tx.ExecContext(ctx, t.bound(query), t.sql.fit(args)...)
}

// QueryContext implements [Querier], and gorm's ConnPool.
func (t *Tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return t.Tx.QueryContext(ctx, t.bound(query), t.sql.fit(args)...)
}

// QueryRowContext implements [Querier], and gorm's ConnPool.
func (t *Tx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return t.Tx.QueryRowContext(ctx, t.bound(query), t.sql.fit(args)...)
}

func (t *Tx) bound(query string) string {
	if t.edit != nil {
		query = t.edit(query)
	}
	return t.sql.bound(query)
}

func (s *Statements) bound(query string) string {
	if s.bind == nil {
		return query
	}
	return s.bind(query)
}

// fit makes every text among the parameters acceptable to the database. What a job logs must not
// keep its end from being recorded.
func (s *Statements) fit(args []any) []any {
	if s.text == nil {
		return args
	}
	for i, a := range args {
		switch v := a.(type) {
		case string:
			args[i] = s.text(v)
		case []string:
			for k := range v {
				v[k] = s.text(v[k])
			}
		case []*string:
			for _, p := range v {
				if p != nil {
					*p = s.text(*p)
				}
			}
		case sql.NullString:
			v.String = s.text(v.String)
			args[i] = v
		}
	}
	return args
}

// plainText is a text as UTF-8 without NUL bytes, which Postgres cannot store.
func plainText(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	}
	return s
}

// numbered returns a function that turns ? into $1, $2 and so on. No statement here has a question mark in a
// text of its own.
func numbered() func(string) string {
	var cache sync.Map
	return func(query string) string {
		if strings.IndexByte(query, '?') < 0 {
			return query
		}
		if q, ok := cache.Load(query); ok {
			return q.(string)
		}
		var b strings.Builder
		n := 0
		for _, c := range query {
			if c == '?' {
				n++
				b.WriteByte('$')
				b.WriteString(strconv.Itoa(n))
			} else {
				b.WriteRune(c)
			}
		}
		cache.Store(query, b.String())
		return b.String()
	}
}

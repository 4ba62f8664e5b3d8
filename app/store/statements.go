package store

import (
	"database/sql"
	"strings"
	"sync"
)

// statements are the hot path's, by dialect.
type statements struct {
	statesByJob    values
	runsByID       values
	runsBySlot     values // of pairs
	runsByKey      values // of pairs; the key comes last
	activeByJob    values
	runningByGroup values
	waitingByGroup values // for a first attempt

	insert, insertWide values // of runs; without insert there is the wide one alone
	start              values
	quickStart         values // of starts and ends that need no look before, with their fences; empty: all need one
	quickEnd           values
	end, endWide       values
	lines              values
	states             values // of new jobs
	definitions        values
	watermarks         values
	skips              values // watermarks of jobs whose slot was skipped, and why; empty: watermarks and outcomes do it
	successes          values // what they change in job_state
	outcomes           values // what all other ends change there

	locks *locks         // nil: whoever has begun to write is alone
	begin *sql.TxOptions // of the writer's transactions
	look  *sql.TxOptions // of a read that takes several statements

	bind func(string) string // gives the parameters of a statement the dialect's form; nil: ? it is
	text func(string) string // makes a text one that the database takes; nil: it takes any

	array string // the function that makes a JSON array; empty: json_array
	whole string // the operator that divides whole numbers; empty: a slash
}

// values is a statement with a list of rows in it.
type values struct {
	head, row, tail string
	first           string // the first row, when it differs
	sep             string // between two rows; empty: a comma
	size            int    // rows of one statement; 0: as the caller likes
	// columns are the types of a row's columns, one letter each: t for a text, n for a number.
	// Then each column is one parameter, an array, and head is the whole statement.
	columns string
	cache   sync.Map // int -> string
}

func (v *values) sql(rows int) string {
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

// call returns the statement for n rows whose parameters are in flat, row by row, and its own.
func (v *values) call(n int, flat []any, last ...any) (query string, args []any) {
	if v.columns == "" {
		return v.sql(n), append(flat, last...)
	}
	args = make([]any, len(v.columns), len(v.columns)+len(last))
	for c, kind := range v.columns {
		if kind == 't' {
			args[c] = column[string](flat, c, len(v.columns))
		} else {
			args[c] = column[int64](flat, c, len(v.columns))
		}
	}
	return v.sql(n), append(args, last...)
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

// atMost is how many rows one statement takes, where the caller would give it some.
func (v *values) atMost(some int) int {
	switch {
	case v.columns != "":
		return groupRows
	case v.size > 0:
		return v.size
	}
	return some
}

// list repeats an item n times with commas between.
func list(item string, n int) string {
	return strings.TrimSuffix(strings.Repeat(item+",", n), ",")
}

// tuple is n placeholders in brackets.
func tuple(n int) string { return "(" + list("?", n) + ")" }

// in is a statement that ends with a list of n items and a closing bracket.
func in(head, item string) values { return values{head: head, row: item, tail: ")"} }

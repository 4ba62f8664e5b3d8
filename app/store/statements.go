package store

import (
	"strings"
	"sync"
)

// statements are the hot path's, by dialect.
type statements struct {
	statesByJob    func(n int) string
	runsByID       func(n int) string
	runsBySlot     func(n int) string // of n pairs
	runsByKey      func(n int) string // of n pairs; the key comes last
	activeByJob    func(n int) string
	runningByGroup func(n int) string

	insert, insertWide values // of runs
	start              values
	end, endWide       values
	lines              values
	states             values // of new jobs
	definitions        values
	watermarks         values
	successes          values // what they change in job_state
	outcomes           values // what all other ends change there
}

// values is a statement with a list of rows in its middle.
type values struct {
	head, row, tail string
	cache           sync.Map // int -> string
}

func (v *values) sql(rows int) string {
	if q, ok := v.cache.Load(rows); ok {
		return q.(string)
	}
	q := v.head + list(v.row, rows) + v.tail
	v.cache.Store(rows, q)
	return q
}

// list repeats an item n times with commas between.
func list(item string, n int) string {
	return strings.TrimSuffix(strings.Repeat(item+",", n), ",")
}

// row is a row of n placeholders.
func row(n int) string { return "(" + list("?", n) + ")" }

// in is a statement that ends with a list of n items and a closing bracket.
func in(head, item string) func(n int) string {
	v := &values{head: head, row: item, tail: ")"}
	return v.sql
}

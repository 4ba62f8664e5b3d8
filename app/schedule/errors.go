package schedule

import (
	"fmt"
	"strings"
)

// Error is what Parse and LoadLocation return: which part of the expression is
// wrong, why, and where one is likely, what was meant.
type Error struct {
	Expr    string // the whole expression, "" when only a zone was asked for
	Field   string // "minute", "day of week", "time zone", "expression", ...
	Value   string // the part at fault, as written
	Problem string // a sentence without its full stop; names field, value and range
	Hint    string // what was meant, or the remedy; "" when there is none or it is not certain

	meant string // the suggestion in Hint
	fault string // what it replaces in its field; "" if it is a whole expression
	any   bool   // it holds only if the larger fields are any, and the smaller ones 0
}

// Error returns the problem and, after a semicolon, the hint.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Problem
	}
	return e.Problem + "; " + e.Hint
}

// wrong builds an Error without a hint.
func wrong(field, value, format string, args ...any) *Error {
	return &Error{Field: field, Value: value, Problem: fmt.Sprintf(format, args...)}
}

// hint adds the remedy, unless it is empty.
func (e *Error) hint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// mean adds "did you mean X?", unless there is no X, which is an expression or a
// zone. Parse takes it back unless X can be parsed.
func (e *Error) mean(x string) *Error {
	if x != "" {
		e.Hint, e.meant = suggest("", x), x
	}
	return e
}

// meanFor is mean for a part of a field.
func (e *Error) meanFor(fault, x string) *Error {
	e.fault = fault
	return e.mean(x)
}

// among says that the suggestion holds only if the fields beside leave it open.
func (e *Error) among() *Error {
	e.any = true
	return e
}

// nearest returns the candidate that a slip of the fingers away from s is most
// likely to have meant, or "": at most two edits for long words and one for
// words of up to five letters, a swap of neighbours being one.
func nearest(s string, candidates []string) string {
	best, at := "", 3
	if len(s) <= 5 {
		at = 2
	}
	s = strings.ToLower(s)
	for _, c := range candidates {
		if d := distance(s, strings.ToLower(c), at); d < at {
			best, at = c, d
		}
	}
	return best
}

// distance counts insertions, deletions, substitutions and swaps of neighbours
// between a and b (Damerau-Levenshtein, optimal string alignment); it gives up
// and returns limit when the lengths alone say so.
func distance(a, b string, limit int) int {
	if d := len(a) - len(b); d >= limit || -d >= limit {
		return limit
	}
	before, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}

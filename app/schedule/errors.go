package schedule

import (
	"fmt"
	"strings"
)

// Error is returned by Parse and LoadLocation. It says which part of the expression is wrong and why, and what was
// probably meant.
type Error struct {
	Expr    string // the whole expression, "" for LoadLocation
	Field   string // "minute", "day of week", "time zone", "expression", ...
	Value   string // the part at fault, as written
	Problem string // a sentence without its full stop; with field, value and range
	Hint    string // a suggestion or remedy; "" if none is certain

	meant string // the suggestion in Hint
	fault string // what it replaces in its field; "" if it is a whole expression
	any   bool   // valid only if the larger fields are any and the smaller ones 0
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

// hint sets the remedy, unless it is empty.
func (e *Error) hint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// didYouMean adds "did you mean x?" unless x is empty. x is an expression or a zone. Parse removes the hint if x cannot
// be parsed.
func (e *Error) didYouMean(x string) *Error {
	if x != "" {
		e.Hint, e.meant = suggest("", x), x
	}
	return e
}

// didYouMeanPart is didYouMean for a part of a field.
func (e *Error) didYouMeanPart(fault, x string) *Error {
	e.fault = fault
	return e.didYouMean(x)
}

// ifOthersOpen makes the suggestion depend on the other fields; see plan.open.
func (e *Error) ifOthersOpen() *Error {
	e.any = true
	return e
}

// nearest returns the candidate of which s is most likely a typo, or "". It allows one edit up to five letters and two
// above; a swap of neighbours is one edit.
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

// distance is the optimal string alignment distance of a and b: insertions, deletions, substitutions and swaps of
// neighbours (Damerau-Levenshtein). It returns limit early if the lengths alone differ that much.
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

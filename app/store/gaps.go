package store

import (
	"cmp"
	"slices"
	"time"

	"fibercrons/app/contract"
)

// A server's sequence gives numbers to transactions when they insert, and they commit in any order: a
// reader sees number 10 before number 9 is there. A run that goes on is seen anyway, but one that was
// inserted and has ended between two looks would never be. So each look notes which numbers before its
// newest it has not seen, and the next one asks for them again, until no transaction can still be behind
// them: then they were rolled back, or pruned.

const (
	// gapFor is longer than a transaction lives, that of a process which stopped in the middle included.
	gapFor = 45 * time.Second
	// gapWindow is how far back the first look seeks gaps, in numbers: more are not under way at a time.
	gapWindow = 5000
	gapAudits = 100 // the same of changes by people
	// gapRows are asked for by one statement.
	gapRows = 500
)

// between returns the numbers missing in an ascending list.
func between(seen []int64) (gaps []contract.Gap) {
	now := time.Now()
	for i := 1; i < len(seen); i++ {
		for n := max(seen[i-1]+1, seen[i]-gapWindow); n < seen[i]; n++ {
			gaps = append(gaps, contract.Gap{Number: n, Since: now})
		}
	}
	return gaps
}

// stillOpen adds to fresh the gaps that have neither been filled nor are too old, and keeps at most
// the last of them.
func stillOpen(fresh, gaps []contract.Gap, filled map[int64]bool, most int) []contract.Gap {
	known := make(map[int64]bool, len(fresh))
	for _, gap := range fresh {
		known[gap.Number] = true
	}
	for _, gap := range gaps {
		if !filled[gap.Number] && !known[gap.Number] && time.Since(gap.Since) < gapFor {
			fresh = append(fresh, gap)
		}
	}
	slices.SortFunc(fresh, func(a, b contract.Gap) int { return cmp.Compare(a.Number, b.Number) })
	return fresh[max(0, len(fresh)-most):]
}

// numbers are a list for a statement, which must not be empty.
func numbers(gaps []contract.Gap) []int64 {
	out := []int64{-1}
	for _, gap := range gaps {
		out = append(out, gap.Number)
	}
	return out
}

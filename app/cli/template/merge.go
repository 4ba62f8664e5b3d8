package template

import (
	"fmt"
	"strings"

	"github.com/aymanbagabas/go-udiff"
)

// clash is a place that the program and the template have changed in different ways.
type clash struct {
	line               int // of the base, from 1
	base, mine, theirs string
}

func (c clash) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "line %d of the old version:\n", c.line)
	for _, part := range []struct{ mark, text string }{{"  | ", c.base}, {"yours:\n  + ", c.mine}, {"template:\n  + ", c.theirs}} {
		head, mark, two := strings.Cut(part.mark, "\n")
		if two {
			fmt.Fprintln(&b, head)
		} else {
			mark = part.mark
		}
		for line := range strings.Lines(part.text) {
			b.WriteString(mark + strings.TrimSuffix(line, "\n") + "\n")
		}
		if part.text == "" {
			b.WriteString(mark + "(nothing)\n")
		}
	}
	return b.String()
}

// merge3 puts what mine and theirs have changed since base together, line by line. As in git, changes clash when they
// touch and are not the same.
func merge3(base, mine, theirs string) (string, []clash) {
	x, y := udiff.Lines(base, mine), udiff.Lines(base, theirs)
	var merged []udiff.Edit
	var clashes []clash
	for len(x) > 0 || len(y) > 0 {
		// The next region: an edit, and all of either side that touch it.
		start, end := len(base), len(base)
		if len(x) > 0 {
			start, end = x[0].Start, x[0].End
		}
		if len(y) > 0 && (len(x) == 0 || y[0].Start < start) {
			start, end = y[0].Start, y[0].End
		}
		i, j := 0, 0
		for grown := true; grown; {
			grown = false
			for ; i < len(x) && x[i].Start <= end; i++ {
				end, grown = max(end, x[i].End), true
			}
			for ; j < len(y) && y[j].Start <= end; j++ {
				end, grown = max(end, y[j].End), true
			}
		}
		a, b := region(base, start, end, x[:i]), region(base, start, end, y[:j])
		switch {
		case j == 0 || i > 0 && a == b:
			merged = append(merged, udiff.Edit{Start: start, End: end, New: a})
		case i == 0:
			merged = append(merged, udiff.Edit{Start: start, End: end, New: b})
		default:
			clashes = append(clashes, clash{1 + strings.Count(base[:start], "\n"), base[start:end], a, b})
		}
		x, y = x[i:], y[j:]
	}
	text, err := udiff.Apply(base, merged)
	if err != nil { // the regions are in order and do not overlap
		panic(err)
	}
	return text, clashes
}

// region is base[start:end] after the edits in it.
func region(base string, start, end int, edits []udiff.Edit) string {
	var b strings.Builder
	at := start
	for _, e := range edits {
		b.WriteString(base[at:e.Start] + e.New)
		at = e.End
	}
	return b.String() + base[at:end]
}

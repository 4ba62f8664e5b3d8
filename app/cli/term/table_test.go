package term

import (
	"strings"
	"testing"
)

func TestTablesFitTheWindow(t *testing.T) {
	l := Listing{
		Columns: []Column{
			{Title: "ID"}, {Title: "JOB", Elastic: true}, {Title: "STATUS"}, {Title: "TRIGGER", Extra: 4}, {Title: "SLOT", Extra: 3},
			{Title: "STARTED", Extra: 1}, {Title: "DURATION", Right: true, Extra: 2}, {Title: "ATTEMPT", Right: true, Extra: 5}, {Title: "ERROR", Elastic: true},
		},
		Rows: [][]Cell{{
			Text("019b7c3e-6f0a-7d55-8f0c-3f6c1f0b7a11"), Text("a-job-with-a-rather-long-name"), Text("failed"), Text("schedule"),
			None(), None(), None(), Number(0), Text(strings.Repeat("it went wrong ", 20)),
		}},
	}
	for _, test := range []struct{ window, columns int }{{0, 9}, {400, 9}, {160, 9}, {110, 8}, {80, 4}} {
		narrow, left := within(l, test.window)
		widths, ok := fit(narrow, test.window)
		sum := gap * (len(widths) - 1)
		for _, w := range widths {
			sum += w
		}
		if len(narrow.Columns)+len(left) != len(l.Columns) || len(narrow.Rows[0]) != len(narrow.Columns) {
			t.Errorf("window %d: %d columns shown, %v left out, %d cells in a row", test.window, len(narrow.Columns), left, len(narrow.Rows[0]))
		}
		if test.window > 0 && ok && sum > test.window {
			t.Errorf("window %d: the table is %d wide", test.window, sum)
		}
		if !ok || len(narrow.Columns) != test.columns {
			t.Errorf("window %d: %d columns are shown (fits: %t), want %d; widths %v", test.window, len(narrow.Columns), ok, test.columns, widths)
		}
	}
	if len(l.Columns) != 9 || len(l.Rows[0]) != 9 {
		t.Error("the listing itself was changed")
	}
}

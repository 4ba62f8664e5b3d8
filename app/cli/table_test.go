package cli

import (
	"strings"
	"testing"

	"fibercrons/app/cron"
)

func TestTablesFitTheWindow(t *testing.T) {
	l := runListing([]cron.Record{{
		ID: "019b7c3e-6f0a-7d55-8f0c-3f6c1f0b7a11", Job: "a-job-with-a-rather-long-name", Status: cron.Failed,
		Trigger: cron.BySchedule, Error: strings.Repeat("it went wrong ", 20),
	}}, "")
	for _, test := range []struct{ window, columns int }{{0, 9}, {400, 9}, {160, 9}, {110, 8}, {80, 4}} {
		narrow, left := within(l, test.window)
		widths, ok := fit(narrow, test.window)
		sum := gap * (len(widths) - 1)
		for _, w := range widths {
			sum += w
		}
		if len(narrow.columns)+len(left) != len(l.columns) || len(narrow.rows[0]) != len(narrow.columns) {
			t.Errorf("window %d: %d columns shown, %v left out, %d cells in a row", test.window, len(narrow.columns), left, len(narrow.rows[0]))
		}
		if test.window > 0 && ok && sum > test.window {
			t.Errorf("window %d: the table is %d wide", test.window, sum)
		}
		if !ok || len(narrow.columns) != test.columns {
			t.Errorf("window %d: %d columns are shown (fits: %t), want %d; widths %v", test.window, len(narrow.columns), ok, test.columns, widths)
		}
	}
	if len(l.columns) != 9 || len(l.rows[0]) != 9 {
		t.Error("the listing itself was changed")
	}
}

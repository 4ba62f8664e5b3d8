// Package texts bounds, mends and compares texts.
package texts

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxLine is how many bytes are kept of the error of a run, of a log message, of one attribute, and of all attributes of
// a line of a run's log.
const MaxLine = 16 << 10

// Room is more than the mark takes that [Clip] puts at the end.
const Room = 64

// Clip makes text valid UTF-8 without NUL, as every database takes it, and shortens it to at
// most n bytes, at a rune's edge, and says so.
func Clip(text string, n int) string {
	left := len(text) - n
	if left > 0 {
		for edge := n; edge > max(0, n-utf8.UTFMax); edge-- {
			if utf8.RuneStart(text[edge]) {
				n, left = edge, len(text)-edge
				break
			}
		}
		text = text[:n]
	}
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\x00", "\ufffd")
	if left > 0 {
		text += fmt.Sprintf("… [%d bytes left out]", left)
	}
	return text
}

// Shorten is [Clip] for a text that is too long, and leaves others as they are. What Clip has made stays.
func Shorten(text string, n int) string {
	if len(text) <= n+Room {
		return text
	}
	return Clip(text, n)
}

// Ellipsis shortens text to that many runes, and marks it with an ellipsis.
func Ellipsis(text string, runes int) string {
	if r := []rune(text); len(r) > runes {
		return string(r[:runes]) + "…"
	}
	return text
}

// Instant is t as messages to people show it.
func Instant(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 MST") }

// OfError is what is kept of an error; never empty, since a failed run without a word helps nobody.
func OfError(err error) string {
	if text := Clip(err.Error(), MaxLine); text != "" {
		return text
	}
	return fmt.Sprintf("an error of type %T without a text", err)
}

// Nearest returns the candidate that differs from name in the fewest letters, if few.
func Nearest(name string, candidates []string) (best string) {
	least := len(name)/3 + 2
	for _, c := range slices.Sorted(slices.Values(candidates)) {
		if d := Distance(name, c); d < least {
			best, least = c, d
		}
	}
	return best
}

// Distance is Levenshtein's: the least number of insertions, deletions and replacements, of bytes, that make b of a.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j]+1, row[j+1]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

// Duration writes d without zero units at the end: 1h, not 1h0m0s.
func Duration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

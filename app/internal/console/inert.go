package console

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Inert returns text that is safe on one line of a terminal: control characters, escape codes, line breaks, direction
// marks and invalid UTF-8 are escaped as \x1b, \n, \u202e, \xff.
func Inert(text string) string {
	if !strings.ContainsFunc(text, isActive) && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case isActive(r):
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteRune(r)
		}
		text = text[size:]
	}
	return b.String()
}

// Lines is Inert for text of several lines, such as a stack. It keeps line breaks and tabs.
func Lines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.ReplaceAll(Inert(strings.TrimSuffix(line, "\r")), `\t`, "\t")
	}
	return strings.Join(lines, "\n")
}

// JSON makes JSON safe for a terminal. Encoders escape C0 controls (RFC 8259), but not DEL and the C1 range, in which
// some terminals see escape codes too. The value does not change.
func JSON(text []byte) []byte {
	if !bytes.ContainsFunc(text, unicode.IsControl) {
		return text
	}
	var b bytes.Buffer
	for _, r := range string(text) {
		if r >= 0x7f && unicode.IsControl(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.Bytes()
}

func isActive(r rune) bool { return !unicode.IsPrint(r) }

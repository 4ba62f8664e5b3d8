package console_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
	"unicode"

	"fibercrons/app/env"
	"fibercrons/app/internal/console"
)

func TestInert(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "",
		"report, 3 € für Müller": "report, 3 € für Müller",
		"日本語 🙂":                  "日本語 🙂",
		`a\x1bb "quoted"`:        `a\x1bb "quoted"`,
		"\x1b[2Jgone":            `\x1b[2Jgone`,
		"one\ntwo\r\tthree":      `one\ntwo\r\tthree`,
		"bell\a, del\x7f":        `bell\a, del\x7f`,
		"\u009b31mred":           `\u009b31mred`,
		"abc\u202efdp.exe":       `abc\u202efdp.exe`,
		"zero\u200bwidth":        `zero\u200bwidth`,
		"broken \xff\xc3 end":    `broken \xff\xc3 end`,
		"a real \ufffd":          "a real \ufffd",
	} {
		if got := console.Inert(text); got != want {
			t.Errorf("Inert(%q) = %q, want %q", text, got, want)
		}
	}
	if got := console.Lines("panic: \x1b[2J\n\tmain.go:3\r\nend"); got != "panic: \\x1b[2J\n\tmain.go:3\nend" {
		t.Errorf("Lines gave %q", got)
	}
}

func FuzzInert(f *testing.F) {
	for _, seed := range []string{"", "a", "\x1b[2J", "\xff", "\u009b", "\u202e", "e\u0301"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := console.Inert(text)
		if strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("Inert(%q) = %q", text, got)
		}
		if console.Inert(got) != got {
			t.Errorf("Inert is not stable for %q", text)
		}
		encoded, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		var before, after string
		safe := console.JSON(encoded)
		if json.Unmarshal(encoded, &before) != nil || json.Unmarshal(safe, &after) != nil || before != after {
			t.Errorf("JSON(%s) = %s is another value", encoded, safe)
		}
		if bytes.ContainsFunc(safe, unicode.IsControl) {
			t.Errorf("JSON(%s) = %q", encoded, safe)
		}
	})
}

// Everything that is logged is safe for a terminal, in either format.
func TestLogIsInert(t *testing.T) {
	const nasty = "a\x1b[2Jb\u009bc\x7fd"
	for _, format := range []env.LogFormat{env.LogText, env.LogJSON, env.LogAuto} {
		var out bytes.Buffer
		log := slog.New(console.Log(&out, slog.LevelDebug, format))
		log.With(nasty, nasty).WithGroup(nasty).Info(nasty, nasty, nasty, "error", errors.New(nasty),
			slog.Group(nasty, nasty, nasty), "list", []string{nasty}, "struct", struct{ A string }{nasty})
		log.Debug("plain", "n", 3)
		if n := strings.Count(out.String(), "\n"); n != 2 {
			t.Errorf("%s: two lines became %d", format, n)
		}
		if got := strings.ReplaceAll(out.String(), "\n", ""); strings.ContainsFunc(got, unicode.IsControl) {
			t.Errorf("%s: %q", format, got)
		}
		first, _, _ := strings.Cut(out.String(), "\n")
		if json.Valid([]byte(first)) != (format != env.LogText) {
			t.Errorf("%s: %s", format, first)
		}
	}
}

// A value without exported fields has no JSON, but a text.
func TestLongValuesAreCut(t *testing.T) {
	var out bytes.Buffer
	slog.New(console.Log(&out, slog.LevelInfo, env.LogText)).Info("m", "v", struct{ a string }{strings.Repeat("x", 1<<20)})
	if out.Len() > 17<<10 || !strings.Contains(out.String(), "bytes left out]") {
		t.Errorf("%d bytes", out.Len())
	}
}

func TestDurationsAreReadable(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(console.Log(&out, slog.LevelInfo, env.LogJSON)).With("lease", 30*time.Second)
	log.Info("m", "took", 1500*time.Millisecond, slog.Group("g", "grace", time.Minute))
	for _, want := range []string{`"lease":"30s"`, `"took":"1.5s"`, `"grace":"1m0s"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s has no %s", out.String(), want)
		}
	}
}

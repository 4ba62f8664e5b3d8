package env

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"unicode/utf8"

	"github.com/joho/godotenv"
)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)

// readFile reads a .env file; one that is not there is an empty one.
func readFile(path string) (map[string]string, *Mistake) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		var cause *fs.PathError
		if errors.As(err, &cause) {
			err = cause.Err
		}
		return nil, &Mistake{Variable: path, Problem: "cannot be read: " + err.Error(), Remedy: "make it a readable file, or remove it"}
	}

	// Editors on Windows put a byte order mark in front, PowerShell writes UTF-16.
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
		return nil, &Mistake{Variable: path, Problem: "is not UTF-8 text", Remedy: "save it as UTF-8"}
	}
	values, ok := parseLines(text)
	if !ok {
		return nil, &Mistake{
			Variable: path + ":" + strconv.Itoa(brokenLine(text)),
			Problem:  "this line cannot be read",
			Remedy:   "write it as NAME=value, with '...' around a value that contains spaces, $ or #",
		}
	}
	return values, nil
}

// parseLines leaves out godotenv's error on purpose: it quotes the rest of the file, passwords included.
func parseLines(text []byte) (map[string]string, bool) {
	values, err := godotenv.UnmarshalBytes(text)
	if err != nil {
		return nil, false
	}
	// A last line without "=" becomes a value without a name, "A B=c" a name with a space.
	for name := range values {
		if !variableName.MatchString(name) {
			return nil, false
		}
	}
	return values, true
}

// brokenLine is the line after the longest beginning of the file that can be read: whatever follows there, the
// statement of that line does not become whole.
func brokenLine(text []byte) int {
	lines := bytes.SplitAfter(text, []byte("\n"))
	for n := len(lines) - 1; n > 0; n-- {
		if _, ok := parseLines(bytes.Join(lines[:n], nil)); ok {
			return n + 1
		}
	}
	return 1
}

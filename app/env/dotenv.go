package env

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"unicode/utf8"

	"github.com/joho/godotenv"
)

// readFile reads a .env file; one that is not there is an empty one. What godotenv would lose without a word is a
// mistake or a warning. Neither repeats a value, which may be a password.
func readFile(path string) (values map[string]string, warnings []string, found []Mistake) {
	if path == "" {
		return nil, nil, nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		var cause *fs.PathError
		if errors.As(err, &cause) {
			err = cause.Err
		}
		return nil, nil, []Mistake{{Variable: path, Problem: "cannot be read: " + err.Error(), Remedy: "make it a readable file, or remove it"}}
	}

	// Editors on Windows put a byte order mark in front, PowerShell writes UTF-16.
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
		return nil, nil, []Mistake{{Variable: path, Problem: "is not UTF-8 text", Remedy: "save it as UTF-8"}}
	}
	// A file whose lines end with a carriage return alone would be one line, all of it perhaps a comment.
	text = bytes.ReplaceAll(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
	list, broken := statements(string(text))
	if broken == 0 {
		// godotenv's error is left out on purpose: it quotes the rest of the file, passwords included.
		if values, err = godotenv.UnmarshalBytes(text); err != nil {
			broken = 1
		}
	}
	if broken > 0 {
		return nil, nil, []Mistake{{
			Variable: path + ":" + strconv.Itoa(broken),
			Problem:  "this line cannot be read",
			Remedy:   "write it as NAME=value, with '...' around a value that contains spaces, $ or #",
		}}
	}
	set := make(map[string]statement)
	for _, s := range list {
		if lost, remedy := s.loses(set); lost != "" {
			found = append(found, Mistake{Variable: s.name, File: path + ":" + strconv.Itoa(s.line), Problem: lost, Remedy: remedy})
		}
		if before, twice := set[s.name]; twice && before.raw != s.raw {
			warnings = append(warnings, s.name+" is set twice in "+path+", on lines "+strconv.Itoa(before.line)+" and "+strconv.Itoa(s.line)+": the last one counts")
		}
		set[s.name] = s
	}
	if len(found) > 0 {
		return nil, warnings, found
	}
	return values, warnings, nil
}

// Package members reads JSON objects name by name, so that every mistake in one can be reported with its name.
// encoding/json into a struct would match names in any case, pass over repeated ones and stop at the first mistake.
package members

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// Member is one name of an object with its value. Names may be repeated.
type Member struct {
	Name  string
	Value json.RawMessage
}

// deepest is how far JSON may nest. Arguments are stored, shown and decoded many times by others, some of which
// recurse.
const deepest = 64

// The errors of [Read], as what is wrong with the text.
var (
	ErrNotUTF8   = errors.New("is not UTF-8")
	ErrTooDeep   = errors.New("is nested more than 64 deep")
	ErrNotJSON   = errors.New("is not JSON")
	ErrNotObject = errors.New("must be a JSON object")
)

// Read reads one object, and nothing after it.
func Read(text []byte) ([]Member, error) {
	if !utf8.Valid(text) {
		return nil, ErrNotUTF8
	}
	if TooDeep(text) {
		return nil, ErrTooDeep
	}
	d := json.NewDecoder(bytes.NewReader(text))
	open, err := d.Token()
	if err != nil {
		return nil, ErrNotJSON
	}
	if open != json.Delim('{') {
		return nil, ErrNotObject
	}
	var list []Member
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, ErrNotJSON
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, ErrNotJSON
		}
		list = append(list, Member{name.(string), value}) // a name in an object is always a string
	}
	if _, err := d.Token(); err != nil {
		return nil, ErrNotJSON
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, ErrNotJSON
	}
	return list, nil
}

// TooDeep reports whether brackets nest too deep, whether or not the rest is JSON. It does not recurse.
func TooDeep(text []byte) bool {
	open, quoted, escaped := 0, false, false
	for _, b := range text {
		switch {
		case escaped:
			escaped = false
		case quoted:
			escaped = b == '\\'
			quoted = b != '"'
		case b == '"':
			quoted = true
		case b == '{' || b == '[':
			if open++; open > deepest {
				return true
			}
		case b == '}' || b == ']':
			open--
		}
	}
	return false
}

var escapes = strings.NewReplacer("~", "~0", "/", "~1")

// Pointer returns the JSON pointer (RFC 6901) of a member of the outermost object.
func Pointer(name string) string { return "/" + escapes.Replace(name) }

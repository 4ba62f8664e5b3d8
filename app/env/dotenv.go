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

// readFile reads a .env file; a missing file counts as empty. Whatever godotenv would drop silently is a mistake or a
// warning here. Neither shows a value, which may be a password.
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

	// Windows editors write a byte order mark, PowerShell writes UTF-16.
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
		return nil, nil, []Mistake{{Variable: path, Problem: "is not UTF-8 text", Remedy: "save it as UTF-8"}}
	}
	// Otherwise a file with carriage returns as line ends would be a single line, perhaps a comment.
	text = bytes.ReplaceAll(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
	list, broken := statements(string(text))
	if broken == 0 {
		// Drop godotenv's error: it quotes the rest of the file, passwords included.
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
			warnings = append(warnings, s.name+" is set twice in "+path+", on lines "+strconv.Itoa(before.line)+" and "+strconv.Itoa(s.line)+": the last one wins")
		}
		set[s.name] = s
	}
	if len(found) > 0 {
		return nil, warnings, found
	}
	return values, warnings, nil
}

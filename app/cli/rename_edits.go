package cli

import (
	"bytes"
	"fmt"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// renaming finds every place where a module's path is written.
type renaming struct {
	root string
	from []string
	to   string
}

// edit is the new content of one file.
type edit struct {
	path string
	mode fs.FileMode
	text []byte
}

// largest file that is looked into; what is larger is data.
const largest = 1 << 20

// edits returns what there is to write, the root's go.mod at the end. It writes nothing.
func (r renaming) edits() ([]edit, error) {
	var list []edit
	last := filepath.Join(r.root, "go.mod")
	var rootMod []edit
	err := filepath.WalkDir(r.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			switch d.Name() {
			case ".git", "vendor", "node_modules", "data":
				return fs.SkipDir
			}
			return nil
		}
		info, err := d.Info()
		if err != nil || !info.Mode().IsRegular() || info.Size() > largest {
			return err
		}
		old, err := os.ReadFile(path) //nolint:gosec // a file of the user's own module
		if err != nil || !utf8.Valid(old) || bytes.IndexByte(old, 0) >= 0 {
			return err
		}
		text := old
		for _, from := range r.from {
			if from == r.to || !bytes.Contains(text, []byte(from)) {
				continue
			}
			if text, err = (paths{from, r.to}).rewrite(d.Name(), text); err != nil {
				return fmt.Errorf("%s: %w", relative(r.root, path), err)
			}
		}
		switch {
		case bytes.Equal(text, old):
		case path == last:
			rootMod = append(rootMod, edit{path, info.Mode(), text})
		default:
			list = append(list, edit{path, info.Mode(), text})
		}
		return nil
	})
	return append(list, rootMod...), err
}

// paths are a module's path and the one it is to have.
type paths struct{ from, to string }

func (r paths) rewrite(name string, old []byte) ([]byte, error) {
	text := old
	switch {
	case filepath.Ext(name) == ".go":
		text = r.mentions(r.imports(text))
		if same, err := format.Source(old); err == nil && bytes.Equal(same, old) {
			// It was formatted, and stays so: the order of imports may have changed.
			return format.Source(text)
		}
		return text, nil
	case name == "go.mod" || name == "go.work" || name == ".golangci.yml" || name == ".golangci.yaml":
		return r.whole(text), nil
	}
	return r.mentions(text), nil
}

// imports replaces the paths in import declarations, by their place in the syntax.
func (r paths) imports(text []byte) []byte {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "", text, parser.ImportsOnly)
	if err != nil {
		return text // not Go that compiles; there is nothing to keep working
	}
	for _, spec := range slices.Backward(file.Imports) {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil || path != r.from && !strings.HasPrefix(path, r.from+"/") {
			continue
		}
		start, end := set.Position(spec.Path.Pos()).Offset, set.Position(spec.Path.End()).Offset
		text = slices.Concat(text[:start], []byte(strconv.Quote(r.to+path[len(r.from):])), text[end:])
	}
	return text
}

// before and after what is a module's path and not part of a longer word.
const (
	notBefore = `(^|[^A-Za-z0-9._/~-])`
	notAfter  = `($|[^A-Za-z0-9._~-])`
)

// mentions replaces paths of the template's packages in whatever text: strings, comments, build
// files. The module's name alone may be any word, so it stays.
func (r paths) mentions(text []byte) []byte {
	known := regexp.MustCompile(`(?m)` + notBefore + regexp.QuoteMeta(r.from) + `/(app|cmd|config|jobs|models|routes)\b`)
	return known.ReplaceAll(text, []byte("${1}"+strings.ReplaceAll(r.to, "$", "$$")+"/${2}"))
}

// whole replaces the path as a word of its own and as the beginning of a longer path, in files
// where nothing else is meant by it.
func (r paths) whole(text []byte) []byte {
	word := regexp.MustCompile(`(?m)` + notBefore + regexp.QuoteMeta(r.from) + notAfter)
	return word.ReplaceAll(text, []byte("${1}"+strings.ReplaceAll(r.to, "$", "$$")+"${2}"))
}

package source

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

// template is the path in the template's own files, which a later merge brings in.
const template = "fibercrons"

// Edit is the new content of one file.
type Edit struct {
	path string
	mode fs.FileMode
	text []byte
}

// Write writes the file.
func (e Edit) Write() error { return os.WriteFile(e.path, e.text, e.mode.Perm()) }

// CheckModule refuses what cannot be the path of a module.
func CheckModule(path string) error {
	for element := range strings.SplitSeq(path, "/") {
		if !pathElement.MatchString(element) {
			return fmt.Errorf("%q is not a module path; write it as example.com/me/app", path)
		}
	}
	if first, _, _ := strings.Cut(path, "/"); standard[first] {
		return fmt.Errorf("%q would hide packages of the standard library; write it as example.com/me/app", path)
	}
	return nil
}

// An element of a module's path, https://go.dev/ref/mod#go-mod-file-ident.
var pathElement = regexp.MustCompile(`^[A-Za-z0-9_~-]([A-Za-z0-9._~-]*[A-Za-z0-9_~-])?$`)

// standard are the first elements of the standard library's paths that a person might choose.
var standard = func() map[string]bool {
	names := map[string]bool{}
	for name := range strings.FieldsSeq(`archive bufio builtin bytes cmp compress container context crypto database debug
		embed encoding errors expvar flag fmt go hash html image index internal io iter log maps math mime net os path
		plugin reflect regexp runtime slices sort strconv strings structs sync syscall testing text time unicode unique
		unsafe vendor weak main std cmd all tool`) {
		names[name] = true
	}
	return names
}()

// largest is the size of the largest file that is searched; what is larger is data.
const largest = 1 << 20

// Rename returns the edits that give the module in root another path, wherever it is written: from its present path, and
// from the template's. The root's go.mod comes last, so that a rename that failed half-way can be repeated.
func Rename(root, from, to string) ([]Edit, error) {
	var list, rootMod []Edit
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
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
		for _, from := range []string{from, template} {
			if from == to || !bytes.Contains(text, []byte(from)) {
				continue
			}
			if text, err = (paths{from, to}).rewrite(d.Name(), text); err != nil {
				return fmt.Errorf("%s: %w", relative(root, path), err)
			}
		}
		switch {
		case bytes.Equal(text, old):
		case path == filepath.Join(root, "go.mod"):
			rootMod = append(rootMod, Edit{path, info.Mode(), text})
		default:
			list = append(list, Edit{path, info.Mode(), text})
		}
		return nil
	})
	return append(list, rootMod...), err
}

// paths are a module's old and new path.
type paths struct{ from, to string }

func (r paths) rewrite(name string, old []byte) ([]byte, error) {
	text := old
	switch {
	case filepath.Ext(name) == ".go":
		text = r.mentions(r.imports(text))
		if same, err := format.Source(old); err == nil && bytes.Equal(same, old) {
			// It was formatted and stays so: the order of imports may have changed.
			return format.Source(text)
		}
		return text, nil
	case name == "go.mod" || name == "go.work" || name == ".golangci.yml" || name == ".golangci.yaml":
		return r.whole(text), nil
	}
	return r.mentions(text), nil
}

// imports replaces the paths in import declarations.
func (r paths) imports(text []byte) []byte {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "", text, parser.ImportsOnly)
	if err != nil {
		return text // it does not compile anyway
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

// What stands before and after a module's path that is not part of a longer word.
const (
	notBefore = `(^|[^A-Za-z0-9._/~-])`
	notAfter  = `($|[^A-Za-z0-9._~-])`
)

// mentions replaces paths of the template's packages in any text: strings, comments, build files. It leaves the
// module's name alone, which may be any word.
func (r paths) mentions(text []byte) []byte {
	known := regexp.MustCompile(`(?m)` + notBefore + regexp.QuoteMeta(r.from) + `/(app|cmd|config|jobs|models|routes)\b`)
	return known.ReplaceAll(text, []byte("${1}"+strings.ReplaceAll(r.to, "$", "$$")+"/${2}"))
}

// whole replaces the path as a word of its own and as the beginning of a longer path, in files where it means
// nothing else.
func (r paths) whole(text []byte) []byte {
	word := regexp.MustCompile(`(?m)` + notBefore + regexp.QuoteMeta(r.from) + notAfter)
	return word.ReplaceAll(text, []byte("${1}"+strings.ReplaceAll(r.to, "$", "$$")+"${2}"))
}

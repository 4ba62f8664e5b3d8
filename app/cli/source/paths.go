package source

import (
	"bytes"
	"cmp"
	"go/format"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// Paths rewrites texts in which a module's path changes.
type Paths struct {
	from    []string
	to      string
	foreign []string // modules whose paths may begin like the module's and stay
}

// NewPaths returns Paths that replace each of from by to. Mods are the texts of the tree's go.mod files: the modules they
// require from elsewhere keep their paths.
func NewPaths(from []string, to string, mods ...[]byte) Paths {
	return Paths{from, to, foreign(mods)}
}

// move returns the new path of a package, and whether it has one. The longest module path that fits decides, as in the
// go tool.
func (p Paths) move(path string) (string, bool) {
	var best string
	for _, from := range p.from {
		if within(path, from) && len(from) > len(best) {
			best = from
		}
	}
	if best == "" || best == p.to {
		return "", false
	}
	for _, other := range p.foreign {
		if within(path, other) && len(other) > len(best) {
			return "", false
		}
	}
	return p.to + path[len(best):], true
}

func within(path, module string) bool {
	rest, ok := strings.CutPrefix(path, module)
	return ok && (rest == "" || rest[0] == '/')
}

// Rewrite returns the text of the file called name with the new paths. Go source that was formatted stays so.
func (p Paths) Rewrite(name string, old []byte) ([]byte, error) {
	if !slices.ContainsFunc(p.from, func(from string) bool { return bytes.Contains(old, []byte(from)) }) {
		return old, nil
	}
	switch {
	case filepath.Ext(name) == ".go":
		text := p.golang(old)
		if same, err := format.Source(old); err == nil && bytes.Equal(same, old) {
			return format.Source(text) // the order of imports may have changed
		}
		return text, nil
	case name == "go.mod":
		mod, err := modfile.Parse(name, old, nil)
		if err != nil {
			return nil, err
		}
		return p.directives(mod.Syntax, old), nil
	case name == "go.work":
		work, err := modfile.ParseWork(name, old, nil)
		if err != nil {
			return nil, err
		}
		return p.directives(work.Syntax, old), nil
	case name == ".golangci.yml" || name == ".golangci.yaml":
		return p.words(old, p.move), nil
	}
	return p.mentions(old), nil
}

// golang replaces the paths of imports, and what names a package in the rest of the source.
func (p Paths) golang(text []byte) []byte {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "", text, parser.ImportsOnly)
	if err != nil {
		return p.mentions(text) // it does not compile anyway
	}
	var out []byte
	at := 0
	for _, spec := range file.Imports {
		start, end := set.Position(spec.Path.Pos()).Offset, set.Position(spec.Path.End()).Offset
		out = append(out, p.mentions(text[at:start])...)
		path, err := strconv.Unquote(spec.Path.Value)
		if moved, ok := p.move(path); ok && err == nil {
			out = strconv.AppendQuote(out, moved)
		} else {
			out = append(out, text[start:end]...)
		}
		at = end
	}
	return append(out, p.mentions(text[at:])...)
}

// directives replaces module paths in go.mod or go.work.
func (p Paths) directives(syntax *modfile.FileSyntax, old []byte) []byte {
	moved := false
	line := func(l *modfile.Line) {
		for i, token := range l.Token {
			path, ok := p.move(strings.Trim(token, "\"`"))
			if !ok {
				continue
			}
			l.Token[i], moved = modfile.AutoQuote(path), true
			if _, major, _ := module.SplitPathVersion(path); i+1 < len(l.Token) && semver.IsValid(l.Token[i+1]) && module.CheckPathMajor(l.Token[i+1], major) != nil {
				// A version that a replacement makes meaningless still has to be of the path's major.
				l.Token[i+1] = cmp.Or(strings.TrimPrefix(major, "/"), "v0") + ".0.0"
			}
		}
	}
	for _, stmt := range syntax.Stmt {
		switch s := stmt.(type) {
		case *modfile.Line:
			line(s)
		case *modfile.LineBlock:
			for _, l := range s.Line {
				line(l)
			}
		}
	}
	if !moved {
		return old
	}
	return modfile.Format(syntax)
}

// pathLike is all that a path in a text may be part of.
var pathLike = regexp.MustCompile(`[A-Za-z0-9._~/-]+`)

// below are the folders of the template. In a text that is no Go code, a path is the module's only with one of them:
// the module's name alone may be any word.
var below = regexp.MustCompile(`^/(app|cmd|config|jobs|models|routes)\b`)

// mentions replaces paths of the template's packages in any text: strings, comments, build files.
func (p Paths) mentions(text []byte) []byte {
	return p.words(text, func(word string) (string, bool) {
		for _, from := range p.from {
			if rest, ok := strings.CutPrefix(word, from); ok && below.MatchString(rest) {
				return p.move(word)
			}
		}
		return "", false
	})
}

func (p Paths) words(text []byte, move func(string) (string, bool)) []byte {
	return pathLike.ReplaceAllFunc(text, func(word []byte) []byte {
		if moved, ok := move(string(word)); ok {
			return []byte(moved)
		}
		return word
	})
}

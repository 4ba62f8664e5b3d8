package source

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// partsFile is where a program imports its parts.
const partsFile = "app/parts/parts.go"

// Parts is the file that lists the parts of the module in a folder.
type Parts struct {
	edit   Edit
	module string // its path
}

// ReadParts reads app/parts/parts.go of the module in dir.
func ReadParts(dir string) (*Parts, error) {
	module, err := Module(dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, filepath.FromSlash(partsFile))
	text, err := os.ReadFile(path) //nolint:gosec // a file of the user's own module
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no %s; restore it", partsFile)
	}
	if err != nil {
		return nil, err
	}
	p := &Parts{Edit{path: path, old: text, text: text}, module}
	_, _, err = p.parse()
	return p, err
}

func (p *Parts) parse() (*token.FileSet, *ast.File, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, partsFile, p.edit.text, parser.ParseComments)
	if err != nil {
		return nil, nil, fmt.Errorf("%w; mend it first", err)
	}
	return set, file, nil
}

// Has reports whether the package, a path in the module, is imported.
func (p *Parts) Has(pkg string) bool {
	start, _ := p.line(pkg)
	return start >= 0
}

// line returns where the lines of a package's import begin and end, or -1.
func (p *Parts) line(pkg string) (start, end int) {
	set, file, err := p.parse()
	if err != nil {
		return -1, -1
	}
	for _, spec := range file.Imports {
		if path, err := strconv.Unquote(spec.Path.Value); err != nil || path != p.module+"/"+pkg {
			continue
		}
		at := set.File(spec.Pos())
		start = at.Offset(at.LineStart(at.Line(spec.Pos())))
		if end = bytes.IndexByte(p.edit.text[start:], '\n'); end < 0 {
			return start, len(p.edit.text)
		}
		return start, start + end + 1
	}
	return -1, -1
}

// Add imports the package, with a comment.
func (p *Parts) Add(pkg, comment string) error {
	set, file, err := p.parse()
	if err != nil {
		return err
	}
	line := fmt.Sprintf("\t_ %q // %s\n", p.module+"/"+pkg, comment)
	at := set.Position(file.Name.End()).Offset
	insert := "\n\nimport (\n" + line + ")\n"
	for _, decl := range file.Decls {
		block, ok := decl.(*ast.GenDecl)
		if !ok || block.Tok != token.IMPORT {
			continue
		}
		if block.Rparen.IsValid() {
			at, insert = set.Position(block.Rparen).Offset, line
			if at > 0 && p.edit.text[at-1] != '\n' {
				insert = "\n" + line
			}
			break
		}
		at = set.Position(block.End()).Offset
		if rest := bytes.IndexByte(p.edit.text[at:], '\n'); rest >= 0 {
			at += rest // behind its comment
		} else {
			at = len(p.edit.text)
		}
	}
	return p.set(slices.Concat(p.edit.text[:at], []byte(insert), p.edit.text[at:]))
}

// Remove removes the import of the package, with its comment.
func (p *Parts) Remove(pkg string) error {
	start, end := p.line(pkg)
	if start < 0 {
		return nil
	}
	return p.set(slices.Concat(p.edit.text[:start], p.edit.text[end:]))
}

func (p *Parts) set(text []byte) error {
	text, err := format.Source(text)
	if err != nil {
		return fmt.Errorf("%s: %w; edit it by hand", partsFile, err)
	}
	p.edit.text = text
	return nil
}

// Write writes the file.
func (p *Parts) Write() error { return Apply([]Edit{p.edit}) }

package app_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fibercrons/app/env"
)

// The README lists every variable with its default and every option of a job, as long as it is the
// template's: it is its user's to replace, and then says what he likes.
func TestReadmeIsComplete(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	readme := string(text)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !strings.HasPrefix(readme, "# fibercrons") {
		t.Skip("README.md is not the template's")
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range env.Variables(new(env.Config)) {
		row := "| `" + v.Name + "` | "
		if v.Default != "" {
			row += "`" + v.Default + "` "
		}
		if !strings.Contains(readme, row+"|") {
			t.Errorf("README.md has no row %q", row+"|")
		}
	}
	options := jobOptions(t)
	if len(options) < 15 {
		t.Errorf("only %d options were found: the test sees nothing", len(options))
	}
	for _, option := range options {
		if !strings.Contains(readme, "`"+option+"(") {
			t.Errorf("README.md does not have the option %s", option)
		}
	}
}

// jobOptions are the functions of app/cron that return an Option.
func jobOptions(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("cron/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !f.Name.IsExported() || f.Type.Results == nil {
				continue
			}
			if result, ok := f.Type.Results.List[0].Type.(*ast.Ident); ok && result.Name == "Option" {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names
}

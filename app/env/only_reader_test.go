package env_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestOnlyEnvReadsTheEnvironment scans every Go file of the repository that is not a test, or for tests alone.
func TestOnlyEnvReadsTheEnvironment(t *testing.T) {
	scanned, here := 0, 0
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && path != "../.." && (strings.HasPrefix(entry.Name(), ".") || slices.Contains([]string{"data", "testdata", "testdb", "vendor"}, entry.Name())) {
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		uses := environmentUses(t, path)
		scanned++
		if filepath.Dir(path) == filepath.Join("..", "..", "app", "env") {
			here += len(uses)
			return nil
		}
		for _, use := range uses {
			t.Errorf("%s: put the variable into config instead (config/local.go is for your own)", use)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if scanned < 10 || here < 3 {
		t.Errorf("scanned %d files and found %d uses in app/env itself: the scan sees nothing", scanned, here)
	}
}

func environmentUses(t *testing.T, path string) []string {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var uses []string
	report := func(pos token.Pos, what string) {
		uses = append(uses, files.Position(pos).String()+": "+what)
	}
	readers := make(map[string]bool) // package name in this file -> it can read the environment
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case strings.HasPrefix(imported, "github.com/joho/godotenv"), strings.HasPrefix(imported, "github.com/caarlos0/env"):
			report(spec.Pos(), imported)
		case imported == "os" || imported == "syscall":
			name := imported
			if spec.Name != nil {
				name = spec.Name.Name
			}
			readers[name] = true
			if name == "." {
				report(spec.Pos(), "a dot import of "+imported)
			}
		}
	}
	ast.Inspect(file, func(node ast.Node) bool {
		selector, ok := node.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		pkg, ok := selector.X.(*ast.Ident)
		if !ok || !readers[pkg.Name] {
			return true
		}
		switch name := selector.Sel.Name; name {
		case "Getenv", "LookupEnv", "Environ", "ExpandEnv":
			report(selector.Pos(), pkg.Name+"."+name)
		}
		return true
	})
	return uses
}

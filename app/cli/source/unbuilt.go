package source

import (
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Unbuilt names the files in jobs/ that Go silently leaves out of the build, so that the jobs in them never run: mistakes
// if this build leaves them out, warnings if that of another platform does. Without source there are none.
func Unbuilt(dir string) (mistakes, warnings []string, err error) {
	module, err := Module(dir)
	if err != nil {
		return nil, nil, nil //nolint:nilerr // a built program far from its source is not a mistake
	}
	entries, err := os.ReadDir(filepath.Join(dir, "jobs"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	for _, e := range entries {
		name := "jobs/" + e.Name()
		switch {
		case e.IsDir():
			if m := unreached(dir, module, e.Name()); m != "" {
				mistakes = append(mistakes, m)
			}
		case filepath.Ext(e.Name()) != ".go":
		case e.Name()[0] == '_' || e.Name()[0] == '.':
			mistakes = append(mistakes, fmt.Sprintf("%s: Go leaves out files whose name begins with %q; rename it", name, e.Name()[:1]))
		case strings.HasSuffix(e.Name(), "_test.go"):
			if line := registers(filepath.Join(dir, name)); line > 0 {
				mistakes = append(mistakes, fmt.Sprintf("%s:%d: a file that ends in _test.go is built for tests only, so this job never runs; rename it", name, line))
			}
		default:
			m, w := constrained(filepath.Join(dir, "jobs"), e.Name())
			mistakes, warnings = append(mistakes, m...), append(warnings, w...)
		}
	}
	return mistakes, warnings, err
}

// platforms stand for all others: each of them builds a file without constraints.
var platforms = [][2]string{{"linux", "amd64"}, {"windows", "arm64"}, {"darwin", "arm64"}, {"freebsd", "riscv64"}}

func constrained(folder, name string) (mistakes, warnings []string) {
	why := "its build constraint (//go:build) excludes it"
	if forPlatform(name) {
		why = "the end of its name is that of a platform"
	}
	shown := "jobs/" + name
	if here, err := build.Default.MatchFile(folder, name); err == nil && !here {
		return []string{fmt.Sprintf("%s: Go leaves this file out, because %s; rename it, or remove the constraint", shown, why)}, nil
	}
	for _, p := range platforms {
		there := build.Default
		there.GOOS, there.GOARCH = p[0], p[1]
		if match, err := there.MatchFile(folder, name); err == nil && !match {
			warnings = append(warnings, fmt.Sprintf("%s: this file is built here but not everywhere, because %s; rename it, or remove the constraint", shown, why))
			break
		}
	}
	if file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(folder, name), nil, parser.ImportsOnly); err == nil {
		for _, spec := range file.Imports {
			if spec.Path.Value == `"C"` {
				warnings = append(warnings, shown+`: this file imports "C" and is left out of builds with CGO_ENABLED=0, such as the Dockerfile's; do without cgo`)
			}
		}
	}
	return nil, warnings
}

// registers returns the line of the first call of cron.Register in a file, or 0. A test that registers jobs in a registry
// of its own calls a method instead.
func registers(path string) (line int) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return 0
	}
	local := ""
	for _, spec := range file.Imports {
		if value, err := strconv.Unquote(spec.Path.Value); err == nil && strings.HasSuffix(value, "/app/cron") {
			local = "cron"
			if spec.Name != nil {
				local = spec.Name.Name
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || line > 0 {
			return line == 0
		}
		if s, ok := call.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "Register" {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == local {
				line = set.Position(call.Pos()).Line
			}
		}
		return true
	})
	return line
}

// unreached says what is wrong with a folder in jobs/: it is a package of its own, and no build includes it unless
// something imports it.
func unreached(dir, module, folder string) (mistake string) {
	if folder == "testdata" {
		return ""
	}
	var first string
	walk := func(path string, d fs.DirEntry, err error) error {
		if err == nil && first == "" && !d.IsDir() && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			first = filepath.ToSlash(relative(dir, path))
		}
		return err
	}
	if err := filepath.WalkDir(filepath.Join(dir, "jobs", folder), walk); err != nil || first == "" {
		return ""
	}
	path := module + "/jobs/" + folder
	if imported(dir, path) {
		return ""
	}
	return fmt.Sprintf("%s: Go takes a folder for a package of its own, and nothing imports it; move the file into jobs/, or import %q in jobs/ for its side effects", first, path)
}

// imported says whether a file of the program imports path or a package below it.
func imported(dir, path string) (found bool) {
	for _, top := range []string{"jobs", "cmd", "routes", "app"} {
		_ = filepath.WalkDir(filepath.Join(dir, top), func(name string, d fs.DirEntry, err error) error {
			if err != nil || found || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return nil //nolint:nilerr // an unreadable file imports nothing
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
			if err != nil {
				return nil //nolint:nilerr // the compiler says it better
			}
			for _, spec := range file.Imports {
				if value, err := strconv.Unquote(spec.Path.Value); err == nil && (value == path || strings.HasPrefix(value, path+"/")) {
					found = true
				}
			}
			return nil
		})
	}
	return found
}

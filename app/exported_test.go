package app_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// What users' code sees of app/cron is the standard library and the template itself: a library can
// then be replaced without a change in any job.
func TestCronExportsNoForeignType(t *testing.T) {
	files, err := filepath.Glob("cron/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no source of app/cron: %v", err)
	}
	set := token.NewFileSet()
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		foreign := map[string]string{}
		for _, spec := range file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if domain, _, _ := strings.Cut(path, "/"); !strings.Contains(domain, ".") || strings.Contains(path, "/app/") {
				continue
			}
			name := path[strings.LastIndex(path, "/")+1:]
			if spec.Name != nil {
				name = spec.Name.Name
			}
			foreign[name] = path
		}
		for _, node := range exported(file) {
			ast.Inspect(node, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := s.X.(*ast.Ident); ok && foreign[x.Name] != "" {
						t.Errorf("%s: an exported name shows %s.%s of %s", set.Position(n.Pos()), x.Name, s.Sel.Name, foreign[x.Name])
					}
				}
				return true
			})
		}
	}
}

// exported returns the types that the exported declarations of a file show.
func exported(file *ast.File) (nodes []ast.Node) {
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && (d.Recv == nil || ast.IsExported(receiver(d.Recv.List[0].Type))) {
				nodes = append(nodes, d.Type)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					if s.Name.IsExported() {
						nodes = append(nodes, shown(s.Type)...)
					}
				case *ast.ValueSpec:
					if s.Type != nil && s.Names[0].IsExported() {
						nodes = append(nodes, s.Type)
					}
				}
			}
		}
	}
	return nodes
}

// shown leaves out the unexported fields of a struct.
func shown(typ ast.Expr) (nodes []ast.Node) {
	structure, ok := typ.(*ast.StructType)
	if !ok {
		return []ast.Node{typ}
	}
	for _, f := range structure.Fields.List {
		if len(f.Names) == 0 || f.Names[0].IsExported() {
			nodes = append(nodes, f.Type)
		}
	}
	return nodes
}

func receiver(typ ast.Expr) string {
	switch x := typ.(type) {
	case *ast.StarExpr:
		return receiver(x.X)
	case *ast.IndexExpr:
		return receiver(x.X)
	case *ast.Ident:
		return x.Name
	}
	return ""
}

package template

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

const changelogFile = ".github/CHANGELOG.md"

// newest is the version that a changelog describes.
func newest(changelog string) string {
	unreleased := ""
	for line := range strings.Lines(changelog) {
		heading, ok := strings.CutPrefix(strings.TrimSpace(line), "## ")
		switch {
		case !ok:
		case strings.EqualFold(heading, "unreleased"):
			unreleased = "unreleased"
		case unreleased != "":
			return "unreleased, after " + heading
		default:
			return heading
		}
	}
	return "unreleased"
}

// recent is a changelog down to the newest release. What is below is part of every later version.
func recent(changelog string) string {
	var b strings.Builder
	for line := range strings.Lines(changelog) {
		b.WriteString(line)
		if heading, ok := strings.CutPrefix(line, "## "); ok && !strings.EqualFold(strings.TrimSpace(heading), "unreleased") {
			break
		}
	}
	return b.String()
}

// news is what the changelog of a newer version says beyond an older one's: headings, and under them the entries that are
// new, down to the release that the older one begins with.
func news(older, newer string) string {
	had := map[string]bool{}
	stop := ""
	for _, block := range blocks(older) {
		had[block] = true
		if heading, ok := strings.CutPrefix(block, "## "); ok && stop == "" && !strings.EqualFold(heading, "unreleased") {
			stop = block
		}
	}
	var out, pending []string
	for _, block := range blocks(newer) {
		switch {
		case stop != "" && block == stop:
			return strings.Join(out, "\n")
		case strings.HasPrefix(block, "## "):
			pending = []string{block}
		case strings.HasPrefix(block, "#"):
			pending = append(slices.DeleteFunc(pending, func(p string) bool { return strings.HasPrefix(p, "###") }), block)
		case !had[block] && pending != nil:
			out = append(append(out, pending...), block)
			pending = []string{}
		case !had[block] && len(out) > 0:
			out = append(out, block)
		}
	}
	return strings.Join(out, "\n")
}

// blocks splits a changelog into headings and entries of several lines each.
func blocks(text string) (list []string) {
	open := false // whether the next line can go on with the last block
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \n")
		goesOn := open && line != "" && !strings.HasPrefix(line, "- ") && !strings.HasPrefix(line, "#")
		switch {
		case line == "":
		case goesOn:
			list[len(list)-1] += "\n" + line
		default:
			list = append(list, line)
		}
		open = line != "" && !strings.HasPrefix(line, "#")
	}
	return list
}

// steps lists the steps of the schema that next has beyond old, by their names, in their order. Each file of SQL has a
// list of its own; what only one database needs is named with it.
func steps(old, next tree) []string {
	had := map[string]bool{}
	for name := range old {
		if !isSQL(name) {
			continue
		}
		for _, s := range migrations(old.text(name)) {
			had[database(name)+s] = true
		}
	}
	order := []string{}
	of := map[string][]string{}
	files := 0
	for _, name := range slices.Sorted(maps.Keys(next)) {
		if !isSQL(name) {
			continue
		}
		list := migrations(next.text(name))
		if len(list) > 0 {
			files++
		}
		for _, s := range list {
			if had[database(name)+s] {
				continue
			}
			if of[s] == nil {
				order = append(order, s)
			}
			of[s] = append(of[s], database(name))
		}
	}
	for i, s := range order {
		if len(of[s]) < files {
			order[i] += " (" + strings.Join(of[s], ", ") + ")"
		}
	}
	return order
}

func isSQL(name string) bool {
	return strings.HasPrefix(name, "app/store/") && strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go")
}

// database is what a file of SQL is for: sqlite for sqlite/sql.go, and for sqlite_sql.go of older versions.
func database(name string) string {
	word, _, in := strings.Cut(strings.TrimSuffix(path.Base(name), ".go"), "_")
	if !in {
		return path.Base(path.Dir(name))
	}
	return word
}

// migrations reads the names in a literal of []migration or []db.Migration.
func migrations(text string) (names []string) {
	file, err := parser.ParseFile(token.NewFileSet(), "", text, parser.SkipObjectResolution)
	if err != nil {
		return nil
	}
	ast.Inspect(file, func(n ast.Node) bool {
		list, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		array, ok := list.Type.(*ast.ArrayType)
		if !ok {
			return true
		}
		elem := array.Elt
		if of, ok := elem.(*ast.SelectorExpr); ok { // db.Migration
			elem = of.Sel
		}
		if name, ok := elem.(*ast.Ident); !ok || !strings.EqualFold(name.Name, "migration") {
			return true
		}
		for _, e := range list.Elts {
			step, ok := e.(*ast.CompositeLit)
			if !ok || len(step.Elts) == 0 {
				continue
			}
			first := step.Elts[0]
			if kv, ok := first.(*ast.KeyValueExpr); ok {
				first = kv.Value
			}
			if lit, ok := first.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if name, err := strconv.Unquote(lit.Value); err == nil {
					names = append(names, name)
				}
			}
		}
		return false
	})
	return names
}

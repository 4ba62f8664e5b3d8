package template

import (
	_ "embed"
	"path"
	"slices"
	"strings"
)

//go:embed ours.txt
var listed string

// where the list is in a tree; a newer version brings its own.
const listFile = "app/cli/template/ours.txt"

// list says what the files outside app/ are to an update.
type list struct{ ours, only, merged []string }

// Ours are the files outside app/ that an update replaces.
func Ours() []string {
	l := parseList(listed)
	return slices.Concat(l.ours, l.only)
}

// Merged are the files that belong to the template and to the program.
func Merged() []string { return parseList(listed).merged }

func parseList(text string) (l list) {
	for line := range strings.Lines(text) {
		switch f := strings.Fields(line); {
		case len(f) != 2:
		case f[0] == "ours":
			l.ours = append(l.ours, f[1])
		case f[0] == "template":
			l.only = append(l.only, f[1])
		case f[0] == "merge":
			l.merged = append(l.merged, f[1])
		}
	}
	return l
}

// with returns l with what is only on the list m, which a newer version has brought. What m calls otherwise, is as m says.
func (l list) with(m list) list {
	all := slices.Concat(m.ours, m.only, m.merged)
	add := func(to, from []string) []string {
		return slices.Concat(to, slices.DeleteFunc(slices.Clone(from), func(p string) bool { return slices.Contains(all, p) }))
	}
	return list{add(m.ours, l.ours), add(m.only, l.only), add(m.merged, l.merged)}
}

// isOurs says whether the file is replaced by an update.
func (l list) isOurs(name string) bool {
	if slices.Contains(l.merged, name) {
		return false
	}
	if below, ok := strings.CutPrefix(name, "app/"); ok {
		return !strings.HasPrefix(below, "parts/") && name != RecordFile
	}
	return slices.Contains(l.ours, name) || slices.Contains(l.only, name)
}

// isBegun says whether the file is one of the program's that ours may need, such as the list of migrations. An update
// brings it when the template has begun to have it.
func isBegun(name string) bool {
	top, _, _ := strings.Cut(name, "/")
	return strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") &&
		(top == "config" || top == "models" || top == "routes" || strings.HasPrefix(name, "app/parts/"))
}

// isNoise says whether a file is what tools and editors leave behind.
func isNoise(name string) bool {
	base := path.Base(name)
	if base == ".DS_Store" || strings.HasSuffix(base, "~") {
		return true
	}
	switch path.Ext(base) {
	case ".exe", ".test", ".out", ".prof", ".swp", ".orig", ".rej":
		return true
	}
	return false
}

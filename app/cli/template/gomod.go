package template

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// mergeMod merges go.mod. A requirement that the program has left as it was follows the template; of two others the
// higher version stands. What the template no longer requires stays for go mod tidy to judge.
func mergeMod(base, mine, theirs string) (string, error) {
	var files [3]*modfile.File
	for i, text := range []string{base, mine, theirs} {
		var err error
		if files[i], err = modfile.Parse("go.mod", []byte(text), nil); err != nil {
			return "", fmt.Errorf("%s: %w", [...]string{"the old go.mod", "go.mod", "the template's go.mod"}[i], err)
		}
	}
	b, m, t := files[0], files[1], files[2]
	if t.Go != nil && (m.Go == nil || older(m.Go.Version, t.Go.Version)) {
		if err := m.AddGoStmt(t.Go.Version); err != nil {
			return "", err
		}
	}
	if t.Toolchain != nil && (m.Toolchain == nil || older(strings.TrimPrefix(m.Toolchain.Name, "go"), strings.TrimPrefix(t.Toolchain.Name, "go"))) {
		if err := m.AddToolchainStmt(t.Toolchain.Name); err != nil {
			return "", err
		}
	}
	m.SetRequireSeparateIndirect(requirements(b, m, t))
	if err := mergeReplacements(b, m, t); err != nil {
		return "", err
	}
	for _, e := range t.Exclude {
		if err := m.AddExclude(e.Mod.Path, e.Mod.Version); err != nil {
			return "", err
		}
	}
	for _, tool := range t.Tool {
		if err := m.AddTool(tool.Path); err != nil {
			return "", err
		}
	}
	m.Cleanup()
	return string(modfile.Format(m.Syntax)), nil
}

// older compares Go's own versions, 1.26.0 and 1.27rc1.
func older(a, b string) bool {
	canonical := func(v string) string {
		if n, pre, ok := strings.Cut(v, "rc"); ok {
			return "v" + n + ".0-rc" + pre
		}
		return "v" + v
	}
	return semver.Compare(canonical(a), canonical(b)) < 0
}

func requirements(b, m, t *modfile.File) (list []*modfile.Require) {
	was, next := map[string]string{}, map[string]*modfile.Require{}
	for _, r := range b.Require {
		was[r.Mod.Path] = r.Mod.Version
	}
	for _, r := range t.Require {
		next[r.Mod.Path] = r
	}
	for _, r := range m.Require {
		kept := &modfile.Require{Mod: r.Mod, Indirect: r.Indirect}
		if n := next[r.Mod.Path]; n != nil {
			if was[r.Mod.Path] == r.Mod.Version || semver.Compare(n.Mod.Version, r.Mod.Version) > 0 {
				kept.Mod.Version = n.Mod.Version
			}
			kept.Indirect = kept.Indirect && n.Indirect
			delete(next, r.Mod.Path)
		}
		list = append(list, kept)
	}
	for _, r := range t.Require {
		if next[r.Mod.Path] != nil {
			list = append(list, &modfile.Require{Mod: r.Mod, Indirect: r.Indirect})
		}
	}
	return list
}

func mergeReplacements(b, m, t *modfile.File) error {
	find := func(f *modfile.File, old module.Version) module.Version {
		for _, r := range f.Replace {
			if r.Old == old {
				return r.New
			}
		}
		return module.Version{}
	}
	for _, r := range slices.Clone(m.Replace) {
		if was := find(b, r.Old); was == r.New && find(t, r.Old) == (module.Version{}) {
			if err := m.DropReplace(r.Old.Path, r.Old.Version); err != nil {
				return err
			}
		}
	}
	for _, r := range t.Replace {
		// One that the program has changed or removed is the program's.
		if find(m, r.Old) == find(b, r.Old) {
			if err := m.AddReplace(r.Old.Path, r.Old.Version, r.New.Path, r.New.Version); err != nil {
				return err
			}
		}
	}
	return nil
}

// mergeSum is every line of both; go mod tidy takes away what is too much.
func mergeSum(mine, theirs string) string {
	lines := append(strings.Split(mine, "\n"), strings.Split(theirs, "\n")...)
	slices.Sort(lines)
	lines = slices.DeleteFunc(slices.Compact(lines), func(l string) bool { return l == "" })
	return strings.Join(lines, "\n") + "\n"
}

// moved is a go.mod whose folder changes from one to another: relative paths in replacements are written so that they
// lead to the same place.
func moved(mod, from, to string) (string, error) {
	f, err := modfile.Parse("go.mod", []byte(mod), nil)
	if err != nil {
		return "", err
	}
	changed := false
	for _, r := range slices.Clone(f.Replace) {
		path := filepath.FromSlash(r.New.Path)
		if r.New.Version != "" || filepath.IsAbs(path) || filepath.IsLocal(path) {
			continue
		}
		there, err := filepath.Rel(to, filepath.Join(from, path))
		if err != nil {
			return "", err
		}
		if err := f.AddReplace(r.Old.Path, r.Old.Version, filepath.ToSlash(there), ""); err != nil {
			return "", err
		}
		changed = true
	}
	if !changed {
		return mod, nil
	}
	return string(modfile.Format(f.Syntax)), nil
}

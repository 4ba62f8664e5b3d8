package source

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/mod/modfile"
)

// Template is the module path in the template's own files, which an update or a merge brings in.
const Template = "fibercrons"

// Record is the file in which a program keeps what the template's files were, in the template's words, so that it is never
// renamed; see package template.
const Record = "app/template.json"

// Edit is the new content of one file.
type Edit struct {
	path      string
	old, text []byte
}

// Apply writes the edits. When one cannot be written, those before it are taken back.
func Apply(edits []Edit) error {
	for i, e := range edits {
		err := os.WriteFile(e.path, e.text, 0o600) // the file exists and keeps its mode
		if err == nil {
			continue
		}
		for _, done := range edits[:i+1] {
			if undo := os.WriteFile(done.path, done.old, 0o600); undo != nil && done.path != e.path {
				err = errors.Join(err, undo)
			}
		}
		return err
	}
	return nil
}

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
// from the template's. The root's go.mod comes last.
func Rename(root, from, to string) ([]Edit, error) {
	files, mods, err := texts(root)
	if err != nil {
		return nil, err
	}
	paths := NewPaths([]string{from, Template}, to, mods...)
	var list, rootMod []Edit
	for _, e := range files {
		if e.text, err = paths.Rewrite(filepath.Base(e.path), e.old); err != nil {
			return nil, fmt.Errorf("%s: %w", relative(root, e.path), err)
		}
		switch {
		case bytes.Equal(e.text, e.old):
		case e.path == filepath.Join(root, "go.mod"):
			rootMod = append(rootMod, e)
		default:
			list = append(list, e)
		}
	}
	return append(list, rootMod...), nil
}

// texts reads the files in root that may name the module, and every go.mod among them.
func texts(root string) (files []Edit, mods [][]byte, err error) {
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
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
		if err != nil || !info.Mode().IsRegular() || info.Size() > largest || path == filepath.Join(root, filepath.FromSlash(Record)) {
			return err
		}
		old, err := os.ReadFile(path) //nolint:gosec // a file of the user's own module
		if err != nil || !utf8.Valid(old) || bytes.IndexByte(old, 0) >= 0 {
			return err
		}
		if d.Name() == "go.mod" {
			mods = append(mods, old)
		}
		files = append(files, Edit{path: path, old: old})
		return nil
	})
	return files, mods, err
}

// foreign are the modules that those of a tree require and that are not in the tree.
func foreign(mods [][]byte) (list []string) {
	var inside []string
	for _, text := range mods {
		inside = append(inside, modfile.ModulePath(text))
		// Mistakes in a go.mod are told when it is rewritten.
		if mod, err := modfile.Parse("go.mod", text, nil); err == nil {
			for _, r := range mod.Require {
				list = append(list, r.Mod.Path)
			}
		}
	}
	return slices.DeleteFunc(list, func(path string) bool { return slices.Contains(inside, path) })
}

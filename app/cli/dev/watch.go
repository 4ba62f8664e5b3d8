package dev

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// watch knows which files make the program.
type watch struct {
	dir      string
	roots    []string // folders of local modules
	embedded []string // files, and their folders, whose times change when a file comes or goes
}

func newWatch(dir string) *watch { return &watch{dir: dir, roots: []string{dir}} }

const envFile = ".env"

// stamp is what changes when a file is written.
type stamp struct {
	size int64
	at   time.Time
}

// snapshot has the stamps of all files, by their paths from the module's root.
type snapshot map[string]stamp

// scan reads the stamps. What cannot be read is not there.
func (w *watch) scan() snapshot {
	s := snapshot{}
	for _, root := range w.roots {
		_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return nil //nolint:nilerr // it is gone again
			}
			switch name := d.Name(); {
			case d.IsDir():
				if path != root && (name[0] == '.' || name[0] == '_' || name == "testdata" || name == "node_modules" || name == "vendor" || path == filepath.Join(root, "data")) {
					return fs.SkipDir
				}
			case isSource(name) || path == filepath.Join(w.dir, envFile):
				w.look(s, path)
			}
			return nil
		})
	}
	for _, path := range w.embedded {
		w.look(s, path)
	}
	return s
}

func isSource(name string) bool {
	switch {
	case name == "go.mod" || name == "go.sum" || name == "go.work":
		return true
	case strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || strings.HasSuffix(name, "_test.go"):
		return false
	}
	switch filepath.Ext(name) {
	case ".go", ".s", ".c", ".h":
		return true
	}
	return false
}

func (w *watch) look(s snapshot, path string) {
	info, err := os.Stat(path)
	if err != nil {
		return
	}
	name, err := filepath.Rel(w.dir, path)
	if err != nil {
		name = path
	}
	s[name] = stamp{info.Size(), info.ModTime()}
}

// differs returns the files that are not the same in both, nil for none.
func (s snapshot) differs(t snapshot) (names []string) {
	for name, a := range s {
		if b, ok := t[name]; !ok || a.size != b.size || !a.at.Equal(b.at) {
			names = append(names, name)
		}
	}
	for name := range t {
		if _, ok := s[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// learn asks the go tool which local modules and embedded files the program has. When it cannot say, what was known holds.
func (w *watch) learn(ctx context.Context, pkg string) {
	cmd := exec.CommandContext(ctx, "go", "list", "-e", "-deps", "-json=Dir,Standard,Module,EmbedFiles", pkg)
	cmd.Dir = w.dir
	out, err := cmd.Output()
	if err != nil {
		return
	}
	roots, embedded := map[string]bool{w.dir: true}, map[string]bool{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			Dir        string
			Standard   bool
			EmbedFiles []string
			Module     *struct {
				Dir     string
				Main    bool
				Replace *struct{ Version string }
			}
		}
		if dec.Decode(&p) != nil {
			break
		}
		if m := p.Module; p.Standard || m == nil || !m.Main && (m.Replace == nil || m.Replace.Version != "") {
			continue
		} else if rel, err := filepath.Rel(w.dir, m.Dir); err != nil || rel != "." && !filepath.IsLocal(rel) {
			roots[m.Dir] = true
		}
		for _, name := range p.EmbedFiles {
			path := filepath.Join(p.Dir, name)
			embedded[path] = true
			if filepath.Dir(path) != p.Dir {
				embedded[filepath.Dir(path)] = true
			}
		}
	}
	w.roots, w.embedded = slices.Sorted(maps.Keys(roots)), slices.Sorted(maps.Keys(embedded))
}

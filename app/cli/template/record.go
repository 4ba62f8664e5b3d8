package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fibercrons/app/cli/source"
)

// RecordFile is where a program keeps which version of the template it has. The template itself has no such file.
const RecordFile = source.Record

// record is what the file holds.
type record struct {
	About   string            `json:"about"`
	Version string            `json:"version"`
	Commit  string            `json:"commit,omitempty"`
	From    string            `json:"from,omitempty"` // the URL of the last update
	Sums    map[string]string `json:"sums"`           // of each file, 16 digits of its hash in the template's words
	Base    map[string]string `json:"base"`           // the texts of files that are merged
}

const recordAbout = "The version of the template that this program has. Written by cli init, rename and update, which reads it; leave it alone."

// newRecord describes a version. Its tree is in the template's words.
func newRecord(v version, l list) record {
	r := record{recordAbout, v.name, v.commit, v.from, map[string]string{}, map[string]string{}}
	for name, f := range v.tree {
		switch {
		case slices.Contains(l.merged, name) || name == "go.mod":
			r.Base[name] = string(f.text)
		case name == changelogFile:
			r.Base[name] = recent(string(f.text))
			r.Sums[name] = hash(f.text)[:16]
		case l.isOurs(name) || isBegun(name):
			r.Sums[name] = hash(f.text)[:16]
		}
	}
	return r
}

func (r record) text() ([]byte, error) {
	text, err := json.MarshalIndent(r, "", "\t")
	return append(text, '\n'), err
}

// readRecord returns nil if the program has none.
func readRecord(dir string) (*record, error) {
	text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(RecordFile)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r := new(record)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("%s: %w; restore it, or remove it and update from a git repository", RecordFile, err)
	}
	return r, nil
}

// Record writes down which version of the template the program in dir has, unless that is known. It goes by the
// program's files, so it comes before the first edit of them, and after the module got its path.
func Record(dir string) error {
	if r, err := readRecord(dir); r != nil || err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, "app", "app.go")); err != nil {
		return nil //nolint:nilerr // a module without the template has no version of it
	}
	p, err := readProgram(dir, parseList(listed))
	if err != nil {
		return err
	}
	r := newRecord(version{tree: p.tree, name: newest(p.tree.text(changelogFile))}, parseList(listed))
	text, err := r.text()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, filepath.FromSlash(RecordFile)), text, 0o644) //nolint:gosec // source, for all to read
}

// program is the user's tree.
type program struct {
	dir, module string
	tree        tree         // what an update looks at, in the template's words
	there, back source.Paths // to the template's words, and back
	canon       source.Paths // from a text of the template to the same words
}

func readProgram(dir string, l list) (p program, err error) {
	p.dir = dir
	if p.module, err = source.Module(dir); err != nil {
		return p, err
	}
	raw, err := readFolder(dir, func(name string) bool {
		return strings.HasPrefix(name, "app/") || l.isOurs(name) || slices.Contains(l.merged, name) || isBegun(name) ||
			slices.Contains([]string{"go.mod", "go.sum", ".env.example"}, name)
	})
	if err != nil {
		return p, err
	}
	p.there = source.NewPaths([]string{p.module}, source.Template, raw["go.mod"].text)
	p.back = source.NewPaths([]string{source.Template}, p.module)
	// A text of the template that names the program's path, as an example say, names it in the program, too, and there
	// it becomes the template's. Where the program's path begins with the template's there is no such text.
	if p.canon = p.there; strings.HasPrefix(p.module, source.Template+"/") {
		p.canon = source.NewPaths(nil, source.Template)
	}
	p.tree, err = raw.rewritten(p.there)
	return p, err
}

package template

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // git's name for a text; nobody gains by a collision with himself
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"fibercrons/app/cli/source"
)

// file is one file of a tree.
type file struct {
	text []byte
	exec bool
}

// tree holds the files by their paths, with slashes. Of a program it has all in app/ and what is on the list; of a template
// everything.
type tree map[string]file

const (
	largest = 16 << 20  // of one file of the template, in bytes
	whole   = 256 << 20 // of all
	most    = 20_000    // files
)

var errTooLarge = errors.New("it is too large to be the template")

func (t tree) add(name string, f file) error {
	if len(t) == most || len(f.text) > largest {
		return errTooLarge
	}
	if utf8.Valid(f.text) && bytes.IndexByte(f.text, 0) < 0 {
		f.text = bytes.ReplaceAll(f.text, []byte("\r\n"), []byte("\n")) // as git may have written it on Windows
	}
	t[name] = f
	return nil
}

func (t tree) text(name string) string { return string(t[name].text) }

// check says whether t is a version of the template.
func (t tree) check() error {
	for _, need := range []string{"go.mod", "app/app.go", "cmd/cli/main.go", "cmd/server/main.go"} {
		if _, ok := t[need]; !ok {
			return fmt.Errorf("it has no %s, so it is not the template", need)
		}
	}
	mod, err := t.module()
	if err == nil && mod != source.Template {
		err = fmt.Errorf("its module is %s, so it is a program made from the template, not the template: give --from the URL, a folder or a zip of the template itself", mod)
	}
	return err
}

func (t tree) module() (string, error) { return source.ModulePath(t["go.mod"].text) }

// rewritten returns t with other module paths.
func (t tree) rewritten(p source.Paths) (tree, error) {
	moved := make(tree, len(t))
	for name, f := range t {
		text, err := p.Rewrite(filepath.Base(name), f.text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		moved[name] = file{text, f.exec}
	}
	return moved, nil
}

// hash is git's name for the text of a file.
func hash(text []byte) string {
	h := sha1.New() //nolint:gosec // as above
	fmt.Fprintf(h, "blob %d\x00", len(text))
	h.Write(text)
	return hex.EncodeToString(h.Sum(nil))
}

// readFolder reads the template or a program from a folder, as it lies there.
func readFolder(dir string, wanted func(name string) bool) (tree, error) {
	t, size := tree{}, int64(0)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if d.IsDir() {
			switch d.Name() {
			case ".git", "vendor", "node_modules", "data", stageName:
				return fs.SkipDir
			}
			return nil
		}
		if !wanted(name) || isNoise(name) {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is no regular file", name)
		}
		if size += info.Size(); size > whole {
			return errTooLarge
		}
		text, err := os.ReadFile(path) //nolint:gosec // in a folder that the user has named
		if err != nil {
			return err
		}
		return t.add(name, file{text, info.Mode()&0o111 != 0})
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", dir, err)
	}
	return t, nil
}

// inTemplate says whether a file in a folder of the template can be part of it.
func inTemplate(name string) bool {
	return !strings.HasPrefix(name, ".env") || name == ".env.example"
}

package source

import (
	"errors"
	"go/build"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
)

// Module reads the module's path from the go.mod in dir.
func Module(dir string) (string, error) {
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", errors.New("there is no go.mod here; run this in the module's root folder")
	}
	if err != nil {
		return "", err
	}
	return ModulePath(mod)
}

// JobFile is the name of the file for a job. Every build includes it: cleanup_windows.go would be built on Windows
// only, and x_test.go for tests only.
func JobFile(name string) string {
	base := strings.NewReplacer(".", "_", "-", "_").Replace(name)
	if leftOut(base + ".go") {
		base += "_job"
	}
	return base + ".go"
}

// leftOut says whether some build leaves out a file of this name.
func leftOut(name string) bool {
	return strings.HasSuffix(name, "_test.go") || name[0] == '_' || name[0] == '.' || forPlatform(name)
}

// forPlatform says whether a file's name ends like that of an operating system or processor. It asks the go tool's
// own lists about a platform that does not exist.
func forPlatform(name string) bool {
	nowhere := build.Default
	nowhere.GOOS, nowhere.GOARCH = "nowhere", "nothing"
	nowhere.OpenFile = func(string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader("package jobs\n")), nil
	}
	match, err := nowhere.MatchFile(".", name)
	return err == nil && !match
}

// relative is path as a person in root writes it.
func relative(root, path string) string {
	if r, err := filepath.Rel(root, path); err == nil {
		return r
	}
	return path
}

// ModulePath reads the module's path from the text of a go.mod.
func ModulePath(mod []byte) (string, error) {
	path := modfile.ModulePath(mod)
	if path == "" {
		return "", errors.New("go.mod has no module line; restore it")
	}
	return path, nil
}

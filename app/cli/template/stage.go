package template

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// stageName is the folder in the program in which an update happens. Its dot keeps it out of the go tool's ./... .
const stageName = ".update"

// stage is a copy of the program in which the update is made and verified.
type stage struct {
	dir  string   // the program
	gone []string // what the update has removed
	kept bool     // it holds files of the program that could not be moved back
}

func (s *stage) root() string           { return filepath.Join(s.dir, stageName) }
func (s *stage) new() string            { return filepath.Join(s.root(), "new") }
func (s *stage) old() string            { return filepath.Join(s.root(), "old") }
func (s *stage) at(at, n string) string { return filepath.Join(at, filepath.FromSlash(n)) }

// newStage copies the program. What no build needs stays out: history, state, vendored dependencies.
func newStage(dir string) (*stage, error) {
	s := &stage{dir: dir}
	if err := os.Mkdir(s.root(), 0o700); errors.Is(err, fs.ErrExist) {
		if _, err := os.Stat(s.old()); err != nil {
			return nil, fmt.Errorf("%s is there: another update goes on, or was killed before it changed anything. If none goes on, remove %s", stageName, stageName)
		}
		return nil, fmt.Errorf("%s is there: another update goes on, or was killed. If none goes on, move what %s holds back to its place, and remove %s",
			stageName, filepath.Join(stageName, "old"), stageName)
	} else if err != nil {
		return nil, err
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == ".git" || d.Name() == "node_modules" || name == "vendor" || name == "data" || name == stageName {
				return fs.SkipDir
			}
			return os.MkdirAll(filepath.Join(s.new(), name), 0o755) //nolint:gosec // as any source
		}
		if d.Name() == ".git" { // a worktree's
			return nil
		}
		return duplicate(path, filepath.Join(s.new(), name), d)
	})
	if err != nil {
		return nil, errors.Join(err, s.remove())
	}
	return s, nil
}

// duplicate copies a file; a large one, which is data that an update does not write, is linked where that can be.
func duplicate(from, to string, d fs.DirEntry) error {
	if d.Type()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	}
	info, err := d.Info()
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	if info.Size() > 1<<20 && os.Link(from, to) == nil {
		return nil
	}
	in, err := os.Open(from) //nolint:gosec // a file of the user's own program
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm()|0o200) //nolint:gosec // in the stage
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// removeAll is os.RemoveAll; a test lets it fail.
var removeAll = os.RemoveAll

func (s *stage) remove() error {
	if s.kept {
		return nil
	}
	return removeAll(s.root())
}

func (s *stage) write(name string, f file) error {
	path, mode := s.at(s.new(), name), fs.FileMode(0o644)
	if f.exec {
		mode = 0o755
	}
	if info, err := os.Stat(path); err == nil {
		mode |= info.Mode().Perm()
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // as any source
		return err
	}
	if err := os.WriteFile(path, f.text, mode); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}

// erase removes a file, and the folders that are empty without it.
func (s *stage) erase(name string) error {
	path := s.at(s.new(), name)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.gone = append(s.gone, name)
	for dir := filepath.Dir(path); dir != s.new() && os.Remove(dir) == nil; dir = filepath.Dir(dir) {
	}
	return nil
}

// tidy has go mod tidy complete go.mod and go.sum. Without network it may not be able to, and says why.
func (s *stage) tidy(ctx context.Context) error {
	_, err := s.tool(ctx, "mod", "tidy")
	return err
}

// verify compiles everything, and the program's own tests. Vet runs with one analyzer that has nothing to say about Go: it
// is there for the type-checking.
func (s *stage) verify(ctx context.Context) error {
	if _, err := s.tool(ctx, "build", "./..."); err != nil {
		return err
	}
	out, err := s.tool(ctx, "list", "-f", "{{.Dir}}", "./...")
	if err != nil {
		return err
	}
	var own []string
	for dir := range strings.Lines(string(out)) {
		name, err := filepath.Rel(s.new(), strings.TrimSpace(dir))
		if name = filepath.ToSlash(name); err == nil && !strings.HasPrefix(name, "app/") {
			own = append(own, "./"+name)
		}
	}
	_, err = s.tool(ctx, append([]string{"vet", "-framepointer"}, own...)...)
	return err
}

// example has the program's own test write .env.example, with the program's own variables.
func (s *stage) example(ctx context.Context) error {
	if _, err := os.Stat(s.at(s.new(), ".env.example")); err != nil {
		return nil //nolint:nilerr // the program does without it
	}
	if _, err := os.Stat(s.at(s.new(), "config/example_file_test.go")); err != nil {
		return nil //nolint:nilerr // as above
	}
	_, err := s.tool(ctx, "test", "./config", "-run", "^TestExampleFile$", "-update")
	return err
}

// relocate moves the folder that relative paths in go.mod start from.
func (s *stage) relocate(from, to string) error {
	path := s.at(s.new(), "go.mod")
	text, err := os.ReadFile(path) //nolint:gosec // in the stage
	if err != nil {
		return err
	}
	mod, err := moved(string(text), from, to)
	if err != nil {
		return err
	}
	return s.write("go.mod", file{text: []byte(mod)})
}

func (s *stage) tool(ctx context.Context, args ...string) (stdout []byte, err error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = s.new()
	cmd.Env = cmd.Environ()
	flags := "-mod=mod" // vendor/ is not in the stage
	for _, e := range cmd.Env {
		if set, ok := strings.CutPrefix(e, "GOFLAGS="); ok {
			flags = set + " -mod=mod"
		}
	}
	cmd.Env = append(cmd.Env, "GOFLAGS="+strings.TrimSpace(flags))
	if _, err := os.Stat(s.at(s.new(), "go.work")); err != nil {
		cmd.Env = append(cmd.Env, "GOWORK=off") // one further up does not know the stage
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", strings.Join(args[:min(2, len(args))], " "), err, shortened(append(out, said.Bytes()...), 60))
	}
	return out, nil
}

// shortened is the beginning of a long output.
func shortened(out []byte, lines int) string {
	list := strings.Split(strings.TrimSpace(string(bytes.ToValidUTF8(out, nil))), "\n")
	if more := len(list) - lines; more > 0 {
		list = append(list[:lines:lines], fmt.Sprintf("(%d more lines)", more))
	}
	return strings.Join(list, "\n")
}

// changes compares the stage with the program, for the given files.
func (s *stage) changes(names []string) (written, removed []string) {
	for _, name := range names {
		was, before := os.ReadFile(s.at(s.dir, name)) //nolint:gosec // of the program
		is, after := os.ReadFile(s.at(s.new(), name)) //nolint:gosec // in the stage
		switch {
		case after == nil && (before != nil || !bytes.Equal(was, is)):
			written = append(written, name)
		case after != nil && before == nil:
			removed = append(removed, name)
		}
	}
	slices.Sort(written)
	slices.Sort(removed)
	return written, removed
}

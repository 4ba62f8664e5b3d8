package template

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// rename is os.Rename; a test lets it fail.
var rename = os.Rename

// swapError is an error while files were put in place.
type swapError struct{ err error }

func (e *swapError) Error() string { return "put the files in place: " + e.err.Error() }
func (e *swapError) Unwrap() error { return e.err }

// swap moves what has changed into place: app/ as a whole, and the files outside of it. When a move fails, those before it
// are taken back; where that fails, too, the stage is kept, since it holds files of the program.
func (s *stage) swap(written, removed []string) (err error) {
	var done [][2]string
	move := func(from, to string) error {
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil { //nolint:gosec // as any source
			return err
		}
		if err := rename(from, to); err != nil {
			return err
		}
		done = append(done, [2]string{from, to})
		return nil
	}
	defer func() {
		if err == nil {
			return
		}
		for _, d := range slices.Backward(done) {
			if undo := rename(d[1], d[0]); undo != nil {
				s.kept = true
				err = errors.Join(err, fmt.Errorf("move back: %w", undo))
			}
		}
		if s.kept {
			err = fmt.Errorf("%w\nmove what %s holds back to its place by hand, and remove %s then", err, s.old(), s.root())
		} else {
			err = fmt.Errorf("%w; nothing was changed", err)
		}
	}()
	for _, name := range places(slices.Concat(written, removed)) {
		if err := move(s.at(s.dir, name), s.at(s.old(), name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := move(s.at(s.new(), name), s.at(s.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for _, name := range removed {
		for dir := filepath.Dir(s.at(s.dir, name)); dir != s.dir && os.Remove(dir) == nil; dir = filepath.Dir(dir) {
		}
	}
	return nil
}

// places are what is moved for the files: app/ at once.
func places(names []string) (list []string) {
	for _, name := range names {
		if strings.HasPrefix(name, "app/") {
			name = "app"
		}
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

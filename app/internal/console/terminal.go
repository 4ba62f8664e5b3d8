package console

import (
	"io"
	"os"

	"github.com/mattn/go-isatty"
)

// IsTerminal says whether a person looks at w.
func IsTerminal(w io.Writer) bool {
	f, ok := fileOf(w)
	return ok && (isatty.IsTerminal(f.Fd()) || isatty.IsCygwinTerminal(f.Fd()))
}

// Width is the number of columns of the terminal behind w; 0 when there is none, or nobody knows.
func Width(w io.Writer) int {
	f, ok := fileOf(w)
	if !ok || !IsTerminal(w) {
		return 0
	}
	return columns(f)
}

func fileOf(w io.Writer) (*os.File, bool) {
	if o, ok := w.(*Output); ok {
		w = o.Unwrap()
	}
	f, ok := w.(*os.File)
	return f, ok
}

package console

import (
	"io"
	"os"

	"github.com/mattn/go-isatty"
)

// IsTerminal reports whether w is a terminal.
func IsTerminal(w io.Writer) bool {
	f, ok := fileOf(w)
	return ok && (isatty.IsTerminal(f.Fd()) || isatty.IsCygwinTerminal(f.Fd()))
}

// Width returns the number of columns of the terminal w; 0 if it is not a terminal or its width is unknown.
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

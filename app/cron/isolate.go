package cron

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"

	"fibercrons/app/internal/texts"
)

// PanicError is the error of an attempt that panicked.
type PanicError struct {
	Value any    // what panic was called with
	At    string // folder/file.go:line: where the program's own code panicked, or called code that did
	Stack string
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic at %s: %v", e.At, e.Value) }

// Unwrap returns the value of the panic if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// isolate turns a panic into an error, and bounds the text of every error. It cannot recover panics in goroutines that
// the function starts; those end the program.
func isolate(next Func) Func {
	return func(ctx context.Context) (err error) {
		defer func() {
			if v := recover(); v != nil {
				p := &PanicError{Value: v, At: panicSite().String(), Stack: texts.Clip(string(debug.Stack()), maxStack)}
				err = shortErr(p, p.Error())
			}
		}()
		return bounded(next(ctx))
	}
}

// module is the import path of the program, which may have been renamed.
var module = strings.TrimSuffix(reflect.TypeFor[PanicError]().PkgPath(), "/app/cron")

// panicSite finds the origin of the panic being recovered: the innermost frame of the program's own code, without this
// package, that isolate called; otherwise the frame that panicked.
func panicSite() site {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	var first site
	for panicking := false; ; {
		f, more := frames.Next()
		switch {
		case f.Function == "runtime.gopanic":
			panicking = true
		case !panicking || strings.HasPrefix(f.Function, "runtime."):
		case strings.HasPrefix(f.Function, module+"/app/cron."):
			if strings.Contains(f.Function, ".isolate.") {
				return first
			}
		case own(f.Function):
			return siteOf(f.File, f.Line)
		case first == site{}:
			first = siteOf(f.File, f.Line)
		}
		if !more {
			return first
		}
	}
}

func own(function string) bool {
	return strings.HasPrefix(function, "main.") || strings.HasPrefix(function, module+"/")
}

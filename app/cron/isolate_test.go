package cron_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"text/template"

	"fibercrons/app/cron"
)

type codeError struct{ code int }

func (e codeError) Error() string { return fmt.Sprintf("code %d", e.code) }

// nilError is an error whose methods do not bear a nil, as many do not.
type nilError struct{ text string }

func (e *nilError) Error() string { return e.text }

// nilChain bears it in Error only.
type nilChain struct{ err error }

func (e *nilChain) Error() string { return "chain" }
func (e *nilChain) Unwrap() error { return e.err }

// nilIs bears it in Error and Unwrap only.
type nilIs struct{ err error }

func (e *nilIs) Error() string        { return "is" }
func (e *nilIs) Is(target error) bool { return e.err == target }

// nilAs does not bear it in As.
type nilAs struct{ text string }

func (e *nilAs) Error() string { return "as" }
func (e *nilAs) As(any) bool   { return e.text == "" }

// rude is an error whose Is looks into its target without a check.
type rude struct{}

func (rude) Error() string        { return "rude" }
func (rude) Is(target error) bool { return target.Error() == "rude" }
func (rude) As(any) bool          { return false }

// here returns the line it is called on, to be compared with where a panic was seen.
func here() int {
	_, _, n, _ := runtime.Caller(1)
	return n
}

func TestPanicNamesItsLine(t *testing.T) {
	var want int // the line of the panic
	var none map[string]int
	var list []int
	var pointer *codeError
	var zero int
	var thing any = "text"
	boom := errors.New("boom")
	tests := []struct {
		name string
		job  func()
		text string
		is   error
	}{
		{"explicit", func() { want = here(); panic("no") }, "no", nil},
		{"error", func() { want = here(); panic(boom) }, "boom", boom},
		{"error of a type", func() { want = here(); panic(codeError{7}) }, "code 7", codeError{7}},
		{"nil", func() { want = here(); panic(nil) }, "panic called with nil argument", nil}, //nolint:govet // it is what is tested
		{"nil map", func() { want = here(); none["x"] = 1 }, "assignment to entry in nil map", nil},
		{"index", func() { want = here(); _ = list[5] }, "index out of range [5]", nil},
		{"nil pointer", func() { want = here(); _ = pointer.code }, "nil pointer dereference", nil},
		{"division", func() { want = here(); _ = 1 / zero }, "integer divide by zero", nil},
		{"type assertion", func() { want = here(); _ = thing.(int) }, "interface conversion", nil},
		{"closed channel", func() { c := make(chan int); close(c); want = here(); close(c) }, "close of closed channel", nil},
		{"function in a function", func() { func() { func() { want = here(); panic("deep") }() }() }, "deep", nil},
		{"in a deferred function", func() { defer func() { want = here(); panic("late") }() }, "late", nil},
		{"again", func() {
			defer func() {
				v := recover()
				want = here() + 1
				panic(fmt.Sprint("again: ", v))
			}()
			panic("first")
		}, "again: first", nil},
		{"in a library", func() { want = here(); _ = strings.Repeat("x", -1) }, "strings: negative Repeat count", nil},
		{"called by a library that panics again", func() {
			tpl := template.Must(template.New("").Funcs(template.FuncMap{"f": func() string { want = here(); panic("inner") }}).Parse("{{f}}"))
			if err := tpl.Execute(&strings.Builder{}, nil); err != nil {
				panic(err)
			}
		}, "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := runFunc(t, func(context.Context) error { tt.job(); return nil })
			var p *cron.PanicError
			if !errors.As(got.Err, &p) {
				t.Fatalf("%s, %v", got.Status, got.Err)
			}
			if tt.text == "" { // the library makes an error of it, which is what panics then
				if !strings.HasPrefix(p.At, "cron/isolate_test.go:") {
					t.Errorf("at %s", p.At)
				}
				return
			}
			if at := fmt.Sprintf("cron/isolate_test.go:%d", want); p.At != at {
				t.Errorf("at %s, want %s\n%s", p.At, at, p.Stack)
			}
			if !strings.HasPrefix(got.Error, "panic at "+p.At+": ") || !strings.Contains(got.Error, tt.text) {
				t.Errorf("recorded as %q", got.Error)
			}
			if tt.is != nil && !errors.Is(got.Err, tt.is) {
				t.Errorf("%v is not %v", got.Err, tt.is)
			}
			if got.Stack == "" || got.Stack != p.Stack || !strings.Contains(p.Stack, "isolate_test.go") {
				t.Errorf("stack: %q", got.Stack)
			}
		})
	}
}

// A job that is nothing but a library's function has no line of its own.
func TestPanicOfALibraryNamesTheLibrary(t *testing.T) {
	var none *sql.DB
	got := runFunc(t, none.PingContext)
	at, _, _ := strings.Cut(strings.TrimPrefix(got.Error, "panic at "), "/")
	if at == "unknown" || at == "runtime" || at == "cron" || at == "crontest" || !strings.Contains(got.Stack, "database/sql/") {
		t.Errorf("%s, %v", got.Status, got.Err)
	}
}

// A nil pointer in an error is a common slip. Whatever an error's own methods do must hit its
// job only.
func TestErrorsThatPanic(t *testing.T) {
	tests := []struct {
		name string
		err  error
	}{
		{"in Error", (*nilError)(nil)},
		{"in Unwrap", (*nilChain)(nil)},
		{"in Is", (*nilIs)(nil)},
		{"in As", (*nilAs)(nil)},
		{"further down", fmt.Errorf("job: %w", (*nilChain)(nil))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := runFunc(t, func(context.Context) error { return tt.err })
			var p *cron.PanicError
			if got.Status != cron.Failed || !errors.As(got.Err, &p) || !strings.Contains(got.Error, "nil pointer") {
				t.Errorf("%s, %v", got.Status, got.Err)
			}
		})
	}
	if got := runFunc(t, func(context.Context) error { return rude{} }); got.Error != "rude" {
		t.Errorf("%s, %v", got.Status, got.Err)
	}
}

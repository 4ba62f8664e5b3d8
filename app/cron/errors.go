package cron

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"

	"fibercrons/app/internal/texts"
)

// ErrNotFound means that there is no job of that name or no run with that ID.
var ErrNotFound = errors.New("not found")

// ErrGoexit is the error of an attempt whose function called [runtime.Goexit].
var ErrGoexit = errors.New("the function ended its goroutine by runtime.Goexit")

// NoJobError means that no job of that name is registered. It is an [ErrNotFound].
type NoJobError struct {
	Name    string
	Nearest string // the most similar registered name, or empty
}

func (e *NoJobError) Error() string {
	if e.Nearest != "" {
		return fmt.Sprintf("no job %q; did you mean %q?", e.Name, e.Nearest)
	}
	return fmt.Sprintf("no job %q", e.Name)
}

// NoJob returns the error for a name that is not among names.
func NoJob(name string, names []string) *NoJobError {
	return &NoJobError{Name: name, Nearest: texts.Nearest(name, names)}
}

// Is makes errors.Is(err, ErrNotFound) true.
func (e *NoJobError) Is(target error) bool { return target == ErrNotFound }

// ArgsError lists invalid arguments of a run, or other invalid fields of a request.
type ArgsError struct {
	Job     string
	Fields  []FieldError
	Request bool // the fields belong to the request, not to the arguments
}

// FieldError is one invalid field. Field is a JSON pointer (RFC 6901), or empty for the whole value.
type FieldError struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

func (e *ArgsError) Error() string {
	s := fmt.Sprintf("arguments of job %q:", e.Job)
	if e.Request {
		s = fmt.Sprintf("request for job %q:", e.Job)
	}
	for i, f := range e.Fields {
		if i > 0 {
			s += ";"
		}
		if f.Field != "" {
			s += " " + f.Field + ":"
		}
		s += " " + f.Detail
	}
	return s
}

// RequestError returns an error about a field of a request other than its arguments.
func RequestError(job, field, detail string) *ArgsError {
	return &ArgsError{Job: job, Fields: []FieldError{{Field: field, Detail: detail}}, Request: true}
}

// site is a place in the source code.
type site struct {
	file string // folder/file.go
	line int
}

func (s site) String() string {
	if s.file == "" {
		return "unknown"
	}
	return fmt.Sprintf("%s:%d", s.file, s.line)
}

// callSite returns the place from which its caller was called.
func callSite() site {
	_, file, line, ok := runtime.Caller(2)
	if !ok {
		return site{}
	}
	return siteOf(file, line)
}

func siteOf(file string, line int) site {
	dir, base := filepath.Split(file)
	return site{file: filepath.Base(dir) + "/" + base, line: line}
}

// timedOut begins the text, by which [Record.Cause] recognizes it.
const timedOut = "timed out after "

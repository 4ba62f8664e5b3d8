package db

import (
	"errors"

	"fibercrons/app/store/usertx"
)

// Class of an error says what a failed commit calls for.
type Class int

// The classes of errors.
const (
	Other     Class = iota // the statement is at fault: it fails again
	Transient              // try the same again
	Locked                 // another process writes, and was waited for: try the same again
	Duplicate              // a unique key was there: look before inserting
	Hopeless               // disk full, read-only, damaged: trying again at once is no use
)

// Sentence returns an error for the operator, which needs no further explanation: the database, what is wrong with it,
// and the remedy, without a password. Cause may be nil.
func Sentence(cause error, text string) error { return &sentence{text: text, cause: cause} }

// sentence is an error for the operator: the database, what is wrong with it, and the remedy.
type sentence struct {
	text  string
	cause error
}

func (e *sentence) Error() string { return e.text }
func (e *sentence) Unwrap() error { return e.cause }

// Explained reports whether err needs no further explanation.
func Explained(err error) bool {
	if _, done := errors.AsType[*sentence](err); done {
		return true
	}
	_, done := errors.AsType[*usertx.LockedError](err)
	return done
}

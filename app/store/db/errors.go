package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"os"

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

// sentence is an error for the operator: the database, what is wrong with it, and the remedy.
type sentence struct {
	text  string
	cause error
}

func (e *sentence) Error() string { return e.text }
func (e *sentence) Unwrap() error { return e.cause }

// explained reports whether err needs no further explanation.
func explained(err error) bool {
	if _, done := errors.AsType[*sentence](err); done {
		return true
	}
	_, done := errors.AsType[*usertx.LockedError](err)
	return done
}

// broken reports whether the connection failed and not the statement.
func broken(err error) bool {
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return true
	}
	_, ok := errors.AsType[net.Error](err)
	return ok
}

// lastOf is the text of the innermost error: the outer ones repeat addresses and users.
func lastOf(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}

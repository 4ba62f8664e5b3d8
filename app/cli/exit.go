package cli

import (
	"errors"
	"fmt"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/env"
)

// The exit statuses.
const (
	exitDone     = 0
	exitFailed   = 1 // the job failed, or the output could not be written
	exitUsage    = 2 // the command line, the configuration or the jobs are wrong
	exitStore    = 3 // the store is unusable
	exitNotFound = 4 // no such job or run
	exitRefused  = 5 // overlap, paused
)

// statusError is an error that knows its exit status. With an empty text nothing is printed:
// the command has said it already.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string { return e.text }

func usage(format string, a ...any) error {
	return &statusError{exitUsage, fmt.Sprintf(format, a...)}
}

func notFound(format string, a ...any) error {
	return &statusError{exitNotFound, fmt.Sprintf(format, a...)}
}

// storeError is any error of an operation on the store that has no better name.
type storeError struct{ err error }

func (e *storeError) Error() string { return e.err.Error() }
func (e *storeError) Unwrap() error { return e.err }

// asked marks err, which came back from the scheduler or the store: what is not one of the answers
// that have a status of their own is the store's failure.
func asked(err error) error {
	if err == nil || status(err) != exitUsage {
		return err
	}
	if _, ok := errors.AsType[*cron.ArgsError](err); ok {
		return err
	}
	return &storeError{err}
}

// status is the exit status for err. What nobody has marked comes from cobra: a wrong command line.
func status(err error) int {
	switch {
	case err == nil:
		return exitDone
	case is[*statusError](err):
		e, _ := errors.AsType[*statusError](err)
		return e.status
	case is[*contract.RefusedError](err):
		return exitRefused
	case errors.Is(err, cron.ErrNotFound):
		return exitNotFound
	case is[*storeError](err):
		return exitStore
	case is[*env.Error](err), is[*cron.Mistakes](err), is[*cron.ArgsError](err):
		return exitUsage
	}
	return exitUsage
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

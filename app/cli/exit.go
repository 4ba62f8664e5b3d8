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
	exitNotFound = 4 // no such job, run or schedule
	exitRefused  = 5 // overlap, paused
)

// statusError is an error with its exit status. An empty text is not printed: the command has reported it already.
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

// storeError is an error of the store without a status of its own.
type storeError struct{ err error }

func (e *storeError) Error() string { return e.err.Error() }
func (e *storeError) Unwrap() error { return e.err }

// asked marks an error of the scheduler or the store that has no status of its own as the store's.
func asked(err error) error {
	if err == nil || status(err) != exitUsage || is[*cron.ArgsError](err) || is[*env.Error](err) || is[*statusError](err) {
		return err
	}
	return &storeError{err}
}

// status is the exit status for err. What has none comes from cobra: a wrong command line.
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
	}
	return exitUsage
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

package sqlite

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	driverlite "github.com/glebarez/go-sqlite"

	"fibercrons/app/store/db"
)

// The result codes of SQLite that mean something to an operator (sqlite.org/rescode.html).
const (
	codePerm       = 3
	codeBusy       = 5
	codeLocked     = 6
	codeReadOnly   = 8
	codeIO         = 10
	codeCorrupt    = 11
	codeFull       = 13
	codeCantOpen   = 14
	codeProtocol   = 15 // of locks
	codeConstraint = 19
	codeAuth       = 23
	codeNotADB     = 26

	codeUnique     = codeConstraint | 8<<8
	codePrimaryKey = codeConstraint | 6<<8

	codeReadLock  = codeIO | 9<<8
	codeUnlock    = codeIO | 8<<8
	codeCheckLock = codeIO | 14<<8
	codeLock      = codeIO | 15<<8
	codeShmOpen   = codeIO | 18<<8
	codeShmSize   = codeIO | 19<<8
	codeShmLock   = codeIO | 20<<8
	codeShmMap    = codeIO | 21<<8
)

// lacksLocks reports whether the file system lacks what a write-ahead log needs: locks, and memory that processes share
// (sqlite.org/wal.html).
func lacksLocks(code int) bool {
	switch code {
	case codeProtocol, codeReadLock, codeUnlock, codeCheckLock, codeLock, codeShmOpen, codeShmSize, codeShmLock, codeShmMap:
		return true
	}
	return false
}

// fileError is an error about a database file, or about one in memory, that names it.
func fileError(path string, cause error, format string, args ...any) error {
	return db.Sentence(cause, path+" "+fmt.Sprintf(format, args...))
}

// codeOf is the result code of an error; 0: it is not one of SQLite.
func codeOf(err error) int {
	if e, ok := errors.AsType[*driverlite.Error](err); ok {
		return e.Code()
	}
	return 0
}

// lockTaken reports whether somebody else has the write lock.
func lockTaken(err error) bool {
	c := codeOf(err) & 0xff
	return c == codeBusy || c == codeLocked
}

// explain turns an error with this result code into a sentence with a remedy.
func explain(path string, code int, err error) error {
	if lacksLocks(code) {
		return fileError(path, err, "is on a file system without the locks or the shared memory that SQLite needs, as network and FUSE mounts are: let DATABASE_URL name a file on a local disk, or a postgres:// or mysql:// server")
	}
	switch code & 0xff {
	case codeBusy, codeLocked:
		return fileError(path, err, "is locked by another program: close the program that holds it (a database browser, a backup), then try again; a transaction of a job's in another process of this program is named in that one's log")
	case codeReadOnly:
		return fileError(path, err, "cannot be written: make the file and its folder writable for this user, or let DATABASE_URL name another file")
	case codeFull:
		return fileError(path, err, "cannot grow because the disk is full: free some space; runs go on being recorded as soon as there is room")
	case codeCorrupt:
		return fileError(path, err, "is damaged: nothing was changed; restore a backup, or save what can be read with `sqlite3 FILE .recover`, and start with that file")
	case codeNotADB:
		return fileError(path, err, "is not an SQLite database: nothing was changed; let DATABASE_URL name another file, or move this one away")
	case codeCantOpen, codePerm, codeAuth:
		return fileError(path, err, "cannot be opened: its folder must exist and be readable and writable for this user")
	case codeIO:
		return fileError(path, err, "cannot be read or written (%s): check the disk", strings.TrimSpace(err.Error()))
	}
	return err
}

func classOf(err error) db.Class {
	if errors.Is(err, driver.ErrBadConn) {
		return db.Transient
	}
	c := codeOf(err)
	if lacksLocks(c) {
		return db.Hopeless
	}
	switch c & 0xff {
	case codeBusy, codeLocked:
		return db.Locked
	case codeIO:
		return db.Transient
	case codeFull, codeReadOnly, codeCorrupt, codeNotADB, codeCantOpen:
		return db.Hopeless
	case codeConstraint:
		if c == codeUnique || c == codePrimaryKey {
			return db.Duplicate
		}
	}
	return db.Other
}

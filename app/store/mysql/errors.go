package mysql

import (
	"errors"

	"github.com/go-sql-driver/mysql"

	"fibercrons/app/store/db"
	"fibercrons/app/store/remote"
)

// The error codes of MySQL and MariaDB that mean something here
// (dev.mysql.com/doc/mysql-errors/en/server-error-reference.html).
const (
	myDiskFull      = 1021
	myTooMany       = 1040
	myNoAccess      = 1044
	myBadPassword   = 1045
	myNoDatabase    = 1049
	myTableExists   = 1050
	myShutdown      = 1053
	myColumnExists  = 1060
	myKeyExists     = 1061
	myDuplicate     = 1062
	myNothingToDrop = 1091
	myTableFull     = 1114
	myBadHost       = 1130
	myNoCommand     = 1142
	myTooManyUser   = 1203
	myLockWait      = 1205
	myDeadlock      = 1213
	myNoGrant       = 1227
	myOption        = 1290 // the server runs with --read-only, among others
	myInterrupted   = 1317
	myBinlog        = 1665
	myReadOnly      = 1792
	myReadOnlyMode  = 1836
	myKilled        = 1927
	myTimeout       = 3024
	mySecure        = 3159
	myIdle          = 4031
	myChanged       = 1020 // MariaDB: the row was changed since the snapshot
)

func myCode(err error) uint16 {
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return e.Number
	}
	return 0
}

// explain turns an error of the driver into a sentence with a remedy.
func explain(s *remote.Server, err error) error {
	if err == nil || db.Explained(err) {
		return err
	}
	switch myCode(err) {
	case myBadPassword:
		return s.Sentence(err, "does not accept user %q or its password from this host: correct them in DATABASE_URL, or create the user with CREATE USER", s.User)
	case myNoAccess:
		return s.Sentence(err, "does not exist for user %q: create it, and GRANT ALL ON it to the user", s.User)
	case myNoDatabase:
		return s.Sentence(err, "does not exist: create it with CREATE DATABASE, or correct the name in DATABASE_URL")
	case myNoCommand, myNoGrant:
		return s.Sentence(err, "does not give user %q the rights it needs: GRANT ALL ON it to the user", s.User)
	case myBadHost:
		return s.Sentence(err, "does not let this host in: create the user for it with CREATE USER %q@'%%'", s.User)
	case myTooMany, myTooManyUser:
		return s.Sentence(err, "has no connection left: raise max_connections, or run fewer processes (each takes %d at most)", remote.Writers+remote.Readers+remote.Users)
	case myOption, myReadOnly, myReadOnlyMode:
		return s.Sentence(err, "cannot be written: it is a replica or was opened for reading only; let DATABASE_URL name the primary")
	case myDiskFull, myTableFull:
		return s.Sentence(err, "cannot grow because the server's disk is full: free some space; runs go on being recorded as soon as there is room")
	case myBinlog:
		return s.Sentence(err, "logs statements, which does not go with row locks: set binlog_format to ROW or MIXED on the server")
	case myShutdown:
		return s.Sentence(err, "is shutting down: wait for it")
	case myLockWait, myDeadlock, myChanged:
		return s.Sentence(err, "is locked by another program, or by a transaction of a job on its tables: look for long ones in SHOW PROCESSLIST")
	case mySecure:
		return s.Sentence(err, "wants an encrypted connection: add ?tls=true to DATABASE_URL, or tls=skip-verify where its certificate is its own")
	}
	if errors.Is(err, mysql.ErrNoTLS) {
		return s.Sentence(err, "does not offer encrypted connections: set up TLS on the server, or take tls out of DATABASE_URL where the network is safe")
	}
	if errors.Is(err, mysql.ErrInvalidConn) {
		return s.Sentence(err, "does not answer any more: the connection broke, and the next one may work")
	}
	return s.Unreachable(err)
}

func classOf(err error) db.Class {
	switch myCode(err) {
	case 0:
		if remote.Broken(err) || errors.Is(err, mysql.ErrInvalidConn) {
			return db.Transient
		}
	case myDuplicate:
		return db.Duplicate
	case myDeadlock, myLockWait, myChanged:
		return db.Locked
	case myTooMany, myTooManyUser, myShutdown, myInterrupted, myKilled, myTimeout, myIdle:
		return db.Transient
	case myDiskFull, myTableFull, myNoAccess, myBadPassword, myNoDatabase, myNoCommand, myNoGrant, myBadHost, myOption,
		myReadOnly, myReadOnlyMode, myBinlog, mySecure:
		return db.Hopeless
	}
	return db.Other
}

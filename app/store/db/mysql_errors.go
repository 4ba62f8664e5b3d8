package db

import (
	"errors"

	"github.com/go-sql-driver/mysql"
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

// explainMySQL turns an error of the driver into a sentence with a remedy.
func explainMySQL(s *server, err error) error {
	if err == nil || explained(err) {
		return err
	}
	switch myCode(err) {
	case myBadPassword:
		return s.sentence(err, "does not accept user %q or its password from this host: correct them in DATABASE_URL, or create the user with CREATE USER", s.user)
	case myNoAccess:
		return s.sentence(err, "does not exist for user %q: create it, and GRANT ALL ON it to the user", s.user)
	case myNoDatabase:
		return s.sentence(err, "does not exist: create it with CREATE DATABASE, or correct the name in DATABASE_URL")
	case myNoCommand, myNoGrant:
		return s.sentence(err, "does not give user %q the rights it needs: GRANT ALL ON it to the user", s.user)
	case myBadHost:
		return s.sentence(err, "does not let this host in: create the user for it with CREATE USER %q@'%%'", s.user)
	case myTooMany, myTooManyUser:
		return s.sentence(err, "has no connection left: raise max_connections, or run fewer processes (each takes %d at most)", serverWriters+serverReaders+serverUsers)
	case myOption, myReadOnly, myReadOnlyMode:
		return s.sentence(err, "cannot be written: it is a replica or was opened for reading only; let DATABASE_URL name the primary")
	case myDiskFull, myTableFull:
		return s.sentence(err, "cannot grow because the server's disk is full: free some space; runs go on being recorded as soon as there is room")
	case myBinlog:
		return s.sentence(err, "logs statements, which does not go with row locks: set binlog_format to ROW or MIXED on the server")
	case myShutdown:
		return s.sentence(err, "is shutting down: wait for it")
	case myLockWait, myDeadlock, myChanged:
		return s.sentence(err, "is locked by another program, or by a transaction of a job on its tables: look for long ones in SHOW PROCESSLIST")
	case mySecure:
		return s.sentence(err, "wants an encrypted connection: add ?tls=true to DATABASE_URL, or tls=skip-verify where its certificate is its own")
	}
	if errors.Is(err, mysql.ErrNoTLS) {
		return s.sentence(err, "does not offer encrypted connections: set up TLS on the server, or take tls out of DATABASE_URL where the network is safe")
	}
	if errors.Is(err, mysql.ErrInvalidConn) {
		return s.sentence(err, "does not answer any more: the connection broke, and the next one may work")
	}
	return s.unreachable(err)
}

func classOfMySQL(err error) Class {
	switch myCode(err) {
	case 0:
		if broken(err) || errors.Is(err, mysql.ErrInvalidConn) {
			return Transient
		}
	case myDuplicate:
		return Duplicate
	case myDeadlock, myLockWait, myChanged:
		return Locked
	case myTooMany, myTooManyUser, myShutdown, myInterrupted, myKilled, myTimeout, myIdle:
		return Transient
	case myDiskFull, myTableFull, myNoAccess, myBadPassword, myNoDatabase, myNoCommand, myNoGrant, myBadHost, myOption,
		myReadOnly, myReadOnlyMode, myBinlog, mySecure:
		return Hopeless
	}
	return Other
}

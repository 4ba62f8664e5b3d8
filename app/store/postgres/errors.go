package postgres

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"fibercrons/app/store/db"
	"fibercrons/app/store/remote"
)

// The error codes of PostgreSQL that mean something here (postgresql.org/docs/current/errcodes-appendix.html).
const (
	pgUnique        = "23505"
	pgSerialization = "40001"
	pgDeadlock      = "40P01"
	pgNoLock        = "55P03"
	pgCancelled     = "57014" // statement_timeout
	pgReadOnly      = "25006"
	pgNoRights      = "42501"
	pgNoDatabase    = "3D000"
	pgNoSchema      = "3F000"
	pgDiskFull      = "53100"
	pgTooMany       = "53300"
	pgStarting      = "57P03"
	pgIdle          = "25P03" // idle_in_transaction_session_timeout
	pgBadUser       = "28000"
	pgBadPassword   = "28P01"
)

func pgCode(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// explain turns an error of the driver into a sentence with a remedy.
func explain(s *remote.Server, err error) error {
	if err == nil || db.Explained(err) {
		return err
	}
	switch code := pgCode(err); code {
	case pgBadPassword:
		return s.Sentence(err, "does not accept the password of user %q: correct it in DATABASE_URL", s.User)
	case pgBadUser:
		if text := err.Error(); strings.Contains(text, "no encryption") || strings.Contains(text, "SSL off") {
			return s.Sentence(err, "wants an encrypted connection: add ?sslmode=require to DATABASE_URL, or let the server's pg_hba.conf accept this host and user %q", s.User)
		}
		return s.Sentence(err, "does not let user %q in: check the user in DATABASE_URL and the server's pg_hba.conf", s.User)
	case pgNoDatabase:
		return s.Sentence(err, "does not exist: create it with CREATE DATABASE, or correct the name in DATABASE_URL")
	case pgNoSchema:
		return s.Sentence(err, "has no schema to create tables in: create the one that search_path names")
	case pgNoRights:
		return s.Sentence(err, "does not give user %q the rights it needs: GRANT CREATE, USAGE ON SCHEMA and rights on the tables, or make the user their owner", s.User)
	case pgTooMany:
		return s.Sentence(err, "has no connection left: raise max_connections, or run fewer processes (each takes %d at most)", remote.Writers+remote.Readers+remote.Users)
	case pgReadOnly:
		return s.Sentence(err, "cannot be written: it is a standby or was opened for reading only; let DATABASE_URL name the primary")
	case pgDiskFull:
		return s.Sentence(err, "cannot grow because the server's disk is full: free some space; runs go on being recorded as soon as there is room")
	case pgStarting:
		return s.Sentence(err, "is starting up or shutting down: wait for it")
	case pgNoLock, pgDeadlock, pgSerialization:
		return s.Sentence(err, "is locked by another program, or by a transaction of a job on its tables: look for long ones in pg_stat_activity")
	case pgCancelled:
		return s.Sentence(err, "took too long: it is overloaded, or another program holds a lock")
	}
	if text := err.Error(); strings.Contains(text, "server refused TLS connection") {
		return s.Sentence(err, "does not offer encrypted connections: set up TLS on the server, or put ?sslmode=disable into DATABASE_URL where the network is safe")
	}
	return s.Unreachable(err)
}

func classOf(err error) db.Class {
	switch code := pgCode(err); code {
	case "":
	case pgUnique:
		return db.Duplicate
	case pgDeadlock, pgSerialization, pgNoLock:
		return db.Locked
	case pgTooMany, pgStarting, pgIdle, pgCancelled:
		return db.Transient
	case pgDiskFull, pgReadOnly, pgNoRights, pgNoDatabase, pgNoSchema, pgBadPassword, pgBadUser:
		return db.Hopeless
	default:
		if strings.HasPrefix(code, "08") || strings.HasPrefix(code, "57P") || strings.HasPrefix(code, "53") {
			return db.Transient
		}
		return db.Other
	}
	if remote.Broken(err) || pgconn.SafeToRetry(err) || strings.Contains(err.Error(), "conn closed") {
		return db.Transient
	}
	return db.Other
}

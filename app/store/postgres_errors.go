package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
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

func (d *postgres) explain(err error) error {
	if _, done := errors.AsType[*sentence](err); done || err == nil {
		return err
	}
	switch code := pgCode(err); code {
	case pgBadPassword:
		return d.sentence(err, "does not accept the password of user %q: correct it in DATABASE_URL", d.user)
	case pgBadUser:
		if text := err.Error(); strings.Contains(text, "no encryption") || strings.Contains(text, "SSL off") {
			return d.sentence(err, "wants an encrypted connection: add ?sslmode=require to DATABASE_URL, or let the server's pg_hba.conf accept this host and user %q", d.user)
		}
		return d.sentence(err, "does not let user %q in: check the user in DATABASE_URL and the server's pg_hba.conf", d.user)
	case pgNoDatabase:
		return d.sentence(err, "does not exist: create it with CREATE DATABASE, or correct the name in DATABASE_URL")
	case pgNoSchema:
		return d.sentence(err, "has no schema to create tables in: create the one that search_path names")
	case pgNoRights:
		return d.sentence(err, "does not give user %q the rights it needs: GRANT CREATE, USAGE ON SCHEMA and rights on the tables, or make the user their owner", d.user)
	case pgTooMany:
		return d.sentence(err, "has no connection left: raise max_connections, or run fewer processes (each takes %d at most)", serverWriters+serverReaders+serverUsers)
	case pgReadOnly:
		return d.sentence(err, "cannot be written: it is a standby or was opened for reading only; let DATABASE_URL name the primary")
	case pgDiskFull:
		return d.sentence(err, "cannot grow because the server's disk is full: free some space; runs go on being recorded as soon as there is room")
	case pgStarting:
		return d.sentence(err, "is starting up or shutting down: wait for it")
	case pgNoLock, pgDeadlock, pgSerialization:
		return d.sentence(err, "is locked by another program, or by a transaction of a job on its tables: look for long ones in pg_stat_activity")
	case pgCancelled:
		return d.sentence(err, "took too long: it is overloaded, or another program holds a lock")
	}
	if text := err.Error(); strings.Contains(text, "server refused TLS connection") {
		return d.sentence(err, "does not offer encrypted connections: set up TLS on the server, or put ?sslmode=disable into DATABASE_URL where the network is safe")
	}
	return d.unreachable(err)
}

// unreachable explains what can go wrong before a server has said a word.
func (s *server) unreachable(err error) error {
	var dns *net.DNSError
	switch {
	case errors.Is(err, context.Canceled): // whoever asked has gone
		return err
	case errors.As(err, &dns):
		return s.sentence(err, "cannot be reached: its host has no address; correct the name in DATABASE_URL")
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOENT):
		return s.sentence(err, "cannot be reached: nothing listens there; start the server, or correct host and port in DATABASE_URL")
	case broken(err):
		return s.sentence(err, "does not answer: check that the server is up and the network lets this host through")
	case strings.Contains(err.Error(), "tls: "), strings.Contains(err.Error(), "x509: "):
		return s.sentence(err, "cannot be trusted: its certificate does not check out (%s); give the authority's certificate, or another TLS mode in DATABASE_URL", lastOf(err))
	}
	return err
}

// lastOf is the innermost error's text: the outer ones repeat addresses and users.
func lastOf(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}

// broken says whether the connection failed and not the statement.
func broken(err error) bool {
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return true
	}
	_, ok := errors.AsType[net.Error](err)
	return ok
}

func (d *postgres) class(err error) class {
	switch code := pgCode(err); code {
	case "":
	case pgUnique:
		return duplicate
	case pgDeadlock, pgSerialization, pgNoLock:
		return locked
	case pgTooMany, pgStarting, pgIdle, pgCancelled:
		return transient
	case pgDiskFull, pgReadOnly, pgNoRights, pgNoDatabase, pgNoSchema, pgBadPassword, pgBadUser:
		return hopeless
	default:
		if strings.HasPrefix(code, "08") || strings.HasPrefix(code, "57P") || strings.HasPrefix(code, "53") {
			return transient
		}
		return other
	}
	if broken(err) || pgconn.SafeToRetry(err) || strings.Contains(err.Error(), "conn closed") {
		return transient
	}
	return other
}

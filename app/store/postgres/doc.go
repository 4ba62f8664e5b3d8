// Package postgres has the store on a schema of a PostgreSQL database. A program that imports it takes postgres:// URLs;
// without it the driver is not in the build.
//
//   - The tables are in the schema that search_path names first, and no other is searched.
//   - Nothing depends on the state of a session, and nothing changes it: a pooler in transaction mode gives the next
//     transaction to another one, and ours to another program. Settings travel with BEGIN (conn.go), nothing is prepared,
//     locks end with their transaction.
//   - A commit is on the disk (synchronous_commit).
//   - The lock of a migration is its transaction's (pg_advisory_xact_lock).
//   - The snapshot of the next statement shows whether anything has changed.
//   - A connection to a server that has become read-only is not used again (OnPgError): after a fail-over the next one
//     leads to the new primary.
//
// On a pool that another program lends, a connection goes back as it was: each transaction names its isolation and the
// schema that the pool had at the start, besides the settings, and statements are sent as on connections of its own.
//
// # Files, in reading order
//
//   - postgres.go: the dialect: connections, checks at the start, locks, the clock.
//   - sql.go: statements and migrations.
//   - conn.go: connections whose transactions begin with settings. errors.go: what its errors mean.
package postgres

// Package db opens the database of the store, which is an SQLite file, a database in memory, a schema of PostgreSQL or
// a database of MySQL or MariaDB. It connects, brings the tables up to date, and says in the words of each database
// what the store asks for. It knows which tables there are, and nothing of what the store decides about claims and
// runs.
//
// # Files, in reading order
//
//   - database.go: [Open], [Database], the choice of a dialect by the URL. stamp.go: whether anything was committed.
//   - dialect.go: the interface that SQLite, Postgres and MySQL implement. errors.go: classes of errors, and errors
//     that carry a remedy. statements.go: the statements of the hot path, and transactions that give them their form.
//   - migrate.go: one step of the schema after another, then the user's own migrations. steps.go: the table of
//     versions. survey.go: which tables there are, and who made them. rename.go: tables of old releases.
//   - sqlite.go, postgres.go and mysql.go: the dialects. Beside each, _sql.go has its statements and migrations,
//     _errors.go its errors, _conn.go and _params.go what its connections need. server.go: what servers have in common.
//
// # The tables
//
// Instants are integers of UTC milliseconds, and names compare by bytes. Active runs are those
// with ended_at NULL, and have a partial index. History is in order of insertion (seq), by job
// and in all, which is also the order it is pruned in. Migrations are explicit statements,
// append-only, one transaction each under the write lock.
//
// The names of all tables and indexes begin with job_. The table job_migrations says which ones this program has made.
// What has one of their names and is not among them is another program's, and the start is refused before anything is
// changed (survey.go). Tables of releases that had other names are renamed at the start, when no process of such a
// release lives, and their schema_migrations stays behind so that such a release refuses to start (rename.go).
//
// A file or database that is damaged, foreign or newer than this program is refused by a sentence with the remedy, and
// never recreated, truncated or migrated.
//
// # SQLite
//
// The writer has one connection, whose transactions take the write lock when they begin (_txlock=immediate): what one
// has read holds until it commits. Reads have connections of their own that cannot write, and never wait for a writer
// (WAL). The user's own tables have theirs too, which package usertx watches. A commit is on the disk
// (synchronous=FULL).
//
// Another connection is only for PRAGMA data_version, which shows in some ten microseconds whether anything has changed
// ([Database.Stamp]).
//
// SQLite's driver prepares a statement anew at each execution, which costs more than the rows do: few statements with
// many rows are what makes it fast.
//
// # Database servers
//
//   - A process has at most ten connections: two of the writer, four that cannot write, four of the user's
//     own. No read or write on the first six waits longer than ten seconds and no transaction longer than
//     fifteen, whatever the network does. The server rolls back a process that has stopped in
//     mid-transaction after fifteen seconds, so that it holds the others up no longer.
//   - A commit is on the disk on Postgres (synchronous_commit). A MySQL server whose operator set
//     innodb_flush_log_at_trx_commit to something else may lose the last second.
//   - Leases end, and slots begin, by the server's clock, which every process shares.
//   - On Postgres the snapshot of the next statement shows whether anything has changed. MySQL has no cheap way.
//   - Migrations hold a lock of the server's. On Postgres it is the transaction's (pg_advisory_xact_lock). MySQL has
//     locks of a session only (GET_LOCK): it is held on a connection of its own for one step, released on the same one,
//     and ends with it. MySQL commits each change of a table by itself, so there a step is noted when it begins and can
//     be carried out again.
//   - On Postgres the tables are in the schema that search_path names first, and no other is searched.
//   - On Postgres nothing depends on the state of a session, and nothing changes it: a pooler in transaction
//     mode gives the next transaction to another one, and ours to another program. Settings travel with BEGIN
//     (postgres_conn.go), nothing is prepared, locks end with their transaction. The proxies of MySQL keep the
//     state of a session with its client.
//   - A connection to a server that has become read-only is not used again (OnPgError, mysql_conn.go): after
//     a fail-over the next one leads to the new primary.
//   - Texts are made to fit: NUL bytes and broken UTF-8 are replaced.
//
// Read-only, a server's database without tables reads as empty, as a file that does not exist.
package db

// Package db opens the database of the store, brings the tables up to date, and says in the words of each database what
// the store asks for. It knows which tables there are, and nothing of what the store decides about claims and runs.
//
// It has no driver. Each kind of database is a package of its own that registers itself here, as [database/sql]'s
// drivers do: sqlite, postgres and mysql, beside this one. A program imports those that it is to be built with, by package
// app/parts. A URL of another one is refused with the command that adds its part.
//
// # Files, in reading order
//
//   - database.go: [Open], [Database]. options.go, register.go: what to open; the choice of a dialect by the URL.
//     stamp.go: whether anything was committed.
//   - dialect.go: the interface that the dialects implement. errors.go: classes of errors, and errors that carry a
//     remedy. statements.go: the statements of the hot path, and transactions that give them their form.
//   - migrate.go: one step of the schema after another, then the user's own migrations. steps.go: the table of
//     versions. survey.go: which tables there are, and who made them. rename.go: tables of old releases.
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
// # Database servers
//
// Leases end, and slots begin, by the server's clock, which every process shares. Texts are made to fit: NUL bytes and
// broken UTF-8 are replaced.
//
// Read-only, a server's database without tables reads as empty, as a file that does not exist. A program that is built
// without SQLite refuses it instead.
package db

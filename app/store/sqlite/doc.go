// Package sqlite has the store on an SQLite file, or on a database in memory. A program that imports it takes
// sqlite:// URLs; without it SQLite is not in the build.
//
// The writer has one connection, whose transactions take the write lock when they begin (_txlock=immediate): what one
// has read holds until it commits. Reads have connections of their own that cannot write, and never wait for a writer
// (WAL). The user's own tables have theirs too, which package usertx watches. A commit is on the disk
// (synchronous=FULL).
//
// Another connection is only for PRAGMA data_version, which shows in some ten microseconds whether anything has changed.
//
// SQLite's driver prepares a statement anew at each execution, which costs more than the rows do: few statements with
// many rows are what makes it fast.
//
// # Files, in reading order
//
//   - sqlite.go: the dialect: connections, locks, the clock.
//   - sql.go: statements and migrations.
//   - errors.go: what its errors mean. mount_linux.go, mount_other.go: file systems that are not this machine's alone.
package sqlite

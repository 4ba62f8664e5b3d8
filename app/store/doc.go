// Package store keeps jobs and runs in a database. [Store] is a cron.Store; its contract is in
// the comments of that interface, and crontest.Conformance checks it sentence by sentence.
//
// # How it works
//
// All writes go through one goroutine. Calls that wait are gathered into a group and carried
// out in one transaction, hence one fsync: a call alone commits at once, and under load the
// next group is what gathered while the last one was being committed. A group is bounded to
// about a thousand rows, so that what comes next waits for some ten milliseconds. Within the
// transaction a group goes through three steps:
//
//   - load: what the calls want to look at is read by few multi-row statements;
//   - decide: each call, in order of arrival, decides in memory and sees what the ones before
//     it decided (claim.go, owner.go);
//   - flush: what they want to write goes out by few multi-row statements (flush.go).
//
// The driver prepares a statement anew at each execution, which costs more than the rows do:
// few statements are what makes it fast.
//
// Nothing is cached from one transaction to the next. Several servers and the CLI on one SQLite
// file are a supported case, and each transaction takes the write lock when it begins
// (_txlock=immediate), so what it has read holds until it commits. Reads have connections of
// their own that cannot write, and never wait for a writer (WAL). The user's own tables have
// theirs too, see [Store.DB].
//
// Whether anything has changed at all is told by a connection of its own that does nothing but ask
// for PRAGMA data_version ([Store.Stamp]): some ten microseconds that save lists and streams their
// statements.
//
// # What it promises under failure
//
//   - An answer without an error is on the disk (synchronous=FULL).
//   - The claim is the plain insertion of the run's row, under UNIQUE(job, slot). A slot at or
//     below the watermark is never inserted, so pruning brings none back.
//   - Every later write needs the token in the row and an active run; a run is taken from its
//     owner only when its lease has expired, and has another token from then on.
//   - A transaction that fails for a passing reason is carried out again, with the same IDs and
//     tokens, for [Options].RetryFor. When it had in fact committed and only the
//     acknowledgement was lost, each call recognises its own work: a claim by its row's ID, a
//     start, finish or take by its token, lines by their number. RowsAffected decides nothing.
//   - When one call of a group is at fault, the others are carried out without it.
//   - Another process's lock is looked at every few milliseconds, so that the heartbeats of one
//     come through beside another that writes without a pause. A process that is stopped within
//     a transaction holds up all the others until it goes on, whatever their leases.
//   - A full or broken disk is an error to the callers; the writer lives on and works again as
//     soon as the disk does.
//   - A caller whose context ends gets its error at once. What it asked for may still happen;
//     asking again settles it.
//   - A file that is damaged, foreign or newer than this program is refused by a sentence with
//     the remedy, and never recreated, truncated or migrated.
//
// # The tables
//
// Instants are integers of UTC milliseconds, and names compare by bytes. Active runs are those
// with ended_at NULL, and have a partial index. History is in order of insertion (seq), by job
// and in all, which is also the order it is pruned in. Migrations are explicit statements,
// append-only, one transaction each under the write lock (sqlite_schema.go).
//
// A database beside SQLite is another implementation of dialect.
package store

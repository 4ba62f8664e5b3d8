// Package store keeps jobs and runs in a database. [Store] is a contract.Store; its contract is in
// the comments of that interface, and app/internal/conformance checks it sentence by sentence.
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
// SQLite's driver prepares a statement anew at each execution, which costs more than the rows do, and a
// server is a network away: few statements are what makes it fast.
//
// Nothing is cached from one transaction to the next. Several processes and the CLI on one SQLite
// file are a supported case, and each transaction takes the write lock when it begins
// (_txlock=immediate), so what it has read holds until it commits. Reads have connections of
// their own that cannot write, and never wait for a writer (WAL). The user's own tables have
// theirs too, see [Store.DB]; a transaction there that keeps the writer waiting is named in the log, and ended
// after ten seconds (app/store/usertx).
//
// Whether anything has changed at all is told by a connection of its own that does nothing but ask
// for PRAGMA data_version ([Store.Stamp]): some ten microseconds that save lists and streams their
// statements.
//
// # What it promises under failure
//
//   - An answer without an error is on the disk (synchronous=FULL; synchronous_commit). A MySQL server
//     whose operator set innodb_flush_log_at_trx_commit to something else may lose the last second.
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
//   - A file or database that is damaged, foreign or newer than this program is refused by a sentence with
//     the remedy, and never recreated, truncated or migrated.
//
// # The tables
//
// Instants are integers of UTC milliseconds, and names compare by bytes. Active runs are those
// with ended_at NULL, and have a partial index. History is in order of insertion (seq), by job
// and in all, which is also the order it is pruned in. Migrations are explicit statements,
// append-only, one transaction each under the write lock (sqlite_schema.go).
//
// The names of all tables and indexes begin with job_. Which ones this program has made is in job_migrations; what has one
// of their names and is not among them is another program's, and the start is refused before anything is changed
// (tables.go). Tables of releases that had other names are renamed at the start, when no process of such a release lives,
// and their schema_migrations stays behind so that such a release refuses to start (rename.go).
//
// # Database servers
//
// postgres:// and mysql:// (MariaDB, too) are further implementations of dialect, for processes on
// several machines. All that differs is there and in locks.go, gaps.go and server.go.
//
//   - Other processes commit between two statements of a transaction. So each locks what it decides
//     about before it reads it: states of jobs, then groups, then runs, each in order of its names
//     (locks.go), under READ COMMITTED, so that what is read after a lock includes what its last holder
//     wrote. What still ends in a deadlock or a timeout is carried out again from the start.
//   - All processes tick at the same instant, and one wins. A slot at or below the watermark is seen
//     to be lost without a lock; and where another process is just deciding, the claim is put off for a
//     few milliseconds instead of waiting in line (SKIP LOCKED), and then finds it lost. A transaction
//     that has written nothing is rolled back, which waits for no disk.
//   - A run takes about a fifth of a statement in large groups, and about half of one when each is started on its
//     own among three processes. One transaction of the writer at a time is what makes the groups large, so
//     its pool needs no more connections.
//   - Leases end, and slots begin, by the server's clock, which every process shares. It comes along with
//     the statement that locks. A slot that lies ahead of it is answered as early, without tolerance: a
//     clock that is fast by a millisecond costs one more question. Its transaction may have waited for a lock since
//     the clock was read, which makes a lease a little shorter and nothing early.
//   - A sequence's numbers are not in the order of commits; gaps.go says how a look finds what commits
//     late. Within a job they are, since the job's state is locked.
//   - Whether anything has changed is told on Postgres by the snapshot of the next statement; on MySQL
//     nothing tells it cheaply, and each look is taken.
//   - Migrations hold a lock of the server's. On Postgres it is the transaction's (pg_advisory_xact_lock). MySQL has
//     locks of a session only (GET_LOCK): it is held on a connection of its own for one step, released on the same one, and
//     ends with it. MySQL commits each change of a table by itself, so there a step is noted when it begins and can be
//     carried out again.
//   - On Postgres the tables are in the schema that search_path names first, and only that one is looked at.
//   - A process has at most ten connections: two of the writer, four that cannot write, four of the user's
//     own. No read or write on the first six waits longer than ten seconds and no transaction longer than
//     fifteen, whatever the network does; and the server rolls back a process that has stopped in
//     mid-transaction after fifteen, so that it holds the others up no longer.
//   - On Postgres nothing depends on the state of a session, and nothing changes it: a pooler in transaction
//     mode gives the next transaction to another one, and ours to another program. Settings travel with BEGIN
//     (postgres_conn.go), nothing is prepared, locks end with their transaction. The proxies of MySQL keep the
//     state of a session with its client.
//   - A connection that says that its server is read-only is not used again (OnPgError, mysql_conn.go): after
//     a fail-over the next one leads to the new primary.
//   - What a job tells is made to fit: NUL bytes and broken UTF-8 are replaced.
//
// Read-only, a server's database without tables reads as empty, as a file that is not there does.
package store

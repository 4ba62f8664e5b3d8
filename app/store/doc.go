// Package store keeps jobs and runs in a database. [Store] is a contract.Store; its contract is in
// the comments of that interface, and app/internal/conformance checks it sentence by sentence.
//
// Package db opens the database and knows what differs between SQLite, Postgres and MySQL. Package alerts keeps alerts
// and silences, and package schedules the stored schedules, which are methods of Store, too. Package usertx watches the
// user's own transactions. The rows are in package row.
//
// # How it works
//
// All writes go through one goroutine (writer.go). Calls that wait are gathered into a group and carried
// out in one transaction (commit.go), hence one fsync: a call alone commits at once, and under load the
// next group is what gathered while the last one was being committed. A group is bounded to
// about a thousand rows, so that what comes next waits for some ten milliseconds. Within the
// transaction a group goes through three steps:
//
//   - load: what the calls need is read by few multi-row statements (txn.go), and locked before where others may write
//     at the same time (locks.go);
//   - decide: each call, in order of arrival, decides in memory and sees what the ones before
//     it decided (claim.go, start.go, finish.go);
//   - flush: what they want to write goes out by few multi-row statements (changes.go).
//
// Most starts and ends need no load: the statements that write them check the fence (quick.go).
//
// Nothing is cached from one transaction to the next. Several processes and the CLI on one SQLite
// file are a supported case.
//
// # Files, in reading order
//
//   - store.go: Options, [Open], [Store].
//   - writer.go, op.go, commit.go, session.go, run.go, txn.go, locks.go, changes.go, quick.go: how calls that write are
//     committed.
//   - claim.go, start.go, finish.go, beat.go, sync.go, journal.go, control.go, audit.go: the calls that write.
//   - runs.go, states.go, outcomes.go, record.go: the calls that read. watch.go: what has changed.
//   - parts.go: what packages alerts and schedules get of this one, and [Store.In].
//
// # Stored schedules and deferred runs
//
// The row of a stored schedule in job_schedules is for its slots what the row of job_state is for those of the job's code:
// it has the watermark, a pause and what was counted, and is locked in its place. So the schedules of one job are claimed at
// the same time by several processes. What their runs add to the job's counts is written when they end, under the lock of
// the job's row; that a slot was skipped is written there only if nobody else has the row. A program without stored
// schedules has no statement more for them.
//
// A deferred run is a row with due_at, without an owner, whose lease ends when it is due. It is not among the active runs,
// which are those with ended_at and due_at NULL; one index has both apart.
//
// # What it promises under failure
//
//   - An answer without an error is on the disk; see package db for the exception on MySQL.
//   - The claim is the plain insertion of the run's row, under UNIQUE(job, schedule, slot). A slot at or
//     below the watermark is never inserted, so pruning brings none back.
//   - Every later write needs the token in the row and an active run. A run is taken from its
//     owner only when its lease has expired, and has another token from then on.
//   - A transaction that fails for a passing reason is carried out again, with the same IDs and
//     tokens, for [Options].RetryFor. When it had in fact committed and only the
//     acknowledgement was lost, each call recognises its own work: a claim by its row's ID, a
//     start, finish or take by its token, lines by their number. RowsAffected decides nothing.
//   - When one call of a group is at fault, the others are carried out without it.
//   - The writer checks another process's lock every few milliseconds, so that the heartbeats of one
//     come through beside another that writes without a pause. A process that is stopped within
//     a transaction holds up all the others until it continues, whatever their leases.
//   - A full or broken disk is an error to the callers. The writer lives on and works again as
//     soon as the disk does.
//   - A caller whose context ends gets its error at once. What it asked for may still happen;
//     asking again settles it.
//
// # Database servers
//
// postgres:// and mysql:// (MariaDB, too) are for processes on several machines.
//
//   - Other processes commit between two statements of a transaction. So each locks what it decides
//     about before it reads it: states of jobs, then stored schedules, groups and runs, each in order of its names
//     (locks.go), under READ COMMITTED, so that what is read after a lock includes what its last holder
//     wrote. What still ends in a deadlock or a timeout is carried out again from the start.
//   - All processes tick at the same instant, and one wins. A slot at or below the watermark is seen
//     to be lost without a lock. Where another process is just deciding, the claim is put off for a
//     few milliseconds instead of waiting in line (SKIP LOCKED), and then finds it lost. A transaction
//     that has written nothing is rolled back, which waits for no disk.
//   - A run takes about a fifth of a statement in large groups, and about half of one when each is started on its
//     own among three processes. One transaction of the writer at a time is what makes the groups large, so
//     its pool needs no more connections.
//   - The server's clock comes along with the statement that locks. A slot that lies ahead of it is answered as early,
//     without tolerance: a clock that is fast by a millisecond costs one more question. Its transaction may have waited
//     for a lock since the clock was read, which makes a lease a little shorter and nothing early.
//   - A sequence's numbers are not in the order of commits; watch.go says how a summary finds what commits
//     late. Within a job they are, since the job's state is locked.
package store

// Package redis is the optional part of the scheduler that uses Redis (REDIS_URL). [Client] is what
// contract.Peers asks for: a gate in front of the claims, places in concurrency groups, and nudges.
//
// # With a database that all replicas share
//
// PostgreSQL, MySQL. The database is the truth, and Redis decides nothing: it makes things cheaper.
//
//   - The gate: before a replica claims a slot, it sets a key for it (SET NX PX, one round trip for a
//     batch of jobs). The one that was first claims in the database as always. The others spare
//     themselves an insert that would be lost, and a second later ask the database with one cheap
//     query whether the slot is settled. If it is not, they claim it without asking again.
//   - Notifier: after a commit a process publishes a few bytes, twenty times a second at most, and the
//     streams of the others look at the database at once and not only at the next second.
//   - Concurrency groups (cron.Limit) are counted by the database, which sees all runs.
//
// Under failure: G1 and G2 of package scheduler hold whatever Redis does, since what it says is a hint. A
// replica that was first and died before its insert costs the slot a second, and so does a Redis that
// loses its memory or comes back from a failover with an older one. When Redis does not answer, a
// breaker opens after one call of at most 250 ms; from then on the database alone decides and nobody
// waits. A probe looks twice a second whether it is back. The log says once that it is lost and once that
// it is back; meanwhile /readyz answers 200 and "degraded", because jobs do run.
//
// # With a database for each replica
//
// SQLite, and REDIS_URL set: distributed locking for those without a shared database. The key's value
// is then the identity of a database (store.Store.Identity), and the key decides which database runs the
// slot. Several processes on one SQLite file have one identity; their unique row decides among them. If
// there is no other file, they need no Redis.
// The other replicas record the slot as skipped, "elsewhere". A key is kept for the job's catch-up
// window and a day more, so that a replica that was down does not run again what another has run.
// That is some 190 bytes of Redis's memory for each slot: 17 MB for a job that is due every second.
//
// What it promises: as long as Redis keeps its data, at most one of the databases has a start for a
// slot (G1 then holds in that database). While Redis does not answer, no slot is run: each stays
// unsettled and goes to the job's catch-up policy when Redis is back. /readyz answers 503 meanwhile: no
// slot can be claimed. Runs by hand, retries and backfills need no gate.
//
// What it cannot promise:
//
//   - When Redis forgets, a slot can run again: a restart without persistence, FLUSHALL, a failover to a
//     replica that had not yet received the key (replication is asynchronous), eviction
//     (maxmemory-policy other than noeviction; the log warns). It runs again only where its watermark
//     has not passed it: on a replica that was down, late, or slower than the loss.
//   - When a replica dies after it was elected, its slot waits for that replica's database to come back:
//     its own catch-up runs it, or its crash policy decides. Nobody else takes the slot over.
//   - A copy of a database file is the same database to the gate, and both run the slot. Give each replica
//     an empty one, or in a copy: DELETE FROM job_identity; the next start makes a new one.
//   - Overlap, pauses, schedule overrides, history and runs by hand are each replica's own. A slot that
//     is won by a replica on which the job is paused, or still running, is skipped.
//   - A side effect can happen twice for reasons no lock helps against; see cron.Run.Key.
//
// Whoever needs more than that needs a shared database.
//
// Concurrency groups: a run takes a place in a sorted set before it starts, with a lease on the server's
// clock (CRON_LEASE), renewed every third of it and given up at the end. While Redis does not answer,
// runs of a limited group wait. A group has more runs than its limit only when a lease ended although its
// process lived (Redis, or the way to it, was away for longer than a lease), or Redis forgot; then it
// has until they are done, as each renewal takes a lost place again.
//
// # Keys
//
// All begin with REDIS_PREFIX: slot:JOB:MILLISECONDS, limit:GROUP, probe:PROCESS, and the channel
// nudge:DATABASE. Every key expires by itself. Programs that share a server need a prefix or a database
// number each; replicas of one program need the same. A cluster is not supported.
//
// A user of its own needs these rights, with REDIS_PREFIX in place of PREFIX (the tests run with them):
//
//	ACL SETUSER NAME on >PASSWORD resetkeys resetchannels -@all ~PREFIX:* &PREFIX:* +hello +ping +select +client|setname +eval +evalsha +get +set +time +zadd +zcard +zscore +zrem +zremrangebyscore +pttl +pexpire +publish +subscribe +unsubscribe +info
//
// INFO is for the warning about maxmemory-policy alone. CRON_EXECUTOR=asynq has keys of its own, asynq:*,
// and commands that are asynq's to say.
package redis

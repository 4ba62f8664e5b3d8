// Package redis is the optional part of the scheduler that uses Redis (REDIS_URL). [Client] implements contract.Peers:
// a gate before claims, places in concurrency groups, and nudges.
//
// # With a database that all replicas share
//
// With PostgreSQL and MySQL, the database decides everything. Redis only saves work:
//
//   - The gate: before a replica claims a slot, it sets a key for it (SET NX PX, one round trip for a batch of jobs).
//     The first replica claims in the database as usual. The others avoid an insert that would fail, and a second later
//     check with one cheap query whether the slot is settled. If not, they claim it without the gate.
//   - Notifier: after a commit a process publishes a few bytes, at most twenty times a second. The streams of the
//     others then read the database at once instead of at the next second.
//   - Concurrency groups (cron.Limit) are counted by the database, which sees all runs.
//
// Under failure: G1 and G2 of package scheduler always hold, because Redis only gives hints. If the first replica dies
// before its insert, the slot is a second late. The same happens if Redis loses its data or fails over to an older
// copy. If Redis does not respond, a breaker opens after one call of at most 250 ms; then the database alone decides
// without delay. A probe checks twice a second whether Redis is back. The loss and the return are logged once each.
// Meanwhile /readyz answers 200 and "degraded", because jobs do run.
//
// # With a database for each replica
//
// With SQLite, REDIS_URL provides distributed locking without a shared database. The key's value is then the identity
// of a database (store.Store.Identity), and the key decides which database runs the slot. Several processes on one
// SQLite file have one identity; its unique row decides among them. A single file needs no Redis. The other replicas
// record the slot as skipped, "elsewhere". A key is kept for the job's catch-up window and one more day, so that a
// replica that was down does not repeat the run of another. A slot takes about 190 bytes of Redis's memory: 17 MB for a
// job that is due every second.
//
// What it promises: as long as Redis keeps its data, at most one of the databases starts a slot (G1 then holds in that
// database). While Redis does not respond, no slot runs: each stays unsettled, and the job's catch-up policy applies
// when Redis is back. /readyz then answers 503, because no slot can be claimed. Manual runs, retries and backfills need
// no gate.
//
// What it cannot promise:
//
//   - If Redis loses data, a slot can run again: a restart without persistence, FLUSHALL, a failover to a replica
//     without the key (replication is asynchronous), eviction (maxmemory-policy other than noeviction; the log warns).
//     It runs again only where the watermark has not passed it: on a replica that was down, late, or slower than the
//     loss.
//   - If a replica dies after it won a slot, the slot waits for that replica's database to come back. Its own catch-up
//     or crash policy then decides. No other replica takes it over.
//   - A copy of a database file has the same identity, and both run the slot. Give each replica an empty file, or in a
//     copy: DELETE FROM job_identity; the next start makes a new one.
//   - Overlap, pauses, schedule overrides, history and manual runs are separate for each replica. A slot is skipped if
//     the replica that wins it has paused the job or is still running it.
//   - A side effect can happen twice for reasons that no lock prevents; see cron.Run.Key.
//
// For stronger guarantees, use a shared database.
//
// Concurrency groups: a run takes a place in a sorted set before it starts, with a lease on the server's clock
// (CRON_LEASE), renewed three times per lease and released at the end. While Redis does not respond, runs of a limited
// group wait. A group exceeds its limit only if a lease ended although its process lived (Redis was unreachable for
// longer than a lease), or if Redis lost data. It then does so until these runs end, because each renewal takes a lost
// place again.
//
// # Keys
//
// All begin with REDIS_PREFIX: slot:JOB:MILLISECONDS, limit:GROUP, probe:PROCESS, and the channel nudge:DATABASE. Every
// key expires. Programs that share a server need different prefixes or database numbers; replicas of one program need
// the same. A cluster is not supported.
//
// A dedicated user needs these rights, with REDIS_PREFIX in place of PREFIX (the tests run with them):
//
//	ACL SETUSER NAME on >PASSWORD resetkeys resetchannels -@all ~PREFIX:* &PREFIX:* +ping +select +client|setname +eval +evalsha +get +set +time +zadd +zcard +zscore +zrem +zremrangebyscore +pttl +pexpire +publish +subscribe +unsubscribe +info
//
// INFO is only for the warning about maxmemory-policy. CRON_EXECUTOR=asynq uses its own keys, asynq:*, and asynq's
// commands.
package redis

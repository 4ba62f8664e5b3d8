// Package conformance holds the suites that every implementation of a contract of [cron] passes:
// [Store] for one process on a store, [Replicas] for several processes on one database, [Executor] for
// a queue in real time, and [Crashes], which kills processes that share a database and a queue.
//
// [Tally] counts the calls of jobs apart from the store, so that a suite compares what was recorded
// with what really happened.
package conformance

// Package conformance holds the test suites for implementations of package contract: [Store] for one process on a
// store, [Replicas] for several processes on one database, [Executor] for a queue in real time, and [Crashes], which
// kills processes that share a database and a queue.
//
// [Tally] counts the calls of jobs outside the store, so that a suite can compare them with the records.
package conformance

// Package usertx watches what a program does with its own tables in the database that the store uses, too.
//
// On one SQLite file one transaction writes at a time, whoever owns it. While one of the user's is open no run starts
// and none is recorded. A [Tracker] knows which of this process are open (tracker.go). When the store's writer finds
// the write lock taken, the tracker logs who holds it, and rolls a transaction back that has made the writer wait for
// too long. It learns of them in two places: in the driver's connections, below package sql (driver.go), and in the
// pool that gorm uses, above it (pool.go). Only what begins in the latter can be ended.
//
// [Trace] reports the statements of a gorm handle to tracing (trace.go).
package usertx

// Package dev runs a program while it is written: it builds the server, starts it, and does both again on each change.
//
// The running server goes on while the next one is built, and stays when that fails. A server that is replaced gets the
// signal of a deploy and ends its runs as there; the next one starts when it is gone, so the port is free. Changes are
// found by polling: reading the times of this many files takes a few milliseconds, works on every file system, containers'
// mounts included, and needs no library.
//
// Watched are the Go files of the module and of local modules beside it (replace, go.work), their embedded files, go.mod,
// go.sum and .env. Tests, vendor/, data/, testdata/ and hidden folders are not.
//
// On Windows there is no SIGTERM: the server gets Ctrl-Break, which it takes for one. A second Ctrl-C there leaves the
// server to end its runs by itself.
//
// # Files, in reading order
//
//	dev.go       the loop
//	watch.go     what has changed
//	server.go    one process
package dev

// Package contract declares the interfaces between the scheduler and its parts, and the values that they exchange. It
// contains no logic. The terms are defined in package cron.
//
//	store.go state.go watch.go   Store: claims, ends and leases of runs; queries and changes; change detection
//	executor.go                  Executor: the queue that runs may go through
//	peers.go                     Peers: communication between processes beside the store
//	event.go stats.go            what observers see: what happened, and the state of this process
//	refused.go                   why a manual run is refused
//
// The suite of app/internal/conformance checks every store on every database, also while connections break and
// processes die. [Claims] says what is one commit; package scheduler states the guarantees that follow.
package contract

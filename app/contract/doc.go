// Package contract is what the scheduler agrees on with those it works with. It holds their interfaces and what these
// exchange, and nothing that runs. Package cron has the words.
//
//	store.go state.go watch.go   Store: claims, ends and leases of runs; what people ask and change; what has changed
//	executor.go                  Executor: the queue that runs may go through
//	peers.go                     Peers: what processes tell each other beside the store
//	event.go                     what observers see
//	refused.go                   why a run by hand is refused
//
// A store is held to it by the suite of app/internal/conformance, on every database, also while connections break and
// processes die. [Claims] says what has to be one commit; what follows from it, the guarantees, stands in
// package scheduler.
package contract

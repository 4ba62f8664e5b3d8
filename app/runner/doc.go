// Package runner takes claimed runs to their recorded ends. It holds the runs of one process: which of them wait, for
// what, and which worker has which. Package scheduler claims; package cron has the words.
//
// # The way of a run
//
//  1. [Runner.Accept] gets a run that was claimed, [Runner.Adopt] one of a process that has died. If a worker was
//     reserved for it and its start was committed with the claim, it begins at once. Otherwise it is enlisted.
//  2. It waits: in line for a worker, or blocked by another run of its job or group. A run that waits takes no worker.
//     What is in line starts in order of arrival; runs of a job that wait for each other keep the order of their slots.
//  3. A worker takes it, and Start is committed before the function is called.
//  4. The worker calls the function. Finish commits how that ended, beside the worker, which has its next run by then.
//  5. The run is dropped, and what it blocked tries again. Or another attempt follows: then it is back at 2 when that
//     is due.
//
// A worker without a run asks the [Source] for what is due and not claimed. So claim and start are one commit mostly.
//
// # Through a queue
//
// With an [contract.Executor] step 2 is: a ticket for the attempt waits in the queue. Whoever takes the ticket
// continues at 3. See package scheduler for why no attempt is lost or made twice by that.
//
// # Who owns what
//
// The state has a lock, and everything about runs that changes is under it. The methods of state are the steps from one
// moment to the next: they are called with the lock held and do not block. What takes time they hand to effects, which
// the worker implements: that calls the store and the function, without the lock. While it is held, nothing outside of
// this package is called but [Source].Due and observers.
//
// # Files, in reading order
//
//	config.go events.go             what a Runner is made of; those who watch
//	run.go record.go lane.go        a run and its context; how it ends; the runs of a job
//	line.go state.go                who waits for what; the steps
//	hookpool.go groups.go           calling hooks; places in groups that no store counts
//	worker.go                       an attempt from start to end
//	runner.go dispatch.go           the Runner: questions; runs in
//	leases.go drain.go              heartbeats: cancel requests, lost leases, notes; the end
//	outbox.go queue.go              through a queue: tickets out, tickets in
package runner

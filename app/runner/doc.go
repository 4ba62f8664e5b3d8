// Package runner executes claimed runs and records their ends. It holds the runs of one process, assigns them to
// workers and knows what the others wait for. Package scheduler claims; package cron defines the terms.
//
// # Steps of a run
//
//  1. [Runner.Accept] takes a claimed run, [Runner.Adopt] one of a dead process. If a worker was reserved for it and
//     its start was committed with the claim, it begins at once. Otherwise it waits.
//  2. It waits for a worker, or is blocked by another run of its job or group. A waiting run uses no worker. Ready runs
//     start in order of arrival; runs of a job that wait for each other start in the order of their slots.
//  3. A worker takes it and commits Start before it calls the function.
//  4. The worker calls the function. Finish commits the end in another goroutine while the worker takes its next run.
//  5. The run is dropped and the runs that it blocked are retried. If another attempt follows, it goes back to 2 when
//     that is due.
//
// A free worker asks the [Source] for due slots. So claim and start are usually one commit.
//
// # Through a queue
//
// With a [contract.Executor], step 2 is a ticket in the queue, and the process that takes the ticket continues at 3.
// Package scheduler explains why this neither loses nor repeats an attempt.
//
// # State
//
// The lock of state guards everything about runs that changes. The methods of state are called with the lock held and
// do not block. Slow work goes to effects, which the worker implements: it calls the store and the function without the
// lock. With the lock held, only the [Source] and observers are called outside of this package.
//
// # Files, in reading order
//
//	config.go events.go             the parts of a Runner; observers
//	run.go record.go lane.go        a run and its context; its record and end; the runs of a job
//	line.go state.go                waiting runs; the state
//	hookpool.go groups.go           calling hooks; groups across separate stores
//	worker.go                       an attempt from start to end
//	runner.go dispatch.go           queries; accepting runs
//	leases.go drain.go              cancel requests, lost leases, notes; shutdown
//	outbox.go queue.go              sending tickets; working the queue
package runner

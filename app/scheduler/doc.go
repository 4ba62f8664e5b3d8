// Package scheduler turns the slots of jobs into runs, each with one recorded row, on one or many processes. Package
// cron defines the terms. Package contract has the interfaces to the store, the queue, other processes and observers.
//
// # From an expression to a recorded run
//
// [New] takes the jobs that [cron.Registry.Jobs] returned. [Scheduler.Run] then repeats these steps:
//
//  1. Sync registers the jobs in the store and reads each job's watermark. The watermark of a job that is new, or whose
//     schedule in the code has changed, starts now.
//  2. A tick of the clock says that slots may be due. It is only a hint: the watermark and the time decide what is due.
//     A late, lost or repeated tick changes nothing. Once a second every job is checked without a tick.
//  3. [plan.Decide] decides about every slot since the watermark: it runs, or it is skipped with a reason.
//  4. Claim inserts one row for each under UNIQUE(job, schedule, slot) and advances the watermark in the same
//     transaction. One of several processes wins. A worker claims when it is free to begin the run; until then the job
//     waits in the backlog. Some slots are claimed without a worker; see claimer.
//  5. A run that its worker has claimed begins, because its start was committed with the claim. Others wait for a
//     worker, their turn, their group or their next attempt. Start commits such an attempt before the function is
//     called.
//  6. The function runs inside its wrappers. Finish commits the end.
//
// Manual runs, retries of old runs and backfills enter at 4 with a row without a slot. Package runner does 5 and 6.
//
// # Stored schedules
//
// The row of a stored schedule is to its slots what a job's row is to those in code: it has their watermark and is locked
// by their claims, and UNIQUE(job, schedule, slot) lets one process win. Steps 3 to 6 are the same; 1 and 2 differ. Once
// a second the agenda reads the schedules whose next slot is less than two seconds away, by an index, into the window of
// the claimer, and one alarm of the clock stands for the earliest. So a million schedules that are not due cost one
// statement a second and no memory, and each process sees what another has put within a second. What it puts itself it
// reads at once.
//
// An entry of the window may be out of date. Its claim has the revision of the schedule that it was read from, and the
// store refuses any other: then the entry is dropped and read anew. The next slot in the row is only where to look; which
// slot is due follows from the expression and the watermark, as in code.
//
// A deferred run (Enqueue, Request.At) is a row without an owner, whose lease ends when it is due. The agenda takes it
// over then, as a run of a dead process is taken over, and so it begins once, wherever.
//
// # Guarantees
//
// G1: each slot of a job, or of a stored schedule of it, has at most one start per attempt, on any number of processes
// that share a database. The unique row lets one process win. The token in the row says which: a claim whose answer was
// lost is repeated under the same fence and so finds out. The watermark keeps pruned slots from being claimed again.
// Every later write requires that token and status are unchanged. A process that slept through its lease therefore ends
// and starts nothing ([contract.ErrFenced]), and its run's context is cancelled.
//
// G2: no slot is lost silently. Every slot inside the catch-up window ends as one row. The watermark advances only in
// one commit with the rows of all slots before it. A slot that cannot be claimed stays unsettled and is retried each
// second. Slots older than the window share one row.
//
// G3: [cron.OnCrash] decides about a run that crashed during an attempt. Every instance sends a heartbeat each third of
// a lease and takes over runs with expired leases. A queued run has not begun, because starts are committed first, so
// it is taken over under either policy. Two leases after a process died, none of its runs is recorded as running there.
// A process without a clock ([Config].Disabled) settles expired runs too: it continues manual runs and leaves queued
// slots to a process with a clock.
//
// # Running
//
// The claim's transaction decides about overlap, because it sees the runs of all processes. Runs that wait for each
// other keep the order of their slots across processes, but one that does not start within two seconds loses its place.
// A waiting run uses no worker, and ready runs start in order of arrival, so a slow job delays others only when all
// workers are busy. Then slots stay unclaimed for a second, so that a process with a free worker can claim them, and
// become waiting runs after it. Start counts a group's limit over all processes, and the processes take turns.
//
// # Through a queue
//
// With [Config].Executor the process that works the queue makes a run's attempts, not the one that claimed it. The
// queue carries tickets: the run, its token and the number of the attempt. Everything else is in the row:
//
//   - The claim inserts a queued row. The claiming process holds its lease and sends the ticket after the commit until
//     the queue accepts it. If no process starts the run, it resends the ticket with growing delays. If it dies, its
//     lease expires, and the process that takes the run over sends a ticket with another token. The first ticket is
//     then void.
//   - The process that gets a ticket reads the row and commits Start, which makes it the owner. Start requires that the
//     token is the ticket's, the run is queued and the attempt is its next one. So one of any number of deliveries
//     starts the attempt, and the others are void. The row decides, because a process's own memory of a run may be
//     older than the ticket. A ticket is put back for a moment if its run is blocked or its job unknown here.
//   - The rest is as in one process: wrappers, log, progress, lease, cancel and fences. If the process dies during the
//     attempt, [cron.OnCrash] decides, and a redelivery by the queue is void.
//   - A run that needs another attempt is queued again, with the same owner. The owner sends the next ticket, which is
//     not delivered before its time.
//
// So the queue may lose, repeat or delay tickets: no run is lost, no attempt is made twice, and G1 to G3 hold. The
// queue's own retries never call a function. It shows a run that finally failed as a failed job, and cancelling a job
// there cancels the run. Runs of a job that wait for each other have one ticket at a time, in the order of their slots,
// for each process that claims.
//
// [contract.SchedulerOnly] claims and sends, [contract.WorkerOnly] makes attempts and claims no slots. Both send
// heartbeats and take over expired runs. All of them share one store.
//
// # Failures
//
// If the store does not answer at the start, nothing is due until it does, and [Scheduler.Ready] reports that. Later,
// claims are retried, and their slots are caught up afterwards. Ends of runs are retried until they are recorded. After
// an outage longer than a lease, other processes that reach the store take the runs over, and this process's later
// writes are fenced.
//
// If the clock goes back, nothing repeats, because slots up to the watermark are settled; jobs are due again when the
// clock has passed it. If it is ahead of the database server's clock, a slot starts when that clock has reached it
// ([contract.Claimed].Early). If it goes forward, or the machine sleeps, that is noticed within a second or so, and the
// slots in between are missed. Leases end by the database's clock, if it has one, so the processes' clocks need not
// agree.
//
// At shutdown, claiming stops, waiting runs are released for any process, and the others may finish within the grace.
// Then they are cancelled and recorded; a run with [cron.Rerun] is queued again. After 5 s, runs that are still active
// are recorded as interrupted, and the leases are released.
//
// Processes may communicate beside the store ([contract.Peers]). With a shared store, a gate only avoids claims that
// would be lost. With separate stores, the gate decides which process runs a slot, and slots stay unsettled without its
// answer. Then G1 holds across the stores as long as the gate remembers, and G2 in each of them. See gate.go here and
// groups.go in package runner.
//
// An observer must not block, and history is pruned in small steps, so neither delays a claim.
//
// # State
//
// [Scheduler] connects the parts and is the interface to the outside. Each part owns its state and its lock:
//
//   - ticks: pending ticks.
//   - claimer: each job's next slot, the backlog and the active claims. Its lock guards slots and the entries.
//   - runner, a separate package: the runs and workers of this process.
//   - leases: heartbeats, cancel requests, takeovers and pruning. Only its goroutines use its state.
//   - agenda: what to read next of the store. Only its goroutine uses its state. What it reads goes to the window, which is
//     the claimer's.
//   - lanes: the runs here of each stored schedule, for the runner.
//   - events: observers.
//
// Data flows one way: tick, entry, batch, claim, run, end. The claimer reserves workers of the runner, and a free
// worker of the runner asks the claimer for due slots. The runner may call the claimer with its lock held, but not the
// reverse.
//
// # Files, in reading order
//
//	config.go scheduler.go phase.go   configuration, start and shutdown
//	ticks.go entry.go backlog.go      ticks; a job's next slot; jobs that wait for a worker
//	slots.go claimer.go               the state of the claimer; which slots are claimed when
//	batch.go claim.go gate.go         claiming a batch; asking other processes first
//	sync.go                           reading the state of jobs from the store
//	window.go lanes.go agenda.go      stored schedules that are due soon; reading them; deferred runs
//	heartbeat.go sweep.go             leases; runs of dead processes
//	control.go byhand.go lookup.go    commands; manual runs; single runs and jobs
//	schedules.go                      commands about stored schedules
//	ready.go stats.go                 readiness and measurements
//
// # Deliberate limits
//
// There is no leader: every process ticks and claims, so there is no election to wait for. The queue stores only
// tickets. No catch-up reaches back beyond a job's first registration or a change of its schedule. quartz is only the
// clock: its cron dialect, retries, misfire rules, worker limit and cancel-on-stop are not what users expect here.
package scheduler

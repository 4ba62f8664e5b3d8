// Package scheduler is the engine: it turns the slots of jobs into runs, each into one recorded row, on one process or
// many. Package cron has the words. Package contract has what the engine agrees on with its store, its queue, other
// processes and observers.
//
// # From an expression to a recorded run
//
// [New] takes the jobs that [cron.Registry.Jobs] returned. [Scheduler.Run] then does this, again and again:
//
//  1. Sync tells the store which jobs there are and learns each job's watermark. A job that is new, or whose schedule was
//     edited, begins now.
//  2. A tick of the clock says that slots may be due. It is a hint: what is due follows from the watermark and the
//     time. A tick that is late, lost or doubled changes nothing. Once a second every job is looked at without one.
//  3. [plan.Decide] decides about every slot since the watermark: it runs, or it is skipped with a reason.
//  4. Claim inserts one row for each, under UNIQUE(job, slot), and moves the watermark in the same transaction. Of
//     several processes one wins; the others see whose row it is. A worker claims when it is free to begin the run. Until
//     then the job waits in the backlog. Some slots are claimed without a worker; see claimer.
//  5. A run that its worker has claimed begins: its start was committed with the claim. Others wait for a worker, their
//     turn, their group, or the time of the next attempt. Start commits such an attempt before the function is called.
//  6. The function runs inside its wrappers. Finish commits how it ended.
//
// A run by hand, a retry of an old run and a backfill enter at 4, with a row that has no slot. Package runner does 5 and 6.
//
// # Guarantees
//
// G1: for each slot of a job at most one start per attempt, on any number of processes that share a database. The unique
// row lets one process win. Who won is read back by token: a claim whose answer was lost is repeated under the same fence,
// which shows whether it had won. The watermark keeps slots from coming back after their rows are pruned. Every
// later write holds only while token and status are still those of the row. A process that slept through its
// lease therefore ends nothing and starts nothing ([contract.ErrFenced]), and its run's context is cancelled.
//
// G2: no silent loss. Every slot inside the catch-up window ends as one row. The watermark moves only with the rows
// of all slots before it, in one commit. What cannot be claimed stays unsettled and is claimed again each second. Slots
// older than the window share one row.
//
// G3: after a crash in mid-attempt the job's author has chosen, by [cron.OnCrash]. Every instance sends a heartbeat each third
// of a lease and sweeps what has expired. A run that was only queued has not begun, since starts are committed
// first, and is taken over under either policy. Two leases after a process died, no run says that it is still running there.
// A process whose clock is off ([Config].Disabled) sweeps, too: it continues runs by hand, and leaves those of queued
// slots to a process whose clock is on.
//
// # Running
//
// Overlap is decided inside the claim's transaction, where other processes' runs are seen. Runs that wait for each other keep
// the order of their slots, whichever process holds them. One that does not start within two seconds loses its
// place. A run that waits takes no worker, and those in line start in order of arrival: a slow job delays another's start
// only when all workers are taken. Then slots stay unclaimed for a second, in which a process with a free worker may have
// them, and become runs in line after it. A group's limit is counted at Start, over all processes, which take
// turns there as well.
//
// # Through a queue
//
// With [Config].Executor the process that works the queue makes a run's attempts, not the one that claimed it. The queue
// carries tickets: the run, its token, and the number of the attempt. Everything else stays in the row:
//
//   - The claim makes the row, always queued. The process that claimed holds its lease and sends the
//     ticket after the commit, again and again until the queue has taken it. When nobody starts the run for long, it sends
//     the ticket once more, at growing distances. If it dies, its lease expires: the process that sweeps takes the run over
//     under another token and sends another ticket. The first one is void then.
//   - The process that gets a ticket reads the row and starts the attempt. Start moves the row to that process. It
//     holds only while the token is the ticket's, the run is queued, and the attempt is its next one. So of any number of
//     deliveries one starts the attempt; the others, and late ones, are void. The row decides that, since a process's
//     own memory of a run may be older than the ticket. The ticket of a run that its job or group blocks, or whose job this
//     process does not know, is put back for a moment.
//   - From there all is as in one process: wrappers, log, progress, lease, cancel, fences. A process
//     that dies in mid-attempt is swept, and [cron.OnCrash] decides; the queue's own redelivery is void.
//   - An attempt that is to be repeated goes back into the row, held by the process that made it. That
//     sends the ticket of the next attempt, not to be delivered before its time.
//
// Hence the queue may lose tickets, double them, deliver them late, or forget everything: no run is lost
// and no attempt made twice, and G1 to G3 hold as they stand. Its own retries never call a function. It shows
// a run that failed for good as a failed job, and a job that is cancelled there cancels the run here. Runs of a job that
// wait for each other have their tickets out one at a time, in the order of their slots, for each process that claims.
//
// [contract.SchedulerOnly] claims and sends, [contract.WorkerOnly] makes attempts and claims no slots. Both send
// heartbeats and sweep. All of them share one store.
//
// # When things go wrong
//
// The store is away at the start: nothing is due until it answers; [Scheduler.Ready] says so. Away
// later: claims are repeated, and their slots go to catch-up when it is back. Ends of runs are
// repeated until they are recorded. When it is away for longer than a lease, other processes that
// do reach it take the runs over, and this one's later writes are fenced off.
//
// The clock goes back: nothing repeats, since slots at or below the watermark are settled; jobs are
// due again when the clock has passed it. It is ahead of the clock of a database server: a slot starts
// when that has reached it ([contract.Claimed].Early). It goes forward, or the machine sleeps: noticed within a
// second or so, and the slots in between are missed ones. Leases end on the database's clock where
// it has one, and so do not depend on the processes agreeing.
//
// Shutdown: claiming stops, runs that wait are given back for any process to take at once, the rest
// may finish for the grace. Then they are cancelled and recorded; one whose job says [cron.Rerun] goes
// back into the queue. 5 s later what is still running is recorded as interrupted, and the leases
// are given up.
//
// Processes may meet beside the store ([contract.Peers]). A gate in front of the claims spares a shared store those
// that would be lost, and decides nothing. Where each process has a store of its own, the gate decides which
// of them runs a slot, and without its answer slots stay unsettled. Then G1 holds for all of the stores
// as long as the gate remembers, and G2 for each of them. See gate.go here and groups.go in package runner.
//
// An observer must not block, and history is pruned in small steps, so that neither delays a claim.
//
// # Who owns what
//
// The [Scheduler] puts parts together and answers those outside. Each part owns its state and its lock:
//
//   - ticks: what the clock says is due and nobody has looked at.
//   - claimer: where each job stands in its schedule, what is due, and what is on its way to the store. Its lock guards
//     slots and the entries.
//   - runner, a package of its own: the runs of this process, and its workers.
//   - leases: heartbeats, requests to cancel, sweeps, pruning. Its state is that of its own goroutine.
//   - events: those who watch.
//
// Data goes one way: tick, entry, batch, claim, run, end. The claimer asks the runner for free workers, and the runner
// asks the claimer for what is due when one of them has nothing to do. The runner may do so with its lock held; the claimer
// calls the runner without its own.
//
// # Files, in reading order
//
//	config.go scheduler.go phase.go   the life of a scheduler
//	ticks.go entry.go backlog.go      what is due; a job in its schedule; what waits for a worker
//	slots.go claimer.go               what the claimer's lock guards; which slots are claimed when
//	batch.go claim.go gate.go         a batch on its way to the store; asking other processes first
//	sync.go                           what the store says of the jobs
//	heartbeat.go sweep.go             leases; runs of dead processes
//	control.go byhand.go lookup.go    commands; runs by hand; single runs and jobs
//	ready.go stats.go                 whether all is well, and what can be measured
//
// # What is deliberately not done
//
// There is no leader: every process ticks and claims, so there is no election to wait for. A queue holds no more of runs
// than their names. No catch-up reaches back beyond a job's first registration or an edit of its
// schedule. quartz is the clock only: its cron dialect, retries, misfire rules, worker limit and cancel-on-stop are not
// what users expect here.
package scheduler

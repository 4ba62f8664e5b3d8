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
//  2. A tick of the clock says that slots may be due. It is a hint and nothing more: what is due follows from the
//     watermark and the time. A tick that is late, lost or doubled changes nothing, and once a second every job
//     is looked at without one.
//  3. [plan.Decide] decides about every slot since the watermark: it runs, or it is skipped with a reason. No slot is
//     passed over.
//  4. Claim inserts one row for each, under UNIQUE(job, slot), and moves the watermark in the same transaction. Of
//     several processes one wins; the others see whose row it is and go on. A worker claims when it is free to begin the run;
//     until then the job waits in the backlog. What cannot wait for that is claimed as soon as it is due; see backlog.go.
//  5. A run that its worker has claimed begins, its start committed with the claim. Others wait: for a worker, their
//     turn, their group, or the time of the next attempt. Start commits such an attempt before the function is called.
//  6. The function runs inside its wrappers. Finish commits how it ended.
//
// A run by hand, a retry of an old run and a backfill enter at 4, with a row that has no slot.
//
// # Guarantees
//
// G1: for each slot of a job at most one start per attempt, on any number of processes that share a database. The unique
// row lets one process win; who won is read back by token, so that a claim whose answer was lost is asked for again under the
// same fence and turns out won or not. The watermark keeps slots from coming back after their rows are pruned. Every
// later write holds only while token and status are still those of the row: a process that slept through its
// lease ends nothing and starts nothing ([contract.ErrFenced]), and its run's context is cancelled.
//
// G2: no silent loss. Every slot inside the catch-up window ends as one row. The watermark moves only with the rows
// of all slots before it, in one commit. What cannot be claimed stays unsettled and is asked for again each second. Slots
// older than the window share one row.
//
// G3: after a crash in mid-attempt the job's author has chosen, by [cron.OnCrash]. Every instance sends a heartbeat each third of a
// lease and sweeps what has expired. A run that was only queued has not begun, since starts are committed
// first, and is taken over under either policy. Two leases after a process died, no run says that it is still running there.
// A process whose clock is off ([Config].Disabled) sweeps, too: it continues runs by hand, and leaves those of queued
// slots to a process whose clock is on.
//
// # Running
//
// Overlap is decided inside the claim's transaction, where other processes' runs are seen. Runs that wait for each other keep
// the order of their slots, whichever process holds them: one that does not start its run within two seconds loses its
// place. A run that waits takes no worker, and what is in line starts in order of arrival: a slow job delays another's start only when
// all workers are taken. Then slots stay unclaimed for a second, in which a process with a free worker may have
// them, and become runs in line after it. A group's limit is counted at Start, over all processes, which take
// turns there as well.
//
// # Through a queue
//
// With [Config].Executor a run goes on in whichever process works the queue, and not where it was
// claimed. The queue carries tickets: the run, its token, and the number of the attempt that is asked
// for. Everything else stays as it is and where it is, in the row:
//
//   - The claim makes the row, always queued. The process that claimed holds its lease and sends the
//     ticket after the commit, again and again until the queue has taken it; and once more, at growing
//     distances, when nobody has started the run for long. A process that dies before or after that
//     leaves a lease that expires: whoever sweeps takes the run over under another token and sends
//     another ticket. The first one is void then.
//   - Who gets a ticket reads the row and starts the attempt. Start moves the row to that process, and
//     holds only while the token is the ticket's, the run is queued, and the attempt is its next one.
//     So of any number of deliveries one starts it; the others, and those that come too late, are void.
//     It is the row that says so: a process's own memory of a run may be older than the ticket.
//     A run that its job or group blocks, or whose job this process does not know, is put back for a
//     moment; it is still its holder's.
//   - From there on all is as in one process: wrappers, log, progress, lease, cancel, fences. A process
//     that dies in mid-attempt is swept, and [cron.OnCrash] decides; the queue's own redelivery is void.
//   - An attempt that is to be repeated goes back into the row, held by the process that made it, which
//     sends the ticket of the next one, not to be delivered before its time.
//
// Hence the queue may lose tickets, double them, deliver them late, or forget everything: no run is lost
// and no attempt made twice, and G1 to G3 hold as they stand. Its own retries never call a function. What
// it is told is only for those who look at it: a run that failed for good is a failed job there, and one
// cancelled there is cancelled here. Runs of a job that wait for each other have their tickets out one at
// a time, in the order of their slots, for each process that claims.
//
// [contract.SchedulerOnly] claims and sends, [contract.WorkerOnly] makes attempts and claims no slots; both beat and sweep.
// All of them share one store.
//
// # When things go wrong
//
// The store is away at the start: nothing is due until it answers; [Scheduler.Ready] says so. Away
// later: claims are repeated and their slots go to catch-up when it is back; ends of runs are
// repeated until they are recorded. When it is away for longer than a lease, other processes that
// do reach it take the runs over, and what this one then has to say is fenced off.
//
// The clock goes back: nothing repeats, since slots at or below the watermark are settled; jobs are
// due again when the clock has passed it. It is ahead of the clock of a database server: a slot starts
// when that has reached it ([contract.Claimed.Early]). It goes forward, or the machine sleeps: noticed within a
// second or so, and the slots in between are missed ones. Leases end on the database's clock where
// it has one, and so do not depend on the processes agreeing.
//
// Shutdown: claiming stops, runs that wait are given back for any process to take at once, the rest
// may finish for the grace. Then they are cancelled and recorded; one whose job says [cron.Rerun] goes
// back into the queue. 5 s later what is still running is recorded as interrupted, and the leases
// are given up.
//
// Processes may meet beside the store ([contract.Peers]): a gate in front of the claims spares a shared store those
// that would be lost, and decides nothing. Where each process has a store of its own the gate decides which
// of them runs a slot, and without its answer slots stay unsettled; then G1 holds for all of the stores
// as long as the gate remembers, and G2 for each of them. See gate.go and limits.go.
//
// An observer must not block, and history is pruned in small steps, so that neither delays a claim.
//
// # Files, in reading order
//
//	scheduler.go entry.go                                  the life of a scheduler; a job in it
//	timetable.go backlog.go claim.go early.go version.go   overrides; what waits; claims; programs side by side
//	ready_queue.go dispatch.go elsewhere.go live.go scope.go   workers; starting, waiting, ending
//	outbox.go worker.go                                    through a queue: tickets out, tickets in
//	heartbeat.go sweep.go drain.go                         leases, cancel requests, notes, pruning; dead processes; the end
//	unheeding.go hookpool.go                               functions that ignore their context; calling hooks
//	control.go lookup.go                                   commands; single runs and jobs
//	gate.go limits.go                                      what processes tell each other beside the store
//	ready.go stats.go measure.go                           whether all is well, and what can be measured
//
// # What is deliberately not done
//
// There is no leader: every process ticks and claims, so there is no election to wait for. The queue that runs may go
// through holds no more than their names. No catch-up reaches back beyond a job's first registration or an edit of its
// schedule. quartz is the clock only: its cron dialect, retries, misfire rules, worker limit and cancel-on-stop are not
// what users expect here.
package scheduler

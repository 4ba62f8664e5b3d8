// Package cron is what the author of a job uses: [Register] and its options, the active [Run], middleware, hooks and
// errors. The engine that runs jobs is package scheduler, which this package does not import.
//
// # Declaring jobs
//
// An init function calls [Register], which only records the job. [Registry.Jobs] then checks all registrations, fills
// in defaults and composes each job's wrappers. It reports all mistakes together, each with file and line.
//
// # Glossary
//
//   - Job: a named function with schedules and policies.
//   - Schedule: an expression and a zone. A job may have several; an instant of several schedules is one slot.
//   - Stored schedule: a schedule that is data, with an ID of the user's and arguments. Its slots are its own; policies are
//     the job's. On demand: without a schedule in code.
//   - Slot: an instant, in UTC milliseconds, at which a job is due. It is the same in every process.
//   - Run: one execution, for a slot or manual. Attempt: one call of the function inside a run.
//   - Claim: inserting the run's row, which only one process can do. Fencing token: the random number in that row.
//   - Instance: one process, with a new ID at each start. Heartbeat: its regular update in the store.
//   - Lease: how long an instance keeps its runs after its last heartbeat.
//   - Watermark: the slot up to which all slots of a job, or of a stored schedule, are settled.
//   - Misfire: a slot that nothing could start when it was due. Catch-up: the late handling of such slots.
//   - Overlap: a run that is due while another of the same job and stored schedule is active.
//
// # Promises
//
// For each slot a job has at most one start per attempt, on any number of processes that share a database (G1). Every
// slot inside the catch-up window ends as one row (G2). After a crash during a run [OnCrash] decides (G3): [Skip] ends
// the run as interrupted, outcome unknown; [Rerun] makes another attempt, up to three times. See package scheduler.
//
// No scheduler can make side effects happen exactly once: an attempt may do its work and crash before that is recorded.
// [Run.Key] is the same for all attempts of a slot; pass it to systems that can deduplicate.
//
// # Misfires
//
// A slot is a misfire if a running process claims it more than 5 s late (the machine slept, the database was away, the
// clock jumped), or if it lies more than 1 s before the start of the process. [CatchUp] decides about misfires inside
// the window: [Latest] runs the newest, unless a slot on time runs anyway, and records the others as superseded; [All]
// runs the newest ones up to the cap, oldest first, one after the other unless they may overlap; [None] only records
// them. Misfires older than the window share one row. Slots of a paused job are recorded as paused when they pass, and
// are not caught up. [StartWithin] applies to all of them.
//
// # Wrappers
//
// From the outside: labels, logging, retry, timeout, those of [Registry.Use], those of [Use]. Panics of the function
// and of each user's wrapper are isolated; the next wrapper out sees a [*PanicError]. The same holds for errors whose
// methods panic. Some failures cannot be isolated and end the program: a panic in a goroutine that the job started, a
// concurrent map write, an exhausted stack or memory.
//
// A retry does not wait in a worker: the attempt ends, the run is queued again, and the time of the next attempt is
// stored in its row, where it survives a restart. A cancelled attempt is not retried.
//
// A timeout or a cancellation ends the context and waits for the function. If that ignores its context, it keeps its
// worker, lease and overlap lock, and is shown as overdue. After 5 s it is reported once: in the program's log, in the
// run's log, as a metric and as an alert. No goroutine is abandoned, except when the process ends.
//
// # Hooks
//
// [Before], [After], [OnFailure] and [OnSkip], and [Registry.Hook] for all jobs, are called per run, not per attempt.
// Before is called before the first attempt, the others after the end was recorded, outside of the workers. An error, a
// panic or a hanging hook does not change the run. Each hook is called at most once; a crash loses pending calls.
//
// # Bounds
//
// Every text of a job is cut at a limit and marked, as in "… [1234 bytes left out]": an error at 15 KiB (errors.Is and
// errors.As still see the whole), in the list of attempts at 2 KiB; a stack at 64 KiB; a log message and an attribute
// at 16 KiB; the text of a progress at 1 KiB. Results above 64 KiB, and descriptions and metadata above 4 KiB, are
// refused. A job's direct output to stdout or stderr is not limited.
//
// # Files, in reading order
//
//	errors.go policy.go job.go                                errors; what a job is
//	option.go alert.go ping.go registry.go                    declaring jobs
//	schedule.go                                               stored schedules and enqueued runs, as they are asked for
//	record.go                                                 a run as recorded
//	run.go args.go argsspec.go argsschema.go                  what a job's function sees
//	hosted.go                                                 a run as the engine sees it
//	middleware.go logging.go retry.go timeout.go isolate.go   the wrappers
//	hookset.go hooks.go                                       functions around runs
//	loghandler.go journal.go redact.go bounds.go              what a run logs; limits of texts
//
// # Not here
//
// Dependencies between jobs and priorities.
package cron

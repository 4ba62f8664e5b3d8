// Package cron is what the author of a job writes and sees: [Register] and its options, the [Run] that is under way,
// middleware, hooks and errors. The engine that runs jobs is package scheduler; nothing here imports it.
//
// # Declaring jobs
//
// An init function calls [Register], which only writes down. [Registry.Jobs] then checks all registrations at once,
// fills in defaults and composes each job's wrappers. It reports all mistakes together, each with file and line.
//
// # Glossary
//
//   - Job: a named function with schedules and policies.
//   - Schedule: an expression and a zone. A job may have several; where two name one instant there is one slot.
//   - Slot: an instant, in UTC milliseconds, at which a job is due. It is the same in every process.
//   - Run: one execution, for a slot or by hand. Attempt: one call of the function inside a run.
//   - Claim: inserting the run's row. Only one process can. Fencing token: the random number in that row.
//   - Instance: one process, with a new ID at each start. Heartbeat: its sign of life in the store.
//   - Lease: how long a run stays with its instance without a heartbeat.
//   - Watermark: the slot up to which all slots of a job are settled.
//   - Misfire: a slot that nothing could start when it was due. Catch-up: what becomes of such slots.
//   - Overlap: a run that is due while another of the same job is under way.
//
// # Promises
//
// For each slot a job has at most one start per attempt, on any number of processes that share a database (G1). Every slot
// inside the catch-up window ends as one row (G2). After a crash in mid-run [OnCrash] decides (G3): [Skip] ends the
// run as interrupted, outcome unknown; [Rerun] makes another attempt, up to three times. Package scheduler says how.
//
// Side effects do not happen exactly once, whatever a scheduler promises: an attempt may have done its work and died
// before that was recorded. [Run.Key] is the same for all attempts of a slot; hand it to whoever can deduplicate.
//
// # Misfires
//
// A slot is a misfire when a living process claims it more than 5 s late (the machine slept, the database was away, the
// clock jumped), or when it lies more than 1 s before the process started. [CatchUp] decides about misfires inside
// the window: [Latest] runs the newest, unless a slot that is on time runs anyway, and records the others as superseded; [All]
// runs the newest ones up to the cap, oldest first, one after the other unless they may overlap; [None] only records
// them. Misfires older than the window share one row. Slots of a paused job are recorded as paused when they pass, and
// are not caught up. [StartWithin] applies to all of them.
//
// # Wrappers
//
// From the outside: labels, logging, retry, timeout, those of [Registry.Use], those of [Use]. A panic is isolated
// around the function and around each wrapper of a user's; the next one out sees a [*PanicError]. So is an error whose own methods
// panic. Some things nobody can isolate, and they end the program: a panic in a goroutine that the job started itself, a
// concurrent map write, an exhausted stack or memory.
//
// A retry does not sleep in a worker: the attempt ends, the run is queued again, and the time of the next attempt is
// kept in its row, where it survives a restart. A cancelled attempt is not retried.
//
// A timeout or a cancellation ends the context and waits. A function that ignores its context keeps its worker, its lease and its
// overlap place, and is shown as overdue. After 5 s it is reported once: in the program's log, in the run's log, as
// a metric and as an alert. No goroutine is abandoned, except by a process that ends.
//
// # Hooks
//
// [Before], [After], [OnFailure] and [OnSkip], and [Registry.Hook] for all jobs, belong to the run and not to the attempt.
// Before is called ahead of the first attempt, the others after the end was recorded, beside the workers. An error, a
// panic or a hook that hangs changes nothing about the run. Each hook is called at most once; a crash loses those that wait.
//
// # Bounds
//
// Every text that a job hands over is bounded where it comes in, and ends in a mark such as "… [1234 bytes left out]"
// if it was cut: an error at 15 KiB (errors.Is and errors.As still find the whole), in the list of attempts at 2 KiB; a stack at 64 KiB;
// a log message and an attribute at 16 KiB; the text of a progress at 1 KiB. A result above 64 KiB is refused, and so
// are descriptions and metadata above 4 KiB. What a job writes to stdout or stderr by itself is not bounded.
//
// # Files, in reading order
//
//	registry.go option.go policy.go job.go ping.go alert.go   declaring jobs
//	record.go errors.go                                       a run as it is recorded; errors
//	run.go args.go argsmerge.go argsschema.go                 what a job's function sees
//	hosted.go                                                 what the engine needs of a run
//	labels.go logging.go retry.go timeout.go isolate.go       the wrappers
//	hooks.go                                                  functions around runs
//	loghandler.go journal.go redact.go bounds.go              what a run logs, and how long its texts may be
//
// # Not here
//
// There is no dependency between jobs, no priority and no payload: a job is a function and a time.
package cron

// Package river executes runs through River (riverqueue.com), a queue in Postgres. [Executor] is a contract.Executor.
// The store keeps the runs and their outcomes; River has one job for each attempt.
//
// # Jobs in River
//
// A job has the kind fibercrons.run, the queue fibercrons, the arguments {run, job, token, attempt} and the run's job
// as its tag. Its state follows the attempt:
//
//	available, scheduled    the run is queued; it waits for a worker, or for the time of its retry
//	running                 the function is called
//	completed               the attempt has ended: the run succeeded, was skipped, or was queued again for
//	                        a retry, which is a job of its own; the output says which
//	cancelled               the run was cancelled
//	discarded               the run failed for good, or its process died; the error says why
//
// River's UI and tools work: pausing the queue delays runs, and cancelling a running job cancels its run. Cancelling a
// waiting job removes only its ticket, and the run gets another within some leases; cancel runs at /crons instead. A
// retry in River has no effect, because an attempt is made once; retry the run.
//
// # What it promises under failure
//
// River delivers at least once and may lose jobs; neither loses or repeats a run. A ticket is inserted with a unique
// key of its arguments, so inserting it again while it waits does nothing. The job has one attempt in River: the
// scheduler does the retries, and River never calls a function again. A ticket that cannot be worked yet is snoozed,
// which is not a failure.
//
// A job whose process died stays "running" until River rescues it. River decides that by time alone, which does not
// suit long jobs, so the store is asked whether the attempt is still active. If not, the job is discarded within
// [Options].Rescue and half a minute. The run does not wait for that: its lease ends earlier, and its OnCrash policy
// decides.
//
// Through a pooler in transaction mode, such as PgBouncer, River polls five times a second instead of listening.
//
// River's tables are in the same database. [Open] creates and updates them with River's own migrations, one process at
// a time. River has its own few connections. A long retry delay is spent in River, which checks for due jobs every five
// seconds.
package river

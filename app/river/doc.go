// Package river carries runs through River (riverqueue.com), a queue in Postgres. [Executor] is a
// contract.Executor; what a run is and how it ended stays in the store, and River sees one job for each
// attempt.
//
// # What River sees
//
// A job of kind fibercrons.run in the queue fibercrons, with the arguments {run, job, token, attempt}
// and the run's job as its tag. Its state follows the attempt:
//
//	available, scheduled    the run is queued; it waits for a worker, or for the time of its retry
//	running                 the function is called
//	completed               the attempt has ended: the run succeeded, was skipped, or was put back for
//	                        a retry, which is a job of its own; the output says which
//	cancelled               the run was cancelled
//	discarded               the run failed for good, or its process died; the error says why
//
// River's UI and tools work on all that: a pause of the queue holds runs back, and cancelling a running
// job cancels its run. To cancel a job that still waits takes away its ticket only, and the run gets
// another within some leases: cancel runs at /crons. A retry there is of no effect, since an attempt is
// made once; retry the run.
//
// # What it promises under failure
//
// River delivers at least once and may forget; neither loses or doubles a run. A ticket is inserted
// under a unique key of its arguments, so that inserting it again while it waits changes nothing. The
// job has one attempt in River's sense: the retries are the run's own, and River never calls a function
// again. A ticket that cannot be worked yet is snoozed, which is no failure.
//
// A job whose process died stays "running" until River rescues it. River would do so by time alone, and
// no time is long enough for every job; so whoever rescues asks the store whether that attempt still
// goes on. What does not is discarded within [Options].Rescue and half a minute. The run itself does not
// wait for that: its lease ends earlier, and its OnCrash policy decides.
//
// Through a pooler in transaction mode, such as PgBouncer, River polls five times a second and does not listen.
// Nothing else changes.
//
// River's tables are in the same database, made and brought up to date by [Open] with River's own
// migrations, one process at a time. Its connections are its own and few. A retry that waits longer
// than some seconds waits in River, which looks for what is due every five seconds.
package river

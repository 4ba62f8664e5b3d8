// Package asynq carries runs through asynq (github.com/hibiken/asynq), a queue in Redis. [Executor] is a
// contract.Executor; what a run is and how it ended stays in the store, and asynq sees one task for each
// attempt.
//
// # What asynq sees
//
// A task of type fibercrons.run in the queue fibercrons (REDIS_PREFIX: programs that share a Redis and no
// database must not share a queue), with the payload {run, job, token, attempt} and those as its ID. Its state, in asynqmon and the asynq command, follows the attempt:
//
//	pending, scheduled    the run is queued; it waits for a worker, or for the time of its retry
//	active                the function is called
//	retry                 the ticket was put back: the job or its group was busy, or the worker did not
//	                      know the job. That is counted as no failure
//	completed             the attempt has ended: the run succeeded, was skipped or cancelled, or was put
//	                      back for a retry, which is a task of its own; the result says which. Kept for
//	                      an hour
//	archived              the run failed for good; the error says why
//
// asynq's tools work on all that: a pause of the queue holds runs back, and cancelling an active task
// cancels its run. To delete or archive a task that still waits takes away its ticket only, and the run
// gets another within some leases: cancel runs at /crons. To run an archived task again is of no effect,
// since an attempt is made once; retry the run.
//
// # What it promises under failure
//
// asynq delivers at least once, and Redis may forget what it had not written to its disk; neither loses
// or doubles a run. A ticket's ID keeps it from being in the queue twice, and one that Redis has lost is
// sent again. asynq never calls a function a second time: a failed run is archived at once, its retries
// are tickets of their own, and the task of a worker that died, which asynq hands out again within two
// minutes, is void, since the run's lease has ended before and its OnCrash policy has decided.
//
// Redis away: claims go on, and their tickets are sent when it answers. What is running goes on and is
// recorded in the store, whether or not Redis ever learns of it.
package asynq

// Package asynq executes runs through asynq (github.com/hibiken/asynq), a queue in Redis. [Executor] is a
// contract.Executor. The store keeps the runs and their outcomes; asynq has one task for each attempt.
//
// # Tasks in asynq
//
// A task has the type fibercrons.run, the queue REDIS_PREFIX (default fibercrons; programs that share a Redis but not a
// database need different queues), and the payload {run, job, token, attempt}, which also makes up its ID. Its state,
// in asynqmon and the asynq command, follows the attempt:
//
//	pending, scheduled    the run is queued; it waits for a worker, or for the time of its retry
//	active                the function is called
//	retry                 the ticket was put back: the job or its group was busy, or the worker did not
//	                      know the job. That does not count as a failure
//	completed             the attempt has ended: the run succeeded, was skipped or cancelled, or was queued
//	                      again for a retry, which is a task of its own; the result says which. Kept for
//	                      an hour
//	archived              the run failed for good; the error says why
//
// asynq's tools work: pausing the queue delays runs, and cancelling an active task cancels its run. Deleting or
// archiving a waiting task removes only its ticket, and the run gets another within some leases; cancel runs at /crons
// instead. Running an archived task again has no effect, because an attempt is made once; retry the run.
//
// # What it promises under failure
//
// asynq delivers at least once, and Redis may lose unsaved data; neither loses or repeats a run. A ticket's ID prevents
// duplicates in the queue, and a lost ticket is sent again. asynq never calls a function a second time: a failed run is
// archived at once, and its retries have their own tickets. asynq repeats the task of a dead worker within two minutes,
// but the run's lease has ended before and its OnCrash policy has decided, so that task does nothing.
//
// While Redis is unavailable, claims continue, and their tickets are sent later. Active runs continue and are recorded
// in the store.
package asynq

// Package alert tells people when jobs need them: that one failed, recovered, started late, missed
// slots or runs for too long. What is told of a job follows from [cron.AlertPolicy], which the
// environment (ALERT_ON) and the job's cron.Alert option make.
//
// # How it works
//
// Nothing here is in the path of a run. Every process looks at the database, every few seconds and
// sooner when something went wrong in it, and the database decides what becomes of what they see:
//
//  1. Look (look.go): runs that went wrong carry no mark yet that they were looked at, and are in a
//     small index of their own until they do. Active runs are compared with the limits of their
//     jobs. A look without a change since the last one asks for the stamp and nothing else.
//  2. Raise: alerts are inserted in the commit that marks their runs. Unique keys let one process
//     win: what an alert is about (kind, job, run), and for what is not to be said twice its kind
//     and job while it is open.
//  3. Gather: alerts that wait make one message, with a delivery for each channel, once none came
//     for two seconds, or after ten. A thousand jobs that fail together make one digest, which
//     lists the first twenty. There are at most six messages a minute; what comes meanwhile
//     gathers.
//  4. Send (send.go): a process leases a delivery under a token, sends it, and records that. One
//     sender for each channel, so that a channel that hangs holds up no other.
//
// # When something is told
//
// Failed: of a row of failures (failed or interrupted runs, after their last retry) the n-th, and
// then nothing until a success has closed the alert. Cancelled and skipped runs are neither.
// Recovered: when it is closed. Late and missed: once an hour for a job. Overdue: once for a run;
// and wherever failures are told so is, as overdue, a run that goes on 5 s after its timeout or cancellation, since
// it never gets to fail. The process in which it goes on tells of it; see contract.RunOverdue.
// Jobs that are disabled in this environment are not told of; of a paused job only what still runs.
// Runs by hand count as all others, but are never late. Nobody is told of what is older than a day.
//
// A silence keeps alerts from being sent: they are recorded as silenced. A job that still fails when
// the silence has ended is told of at its next failure; the recovery from a failure that was not
// told is not told either.
//
// # What it promises under failure
//
//   - A failure that was committed is told, whenever processes die: its run carries no mark, or its
//     alert waits, or its delivery does.
//   - It is told once, by however many processes: nobody else can take a delivery under lease. A
//     process that dies between sending and recording leaves a lease that runs out after a minute;
//     the delivery is then made again with the same ID, in [HeaderDelivery] and the Message-ID.
//   - What cannot be delivered is tried again after 5 s and then ever later, up to 15 minutes, for a
//     day; Retry-After is honoured. A channel that refuses (4xx) is asked less often, and the log
//     says once that it is set up wrongly. What is given up is logged and shown as failed.
//   - Of URLs and answers only host and status get into logs, errors and the database.
//
// # A channel of your own
//
// Implement [Channel] and hand it to [Use] from an init function; it gets everything the others get:
// digests, retries, limits, cli alert test. The body of webhooks is [Payload], and [Verify] is the
// receiver's side of its signature.
package alert

// Package alert sends alerts about jobs that failed, recovered, started late, missed slots or run for too long. A job's
// [cron.AlertPolicy], from the environment (ALERT_ON) and the job's cron.Alert option, says which.
//
// # How it works
//
// Alerts never delay a run. Every process scans the database every few seconds, and earlier after a problem of its own.
// The database decides which process raises and sends an alert:
//
//  1. Scan (scan.go): runs with problems are unmarked until a scan has handled them, and have a small index of their
//     own. Active runs are compared with the limits of their jobs. If nothing has changed, a scan only reads the stamp.
//  2. Raise: alerts are inserted in the commit that marks their runs. Unique keys let only one process win: the subject
//     (kind, job, run), and for kinds that must not repeat, kind, job and schedule while the alert is open.
//  3. Gather: pending alerts form one message, with a delivery per channel, once none came for two seconds, or after
//     ten. A thousand jobs that fail together form one digest, which lists the first twenty. There are at most six
//     messages a minute; further alerts wait.
//  4. Send (send.go): a process leases a delivery with a fencing token, sends it, and records that. Each channel has
//     its own sender, so a hanging channel does not delay the others.
//
// # When alerts are raised
//
// Failed: for the n-th of consecutive failures (failed or interrupted runs, after their last retry), and not again
// until a success has closed the alert. Cancelled and skipped runs do not count. Recovered: when it is closed. Late and
// missed: once an hour. Overdue: once per run. If a job has failure alerts, a run that continues 5 s after its
// timeout or cancellation also raises an overdue alert, because it cannot fail before it returns. Its own process
// raises that; see contract.RunOverdue. Jobs that are disabled in this environment raise no alerts; a paused job only
// for active runs. Manual runs count like others, but are never late. Problems older than a day raise no alert.
//
// All this holds for each stored schedule of a job by itself, and for the job's own and manual runs: one tenant's success
// neither closes another's alert nor ends its count. In a message the schedules of a job are one line: "send-report: 37
// schedules failed: a, b, c and 34 more". Of one kind, at most a hundred schedules of a job get alerts within an hour.
// Further ones are counted in one more alert (others.go), which can be sent once an hour, so that an outage that hits ten
// thousand of them stays readable and the table small. The alert of a schedule that was deleted is closed, and that of
// one without further slots after an hour. Silences are by job.
//
// A silence suppresses alerts: they are recorded as silenced. If the job still fails after the silence, its next
// failure raises an alert. The recovery from a silenced failure is silenced too.
//
// # What it promises under failure
//
//   - A committed failure is not lost when processes die: its run is unmarked, or its alert or delivery is pending.
//   - It is sent once, by any number of processes, because a leased delivery cannot be taken by another. If a process
//     dies between sending and recording, its lease ends after a minute, and the delivery is repeated with the same ID,
//     in [HeaderDelivery] and the Message-ID.
//   - A failed delivery is retried after 5 s and then at growing intervals, up to 15 minutes, for a day; Retry-After is
//     honoured. A channel that refuses (4xx) is retried less often, and logged once as misconfigured. A delivery that
//     is given up is logged and shown as failed.
//   - Logs, errors and the database contain only host and status of URLs and responses.
//
// # Your own channel
//
// Implement [Channel] and pass it to [Use] in an init function. It gets digests, retries, limits and cli alert test
// like the others. The body of webhooks is [Payload], and [Verify] checks its signature at the receiver.
//
// # Files, in reading order
//
//	alert.go text.go                        alerts, deliveries and silences; their words
//	message.go channel.go                   a message; what sends it
//	post.go webhook.go slack.go email.go    the channels of this package
//	channels.go                             the channels from the environment
//	store.go options.go                     the database as alerts need it; the parts of an Alerter
//	ignoring.go scanner.go                  runs that ignore their context; what is remembered between scans
//	pass.go troubled.go timed.go scan.go    one scan: its results, problems, limits; its steps
//	others.go                               the schedules of a job beyond those with alerts of their own
//	send.go                                 a channel's deliveries
//	alerter.go audited.go                   the Alerter; the changes of one caller
package alert

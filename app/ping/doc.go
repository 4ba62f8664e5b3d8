// Package ping reports runs to dead man's switches: services that raise an alarm if a job reports a failure, or nothing
// for too long. cron.Ping sets a job's service.
//
// # How it works
//
// The scheduler calls [Pinger.Observe] with every event while it holds its lock. Observe adds a ping to the job's queue
// and returns. A goroutine per non-empty queue sends the pings in order, so that a run's start never arrives after its
// end. The number of concurrent requests over all jobs is limited. The log of a run is read from the store when its end
// is sent, after it was committed.
//
// The protocol is that of Healthchecks.io (https://healthchecks.io/docs/http_api): POST to the address with /start,
// nothing, /fail or /N appended, where N is the exit status of a program. ?rid= is the run's ID, which separates
// overlapping runs. The body is the end of the log, up to 100 kB or the limit that the service sends (Ping-Body-Limit).
// With cron.OnlySuccess, a successful run sends a GET to the address, and other runs send nothing.
//
// # What it promises
//
//   - A ping never delays or changes a run. A failed ping is retried three times within about a minute and then
//     dropped; the service then raises its alarm.
//   - If a job pings faster than its service responds, its oldest pings are dropped, starts first. A start is not
//     retried when a newer ping waits.
//   - An unreachable target is logged, by its host, when the failures begin and when they end. No error, log line or
//     view contains the address, which is a secret.
//   - If a process dies, the process that finds its run reports it as failed. The dead process's queued pings are lost.
//     [Pinger.Close] sends queued pings until its context ends.
package ping

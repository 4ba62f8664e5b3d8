// Package ping tells dead man's switches of runs: services that raise an alarm when they have not
// heard of a job for too long, or hear that it has failed. Which one a job has is said by cron.Ping.
//
// # How it works
//
// [Pinger.Observe] sees every event of the scheduler, with the scheduler's lock held. It puts a ping
// into the job's own queue and returns. A queue that is not empty has a goroutine, which sends its
// pings one after the other, so that the start of a run never comes after its end; over all jobs a
// few exchanges go on at a time. What a run has logged is read from the store when its end is told,
// after that was committed.
//
// The form is that of Healthchecks.io (https://healthchecks.io/docs/http_api): POST to the address
// with /start, nothing, /fail or /N behind it, N being the exit status of a program; ?rid= is the
// run's ID, so that runs that overlap are told apart; the body is the end of the log, up to 100 kB or
// what the service says it keeps (Ping-Body-Limit). In the form cron.OnlySuccess it is GET to the
// address when a run has succeeded, and nothing else.
//
// # What it promises
//
//   - Nothing here delays a run or changes it. A ping that does not arrive is tried again within
//     about a minute, three times; then it is given up, and a service that waits for it raises its
//     alarm, which is what it is for.
//   - The newest matters: of a job that pings faster than its service answers, the oldest pings are
//     left out, starts first; and a start is not tried again when something newer waits.
//   - A target that does not answer is logged when it begins and when it has ended, by its host. No
//     error, line or view holds the address, which is a secret.
//   - A run whose process died is told of as failed by the process that finds it. Pings that wait
//     when a process dies are lost; [Pinger.Close] sends what waits, as long as its context lasts.
package ping

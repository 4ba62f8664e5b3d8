// Package metrics counts the work of the scheduler, the store and the web side, and exports it to Prometheus.
//
// # How it works
//
// [Metrics.Observe] receives the scheduler's events, [Metrics.Claimed] its claims, [Metrics.Committed] the writer's
// commits, [Metrics.Request] the requests. The counters and histograms of each job exist from the start (series.go), so
// calls under the scheduler's lock cost a lookup in an immutable map and an atomic addition. States, such as the number
// of active runs or the time since a success, are read at each scrape (gauges.go).
//
// [Metrics.Handler] answers scrapes. A response is cached for a second per format, and concurrent scrapes share it, so
// ten scrapers cost as much as one. One query, at most every five seconds, reads the state of jobs from the store.
//
// # Names and labels
//
// Every name is a constant of package board, whose Grafana board and alert rules use the same constants. A job's name
// is the label job_name, because Prometheus uses job for the target and would rename it. A run's ID is never a label.
// Jobs beyond [Options].MaxJobs, sorted by name, share the job_name [board.Other], which no job can have. Those beyond
// MaxHistograms share it in histograms, whose fifteen buckets cost the most. Gauges of Other show the worst value.
//
// Counters and histograms cover this process; sum them over all processes. The gauges of a job come from the store and
// are the same in all processes; take their maximum. All histograms have native buckets besides the classic ones.
//
// # What it promises under failure
//
// If the store does not respond, a scrape lacks the gauges of jobs and takes at most two seconds longer; cron_store_up
// is then 0. Nothing here blocks or fails a run.
package metrics

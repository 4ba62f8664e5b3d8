// Package metrics counts what the scheduler, the store and the web side do, and hands it to Prometheus.
//
// # How it works
//
// [Metrics] is told what happens by plain calls: [Metrics.Observe] hears the scheduler's events,
// [Metrics.Claimed] its claims, [Metrics.Committed] the writer's commits, [Metrics.Request] the
// requests. Each job has its counters and histograms ready from the start (series.go), so that what
// is called with the scheduler's lock held is a look into a map that never changes and an atomic
// addition. What is a state and not an event (how many run, how long ago a job succeeded) is asked
// for when somebody scrapes (gauges.go).
//
// A scrape is answered by [Metrics.Handler]. Answers are kept for a second, one for each format, and
// whoever asks while one is being made waits for it: ten scrapers cost what one does. What the store
// knows about jobs is read by one query, at most every five seconds.
//
// # Names and labels
//
// Every name is a constant in names.go, and [Board] and [Rules], the Grafana board and the alert
// rules, are made of the same constants. A job's name is the label job_name: job is what Prometheus
// calls the target, and would be renamed on arrival. A run's ID is never a label. Jobs beyond
// [Options].MaxJobs in the order of names share the job_name [Other], which no job can have, and
// those beyond MaxHistograms share it in histograms, whose fifteen buckets cost more than all else.
// Of gauges Other shows the worst.
//
// Counters and histograms count what happened in this process: the sum over all processes is what
// happened. The gauges of a job come from the store and are the same in all processes, so of them
// it is the maximum that counts. All histograms have native buckets beside the classic ones.
//
// # What it promises under failure
//
// A store that does not answer costs a scrape the gauges of jobs and no more than two seconds;
// cron_store_up is then 0 and everything else is there. Nothing here blocks or fails a run.
package metrics

package metrics

// The names of all metrics. A test compares the board and the rules with the exported metrics.
const (
	runsTotal      = "cron_runs_total"
	retriesTotal   = "cron_retries_total"
	unheedingTotal = "cron_runs_unheeding_total"
	runDuration    = "cron_run_duration_seconds"
	startLateness  = "cron_start_lateness_seconds"
	skippedTotal   = "cron_skipped_total"
	catchUpTotal   = "cron_catch_up_total"

	sinceSuccess = "cron_job_since_last_success_seconds"
	untilNext    = "cron_job_until_next_slot_seconds"
	slotGap      = "cron_job_slot_gap_seconds"
	jobFailing   = "cron_job_failing"
	jobPaused    = "cron_job_paused"
	jobsByState  = "cron_jobs"

	runsRunning = "cron_runs_running"
	runsWaiting = "cron_runs_waiting"
	runsOverdue = "cron_runs_overdue"
	workers     = "cron_workers"
	workersBusy = "cron_workers_busy"
	sinceTick   = "cron_since_last_tick_seconds"

	claimsTotal   = "cron_claims_total"
	claimDuration = "cron_claim_duration_seconds"

	storeUp        = "cron_store_up"
	storeQueue     = "cron_store_queue_length"
	commitDuration = "cron_store_commit_duration_seconds"
	commitCalls    = "cron_store_commit_calls"
	commitErrors   = "cron_store_commit_errors_total"

	requestsTotal   = "http_requests_total"
	requestDuration = "http_request_duration_seconds"

	buildInfo = "cron_build_info"
)

// The labels.
const (
	labelJob     = "job_name"
	labelOutcome = "outcome"
	labelCause   = "cause"
	labelReason  = "reason"
	labelResult  = "result"
	labelState   = "state"
	labelMethod  = "method"
	labelRoute   = "route"
	labelCode    = "code"
	labelVersion = "version"
)

// Other is the job_name shared by jobs without their own series.
const Other = "_other"

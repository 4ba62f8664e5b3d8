package board

// The names of all metrics. A test compares the board and the rules with the exported metrics.
const (
	RunsTotal      = "cron_runs_total"
	RetriesTotal   = "cron_retries_total"
	UnheedingTotal = "cron_runs_unheeding_total"
	RunDuration    = "cron_run_duration_seconds"
	StartLateness  = "cron_start_lateness_seconds"
	SkippedTotal   = "cron_skipped_total"
	CatchUpTotal   = "cron_catch_up_total"

	SinceSuccess = "cron_job_since_last_success_seconds"
	UntilNext    = "cron_job_until_next_slot_seconds"
	SlotGap      = "cron_job_slot_gap_seconds"
	JobFailing   = "cron_job_failing"
	JobPaused    = "cron_job_paused"
	JobsByState  = "cron_jobs"

	RunsRunning = "cron_runs_running"
	RunsWaiting = "cron_runs_waiting"
	RunsOverdue = "cron_runs_overdue"
	Workers     = "cron_workers"
	WorkersBusy = "cron_workers_busy"
	SinceTick   = "cron_since_last_tick_seconds"

	ClaimsTotal   = "cron_claims_total"
	ClaimDuration = "cron_claim_duration_seconds"

	StoreUp        = "cron_store_up"
	StoreQueue     = "cron_store_queue_length"
	CommitDuration = "cron_store_commit_duration_seconds"
	CommitCalls    = "cron_store_commit_calls"
	CommitErrors   = "cron_store_commit_errors_total"

	RequestsTotal   = "http_requests_total"
	RequestDuration = "http_request_duration_seconds"

	BuildInfo = "cron_build_info"
)

// The labels.
const (
	LabelJob     = "job_name"
	LabelOutcome = "outcome"
	LabelCause   = "cause"
	LabelReason  = "reason"
	LabelResult  = "result"
	LabelState   = "state"
	LabelMethod  = "method"
	LabelRoute   = "route"
	LabelCode    = "code"
	LabelVersion = "version"
)

// Other is the job_name shared by jobs without their own series.
const Other = "_other"

package store

const (
	endColumns = "ended_at = v.column2, started_at = COALESCE(job_runs.started_at, v.column3), attempts = COALESCE(v.column4, job_runs.attempts), "
	byID       = ") v WHERE job_runs.id = v.column1"
	byName     = ") v WHERE job_state.name = v.column1"
)

// OR FAIL: a statement that meets a duplicate leaves the rows before it, where ABORT, the default,
// would keep a journal of each statement to take them back. The transaction is rolled back anyway.
var sqliteStatements = statements{
	statesByJob: in("SELECT s.name, s.watermark, s.paused, COALESCE(s.paused_until, 0), s.generation, COALESCE(s.override_at, 0), "+
		"EXISTS (SELECT 1 FROM job_runs r WHERE r.job = s.name AND r.ended_at IS NULL) "+
		"FROM job_state s WHERE s.name IN (", "?"),
	runsByID:       in("SELECT "+runColumns+" FROM job_runs r WHERE r.id IN (", "?"),
	runsBySlot:     in("SELECT "+runColumns+" FROM job_runs r WHERE r.slot IS NOT NULL AND (r.job, r.slot) IN (VALUES ", "(?,?)"),
	runsByKey:      in("SELECT "+runColumns+", r.request_key FROM job_runs r WHERE r.request_key IS NOT NULL AND (r.job, r.request_key) IN (VALUES ", "(?,?)"),
	activeByJob:    in("SELECT "+runColumns+" FROM job_runs r WHERE r.ended_at IS NULL AND r.job IN (", "?"),
	runningByGroup: in("SELECT "+runColumns+" FROM job_runs r WHERE r.ended_at IS NULL AND r.run_group <> '' AND r.status = 'running' AND r.run_group IN (", "?"),
	waitingByGroup: in("SELECT "+runColumns+" FROM job_runs r WHERE r.ended_at IS NULL AND r.run_group <> '' AND r.status = 'queued' AND r.attempt = 0 AND r.run_group IN (", "?"),

	insert: values{
		head: "INSERT OR FAIL INTO job_runs (id, job, slot, token, queued_at, started_at, ended_at, status, triggered_by, attempt, instance, lease_until, reason, error) " +
			"SELECT v.column1, v.column2, v.column3, v.column4, v.column5, CASE c.status WHEN 'running' THEN v.column5 END, " +
			"CASE c.status WHEN 'skipped' THEN v.column5 END, c.* FROM (VALUES ",
		row:  tuple(5),
		tail: ") v, (SELECT ? AS status, ?, ?, ?, ?, ?, ?) c",
	},
	insertWide: values{
		head: "INSERT OR FAIL INTO job_runs (id, job, slot, token, status, triggered_by, attempt, instance, queued_at, started_at, lease_until, ended_at, " +
			"reason, error, run_group, actor, request_key, args, data_slot) VALUES ",
		row: tuple(19),
	},
	start: values{
		head: "UPDATE OR FAIL job_runs SET status = 'running', attempt = v.column2, started_at = v.column3, lease_until = v.column4, instance = v.column5, attempt_at = v.column6, next_at = NULL FROM (VALUES ",
		row:  tuple(6),
		tail: byID,
	},
	quickStart: values{
		head: "UPDATE OR FAIL job_runs SET status = 'running', attempt = job_runs.attempt + 1, started_at = COALESCE(job_runs.started_at, v.column2), " +
			"lease_until = v.column3, attempt_at = v.column2, next_at = NULL FROM (VALUES ",
		row:  tuple(4),
		tail: byID + " AND job_runs.token = v.column4 AND job_runs.status = 'queued' AND job_runs.cancel_at IS NULL",
	},
	quickEnd: values{
		head: "UPDATE OR FAIL job_runs SET ended_at = v.column2, started_at = v.column3, attempts = COALESCE(v.column4, job_runs.attempts), " +
			"status = 'succeeded', reason = '', error = '', stack = '', next_at = NULL FROM (VALUES ",
		row:  tuple(5),
		tail: byID + " AND job_runs.token = v.column5 AND job_runs.status IN ('running', 'queued')",
	},
	end: values{
		head: "UPDATE OR FAIL job_runs SET " + endColumns + "status = 'succeeded', reason = '', error = '', stack = '', next_at = NULL FROM (VALUES ",
		row:  tuple(4),
		tail: byID,
	},
	endWide: values{
		head: "UPDATE OR FAIL job_runs SET " + endColumns + "status = v.column5, reason = v.column6, error = v.column7, stack = v.column8, " +
			"result = COALESCE(v.column9, job_runs.result), progress = COALESCE(v.column10, job_runs.progress), " +
			"next_at = v.column11, instance = v.column12, lease_until = v.column13, token = v.column14 FROM (VALUES ",
		row:  tuple(14),
		tail: byID,
	},
	lines: values{
		head: "INSERT INTO job_run_logs (run_id, seq, at, attempt, level, message, attrs) VALUES ",
		row:  tuple(7),
		tail: " ON CONFLICT DO NOTHING",
	},
	states: values{
		head: "INSERT INTO job_state (name, first_seen, watermark) VALUES ",
		row:  tuple(3),
	},
	watermarks: values{
		head: "UPDATE OR FAIL job_state SET watermark = v.column2 FROM (VALUES ",
		row:  tuple(2),
		tail: byName,
	},
	skips: values{
		head: "UPDATE OR FAIL job_state SET watermark = v.column2, last_status = 'skipped', last_error = v.column3 FROM (VALUES ",
		row:  tuple(3),
		tail: byName,
	},
	successes: values{
		head: "UPDATE OR FAIL job_state SET last_status = 'succeeded', last_error = '', last_run = v.column2, last_run_id = v.column3, last_slot = v.column4, " +
			"last_duration_ms = v.column5 - v.column2, last_success = v.column5, runs = job_state.runs + v.column6 FROM (VALUES ",
		row:  tuple(6),
		tail: byName,
	},
	definitions: values{
		head: "INSERT INTO job_state (name, definition, first_seen, watermark, removed_at, generation) VALUES ",
		row:  tuple(6),
		tail: " ON CONFLICT (name) DO UPDATE SET definition = excluded.definition, watermark = excluded.watermark, removed_at = excluded.removed_at, generation = excluded.generation",
	},
	outcomes: values{
		head: "INSERT INTO job_state (name, first_seen, last_status, last_error, last_run, last_run_id, last_slot, last_duration_ms, last_success, runs, failures) VALUES ",
		row:  tuple(11),
		tail: " ON CONFLICT (name) DO UPDATE SET last_status = excluded.last_status, last_error = excluded.last_error, " +
			"last_run = COALESCE(excluded.last_run, job_state.last_run), " +
			"last_run_id = CASE WHEN excluded.last_run IS NULL THEN job_state.last_run_id ELSE excluded.last_run_id END, " +
			"last_slot = CASE WHEN excluded.last_run IS NULL THEN job_state.last_slot ELSE excluded.last_slot END, " +
			"last_duration_ms = CASE WHEN excluded.last_run IS NULL THEN job_state.last_duration_ms ELSE excluded.last_duration_ms END, " +
			"last_success = COALESCE(excluded.last_success, job_state.last_success), " +
			"runs = job_state.runs + excluded.runs, failures = job_state.failures + excluded.failures",
	},
}

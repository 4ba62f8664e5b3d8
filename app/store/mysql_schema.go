package store

// mysqlMigrations is append-only. Every statement commits by itself on MySQL and MariaDB, so a step says first that it
// begins, and one that was broken off is carried out again from its start: what is there already is its own. Some indexes
// still have the names of before prefixStep, which here are their table's alone.
//
// Names compare by bytes (utf8mb4_bin). NULLs do not collide in a unique key, which is what slots and
// request keys want; these keep their trailing spaces apart as bytes. Active runs are those with ended_at
// NULL, and the first entries of an index.
var mysqlMigrations = []migration{
	{"the first tables", []string{
		`CREATE TABLE job_state (
			name VARCHAR(255) NOT NULL PRIMARY KEY,
			definition LONGTEXT NOT NULL DEFAULT (''),
			first_seen BIGINT NOT NULL,
			watermark BIGINT NOT NULL DEFAULT 0,
			removed_at BIGINT,
			paused BOOLEAN NOT NULL DEFAULT FALSE,
			paused_at BIGINT,
			paused_until BIGINT,
			paused_by TEXT NOT NULL DEFAULT (''),
			paused_reason TEXT NOT NULL DEFAULT (''),
			override_expr TEXT NOT NULL DEFAULT (''),
			override_zone TEXT NOT NULL DEFAULT (''),
			override_by TEXT NOT NULL DEFAULT (''),
			override_at BIGINT,
			last_run BIGINT,
			last_run_id VARCHAR(64) NOT NULL DEFAULT '',
			last_slot BIGINT,
			last_duration_ms BIGINT NOT NULL DEFAULT 0,
			last_status VARCHAR(32) NOT NULL DEFAULT '',
			last_error LONGTEXT NOT NULL DEFAULT (''),
			last_success BIGINT,
			runs BIGINT NOT NULL DEFAULT 0,
			failures BIGINT NOT NULL DEFAULT 0
		)` + mysqlTable,
		`CREATE TABLE job_groups (name VARCHAR(255) NOT NULL PRIMARY KEY)` + mysqlTable,
		`CREATE TABLE job_runs (
			seq BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
			id VARCHAR(64) NOT NULL,
			job VARCHAR(255) NOT NULL,
			slot BIGINT,
			data_slot BIGINT,
			token BIGINT NOT NULL,
			status VARCHAR(32) NOT NULL,
			reason VARCHAR(64) NOT NULL DEFAULT '',
			triggered_by VARCHAR(32) NOT NULL,
			attempt BIGINT NOT NULL DEFAULT 0,
			attempts LONGTEXT,
			error LONGTEXT NOT NULL DEFAULT (''),
			stack LONGTEXT NOT NULL DEFAULT (''),
			args LONGTEXT,
			result LONGTEXT,
			progress LONGTEXT,
			request_key VARBINARY(1000),
			actor TEXT NOT NULL DEFAULT (''),
			instance VARCHAR(64) NOT NULL DEFAULT '',
			run_group VARCHAR(255) NOT NULL DEFAULT '',
			queued_at BIGINT NOT NULL,
			next_at BIGINT,
			started_at BIGINT,
			ended_at BIGINT,
			cancel_at BIGINT,
			cancel_reason VARCHAR(64) NOT NULL DEFAULT '',
			cancel_by TEXT NOT NULL DEFAULT (''),
			lease_until BIGINT NOT NULL DEFAULT 0,
			UNIQUE KEY job_runs_id (id),
			UNIQUE KEY job_runs_slot (job, slot),
			UNIQUE KEY job_runs_key (job, request_key),
			KEY job_runs_active (ended_at, job),
			KEY job_runs_group (run_group, ended_at),
			KEY job_runs_history (job, seq),
			KEY job_runs_time (queued_at, seq)
		)` + mysqlTable,
		`CREATE TABLE job_run_logs (
			run_id VARCHAR(64) NOT NULL,
			seq BIGINT NOT NULL,
			at BIGINT,
			attempt BIGINT NOT NULL DEFAULT 0,
			level VARCHAR(64) NOT NULL DEFAULT '',
			message LONGTEXT NOT NULL DEFAULT (''),
			attrs LONGTEXT,
			PRIMARY KEY (run_id, seq)
		)` + mysqlTable,
		`CREATE TABLE job_instances (
			id VARCHAR(64) NOT NULL PRIMARY KEY,
			host TEXT NOT NULL DEFAULT (''),
			pid BIGINT NOT NULL DEFAULT 0,
			version TEXT NOT NULL DEFAULT (''),
			started_at BIGINT,
			seen_at BIGINT,
			stopped_at BIGINT
		)` + mysqlTable,
		"CREATE TABLE job_audit (" + `
			id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
			at BIGINT NOT NULL,
			actor TEXT NOT NULL DEFAULT (''),
			action VARCHAR(64) NOT NULL,
			target VARCHAR(255) NOT NULL DEFAULT '',
			` + "`before` LONGTEXT, `after` LONGTEXT," + `
			origin TEXT NOT NULL DEFAULT (''),
			request_id TEXT NOT NULL DEFAULT (''),
			KEY audit_entries_target (target, id)
		)` + mysqlTable,
	}},
	{"versions of the program", versionsSQL("VARCHAR(64)", mysqlTable)},
	{"alerts", []string{
		"ALTER TABLE job_runs ADD COLUMN looked_at BIGINT",
		"UPDATE job_runs SET looked_at = ended_at WHERE ended_at IS NOT NULL",
		"CREATE INDEX job_runs_troubled ON job_runs (looked_at, status, reason)",
		`CREATE TABLE job_alerts (
			id VARCHAR(64) NOT NULL PRIMARY KEY,
			job VARCHAR(100) NOT NULL,
			kind VARCHAR(64) NOT NULL,
			dedup VARCHAR(255) NOT NULL UNIQUE,
			open_key VARCHAR(255) UNIQUE,
			run_id VARCHAR(64) NOT NULL DEFAULT '',
			slot BIGINT,
			at BIGINT NOT NULL,
			raised_at BIGINT NOT NULL,
			status VARCHAR(64) NOT NULL,
			message VARCHAR(64) NOT NULL DEFAULT '',
			silence VARCHAR(64) NOT NULL DEFAULT '',
			detail TEXT NOT NULL DEFAULT (''),
			error TEXT NOT NULL DEFAULT (''),
			number BIGINT NOT NULL DEFAULT 0,
			KEY alerts_status (status, raised_at),
			KEY alerts_message (message),
			KEY alerts_job (job, raised_at),
			KEY alerts_time (raised_at)
		)` + mysqlTable,
		`CREATE TABLE job_alert_deliveries (
			id VARCHAR(64) NOT NULL PRIMARY KEY,
			message VARCHAR(64) NOT NULL,
			channel VARCHAR(64) NOT NULL,
			status VARCHAR(64) NOT NULL,
			alerts BIGINT NOT NULL,
			attempts BIGINT NOT NULL DEFAULT 0,
			created_at BIGINT NOT NULL,
			next_at BIGINT NOT NULL,
			lease_until BIGINT NOT NULL DEFAULT 0,
			token BIGINT NOT NULL DEFAULT 0,
			sent_at BIGINT,
			error TEXT NOT NULL DEFAULT (''),
			UNIQUE KEY alert_deliveries_message (message, channel),
			KEY alert_deliveries_status (status, channel, next_at),
			KEY alert_deliveries_sent (channel, sent_at),
			KEY alert_deliveries_time (created_at)
		)` + mysqlTable,
		`CREATE TABLE job_silences (
			id VARCHAR(64) NOT NULL PRIMARY KEY,
			job VARCHAR(100) NOT NULL DEFAULT '',
			until_at BIGINT NOT NULL,
			reason TEXT NOT NULL DEFAULT (''),
			actor VARCHAR(255) NOT NULL DEFAULT '',
			created_at BIGINT NOT NULL,
			ended_at BIGINT,
			ended_by VARCHAR(255) NOT NULL DEFAULT '',
			KEY silences_until (until_at)
		)` + mysqlTable,
	}},
	{"the start of an attempt", []string{
		"ALTER TABLE job_runs ADD COLUMN attempt_at BIGINT",
	}},
	{"the time-zone data of an instance", []string{
		"ALTER TABLE job_instances ADD COLUMN tzdata VARCHAR(64) NOT NULL DEFAULT ''",
	}},
	{prefixStep, nil}, // done by rename.go
	{"migrations of the user's", []string{
		"CREATE TABLE job_model_migrations (id VARCHAR(200) NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL)" + mysqlTable,
	}},
}

const mysqlTable = " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"

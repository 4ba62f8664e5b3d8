package store

// sqliteMigrations is append-only. Tables are created explicitly, never by AutoMigrate, which
// can null whole columns of an existing table on this database.
//
// An active run is one with ended_at NULL: unlike the status that does not change between queued
// and running, so the partial indexes are written twice in a run's life and no more.
var sqliteMigrations = []migration{
	{"the first tables", []string{
		`CREATE TABLE job_state (
			name TEXT NOT NULL PRIMARY KEY,
			definition TEXT NOT NULL DEFAULT '',
			first_seen INTEGER NOT NULL,
			watermark INTEGER NOT NULL DEFAULT 0,
			removed_at INTEGER,
			paused INTEGER NOT NULL DEFAULT 0,
			paused_at INTEGER,
			paused_until INTEGER,
			paused_by TEXT NOT NULL DEFAULT '',
			paused_reason TEXT NOT NULL DEFAULT '',
			override_expr TEXT NOT NULL DEFAULT '',
			override_zone TEXT NOT NULL DEFAULT '',
			override_by TEXT NOT NULL DEFAULT '',
			override_at INTEGER,
			last_run INTEGER,
			last_run_id TEXT NOT NULL DEFAULT '',
			last_slot INTEGER,
			last_duration_ms INTEGER NOT NULL DEFAULT 0,
			last_status TEXT NOT NULL DEFAULT '',
			last_error TEXT NOT NULL DEFAULT '',
			last_success INTEGER,
			runs INTEGER NOT NULL DEFAULT 0,
			failures INTEGER NOT NULL DEFAULT 0
		) WITHOUT ROWID`,
		`CREATE TABLE job_runs (
			seq INTEGER PRIMARY KEY,
			id TEXT NOT NULL UNIQUE,
			job TEXT NOT NULL,
			slot INTEGER,
			data_slot INTEGER,
			token INTEGER NOT NULL,
			status TEXT NOT NULL,
			reason TEXT NOT NULL DEFAULT '',
			triggered_by TEXT NOT NULL,
			attempt INTEGER NOT NULL DEFAULT 0,
			attempts TEXT,
			error TEXT NOT NULL DEFAULT '',
			stack TEXT NOT NULL DEFAULT '',
			args TEXT,
			result TEXT,
			progress TEXT,
			request_key TEXT,
			actor TEXT NOT NULL DEFAULT '',
			instance TEXT NOT NULL DEFAULT '',
			run_group TEXT NOT NULL DEFAULT '',
			queued_at INTEGER NOT NULL,
			next_at INTEGER,
			started_at INTEGER,
			ended_at INTEGER,
			cancel_at INTEGER,
			cancel_reason TEXT NOT NULL DEFAULT '',
			cancel_by TEXT NOT NULL DEFAULT '',
			lease_until INTEGER NOT NULL DEFAULT 0
		)`,
		`CREATE UNIQUE INDEX job_runs_slot ON job_runs (job, slot) WHERE slot IS NOT NULL`,
		`CREATE UNIQUE INDEX job_runs_key ON job_runs (job, request_key) WHERE request_key IS NOT NULL`,
		`CREATE INDEX job_runs_active ON job_runs (job) WHERE ended_at IS NULL`,
		`CREATE INDEX job_runs_group ON job_runs (run_group, status) WHERE ended_at IS NULL AND run_group <> ''`,
		`CREATE INDEX job_runs_history ON job_runs (job)`,
		`CREATE INDEX job_runs_time ON job_runs (queued_at)`,
		`CREATE TABLE job_run_logs (
			run_id TEXT NOT NULL,
			seq INTEGER NOT NULL,
			at INTEGER,
			attempt INTEGER NOT NULL DEFAULT 0,
			level TEXT NOT NULL DEFAULT '',
			message TEXT NOT NULL DEFAULT '',
			attrs TEXT,
			PRIMARY KEY (run_id, seq)
		) WITHOUT ROWID`,
		`CREATE TABLE job_instances (
			id TEXT NOT NULL PRIMARY KEY,
			host TEXT NOT NULL DEFAULT '',
			pid INTEGER NOT NULL DEFAULT 0,
			version TEXT NOT NULL DEFAULT '',
			started_at INTEGER,
			seen_at INTEGER,
			stopped_at INTEGER
		) WITHOUT ROWID`,
		`CREATE TABLE job_audit (
			id INTEGER PRIMARY KEY,
			at INTEGER NOT NULL,
			actor TEXT NOT NULL DEFAULT '',
			action TEXT NOT NULL,
			target TEXT NOT NULL DEFAULT '',
			"before" TEXT,
			"after" TEXT,
			origin TEXT NOT NULL DEFAULT '',
			request_id TEXT NOT NULL DEFAULT ''
		)`,
		`CREATE INDEX job_audit_target ON job_audit (target)`,
	}},
	{"versions of the program", versionsSQL("TEXT", "")},
	{"the database's identity", []string{
		`CREATE TABLE job_identity (id TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID`,
	}},
	{"alerts", []string{
		`ALTER TABLE job_runs ADD COLUMN looked_at INTEGER`,
		`UPDATE job_runs SET looked_at = ended_at WHERE ended_at IS NOT NULL`,
		// Runs that went well never enter it, and the others leave it as soon as they were looked at.
		`CREATE INDEX job_runs_troubled ON job_runs (ended_at) WHERE ` + troubled,
		`CREATE TABLE job_alerts (
			id TEXT NOT NULL PRIMARY KEY,
			job TEXT NOT NULL,
			kind TEXT NOT NULL,
			dedup TEXT NOT NULL UNIQUE,
			open_key TEXT UNIQUE,
			run_id TEXT NOT NULL DEFAULT '',
			slot INTEGER,
			at INTEGER NOT NULL,
			raised_at INTEGER NOT NULL,
			status TEXT NOT NULL,
			message TEXT NOT NULL DEFAULT '',
			silence TEXT NOT NULL DEFAULT '',
			detail TEXT NOT NULL DEFAULT '',
			error TEXT NOT NULL DEFAULT '',
			number INTEGER NOT NULL DEFAULT 0
		)`,
		`CREATE INDEX job_alerts_status ON job_alerts (status, raised_at)`,
		`CREATE INDEX job_alerts_message ON job_alerts (message)`,
		`CREATE INDEX job_alerts_job ON job_alerts (job, raised_at)`,
		`CREATE INDEX job_alerts_time ON job_alerts (raised_at)`,
		`CREATE TABLE job_alert_deliveries (
			id TEXT NOT NULL PRIMARY KEY,
			message TEXT NOT NULL,
			channel TEXT NOT NULL,
			status TEXT NOT NULL,
			alerts INTEGER NOT NULL,
			attempts INTEGER NOT NULL DEFAULT 0,
			created_at INTEGER NOT NULL,
			next_at INTEGER NOT NULL,
			lease_until INTEGER NOT NULL DEFAULT 0,
			token INTEGER NOT NULL DEFAULT 0,
			sent_at INTEGER,
			error TEXT NOT NULL DEFAULT '',
			UNIQUE (message, channel)
		)`,
		`CREATE INDEX job_alert_deliveries_status ON job_alert_deliveries (status, channel, next_at)`,
		`CREATE INDEX job_alert_deliveries_sent ON job_alert_deliveries (channel, sent_at)`,
		`CREATE INDEX job_alert_deliveries_time ON job_alert_deliveries (created_at)`,
		`CREATE TABLE job_silences (
			id TEXT NOT NULL PRIMARY KEY,
			job TEXT NOT NULL DEFAULT '',
			until_at INTEGER NOT NULL,
			reason TEXT NOT NULL DEFAULT '',
			actor TEXT NOT NULL DEFAULT '',
			created_at INTEGER NOT NULL,
			ended_at INTEGER,
			ended_by TEXT NOT NULL DEFAULT ''
		)`,
		`CREATE INDEX job_silences_until ON job_silences (until_at)`,
	}},
	{"the start of an attempt", []string{
		`ALTER TABLE job_runs ADD COLUMN attempt_at INTEGER`,
	}},
	{"an index of active runs that is preferred", []string{
		// Two columns that are compared win over the one of job_runs_history, in which a job's active run
		// would be looked for among all that it ever had.
		`DROP INDEX job_runs_active`,
		`CREATE INDEX job_runs_active ON job_runs (job, ended_at) WHERE ended_at IS NULL`,
	}},
	{"the time-zone data of an instance", []string{
		"ALTER TABLE job_instances ADD COLUMN tzdata TEXT NOT NULL DEFAULT ''",
	}},
	{prefixStep, nil}, // done by rename.go
	{"migrations of the user's", []string{
		"CREATE TABLE job_model_migrations (id TEXT NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL)",
	}},
}

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
		`CREATE TABLE run_logs (
			run_id TEXT NOT NULL,
			seq INTEGER NOT NULL,
			at INTEGER,
			attempt INTEGER NOT NULL DEFAULT 0,
			level TEXT NOT NULL DEFAULT '',
			message TEXT NOT NULL DEFAULT '',
			attrs TEXT,
			PRIMARY KEY (run_id, seq)
		) WITHOUT ROWID`,
		`CREATE TABLE instances (
			id TEXT NOT NULL PRIMARY KEY,
			host TEXT NOT NULL DEFAULT '',
			pid INTEGER NOT NULL DEFAULT 0,
			version TEXT NOT NULL DEFAULT '',
			started_at INTEGER,
			seen_at INTEGER,
			stopped_at INTEGER
		) WITHOUT ROWID`,
		`CREATE TABLE audit_entries (
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
		`CREATE INDEX audit_entries_target ON audit_entries (target)`,
	}},
	{"versions of the program", versionsSQL("TEXT", "")},
	{"the database's identity", []string{
		`CREATE TABLE store_identity (id TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID`,
	}},
}

package sqlite

import "fibercrons/app/store/db"

const (
	endColumns = "due_at = NULL, ended_at = v.column2, started_at = COALESCE(job_runs.started_at, v.column3), attempts = COALESCE(v.column4, job_runs.attempts), "
	byID       = ") v WHERE job_runs.id = v.column1"
	byName     = ") v WHERE job_state.name = v.column1"
	bySchedule = ") v WHERE job_schedules.id = v.column1"
	active     = "r.ended_at IS NULL AND r.due_at IS NULL"
)

// OR FAIL: a statement that meets a duplicate leaves the rows before it, where ABORT, the default,
// would keep a journal of each statement to take them back. The transaction is rolled back anyway.
var statements = db.Statements{
	StatesByJob: db.In("SELECT s.name, s.watermark, s.paused, COALESCE(s.paused_until, 0), s.generation, COALESCE(s.override_at, 0), "+
		"EXISTS (SELECT 1 FROM job_runs r WHERE r.job = s.name AND r.schedule = '' AND "+active+") "+
		"FROM job_state s WHERE s.name IN (", "?"),
	RunsByID:       db.In("SELECT "+db.RunColumns+" FROM job_runs r WHERE r.id IN (", "?"),
	RunsBySlot:     db.In("SELECT "+db.RunColumns+" FROM job_runs r WHERE (r.job, r.schedule, r.slot) IN (VALUES ", "(?,?,?)"),
	RunsByKey:      db.In("SELECT "+db.RunColumns+", r.request_key FROM job_runs r WHERE r.request_key IS NOT NULL AND (r.job, r.request_key) IN (VALUES ", "(?,?)"),
	Active:         db.In("SELECT "+db.RunColumns+" FROM job_runs r WHERE "+active+" AND (r.job, r.schedule) IN (VALUES ", "(?,?)"),
	RunningByGroup: db.In("SELECT "+db.RunColumns+" FROM job_runs r WHERE "+active+" AND r.run_group <> '' AND r.status = 'running' AND r.run_group IN (", "?"),
	WaitingByGroup: db.In("SELECT "+db.RunColumns+" FROM job_runs r WHERE "+active+" AND r.run_group <> '' AND r.status = 'queued' AND r.attempt = 0 AND r.run_group IN (", "?"),

	Insert: db.Values{
		Head: "INSERT OR FAIL INTO job_runs (id, job, slot, token, queued_at, started_at, ended_at, status, triggered_by, attempt, instance, lease_until, reason, error) " +
			"SELECT v.column1, v.column2, v.column3, v.column4, v.column5, CASE c.status WHEN 'running' THEN v.column5 END, " +
			"CASE c.status WHEN 'skipped' THEN v.column5 END, c.* FROM (VALUES ",
		Row:  db.Tuple(5),
		Tail: ") v, (SELECT ? AS status, ?, ?, ?, ?, ?, ?) c",
	},
	InsertStored: db.Values{
		Head: "INSERT OR FAIL INTO job_runs (id, job, schedule, slot, token, queued_at, args, started_at, ended_at, status, triggered_by, attempt, instance, lease_until, reason, error, run_group) " +
			"SELECT v.column1, v.column2, v.column3, v.column4, v.column5, v.column6, v.column7, CASE c.status WHEN 'running' THEN v.column6 END, " +
			"CASE c.status WHEN 'skipped' THEN v.column6 END, c.* FROM (VALUES ",
		Row:  db.Tuple(7),
		Tail: ") v, (SELECT ? AS status, ?, ?, ?, ?, ?, ?, ?) c",
	},
	InsertWide: db.Values{
		Head: "INSERT OR FAIL INTO job_runs (id, job, slot, token, status, triggered_by, attempt, instance, queued_at, started_at, lease_until, ended_at, " +
			"reason, error, run_group, actor, request_key, args, data_slot, schedule, due_at, next_at) VALUES ",
		Row: db.Tuple(22),
	},
	Start: db.Values{
		Head: "UPDATE OR FAIL job_runs SET status = 'running', attempt = v.column2, started_at = v.column3, lease_until = v.column4, instance = v.column5, attempt_at = v.column6, next_at = NULL FROM (VALUES ",
		Row:  db.Tuple(6),
		Tail: byID,
	},
	Undefer: db.In("UPDATE OR FAIL job_runs SET due_at = NULL WHERE id IN (", "?"),
	QuickStart: db.Values{
		Head: "UPDATE OR FAIL job_runs SET status = 'running', attempt = job_runs.attempt + 1, started_at = COALESCE(job_runs.started_at, v.column2), " +
			"lease_until = v.column3, attempt_at = v.column2, next_at = NULL FROM (VALUES ",
		Row:  db.Tuple(4),
		Tail: byID + " AND job_runs.token = v.column4 AND job_runs.status = 'queued' AND job_runs.cancel_at IS NULL AND job_runs.due_at IS NULL",
	},
	QuickEnd: db.Values{
		Head: "UPDATE OR FAIL job_runs SET ended_at = v.column2, started_at = v.column3, attempts = COALESCE(v.column4, job_runs.attempts), " +
			"status = 'succeeded', reason = '', error = '', stack = '', next_at = NULL FROM (VALUES ",
		Row:  db.Tuple(5),
		Tail: byID + " AND job_runs.token = v.column5 AND job_runs.status IN ('running', 'queued') AND job_runs.due_at IS NULL",
	},
	End: db.Values{
		Head: "UPDATE OR FAIL job_runs SET " + endColumns + "status = 'succeeded', reason = '', error = '', stack = '', next_at = NULL FROM (VALUES ",
		Row:  db.Tuple(4),
		Tail: byID,
	},
	EndWide: db.Values{
		Head: "UPDATE OR FAIL job_runs SET " + endColumns + "status = v.column5, reason = v.column6, error = v.column7, stack = v.column8, " +
			"result = COALESCE(v.column9, job_runs.result), progress = COALESCE(v.column10, job_runs.progress), " +
			"next_at = v.column11, instance = v.column12, lease_until = v.column13, token = v.column14 FROM (VALUES ",
		Row:  db.Tuple(14),
		Tail: byID,
	},
	Lines: db.Values{
		Head: "INSERT INTO job_run_logs (run_id, seq, at, attempt, level, message, attrs) VALUES ",
		Row:  db.Tuple(7),
		Tail: " ON CONFLICT DO NOTHING",
	},
	States: db.Values{
		Head: "INSERT INTO job_state (name, first_seen, watermark) VALUES ",
		Row:  db.Tuple(3),
	},
	Watermarks: db.Values{
		Head: "UPDATE OR FAIL job_state SET watermark = v.column2 FROM (VALUES ",
		Row:  db.Tuple(2),
		Tail: byName,
	},
	Skips: db.Values{
		Head: "UPDATE OR FAIL job_state SET watermark = v.column2, last_status = 'skipped', last_error = v.column3 FROM (VALUES ",
		Row:  db.Tuple(3),
		Tail: byName,
	},
	Successes: db.Values{
		Head: "UPDATE OR FAIL job_state SET last_status = 'succeeded', last_error = '', last_run = v.column2, last_run_id = v.column3, last_slot = v.column4, " +
			"last_duration_ms = v.column5 - v.column2, last_success = v.column5, own_success = v.column5, runs = job_state.runs + v.column6 FROM (VALUES ",
		Row:  db.Tuple(6),
		Tail: byName,
	},
	Definitions: db.Values{
		Head: "INSERT INTO job_state (name, definition, first_seen, watermark, removed_at, generation) VALUES ",
		Row:  db.Tuple(6),
		Tail: " ON CONFLICT (name) DO UPDATE SET definition = excluded.definition, watermark = excluded.watermark, removed_at = excluded.removed_at, generation = excluded.generation",
	},
	Outcomes: db.Values{
		Head: "INSERT INTO job_state (name, first_seen, last_status, last_error, last_run, last_run_id, last_slot, last_duration_ms, last_success, own_success, runs, failures) VALUES ",
		Row:  db.Tuple(12),
		Tail: " ON CONFLICT (name) DO UPDATE SET last_status = excluded.last_status, last_error = excluded.last_error, " +
			"last_run = COALESCE(excluded.last_run, job_state.last_run), " +
			"last_run_id = CASE WHEN excluded.last_run IS NULL THEN job_state.last_run_id ELSE excluded.last_run_id END, " +
			"last_slot = CASE WHEN excluded.last_run IS NULL THEN job_state.last_slot ELSE excluded.last_slot END, " +
			"last_duration_ms = CASE WHEN excluded.last_run IS NULL THEN job_state.last_duration_ms ELSE excluded.last_duration_ms END, " +
			"last_success = COALESCE(excluded.last_success, job_state.last_success), own_success = COALESCE(excluded.own_success, job_state.own_success), " +
			"runs = job_state.runs + excluded.runs, failures = job_state.failures + excluded.failures",
	},

	Schedules: db.In("SELECT "+db.ScheduleColumns+", EXISTS (SELECT 1 FROM job_runs r WHERE r.job = s.job AND r.schedule = s.id AND "+active+") "+
		"FROM job_schedules s WHERE s.id IN (", "?"),
	ScheduleRows: db.In("SELECT "+db.ScheduleRow+" FROM job_schedules s WHERE s.id IN (", "?"),
	ByKey:        "SELECT id, status, reason FROM job_runs WHERE job = ? AND request_key = ? AND request_key IS NOT NULL",
	InsertSchedules: db.Values{
		Head: "INSERT OR FAIL INTO job_schedules (" + db.EditedColumns + ") VALUES ",
		Row:  db.Tuple(20),
	},
	UpdateSchedules: db.Values{
		Head: "INSERT INTO job_schedules (" + db.EditedColumns + ") VALUES ",
		Row:  db.Tuple(20),
		Tail: " ON CONFLICT (id) DO UPDATE SET " + db.Assign("excluded."),
	},
	ScheduleMarks: db.Values{
		Head: "UPDATE OR FAIL job_schedules SET watermark = v.column2, next_slot = v.column3, runs = v.column4 FROM (VALUES ",
		Row:  db.Tuple(4),
		Tail: bySchedule,
	},
	ScheduleOutcomes: db.Values{
		Head: "UPDATE OR FAIL job_schedules SET last_run = COALESCE(v.column2, job_schedules.last_run), last_run_id = v.column3, last_status = v.column4, " +
			"last_success = COALESCE(v.column5, job_schedules.last_success) FROM (VALUES ",
		Row:  db.Tuple(5),
		Tail: bySchedule,
	},
}

// sqliteMigrations is append-only. Tables are created explicitly, never by AutoMigrate, which
// can null whole columns of an existing table on this database.
//
// An active run is one with ended_at and due_at NULL. Unlike the status, these do not change between queued
// and running, so the partial indexes are written only twice in a run's life.
var migrations = []db.Migration{
	{Name: "the first tables", SQL: []string{
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
	{Name: "versions of the program", SQL: db.VersionsSQL("TEXT", "")},
	{Name: "the database's identity", SQL: []string{
		`CREATE TABLE job_identity (id TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID`,
	}},
	{Name: "alerts", SQL: []string{
		`ALTER TABLE job_runs ADD COLUMN looked_at INTEGER`,
		`UPDATE job_runs SET looked_at = ended_at WHERE ended_at IS NOT NULL`,
		// Successful runs never enter it, and the others leave it as soon as they have been checked for alerts.
		`CREATE INDEX job_runs_troubled ON job_runs (ended_at) WHERE ` + db.Troubled,
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
	{Name: "the start of an attempt", SQL: []string{
		`ALTER TABLE job_runs ADD COLUMN attempt_at INTEGER`,
	}},
	{Name: "an index of active runs that is preferred", SQL: []string{
		// SQLite prefers two columns that are compared to the one of job_runs_history, in which it would search
		// for a job's active run among all its runs.
		`DROP INDEX job_runs_active`,
		`CREATE INDEX job_runs_active ON job_runs (job, ended_at) WHERE ended_at IS NULL`,
	}},
	{Name: "the time-zone data of an instance", SQL: []string{
		"ALTER TABLE job_instances ADD COLUMN tzdata TEXT NOT NULL DEFAULT ''",
	}},
	{Name: db.PrefixStep}, // done by db/rename.go
	{Name: "migrations of the user's", SQL: []string{
		"CREATE TABLE job_model_migrations (id TEXT NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL)",
	}},
	{Name: "the parts of an instance", SQL: []string{
		"ALTER TABLE job_instances ADD COLUMN parts TEXT NOT NULL DEFAULT ''",
	}},
	{Name: "stored schedules", SQL: []string{
		`CREATE TABLE job_schedules (
			id TEXT NOT NULL PRIMARY KEY,
			job TEXT NOT NULL,
			expr TEXT NOT NULL,
			zone TEXT NOT NULL DEFAULT '',
			args TEXT,
			from_at INTEGER,
			until_at INTEGER,
			max_runs INTEGER NOT NULL DEFAULT 0,
			meta TEXT,
			paused INTEGER NOT NULL DEFAULT 0,
			paused_at INTEGER,
			paused_until INTEGER,
			paused_by TEXT NOT NULL DEFAULT '',
			paused_reason TEXT NOT NULL DEFAULT '',
			revision INTEGER NOT NULL,
			watermark INTEGER NOT NULL,
			next_slot INTEGER,
			runs INTEGER NOT NULL DEFAULT 0,
			last_run INTEGER,
			last_run_id TEXT NOT NULL DEFAULT '',
			last_status TEXT NOT NULL DEFAULT '',
			created_at INTEGER NOT NULL,
			updated_at INTEGER NOT NULL,
			updated_by TEXT NOT NULL DEFAULT ''
		)`,
		// The job is in it so that those of other jobs are passed over without a look at their rows.
		`CREATE INDEX job_schedules_next ON job_schedules (next_slot, job) WHERE next_slot IS NOT NULL`,
		`CREATE INDEX job_schedules_job ON job_schedules (job, id)`,
		`CREATE INDEX job_schedules_paused ON job_schedules (id) WHERE paused`,
		`ALTER TABLE job_runs ADD COLUMN schedule TEXT NOT NULL DEFAULT ''`,
		`ALTER TABLE job_runs ADD COLUMN due_at INTEGER`,
		`CREATE INDEX job_runs_schedule ON job_runs (schedule) WHERE schedule <> ''`,
		// Runs without a slot, which never collide, are in it because it is the history of a job without its schedules.
		`DROP INDEX job_runs_slot`,
		`CREATE UNIQUE INDEX job_runs_slot ON job_runs (job, schedule, slot)`,
		// With due_at NULL it has the active runs, and with others the deferred ones, by time.
		`DROP INDEX job_runs_active`,
		`CREATE INDEX job_runs_active ON job_runs (due_at, job, schedule) WHERE ended_at IS NULL`,
		`DROP INDEX job_runs_group`,
		`CREATE INDEX job_runs_group ON job_runs (run_group, due_at, status) WHERE ended_at IS NULL AND run_group <> ''`,
	}},
	{Name: "alerts of stored schedules", SQL: []string{
		"ALTER TABLE job_alerts ADD COLUMN schedule TEXT NOT NULL DEFAULT ''",
		"ALTER TABLE job_alerts ADD COLUMN others INTEGER NOT NULL DEFAULT 0",
		"ALTER TABLE job_schedules ADD COLUMN last_success INTEGER",
		"ALTER TABLE job_state ADD COLUMN own_success INTEGER",
		"UPDATE job_state SET own_success = last_success",
	}},
}

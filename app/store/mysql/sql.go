package mysql

import (
	"database/sql"
	"fmt"
	"strings"

	"fibercrons/app/store/db"
)

// Lists come as a table v with columns a, b, c and so on, made of one SELECT for each Row: MySQL and MariaDB both
// accept that. The joins name their order and their index, since a plan that reads more rows than it needs would lock
// them, too.

// myRows is a statement with rows as v between head and tail.
func myRows(head string, columns int, tail string) db.Values {
	var first []string
	for i := range columns {
		first = append(first, fmt.Sprintf("? AS %c", 'a'+i))
	}
	return db.Values{Head: head + "(SELECT ", First: strings.Join(first, ", "), Row: db.List("?", columns), Sep: " UNION ALL SELECT ", Tail: ") v" + tail}
}

// myIn is a statement with one list in it.
func myIn(head, tail string) db.Values {
	return db.Values{Head: head + " IN (", Row: "?", Tail: ")" + tail, Size: db.MaxRows}
}

const (
	myClock      = "TIMESTAMPDIFF(MICROSECOND, TIMESTAMP'1970-01-01 00:00:00', UTC_TIMESTAMP(3)) DIV 1000"
	myRuns       = " STRAIGHT_JOIN job_runs r FORCE INDEX (job_runs_id) ON r.id = v.a"
	myEndColumns = " SET r.due_at = NULL, r.ended_at = v.b, r.started_at = COALESCE(r.started_at, v.c), r.attempts = COALESCE(v.d, r.attempts), r."
	myStates     = " STRAIGHT_JOIN job_state s FORCE INDEX (PRIMARY) ON s.name = v.a SET "
	mySchedule   = " STRAIGHT_JOIN job_schedules s FORCE INDEX (PRIMARY) ON s.id = v.a SET "
	myActive     = "r.ended_at IS NULL AND r.due_at IS NULL"
	myStateRows  = "SELECT name, watermark, paused, COALESCE(paused_until, 0), generation, COALESCE(override_at, 0), " + myClock + " FROM job_state FORCE INDEX (PRIMARY) WHERE name"
	mySchedules  = "SELECT " + db.ScheduleColumns + ", " + myClock + " FROM job_schedules s FORCE INDEX (PRIMARY) WHERE s.id"
	myInsertWide = "INSERT INTO job_runs (id, job, slot, token, status, triggered_by, attempt, instance, queued_at, started_at, lease_until, ended_at, " +
		"reason, error, run_group, actor, request_key, args, data_slot, schedule, due_at, next_at) VALUES "
	myEdited = "INSERT INTO job_schedules (" + db.EditedColumns + ") VALUES "
)

var statements = db.Statements{
	// No begin: the session sets READ COMMITTED. With the default, a transaction sees what was committed at its first
	// read, and locks the gaps between rows.
	ReadTx: &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
	Text:   db.PlainText,
	Array:  "JSON_ARRAY",
	Whole:  "DIV",

	Locks: &db.Locks{
		Watermarks: myIn(myStateRows, ""),
		FreeStates: myIn(myStateRows, " ORDER BY name FOR UPDATE SKIP LOCKED"),
		States:     myIn(myStateRows, " ORDER BY name FOR UPDATE"),
		// Not IGNORE: of several that wait for the same row, each would get a shared lock, and none the exclusive one.
		Create:       db.Values{Head: "INSERT INTO job_state (name, first_seen) VALUES ", Row: db.Tuple(2), Tail: " ON DUPLICATE KEY UPDATE name = name"},
		Groups:       myIn("SELECT name FROM job_groups FORCE INDEX (PRIMARY) WHERE name", " ORDER BY name FOR UPDATE"),
		CreateGroups: db.Values{Head: "INSERT INTO job_groups (name) VALUES ", Row: db.Tuple(1), Tail: " ON DUPLICATE KEY UPDATE name = name"},

		ScheduleMarks: myIn("SELECT id, watermark, "+myClock+" FROM job_schedules WHERE id", ""),
		FreeSchedules: myIn(mySchedules, " ORDER BY s.id FOR UPDATE SKIP LOCKED"),
		Schedules:     myIn(mySchedules, " ORDER BY s.id FOR UPDATE"),
		InsertKeyed:   db.Values{Head: myInsertWide, Row: db.Tuple(22), Tail: " ON DUPLICATE KEY UPDATE id = id", Size: 100},
	},

	RunsByID:       myIn("SELECT "+db.RunColumns+" FROM job_runs r FORCE INDEX (job_runs_id) WHERE r.id", " ORDER BY r.id FOR UPDATE"),
	RunsBySlot:     myRows("SELECT "+db.RunColumns+" FROM ", 3, " STRAIGHT_JOIN job_runs r FORCE INDEX (job_runs_slot) ON r.job = v.a AND r.schedule = v.b AND r.slot = v.c"),
	RunsByKey:      myRows("SELECT "+db.RunColumns+", r.request_key FROM ", 2, " STRAIGHT_JOIN job_runs r FORCE INDEX (job_runs_key) ON r.job = v.a AND r.request_key = v.b"),
	Active:         myRows("SELECT "+db.RunColumns+" FROM ", 2, " STRAIGHT_JOIN job_runs r FORCE INDEX (job_runs_active) ON "+myActive+" AND r.job = v.a AND r.schedule = v.b"),
	RunningByGroup: myIn("SELECT "+db.RunColumns+" FROM job_runs r FORCE INDEX (job_runs_group) WHERE "+myActive+" AND r.status = 'running' AND r.run_group", ""),
	WaitingByGroup: myIn("SELECT "+db.RunColumns+" FROM job_runs r FORCE INDEX (job_runs_group) WHERE "+myActive+" AND r.status = 'queued' AND r.attempt = 0 AND r.run_group", ""),

	InsertWide: db.Values{Head: myInsertWide, Row: db.Tuple(22), Size: 100},
	Undefer:    myIn("UPDATE job_runs SET due_at = NULL WHERE id", ""),
	Start:      myRows("UPDATE ", 6, myRuns+" SET r.status = 'running', r.attempt = v.b, r.started_at = v.c, r.lease_until = v.d, r.instance = v.e, r.attempt_at = v.f, r.next_at = NULL"),
	End:        myRows("UPDATE ", 4, myRuns+myEndColumns+"status = 'succeeded', r.reason = '', r.error = '', r.stack = '', r.next_at = NULL"),
	EndWide: myRows("UPDATE ", 14, myRuns+myEndColumns+"status = v.e, r.reason = v.f, r.error = v.g, r.stack = v.h, "+
		"r.result = COALESCE(v.i, r.result), r.progress = COALESCE(v.j, r.progress), "+
		"r.next_at = v.k, r.instance = v.l, r.lease_until = v.m, r.token = v.n"),
	// IGNORE: a line that exists stays, and one that is too long is cut.
	Lines: db.Values{Head: "INSERT IGNORE INTO job_run_logs (run_id, seq, at, attempt, level, message, attrs) VALUES ", Row: db.Tuple(7), Size: 100},
	States: db.Values{Head: "INSERT INTO job_state (name, first_seen, watermark) VALUES ", Row: db.Tuple(3),
		Tail: " ON DUPLICATE KEY UPDATE watermark = GREATEST(watermark, VALUES(watermark))"},
	Watermarks: myRows("UPDATE ", 2, myStates+"s.watermark = v.b"),
	Successes: myRows("UPDATE ", 6, myStates+"s.last_status = 'succeeded', s.last_error = '', s.last_run = v.b, s.last_run_id = v.c, s.last_slot = v.d, "+
		"s.last_duration_ms = v.e - v.b, s.last_success = v.e, s.own_success = v.e, s.runs = s.runs + v.f"),
	Definitions: db.Values{Head: "INSERT INTO job_state (name, definition, first_seen, watermark, removed_at, generation) VALUES ", Row: db.Tuple(6),
		Tail: " ON DUPLICATE KEY UPDATE definition = VALUES(definition), watermark = GREATEST(watermark, VALUES(watermark)), removed_at = VALUES(removed_at), generation = VALUES(generation)"},
	Outcomes: db.Values{Head: "INSERT INTO job_state (name, first_seen, last_status, last_error, last_run, last_run_id, last_slot, last_duration_ms, last_success, own_success, runs, failures) VALUES ", Row: db.Tuple(12),
		Tail: " ON DUPLICATE KEY UPDATE last_status = VALUES(last_status), last_error = VALUES(last_error), " +
			"last_run = COALESCE(VALUES(last_run), last_run), " +
			"last_run_id = CASE WHEN VALUES(last_run) IS NULL THEN last_run_id ELSE VALUES(last_run_id) END, " +
			"last_slot = CASE WHEN VALUES(last_run) IS NULL THEN last_slot ELSE VALUES(last_slot) END, " +
			"last_duration_ms = CASE WHEN VALUES(last_run) IS NULL THEN last_duration_ms ELSE VALUES(last_duration_ms) END, " +
			"last_success = COALESCE(VALUES(last_success), last_success), own_success = COALESCE(VALUES(own_success), own_success), " +
			"runs = runs + VALUES(runs), failures = failures + VALUES(failures)"},

	ScheduleRows:    myIn("SELECT "+db.ScheduleRow+" FROM job_schedules s FORCE INDEX (PRIMARY) WHERE s.id", " ORDER BY s.id FOR UPDATE"),
	InsertSchedules: db.Values{Head: myEdited, Row: db.Tuple(20), Tail: " ON DUPLICATE KEY UPDATE id = id", Size: 100},
	UpdateSchedules: db.Values{Head: myEdited, Row: db.Tuple(20), Tail: " ON DUPLICATE KEY UPDATE " + db.Assign("VALUES(", ")"), Size: 100},
	ScheduleMarks:   myRows("UPDATE ", 4, mySchedule+"s.watermark = v.b, s.next_slot = v.c, s.runs = v.d"),
	ScheduleOutcomes: myRows("UPDATE ", 5, mySchedule+"s.last_run = COALESCE(v.b, s.last_run), s.last_run_id = v.c, s.last_status = v.d, "+
		"s.last_success = COALESCE(v.e, s.last_success)"),
	ByKey: "SELECT id, status, reason FROM job_runs FORCE INDEX (job_runs_key) WHERE job = ? AND request_key = ? FOR UPDATE",
}

// mysqlMigrations is append-only. Every statement commits by itself on MySQL and MariaDB, so a step first records that
// it begins, and one that was interrupted is carried out again from its start: what exists already is its own. Some
// indexes still have their names from before prefixStep, since names of indexes are local to their table.
//
// Names compare by bytes (utf8mb4_bin). NULLs do not collide in a unique key, as slots and
// request keys need. Request keys are binary, so that trailing spaces count. Active runs are those with ended_at
// NULL, and the first entries of an index.
var migrations = []db.Migration{
	{Name: "the first tables", SQL: []string{
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
	{Name: "versions of the program", SQL: db.VersionsSQL("VARCHAR(64)", mysqlTable)},
	{Name: "alerts", SQL: []string{
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
	{Name: "the start of an attempt", SQL: []string{
		"ALTER TABLE job_runs ADD COLUMN attempt_at BIGINT",
	}},
	{Name: "the time-zone data of an instance", SQL: []string{
		"ALTER TABLE job_instances ADD COLUMN tzdata VARCHAR(64) NOT NULL DEFAULT ''",
	}},
	{Name: db.PrefixStep}, // done by db/rename.go
	{Name: "migrations of the user's", SQL: []string{
		"CREATE TABLE job_model_migrations (id VARCHAR(200) NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL)" + mysqlTable,
	}},
	{Name: "the parts of an instance", SQL: []string{
		"ALTER TABLE job_instances ADD COLUMN parts VARCHAR(255) NOT NULL DEFAULT ''",
	}},
	// An index that changes keeps its name, which processes of older releases use, and changes in one statement.
	{Name: "stored schedules", SQL: []string{
		`CREATE TABLE job_schedules (
			id VARCHAR(200) NOT NULL PRIMARY KEY,
			job VARCHAR(255) NOT NULL,
			expr TEXT NOT NULL,
			zone VARCHAR(255) NOT NULL DEFAULT '',
			args LONGTEXT,
			from_at BIGINT,
			until_at BIGINT,
			max_runs BIGINT NOT NULL DEFAULT 0,
			meta LONGTEXT,
			paused BOOLEAN NOT NULL DEFAULT FALSE,
			paused_at BIGINT,
			paused_until BIGINT,
			paused_by TEXT NOT NULL DEFAULT (''),
			paused_reason TEXT NOT NULL DEFAULT (''),
			revision BIGINT NOT NULL,
			watermark BIGINT NOT NULL,
			next_slot BIGINT,
			runs BIGINT NOT NULL DEFAULT 0,
			last_run BIGINT,
			last_run_id VARCHAR(64) NOT NULL DEFAULT '',
			last_status VARCHAR(32) NOT NULL DEFAULT '',
			created_at BIGINT NOT NULL,
			updated_at BIGINT NOT NULL,
			updated_by TEXT NOT NULL DEFAULT (''),
			KEY job_schedules_next (next_slot, job),
			KEY job_schedules_job (job, id)
		)` + mysqlTable,
		"ALTER TABLE job_runs ADD COLUMN schedule VARCHAR(200) NOT NULL DEFAULT ''",
		"ALTER TABLE job_runs ADD COLUMN due_at BIGINT",
		"CREATE INDEX job_runs_schedule ON job_runs (schedule, seq)",
		"ALTER TABLE job_runs DROP INDEX job_runs_slot, ADD UNIQUE INDEX job_runs_slot (job, schedule, slot)",
		"ALTER TABLE job_runs DROP INDEX job_runs_active, ADD INDEX job_runs_active (ended_at, due_at, job, schedule)",
		"ALTER TABLE job_runs DROP INDEX job_runs_group, ADD INDEX job_runs_group (run_group, ended_at, due_at)",
	}},
	{Name: "alerts of stored schedules", SQL: []string{
		"ALTER TABLE job_alerts ADD COLUMN schedule VARCHAR(200) NOT NULL DEFAULT ''",
		"ALTER TABLE job_alerts ADD COLUMN others BIGINT NOT NULL DEFAULT 0",
		"ALTER TABLE job_alerts MODIFY COLUMN open_key VARCHAR(400)", // kind, job and schedule
		"ALTER TABLE job_schedules ADD COLUMN last_success BIGINT",
		"ALTER TABLE job_state ADD COLUMN own_success BIGINT",
		"UPDATE job_state SET own_success = last_success",
	}},
}

const mysqlTable = " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"

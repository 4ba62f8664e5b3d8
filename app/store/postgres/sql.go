package postgres

import (
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"fibercrons/app/store/db"
)

// Lists come as arrays, one for each column, so that a statement has one text whatever the number of
// rows: it is prepared once on each connection.

// pgRows is a statement with rows as v, with columns a, b, c and so on, between head and tail.
func pgRows(head, columns, tail string) db.Values {
	var params, names []string
	for i, kind := range columns {
		array := "bigint[]"
		if kind == 't' {
			array = "text[]"
		}
		params = append(params, fmt.Sprintf("$%d::%s", i+1, array))
		names = append(names, string(rune('a'+i)))
	}
	return db.Values{Columns: columns, Head: head + "unnest(" + strings.Join(params, ", ") + ") v (" + strings.Join(names, ", ") + ")" + tail}
}

// pgIn is a statement with one list in it.
func pgIn(head, tail string) db.Values {
	return db.Values{Columns: "t", Head: head + " = ANY ($1::text[])" + tail}
}

const (
	pgClock      = "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint"
	pgEndColumns = "due_at = NULL, ended_at = v.b, started_at = COALESCE(r.started_at, v.c), attempts = COALESCE(v.d, r.attempts), "
	pgUpdateRuns = "UPDATE job_runs r SET "
	pgByID       = " WHERE r.id = v.a"
	pgByName     = " WHERE s.name = v.a"
	pgActive     = "r.ended_at IS NULL AND r.due_at IS NULL"
	pgStates     = "SELECT name, watermark, paused, COALESCE(paused_until, 0), generation, COALESCE(override_at, 0), " + pgClock + " FROM job_state WHERE name"
	pgSchedules  = "SELECT " + db.ScheduleColumns + ", " + pgClock + " FROM job_schedules s WHERE s.id"
	pgInsertWide = "INSERT INTO job_runs (id, job, slot, token, status, triggered_by, attempt, instance, queued_at, started_at, lease_until, ended_at, " +
		"reason, error, run_group, actor, request_key, args, data_slot, schedule, due_at, next_at) SELECT v.* FROM "
	pgWide   = "ttnnttntnnnnttttttntnn"
	pgEdited = "INSERT INTO job_schedules (" + db.EditedColumns + ") SELECT v.a, v.b, v.c, v.d, v.e, v.f, v.g, v.h, v.i, v.j, v.k <> 0, v.l, v.m, v.n, v.o, v.p, v.q, v.r, v.s, v.t FROM "
	pgEdit   = "tnttttnnntnnnttnnnnt"
)

var statements = db.Statements{
	Begin:  &sql.TxOptions{Isolation: sql.LevelReadCommitted},
	ReadTx: &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
	Bind:   numbered(),
	Text:   db.PlainText,
	Array:  "json_build_array",

	Locks: &db.Locks{
		Watermarks:   pgIn(pgStates, ""),
		FreeStates:   pgIn(pgStates, " ORDER BY name FOR NO KEY UPDATE SKIP LOCKED"),
		States:       pgIn(pgStates, " ORDER BY name FOR NO KEY UPDATE"),
		Create:       pgRows("INSERT INTO job_state (name, first_seen) SELECT v.a, v.b FROM ", "tn", " ORDER BY v.a ON CONFLICT DO NOTHING"),
		Groups:       pgIn("SELECT name FROM job_groups WHERE name", " ORDER BY name FOR NO KEY UPDATE"),
		CreateGroups: pgRows("INSERT INTO job_groups (name) SELECT v.a FROM ", "t", " ORDER BY v.a ON CONFLICT DO NOTHING"),

		ScheduleMarks: pgIn("SELECT id, watermark, "+pgClock+" FROM job_schedules WHERE id", ""),
		FreeSchedules: pgIn(pgSchedules, " ORDER BY s.id FOR NO KEY UPDATE SKIP LOCKED"),
		Schedules:     pgIn(pgSchedules, " ORDER BY s.id FOR NO KEY UPDATE"),
		InsertKeyed:   pgRows(pgInsertWide, pgWide, " ON CONFLICT (job, request_key) WHERE request_key IS NOT NULL DO NOTHING"),
	},

	RunsByID:       pgIn("SELECT "+db.RunColumns+" FROM job_runs r WHERE r.id", " ORDER BY r.id FOR NO KEY UPDATE"),
	RunsBySlot:     pgRows("SELECT "+db.RunColumns+" FROM ", "ttn", " JOIN job_runs r ON r.job = v.a AND r.schedule = v.b AND r.slot = v.c"),
	RunsByKey:      pgRows("SELECT "+db.RunColumns+", r.request_key FROM ", "tt", " JOIN job_runs r ON r.request_key IS NOT NULL AND r.job = v.a AND r.request_key = v.b"),
	Active:         pgRows("SELECT "+db.RunColumns+" FROM ", "tt", " JOIN job_runs r ON "+pgActive+" AND r.job = v.a AND r.schedule = v.b"),
	RunningByGroup: pgIn("SELECT "+db.RunColumns+" FROM job_runs r WHERE "+pgActive+" AND r.run_group <> '' AND r.status = 'running' AND r.run_group", ""),
	WaitingByGroup: pgIn("SELECT "+db.RunColumns+" FROM job_runs r WHERE "+pgActive+" AND r.run_group <> '' AND r.status = 'queued' AND r.attempt = 0 AND r.run_group", ""),

	Insert: pgRows("INSERT INTO job_runs (id, job, slot, token, queued_at, started_at, ended_at, status, triggered_by, attempt, instance, lease_until, reason, error) "+
		"SELECT v.a, v.b, v.c, v.d, v.e, CASE $6::text WHEN 'running' THEN v.e END, CASE $6::text WHEN 'skipped' THEN v.e END, "+
		"$6::text, $7::text, $8::bigint, $9::text, $10::bigint, $11::text, $12::text FROM ", "ttnnn", ""),
	InsertStored: pgRows("INSERT INTO job_runs (id, job, schedule, slot, token, queued_at, args, started_at, ended_at, status, triggered_by, attempt, instance, lease_until, reason, error, run_group) "+
		"SELECT v.a, v.b, v.c, v.d, v.e, v.f, v.g, CASE $8::text WHEN 'running' THEN v.f END, CASE $8::text WHEN 'skipped' THEN v.f END, "+
		"$8::text, $9::text, $10::bigint, $11::text, $12::bigint, $13::text, $14::text, $15::text FROM ", "tttnnnt", ""),
	InsertWide: pgRows(pgInsertWide, pgWide, ""),
	Undefer:    pgIn("UPDATE job_runs SET due_at = NULL WHERE id", ""),
	Start:      pgRows(pgUpdateRuns+"status = 'running', attempt = v.b, started_at = v.c, lease_until = v.d, instance = v.e, attempt_at = v.f, next_at = NULL FROM ", "tnnntn", pgByID),
	End:        pgRows(pgUpdateRuns+pgEndColumns+"status = 'succeeded', reason = '', error = '', stack = '', next_at = NULL FROM ", "tnnt", pgByID),
	EndWide: pgRows(pgUpdateRuns+pgEndColumns+"status = v.e, reason = v.f, error = v.g, stack = v.h, "+
		"result = COALESCE(v.i, r.result), progress = COALESCE(v.j, r.progress), "+
		"next_at = v.k, instance = v.l, lease_until = v.m, token = v.n FROM ", "tnntttttttntnn", pgByID),
	Lines: pgRows("INSERT INTO job_run_logs (run_id, seq, at, attempt, level, message, attrs) SELECT v.* FROM ", "tnnnttt", " ON CONFLICT DO NOTHING"),
	States: pgRows("INSERT INTO job_state (name, first_seen, watermark) SELECT v.* FROM ", "tnn",
		" ON CONFLICT (name) DO UPDATE SET watermark = GREATEST(job_state.watermark, excluded.watermark)"),
	Watermarks: pgRows("UPDATE job_state s SET watermark = v.b FROM ", "tn", pgByName),
	Successes: pgRows("UPDATE job_state s SET last_status = 'succeeded', last_error = '', last_run = v.b, last_run_id = v.c, last_slot = v.d, "+
		"last_duration_ms = v.e - v.b, last_success = v.e, own_success = v.e, runs = s.runs + v.f FROM ", "tntnnn", pgByName),
	Definitions: pgRows("INSERT INTO job_state (name, definition, first_seen, watermark, removed_at, generation) SELECT v.* FROM ", "ttnnnn",
		" ON CONFLICT (name) DO UPDATE SET definition = excluded.definition, "+
			"watermark = GREATEST(job_state.watermark, excluded.watermark), removed_at = excluded.removed_at, generation = excluded.generation"),
	Outcomes: pgRows("INSERT INTO job_state (name, first_seen, last_status, last_error, last_run, last_run_id, last_slot, last_duration_ms, last_success, own_success, runs, failures) "+
		"SELECT v.* FROM ", "tnttntnnnnnn", " ON CONFLICT (name) DO UPDATE SET last_status = excluded.last_status, last_error = excluded.last_error, "+
		"last_run = COALESCE(excluded.last_run, job_state.last_run), "+
		"last_run_id = CASE WHEN excluded.last_run IS NULL THEN job_state.last_run_id ELSE excluded.last_run_id END, "+
		"last_slot = CASE WHEN excluded.last_run IS NULL THEN job_state.last_slot ELSE excluded.last_slot END, "+
		"last_duration_ms = CASE WHEN excluded.last_run IS NULL THEN job_state.last_duration_ms ELSE excluded.last_duration_ms END, "+
		"last_success = COALESCE(excluded.last_success, job_state.last_success), own_success = COALESCE(excluded.own_success, job_state.own_success), "+
		"runs = job_state.runs + excluded.runs, failures = job_state.failures + excluded.failures"),

	ScheduleRows:    pgIn("SELECT "+db.ScheduleRow+" FROM job_schedules s WHERE s.id", " ORDER BY s.id FOR NO KEY UPDATE"),
	InsertSchedules: pgRows(pgEdited, pgEdit, " ORDER BY v.a ON CONFLICT (id) DO NOTHING"),
	UpdateSchedules: pgRows(pgEdited, pgEdit, " ON CONFLICT (id) DO UPDATE SET "+db.Assign("excluded.")),
	ScheduleMarks:   pgRows("UPDATE job_schedules s SET watermark = v.b, next_slot = v.c, runs = v.d FROM ", "tnnn", " WHERE s.id = v.a"),
	ScheduleOutcomes: pgRows("UPDATE job_schedules s SET last_run = COALESCE(v.b, s.last_run), last_run_id = v.c, last_status = v.d, "+
		"last_success = COALESCE(v.e, s.last_success) FROM ", "tnttn",
		" WHERE s.id = v.a"),
	ByKey: "SELECT id, status, reason FROM job_runs WHERE job = ? AND request_key = ? FOR NO KEY UPDATE",
}

// postgresMigrations is append-only. Names and IDs compare by bytes (COLLATE "C"), whatever the
// database's own order is.
//
// A row that changes no indexed column, nor one in an index's condition, is updated in place (HOT), where
// its page has room: hence the fill factors, and no status in an index. Sequences count in order of
// insertion, which is not that of commits; see app/store/watch.go.
var migrations = []db.Migration{
	{Name: "the first tables", SQL: []string{
		`CREATE TABLE job_state (
			name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
			definition TEXT NOT NULL DEFAULT '',
			first_seen BIGINT NOT NULL,
			watermark BIGINT NOT NULL DEFAULT 0,
			removed_at BIGINT,
			paused BOOLEAN NOT NULL DEFAULT FALSE,
			paused_at BIGINT,
			paused_until BIGINT,
			paused_by TEXT NOT NULL DEFAULT '',
			paused_reason TEXT NOT NULL DEFAULT '',
			override_expr TEXT NOT NULL DEFAULT '',
			override_zone TEXT NOT NULL DEFAULT '',
			override_by TEXT NOT NULL DEFAULT '',
			override_at BIGINT,
			last_run BIGINT,
			last_run_id TEXT NOT NULL DEFAULT '',
			last_slot BIGINT,
			last_duration_ms BIGINT NOT NULL DEFAULT 0,
			last_status TEXT NOT NULL DEFAULT '',
			last_error TEXT NOT NULL DEFAULT '',
			last_success BIGINT,
			runs BIGINT NOT NULL DEFAULT 0,
			failures BIGINT NOT NULL DEFAULT 0
		) WITH (fillfactor = 50)`,
		`CREATE TABLE job_groups (name TEXT COLLATE "C" NOT NULL PRIMARY KEY)`,
		`CREATE TABLE job_runs (
			seq BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
			id TEXT COLLATE "C" NOT NULL,
			job TEXT COLLATE "C" NOT NULL,
			slot BIGINT,
			data_slot BIGINT,
			token BIGINT NOT NULL,
			status TEXT COLLATE "C" NOT NULL,
			reason TEXT NOT NULL DEFAULT '',
			triggered_by TEXT NOT NULL,
			attempt BIGINT NOT NULL DEFAULT 0,
			attempts TEXT,
			error TEXT NOT NULL DEFAULT '',
			stack TEXT NOT NULL DEFAULT '',
			args TEXT,
			result TEXT,
			progress TEXT,
			request_key TEXT COLLATE "C",
			actor TEXT NOT NULL DEFAULT '',
			instance TEXT COLLATE "C" NOT NULL DEFAULT '',
			run_group TEXT COLLATE "C" NOT NULL DEFAULT '',
			queued_at BIGINT NOT NULL,
			next_at BIGINT,
			started_at BIGINT,
			ended_at BIGINT,
			cancel_at BIGINT,
			cancel_reason TEXT NOT NULL DEFAULT '',
			cancel_by TEXT NOT NULL DEFAULT '',
			lease_until BIGINT NOT NULL DEFAULT 0
		) WITH (fillfactor = 85)`,
		`CREATE UNIQUE INDEX job_runs_id ON job_runs (id)`,
		`CREATE UNIQUE INDEX job_runs_slot ON job_runs (job, slot) WHERE slot IS NOT NULL`,
		`CREATE UNIQUE INDEX job_runs_key ON job_runs (job, request_key) WHERE request_key IS NOT NULL`,
		`CREATE INDEX job_runs_active ON job_runs (job) WHERE ended_at IS NULL`,
		`CREATE INDEX job_runs_group ON job_runs (run_group) WHERE ended_at IS NULL AND run_group <> ''`,
		`CREATE INDEX job_runs_history ON job_runs (job, seq)`,
		`CREATE INDEX job_runs_time ON job_runs (queued_at, seq)`,
		`CREATE TABLE job_run_logs (
			run_id TEXT COLLATE "C" NOT NULL,
			seq BIGINT NOT NULL,
			at BIGINT,
			attempt BIGINT NOT NULL DEFAULT 0,
			level TEXT NOT NULL DEFAULT '',
			message TEXT NOT NULL DEFAULT '',
			attrs TEXT,
			PRIMARY KEY (run_id, seq)
		)`,
		`CREATE TABLE job_instances (
			id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
			host TEXT NOT NULL DEFAULT '',
			pid BIGINT NOT NULL DEFAULT 0,
			version TEXT NOT NULL DEFAULT '',
			started_at BIGINT,
			seen_at BIGINT,
			stopped_at BIGINT
		)`,
		`CREATE TABLE job_audit (
			id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
			at BIGINT NOT NULL,
			actor TEXT NOT NULL DEFAULT '',
			action TEXT NOT NULL,
			target TEXT COLLATE "C" NOT NULL DEFAULT '',
			"before" TEXT,
			"after" TEXT,
			origin TEXT NOT NULL DEFAULT '',
			request_id TEXT NOT NULL DEFAULT ''
		)`,
		`CREATE INDEX job_audit_target ON job_audit (target, id)`,
	}},
	{Name: "versions of the program", SQL: db.VersionsSQL(`TEXT COLLATE "C"`, "")},
	{Name: "alerts", SQL: []string{
		`ALTER TABLE job_runs ADD COLUMN looked_at BIGINT`,
		`UPDATE job_runs SET looked_at = ended_at WHERE ended_at IS NOT NULL`,
		// Successful runs never enter it, and the others leave it as soon as they have been checked for alerts.
		`CREATE INDEX job_runs_troubled ON job_runs (ended_at) WHERE ` + db.Troubled,
		`CREATE TABLE job_alerts (
			id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
			job TEXT COLLATE "C" NOT NULL,
			kind TEXT NOT NULL,
			dedup TEXT COLLATE "C" NOT NULL UNIQUE,
			open_key TEXT COLLATE "C" UNIQUE,
			run_id TEXT NOT NULL DEFAULT '',
			slot BIGINT,
			at BIGINT NOT NULL,
			raised_at BIGINT NOT NULL,
			status TEXT NOT NULL,
			message TEXT COLLATE "C" NOT NULL DEFAULT '',
			silence TEXT NOT NULL DEFAULT '',
			detail TEXT NOT NULL DEFAULT '',
			error TEXT NOT NULL DEFAULT '',
			number BIGINT NOT NULL DEFAULT 0
		)`,
		`CREATE INDEX job_alerts_status ON job_alerts (status, raised_at)`,
		`CREATE INDEX job_alerts_message ON job_alerts (message)`,
		`CREATE INDEX job_alerts_job ON job_alerts (job, raised_at)`,
		`CREATE INDEX job_alerts_time ON job_alerts (raised_at)`,
		`CREATE TABLE job_alert_deliveries (
			id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
			message TEXT COLLATE "C" NOT NULL,
			channel TEXT COLLATE "C" NOT NULL,
			status TEXT NOT NULL,
			alerts BIGINT NOT NULL,
			attempts BIGINT NOT NULL DEFAULT 0,
			created_at BIGINT NOT NULL,
			next_at BIGINT NOT NULL,
			lease_until BIGINT NOT NULL DEFAULT 0,
			token BIGINT NOT NULL DEFAULT 0,
			sent_at BIGINT,
			error TEXT NOT NULL DEFAULT '',
			UNIQUE (message, channel)
		)`,
		`CREATE INDEX job_alert_deliveries_status ON job_alert_deliveries (status, channel, next_at)`,
		`CREATE INDEX job_alert_deliveries_sent ON job_alert_deliveries (channel, sent_at)`,
		`CREATE INDEX job_alert_deliveries_time ON job_alert_deliveries (created_at)`,
		`CREATE TABLE job_silences (
			id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
			job TEXT COLLATE "C" NOT NULL DEFAULT '',
			until_at BIGINT NOT NULL,
			reason TEXT NOT NULL DEFAULT '',
			actor TEXT NOT NULL DEFAULT '',
			created_at BIGINT NOT NULL,
			ended_at BIGINT,
			ended_by TEXT NOT NULL DEFAULT ''
		)`,
		`CREATE INDEX job_silences_until ON job_silences (until_at)`,
	}},
	{Name: "the start of an attempt", SQL: []string{
		`ALTER TABLE job_runs ADD COLUMN attempt_at BIGINT`,
	}},
	{Name: "the time-zone data of an instance", SQL: []string{
		"ALTER TABLE job_instances ADD COLUMN tzdata TEXT NOT NULL DEFAULT ''",
	}},
	{Name: db.PrefixStep}, // done by db/rename.go
	{Name: "migrations of the user's", SQL: []string{
		"CREATE TABLE job_model_migrations (id TEXT COLLATE \"C\" NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL)",
	}},
	{Name: "the parts of an instance", SQL: []string{
		"ALTER TABLE job_instances ADD COLUMN parts TEXT NOT NULL DEFAULT ''",
	}},
	{Name: "stored schedules", SQL: []string{
		`CREATE TABLE job_schedules (
			id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
			job TEXT COLLATE "C" NOT NULL,
			expr TEXT NOT NULL,
			zone TEXT NOT NULL DEFAULT '',
			args TEXT,
			from_at BIGINT,
			until_at BIGINT,
			max_runs BIGINT NOT NULL DEFAULT 0,
			meta TEXT,
			paused BOOLEAN NOT NULL DEFAULT FALSE,
			paused_at BIGINT,
			paused_until BIGINT,
			paused_by TEXT NOT NULL DEFAULT '',
			paused_reason TEXT NOT NULL DEFAULT '',
			revision BIGINT NOT NULL,
			watermark BIGINT NOT NULL,
			next_slot BIGINT,
			runs BIGINT NOT NULL DEFAULT 0,
			last_run BIGINT,
			last_run_id TEXT NOT NULL DEFAULT '',
			last_status TEXT NOT NULL DEFAULT '',
			created_at BIGINT NOT NULL,
			updated_at BIGINT NOT NULL,
			updated_by TEXT NOT NULL DEFAULT ''
		) WITH (fillfactor = 70)`,
		// The job is in it so that those of other jobs are passed over without a look at their rows.
		`CREATE INDEX job_schedules_next ON job_schedules (next_slot, job) WHERE next_slot IS NOT NULL`,
		`CREATE INDEX job_schedules_job ON job_schedules (job, id)`,
		`CREATE INDEX job_schedules_paused ON job_schedules (id) WHERE paused`,
		`ALTER TABLE job_runs ADD COLUMN schedule TEXT COLLATE "C" NOT NULL DEFAULT ''`,
		`ALTER TABLE job_runs ADD COLUMN due_at BIGINT`,
		`CREATE INDEX job_runs_schedule ON job_runs (schedule, seq) WHERE schedule <> ''`,
		// Runs without a slot, which never collide, are in it because it is the history of a job without its schedules.
		`DROP INDEX job_runs_slot`,
		`CREATE UNIQUE INDEX job_runs_slot ON job_runs (job, schedule, slot)`,
		// With due_at NULL it has the active runs, and with others the deferred ones, by time.
		`DROP INDEX job_runs_active`,
		`CREATE INDEX job_runs_active ON job_runs (due_at, job, schedule) WHERE ended_at IS NULL`,
		`DROP INDEX job_runs_group`,
		`CREATE INDEX job_runs_group ON job_runs (run_group, due_at) WHERE ended_at IS NULL AND run_group <> ''`,
	}},
	{Name: "alerts of stored schedules", SQL: []string{
		"ALTER TABLE job_alerts ADD COLUMN schedule TEXT COLLATE \"C\" NOT NULL DEFAULT ''",
		"ALTER TABLE job_alerts ADD COLUMN others BIGINT NOT NULL DEFAULT 0",
		"ALTER TABLE job_schedules ADD COLUMN last_success BIGINT",
		"ALTER TABLE job_state ADD COLUMN own_success BIGINT",
		"UPDATE job_state SET own_success = last_success",
	}},
}

// numbered returns a function that turns ? into $1, $2 and so on. No statement here has a question mark in a
// text of its own.
func numbered() func(string) string {
	var cache sync.Map
	return func(query string) string {
		if strings.IndexByte(query, '?') < 0 {
			return query
		}
		if q, ok := cache.Load(query); ok {
			return q.(string)
		}
		var b strings.Builder
		n := 0
		for _, c := range query {
			if c == '?' {
				n++
				b.WriteByte('$')
				b.WriteString(strconv.Itoa(n))
			} else {
				b.WriteRune(c)
			}
		}
		cache.Store(query, b.String())
		return b.String()
	}
}

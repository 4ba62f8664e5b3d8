package store

import (
	"database/sql"
	"fmt"
	"strings"
)

// Lists come as arrays, one for each column, so that a statement has one text whatever the number of
// rows: it is prepared once on each connection.

// pgRows is a statement that ends with its rows as v, with columns a, b, c and so on. The
// condition or what else follows comes after.
func pgRows(head, columns, tail string) values {
	var params, names []string
	for i, kind := range columns {
		array := "bigint[]"
		if kind == 't' {
			array = "text[]"
		}
		params = append(params, fmt.Sprintf("$%d::%s", i+1, array))
		names = append(names, string(rune('a'+i)))
	}
	return values{columns: columns, head: head + "unnest(" + strings.Join(params, ", ") + ") v (" + strings.Join(names, ", ") + ")" + tail}
}

// pgIn is a statement with one list in it.
func pgIn(head, tail string) values {
	return values{columns: "t", head: head + " = ANY ($1::text[])" + tail}
}

const (
	pgClock      = "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint"
	pgEndColumns = "ended_at = v.b, started_at = COALESCE(r.started_at, v.c), attempts = COALESCE(v.d, r.attempts), "
	pgUpdateRuns = "UPDATE job_runs r SET "
	pgByID       = " WHERE r.id = v.a"
	pgByName     = " WHERE s.name = v.a"
)

var postgresStatements = statements{
	begin: &sql.TxOptions{Isolation: sql.LevelReadCommitted},
	look:  &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
	bind:  numbered(),
	text:  plainText,
	array: "json_build_array",

	locks: &locks{
		marks:        pgIn("SELECT name, watermark, "+pgClock+" FROM job_state WHERE name", ""),
		free:         pgIn("SELECT name, watermark, paused, COALESCE(paused_until, 0), generation, COALESCE(override_at, 0), "+pgClock+" FROM job_state WHERE name", " ORDER BY name FOR NO KEY UPDATE SKIP LOCKED"),
		states:       pgIn("SELECT name, watermark, paused, COALESCE(paused_until, 0), generation, COALESCE(override_at, 0), "+pgClock+" FROM job_state WHERE name", " ORDER BY name FOR NO KEY UPDATE"),
		create:       pgRows("INSERT INTO job_state (name, first_seen) SELECT v.a, v.b FROM ", "tn", " ORDER BY v.a ON CONFLICT DO NOTHING"),
		groups:       pgIn("SELECT name FROM job_groups WHERE name", " ORDER BY name FOR NO KEY UPDATE"),
		createGroups: pgRows("INSERT INTO job_groups (name) SELECT v.a FROM ", "t", " ORDER BY v.a ON CONFLICT DO NOTHING"),
	},

	runsByID:       pgIn("SELECT "+runColumns+" FROM job_runs r WHERE r.id", " ORDER BY r.id FOR NO KEY UPDATE"),
	runsBySlot:     pgRows("SELECT "+runColumns+" FROM ", "tn", " JOIN job_runs r ON r.slot IS NOT NULL AND r.job = v.a AND r.slot = v.b"),
	runsByKey:      pgRows("SELECT "+runColumns+", r.request_key FROM ", "tt", " JOIN job_runs r ON r.request_key IS NOT NULL AND r.job = v.a AND r.request_key = v.b"),
	activeByJob:    pgIn("SELECT "+runColumns+" FROM job_runs r WHERE r.ended_at IS NULL AND r.job", ""),
	runningByGroup: pgIn("SELECT "+runColumns+" FROM job_runs r WHERE r.ended_at IS NULL AND r.run_group <> '' AND r.status = 'running' AND r.run_group", ""),
	waitingByGroup: pgIn("SELECT "+runColumns+" FROM job_runs r WHERE r.ended_at IS NULL AND r.run_group <> '' AND r.status = 'queued' AND r.attempt = 0 AND r.run_group", ""),

	insert: pgRows("INSERT INTO job_runs (id, job, slot, token, queued_at, started_at, ended_at, status, triggered_by, attempt, instance, lease_until, reason, error) "+
		"SELECT v.a, v.b, v.c, v.d, v.e, CASE $6::text WHEN 'running' THEN v.e END, CASE $6::text WHEN 'skipped' THEN v.e END, "+
		"$6::text, $7::text, $8::bigint, $9::text, $10::bigint, $11::text, $12::text FROM ", "ttnnn", ""),
	insertWide: pgRows("INSERT INTO job_runs (id, job, slot, token, status, triggered_by, attempt, instance, queued_at, started_at, lease_until, ended_at, "+
		"reason, error, run_group, actor, request_key, args, data_slot) SELECT v.* FROM ", "ttnnttntnnnnttttttn", ""),
	start: pgRows(pgUpdateRuns+"status = 'running', attempt = v.b, started_at = v.c, lease_until = v.d, instance = v.e, attempt_at = v.f, next_at = NULL FROM ", "tnnntn", pgByID),
	end:   pgRows(pgUpdateRuns+pgEndColumns+"status = 'succeeded', reason = '', error = '', stack = '', next_at = NULL FROM ", "tnnt", pgByID),
	endWide: pgRows(pgUpdateRuns+pgEndColumns+"status = v.e, reason = v.f, error = v.g, stack = v.h, "+
		"result = COALESCE(v.i, r.result), progress = COALESCE(v.j, r.progress), "+
		"next_at = v.k, instance = v.l, lease_until = v.m, token = v.n FROM ", "tnntttttttntnn", pgByID),
	lines: pgRows("INSERT INTO job_run_logs (run_id, seq, at, attempt, level, message, attrs) SELECT v.* FROM ", "tnnnttt", " ON CONFLICT DO NOTHING"),
	states: pgRows("INSERT INTO job_state (name, first_seen, watermark) SELECT v.* FROM ", "tnn",
		" ON CONFLICT (name) DO UPDATE SET watermark = GREATEST(job_state.watermark, excluded.watermark)"),
	watermarks: pgRows("UPDATE job_state s SET watermark = v.b FROM ", "tn", pgByName),
	successes: pgRows("UPDATE job_state s SET last_status = 'succeeded', last_error = '', last_run = v.b, last_run_id = v.c, last_slot = v.d, "+
		"last_duration_ms = v.e - v.b, last_success = v.e, runs = s.runs + v.f FROM ", "tntnnn", pgByName),
	definitions: pgRows("INSERT INTO job_state (name, definition, first_seen, watermark, removed_at, generation) SELECT v.* FROM ", "ttnnnn",
		" ON CONFLICT (name) DO UPDATE SET definition = excluded.definition, "+
			"watermark = GREATEST(job_state.watermark, excluded.watermark), removed_at = excluded.removed_at, generation = excluded.generation"),
	outcomes: pgRows("INSERT INTO job_state (name, first_seen, last_status, last_error, last_run, last_run_id, last_slot, last_duration_ms, last_success, runs, failures) "+
		"SELECT v.* FROM ", "tnttntnnnnn", " ON CONFLICT (name) DO UPDATE SET last_status = excluded.last_status, last_error = excluded.last_error, "+
		"last_run = COALESCE(excluded.last_run, job_state.last_run), "+
		"last_run_id = CASE WHEN excluded.last_run IS NULL THEN job_state.last_run_id ELSE excluded.last_run_id END, "+
		"last_slot = CASE WHEN excluded.last_run IS NULL THEN job_state.last_slot ELSE excluded.last_slot END, "+
		"last_duration_ms = CASE WHEN excluded.last_run IS NULL THEN job_state.last_duration_ms ELSE excluded.last_duration_ms END, "+
		"last_success = COALESCE(excluded.last_success, job_state.last_success), "+
		"runs = job_state.runs + excluded.runs, failures = job_state.failures + excluded.failures"),
}

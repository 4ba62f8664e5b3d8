package store

import (
	"database/sql"
	"fmt"
	"strings"
)

// Lists come as a table v with columns a, b, c and so on, made of one SELECT for each row: it is what
// MySQL and MariaDB both take. The joins are told their order and their index, since a plan that reads
// more rows than it needs would lock them, too.

// myRows is a statement with rows as v between head and tail.
func myRows(head string, columns int, tail string) values {
	var first []string
	for i := range columns {
		first = append(first, fmt.Sprintf("? AS %c", 'a'+i))
	}
	return values{head: head + "(SELECT ", first: strings.Join(first, ", "), row: list("?", columns), sep: " UNION ALL SELECT ", tail: ") v" + tail}
}

// myIn is a statement with one list in it.
func myIn(head, tail string) values {
	return values{head: head + " IN (", row: "?", tail: ")" + tail, size: groupRows}
}

const (
	myClock      = "TIMESTAMPDIFF(MICROSECOND, TIMESTAMP'1970-01-01 00:00:00', UTC_TIMESTAMP(3)) DIV 1000"
	myRuns       = " STRAIGHT_JOIN job_runs r FORCE INDEX (job_runs_id) ON r.id = v.a"
	myEndColumns = " SET r.ended_at = v.b, r.started_at = COALESCE(r.started_at, v.c), r.attempts = COALESCE(v.d, r.attempts), r."
	myStates     = " STRAIGHT_JOIN job_state s FORCE INDEX (PRIMARY) ON s.name = v.a SET "
)

var mysqlStatements = statements{
	// The session says read committed: what its default sees is as of the transaction's first read, and its
	// locks reach between the rows. See locks.
	look:  &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
	text:  plainText,
	array: "JSON_ARRAY",
	whole: "DIV",

	locks: &locks{
		marks:  myIn("SELECT name, watermark, "+myClock+" FROM job_state WHERE name", ""),
		free:   myIn("SELECT name, watermark, paused, COALESCE(paused_until, 0), generation, COALESCE(override_at, 0), "+myClock+" FROM job_state FORCE INDEX (PRIMARY) WHERE name", " ORDER BY name FOR UPDATE SKIP LOCKED"),
		states: myIn("SELECT name, watermark, paused, COALESCE(paused_until, 0), generation, COALESCE(override_at, 0), "+myClock+" FROM job_state FORCE INDEX (PRIMARY) WHERE name", " ORDER BY name FOR UPDATE"),
		// Not IGNORE: of several that wait for the same row, each would get a shared lock, and none the next.
		create:       values{head: "INSERT INTO job_state (name, first_seen) VALUES ", row: tuple(2), tail: " ON DUPLICATE KEY UPDATE name = name"},
		groups:       myIn("SELECT name FROM job_groups FORCE INDEX (PRIMARY) WHERE name", " ORDER BY name FOR UPDATE"),
		createGroups: values{head: "INSERT INTO job_groups (name) VALUES ", row: tuple(1), tail: " ON DUPLICATE KEY UPDATE name = name"},
	},

	runsByID:       myIn("SELECT "+runColumns+" FROM job_runs r FORCE INDEX (job_runs_id) WHERE r.id", " ORDER BY r.id FOR UPDATE"),
	runsBySlot:     myRows("SELECT "+runColumns+" FROM ", 2, " STRAIGHT_JOIN job_runs r FORCE INDEX (job_runs_slot) ON r.job = v.a AND r.slot = v.b"),
	runsByKey:      myRows("SELECT "+runColumns+", r.request_key FROM ", 2, " STRAIGHT_JOIN job_runs r FORCE INDEX (job_runs_key) ON r.job = v.a AND r.request_key = v.b"),
	activeByJob:    myIn("SELECT "+runColumns+" FROM job_runs r FORCE INDEX (job_runs_active) WHERE r.ended_at IS NULL AND r.job", ""),
	runningByGroup: myIn("SELECT "+runColumns+" FROM job_runs r FORCE INDEX (job_runs_group) WHERE r.ended_at IS NULL AND r.status = 'running' AND r.run_group", ""),
	waitingByGroup: myIn("SELECT "+runColumns+" FROM job_runs r FORCE INDEX (job_runs_group) WHERE r.ended_at IS NULL AND r.status = 'queued' AND r.attempt = 0 AND r.run_group", ""),

	insertWide: values{
		head: "INSERT INTO job_runs (id, job, slot, token, status, triggered_by, attempt, instance, queued_at, started_at, lease_until, ended_at, " +
			"reason, error, run_group, actor, request_key, args, data_slot) VALUES ",
		row: tuple(19), size: 100,
	},
	start: myRows("UPDATE ", 6, myRuns+" SET r.status = 'running', r.attempt = v.b, r.started_at = v.c, r.lease_until = v.d, r.instance = v.e, r.attempt_at = v.f, r.next_at = NULL"),
	end:   myRows("UPDATE ", 4, myRuns+myEndColumns+"status = 'succeeded', r.reason = '', r.error = '', r.stack = '', r.next_at = NULL"),
	endWide: myRows("UPDATE ", 14, myRuns+myEndColumns+"status = v.e, r.reason = v.f, r.error = v.g, r.stack = v.h, "+
		"r.result = COALESCE(v.i, r.result), r.progress = COALESCE(v.j, r.progress), "+
		"r.next_at = v.k, r.instance = v.l, r.lease_until = v.m, r.token = v.n"),
	// IGNORE: a line that is there stays, and one that does not fit is cut.
	lines: values{head: "INSERT IGNORE INTO job_run_logs (run_id, seq, at, attempt, level, message, attrs) VALUES ", row: tuple(7), size: 100},
	states: values{head: "INSERT INTO job_state (name, first_seen, watermark) VALUES ", row: tuple(3),
		tail: " ON DUPLICATE KEY UPDATE watermark = GREATEST(watermark, VALUES(watermark))"},
	watermarks: myRows("UPDATE ", 2, myStates+"s.watermark = v.b"),
	successes: myRows("UPDATE ", 6, myStates+"s.last_status = 'succeeded', s.last_error = '', s.last_run = v.b, s.last_run_id = v.c, s.last_slot = v.d, "+
		"s.last_duration_ms = v.e - v.b, s.last_success = v.e, s.runs = s.runs + v.f"),
	definitions: values{head: "INSERT INTO job_state (name, definition, first_seen, watermark, removed_at, generation) VALUES ", row: tuple(6),
		tail: " ON DUPLICATE KEY UPDATE definition = VALUES(definition), watermark = GREATEST(watermark, VALUES(watermark)), removed_at = VALUES(removed_at), generation = VALUES(generation)"},
	outcomes: values{head: "INSERT INTO job_state (name, first_seen, last_status, last_error, last_run, last_run_id, last_slot, last_duration_ms, last_success, runs, failures) VALUES ", row: tuple(11),
		tail: " ON DUPLICATE KEY UPDATE last_status = VALUES(last_status), last_error = VALUES(last_error), " +
			"last_run = COALESCE(VALUES(last_run), last_run), " +
			"last_run_id = CASE WHEN VALUES(last_run) IS NULL THEN last_run_id ELSE VALUES(last_run_id) END, " +
			"last_slot = CASE WHEN VALUES(last_run) IS NULL THEN last_slot ELSE VALUES(last_slot) END, " +
			"last_duration_ms = CASE WHEN VALUES(last_run) IS NULL THEN last_duration_ms ELSE VALUES(last_duration_ms) END, " +
			"last_success = COALESCE(VALUES(last_success), last_success), " +
			"runs = runs + VALUES(runs), failures = failures + VALUES(failures)"},
}

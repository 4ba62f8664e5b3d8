CREATE TABLE schema_migrations (version BIGINT NOT NULL PRIMARY KEY, name VARCHAR(200) NOT NULL, applied_at BIGINT NOT NULL);
CREATE TABLE job_state (
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
) WITHOUT ROWID;
CREATE TABLE job_runs (
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
);
CREATE UNIQUE INDEX job_runs_slot ON job_runs (job, slot) WHERE slot IS NOT NULL;
CREATE UNIQUE INDEX job_runs_key ON job_runs (job, request_key) WHERE request_key IS NOT NULL;
CREATE INDEX job_runs_active ON job_runs (job) WHERE ended_at IS NULL;
CREATE INDEX job_runs_group ON job_runs (run_group, status) WHERE ended_at IS NULL AND run_group <> '';
CREATE INDEX job_runs_history ON job_runs (job);
CREATE INDEX job_runs_time ON job_runs (queued_at);
CREATE TABLE run_logs (
	run_id TEXT NOT NULL,
	seq INTEGER NOT NULL,
	at INTEGER,
	attempt INTEGER NOT NULL DEFAULT 0,
	level TEXT NOT NULL DEFAULT '',
	message TEXT NOT NULL DEFAULT '',
	attrs TEXT,
	PRIMARY KEY (run_id, seq)
) WITHOUT ROWID;
CREATE TABLE instances (
	id TEXT NOT NULL PRIMARY KEY,
	host TEXT NOT NULL DEFAULT '',
	pid INTEGER NOT NULL DEFAULT 0,
	version TEXT NOT NULL DEFAULT '',
	started_at INTEGER,
	seen_at INTEGER,
	stopped_at INTEGER
) WITHOUT ROWID;
CREATE TABLE audit_entries (
	id INTEGER PRIMARY KEY,
	at INTEGER NOT NULL,
	actor TEXT NOT NULL DEFAULT '',
	action TEXT NOT NULL,
	target TEXT NOT NULL DEFAULT '',
	"before" TEXT,
	"after" TEXT,
	origin TEXT NOT NULL DEFAULT '',
	request_id TEXT NOT NULL DEFAULT ''
);
CREATE INDEX audit_entries_target ON audit_entries (target);
CREATE TABLE program_versions (print TEXT NOT NULL PRIMARY KEY, generation BIGINT NOT NULL, seen_at BIGINT NOT NULL);
ALTER TABLE instances ADD COLUMN generation BIGINT NOT NULL DEFAULT 0;
ALTER TABLE job_state ADD COLUMN generation BIGINT NOT NULL DEFAULT 0;
CREATE TABLE store_identity (id TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID;
ALTER TABLE job_runs ADD COLUMN looked_at INTEGER;
UPDATE job_runs SET looked_at = ended_at WHERE ended_at IS NOT NULL;
CREATE INDEX job_runs_troubled ON job_runs (ended_at) WHERE looked_at IS NULL AND (status IN ('failed', 'interrupted') OR (status = 'skipped' AND reason IN ('missed', 'superseded', 'late')));
CREATE TABLE alerts (
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
);
CREATE INDEX alerts_status ON alerts (status, raised_at);
CREATE INDEX alerts_message ON alerts (message);
CREATE INDEX alerts_job ON alerts (job, raised_at);
CREATE INDEX alerts_time ON alerts (raised_at);
CREATE TABLE alert_deliveries (
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
);
CREATE INDEX alert_deliveries_status ON alert_deliveries (status, channel, next_at);
CREATE INDEX alert_deliveries_sent ON alert_deliveries (channel, sent_at);
CREATE INDEX alert_deliveries_time ON alert_deliveries (created_at);
CREATE TABLE silences (
	id TEXT NOT NULL PRIMARY KEY,
	job TEXT NOT NULL DEFAULT '',
	until_at INTEGER NOT NULL,
	reason TEXT NOT NULL DEFAULT '',
	actor TEXT NOT NULL DEFAULT '',
	created_at INTEGER NOT NULL,
	ended_at INTEGER,
	ended_by TEXT NOT NULL DEFAULT ''
);
CREATE INDEX silences_until ON silences (until_at);
ALTER TABLE job_runs ADD COLUMN attempt_at INTEGER;
DROP INDEX job_runs_active;
CREATE INDEX job_runs_active ON job_runs (job, ended_at) WHERE ended_at IS NULL;
ALTER TABLE instances ADD COLUMN tzdata TEXT NOT NULL DEFAULT '';
INSERT INTO schema_migrations (version, name, applied_at) VALUES (1, 'the first tables', 1795871039076);
INSERT INTO schema_migrations (version, name, applied_at) VALUES (2, 'versions of the program', 1795871039097);
INSERT INTO schema_migrations (version, name, applied_at) VALUES (3, 'the database''s identity', 1795871039100);
INSERT INTO schema_migrations (version, name, applied_at) VALUES (4, 'alerts', 1795871039107);
INSERT INTO schema_migrations (version, name, applied_at) VALUES (5, 'the start of an attempt', 1795871039115);
INSERT INTO schema_migrations (version, name, applied_at) VALUES (6, 'an index of active runs that is preferred', 1795871039154);
INSERT INTO schema_migrations (version, name, applied_at) VALUES (7, 'the time-zone data of an instance', 1795871039164);
INSERT INTO job_state (name, definition, first_seen, watermark, paused, paused_at, paused_by, paused_reason, override_expr, override_zone, override_by, last_run_id, last_duration_ms, last_status, last_error, runs, failures, generation) VALUES ('sync', '*/5 * * * *', 1795856400000, 1795856400000, 1, 1795856400000, 'ada', 'maintenance', '', '', '', '', 0, '', '', 0, 0, 1);
INSERT INTO job_state (name, definition, first_seen, watermark, paused, paused_by, paused_reason, override_expr, override_zone, override_by, last_run, last_run_id, last_duration_ms, last_status, last_error, last_success, runs, failures, generation) VALUES ('report', '0 * * * *', 1795856400000, 1795856400000, 0, '', '', '', '', '', 1795856400000, '01a22241-5ed3-7016-9827-4501f4ce6910', 1500, 'succeeded', '', 1795856401500, 3, 1, 1);
INSERT INTO job_runs (seq, id, job, slot, token, status, reason, triggered_by, attempt, attempts, error, stack, actor, instance, run_group, queued_at, started_at, ended_at, cancel_reason, cancel_by, lease_until) VALUES (1, '01a22241-5ecb-7d5f-be08-43f6d7cbe100', 'report', 1795860000000, 6549978202025538069, 'succeeded', '', 'schedule', 1, '[{"attempt":1,"instance":"","started_at":"0001-01-01T00:00:00Z","ended_at":null}]', '', '', '', '0193b0c0-0000-7000-8000-000000000001', 'reports', 1795856400000, 1795856400000, 1795856401500, '', '', 1795871039180);
INSERT INTO job_runs (seq, id, job, slot, token, status, reason, triggered_by, attempt, attempts, error, stack, actor, instance, run_group, queued_at, started_at, ended_at, cancel_reason, cancel_by, lease_until) VALUES (2, '01a22241-5ecf-7709-9627-c476dd4fdb63', 'report', 1795863600000, 7746271736976067616, 'failed', '', 'schedule', 1, '[{"attempt":1,"instance":"","started_at":"0001-01-01T00:00:00Z","ended_at":null}]', 'it didn''t work', '', '', '0193b0c0-0000-7000-8000-000000000001', 'reports', 1795856400000, 1795856400000, 1795856401500, '', '', 1795871039184);
INSERT INTO job_runs (seq, id, job, slot, token, status, reason, triggered_by, attempt, attempts, error, stack, actor, instance, run_group, queued_at, started_at, ended_at, cancel_reason, cancel_by, lease_until) VALUES (3, '01a22241-5ed3-7016-9827-4501f4ce6910', 'report', 1795867200000, 2507736958111884817, 'succeeded', '', 'schedule', 1, '[{"attempt":1,"instance":"","started_at":"0001-01-01T00:00:00Z","ended_at":null}]', '', '', '', '0193b0c0-0000-7000-8000-000000000001', 'reports', 1795856400000, 1795856400000, 1795856401500, '', '', 1795871039188);
INSERT INTO job_runs (seq, id, job, slot, token, status, reason, triggered_by, attempt, error, stack, actor, instance, run_group, queued_at, started_at, cancel_reason, cancel_by, lease_until) VALUES (4, '01a22241-5ed8-7b88-9add-d21548dc5171', 'sync', 1795860000000, 5026661001728074037, 'running', '', 'schedule', 1, '', '', '', '0193b0c0-0000-7000-8000-000000000001', '', 1795856400000, 1795856400000, '', '', 1795871039193);
INSERT INTO job_runs (seq, id, job, token, status, reason, triggered_by, attempt, error, stack, args, request_key, actor, instance, run_group, queued_at, cancel_reason, cancel_by, lease_until) VALUES (5, '01a22241-5edc-76fc-8736-904a2f0f32d1', 'sync', 7866287289533481843, 'queued', '', 'manual', 0, '', '', '{"n":1}', 'order-7', 'ada', '0193b0c0-0000-7000-8000-000000000001', '', 1795856400000, '', '', 1795871039197);
INSERT INTO run_logs (run_id, seq, at, attempt, level, message) VALUES ('01a22241-5ecb-7d5f-be08-43f6d7cbe100', 2, 1795856400000, 0, 'WARN', 'ünïcode');
INSERT INTO run_logs (run_id, seq, at, attempt, level, message) VALUES ('01a22241-5ecf-7709-9627-c476dd4fdb63', 2, 1795856400000, 0, 'WARN', 'ünïcode');
INSERT INTO run_logs (run_id, seq, at, attempt, level, message) VALUES ('01a22241-5ed3-7016-9827-4501f4ce6910', 2, 1795856400000, 0, 'WARN', 'ünïcode');
INSERT INTO run_logs (run_id, seq, at, attempt, level, message, attrs) VALUES ('01a22241-5ecb-7d5f-be08-43f6d7cbe100', 1, 1795856400000, 0, 'INFO', 'it''s a line; with a semicolon', '{"a":1}');
INSERT INTO run_logs (run_id, seq, at, attempt, level, message, attrs) VALUES ('01a22241-5ecf-7709-9627-c476dd4fdb63', 1, 1795856400000, 0, 'INFO', 'it''s a line; with a semicolon', '{"a":1}');
INSERT INTO run_logs (run_id, seq, at, attempt, level, message, attrs) VALUES ('01a22241-5ed3-7016-9827-4501f4ce6910', 1, 1795856400000, 0, 'INFO', 'it''s a line; with a semicolon', '{"a":1}');
INSERT INTO instances (id, host, pid, version, started_at, seen_at, generation, tzdata) VALUES ('0193b0c0-0000-7000-8000-000000000001', 'alpha', 101, 'v1.2.3', 1795856400000, 1795856400000, 1, '2026a');
INSERT INTO instances (id, host, pid, version, started_at, seen_at, stopped_at, generation, tzdata) VALUES ('0193b0c0-0000-7000-8000-000000000002', 'beta', 7, 'v1.2.3', 1795856400000, 1795856460000, 1795856460000, 0, '2026a');
INSERT INTO audit_entries (id, at, actor, action, target, "before", "after", origin, request_id) VALUES (1, 1795856400000, 'ada', 'pause', 'sync', '{"paused":false}', '{"paused":true}', 'cli', 'r1');
INSERT INTO audit_entries (id, at, actor, action, target, origin, request_id) VALUES (2, 1795856400000, 'bob', 'run', 'report', '', '');
INSERT INTO program_versions (print, generation, seen_at) VALUES ('p1', 1, 1795871039173);
INSERT INTO store_identity (id) VALUES ('dcabca4d-fab3-4651-85f7-6e14ae421238');
INSERT INTO alerts (id, job, kind, dedup, open_key, run_id, at, raised_at, status, message, silence, detail, error, number) VALUES ('al-1', 'report', 'failed', 'failed:report:1', 'failed:report', '', 1795856400000, 1795871039272, 'pending', '01a22241-5f35-742c-b4dd-d41b0690dbd0', '', 'it failed', 'it didn''t work', 1);
INSERT INTO alerts (id, job, kind, dedup, run_id, at, raised_at, status, message, silence, detail, error, number) VALUES ('al-2', 'sync', 'late', 'late:sync:1', '', 1795856400000, 1795871039272, 'pending', '01a22241-5f35-742c-b4dd-d41b0690dbd0', '', 'late', '', 0);
INSERT INTO alert_deliveries (id, message, channel, status, alerts, attempts, created_at, next_at, lease_until, token, error) VALUES ('01a22241-5f35-7431-9a7e-96ba79ddb9dd', '01a22241-5f35-742c-b4dd-d41b0690dbd0', 'webhook', 'pending', 2, 0, 1795871039285, 1795871039285, 0, 0, '');
INSERT INTO alert_deliveries (id, message, channel, status, alerts, attempts, created_at, next_at, lease_until, token, error) VALUES ('01a22241-5f35-7432-b15c-58c58c9e2ba8', '01a22241-5f35-742c-b4dd-d41b0690dbd0', 'slack', 'pending', 2, 0, 1795871039285, 1795871039285, 0, 0, '');
INSERT INTO silences (id, job, until_at, reason, actor, created_at, ended_by) VALUES ('si-1', 'sync', 1799456400000, 'quiet', 'ada', 1795856400000, '');

CREATE TABLE schema_migrations (version BIGINT NOT NULL PRIMARY KEY, name VARCHAR(200) NOT NULL, applied_at BIGINT NOT NULL);
CREATE TABLE job_state (
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
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE job_groups (name VARCHAR(255) NOT NULL PRIMARY KEY) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE job_runs (
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
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE run_logs (
	run_id VARCHAR(64) NOT NULL,
	seq BIGINT NOT NULL,
	at BIGINT,
	attempt BIGINT NOT NULL DEFAULT 0,
	level VARCHAR(64) NOT NULL DEFAULT '',
	message LONGTEXT NOT NULL DEFAULT (''),
	attrs LONGTEXT,
	PRIMARY KEY (run_id, seq)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE instances (
	id VARCHAR(64) NOT NULL PRIMARY KEY,
	host TEXT NOT NULL DEFAULT (''),
	pid BIGINT NOT NULL DEFAULT 0,
	version TEXT NOT NULL DEFAULT (''),
	started_at BIGINT,
	seen_at BIGINT,
	stopped_at BIGINT
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE audit_entries (
	id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	at BIGINT NOT NULL,
	actor TEXT NOT NULL DEFAULT (''),
	action VARCHAR(64) NOT NULL,
	target VARCHAR(255) NOT NULL DEFAULT '',
	`before` LONGTEXT, `after` LONGTEXT,
	origin TEXT NOT NULL DEFAULT (''),
	request_id TEXT NOT NULL DEFAULT (''),
	KEY audit_entries_target (target, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE program_versions (print VARCHAR(64) NOT NULL PRIMARY KEY, generation BIGINT NOT NULL, seen_at BIGINT NOT NULL) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
ALTER TABLE instances ADD COLUMN generation BIGINT NOT NULL DEFAULT 0;
ALTER TABLE job_state ADD COLUMN generation BIGINT NOT NULL DEFAULT 0;
ALTER TABLE job_runs ADD COLUMN looked_at BIGINT;
UPDATE job_runs SET looked_at = ended_at WHERE ended_at IS NOT NULL;
CREATE INDEX job_runs_troubled ON job_runs (looked_at, status, reason);
CREATE TABLE alerts (
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
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE alert_deliveries (
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
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE silences (
	id VARCHAR(64) NOT NULL PRIMARY KEY,
	job VARCHAR(100) NOT NULL DEFAULT '',
	until_at BIGINT NOT NULL,
	reason TEXT NOT NULL DEFAULT (''),
	actor VARCHAR(255) NOT NULL DEFAULT '',
	created_at BIGINT NOT NULL,
	ended_at BIGINT,
	ended_by VARCHAR(255) NOT NULL DEFAULT '',
	KEY silences_until (until_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
ALTER TABLE job_runs ADD COLUMN attempt_at BIGINT;
ALTER TABLE instances ADD COLUMN tzdata VARCHAR(64) NOT NULL DEFAULT '';
INSERT INTO schema_migrations (version, name, applied_at) VALUES (1, 'the first tables', 1795871038486);
INSERT INTO schema_migrations (version, name, applied_at) VALUES (2, 'versions of the program', 1795871038576);
INSERT INTO schema_migrations (version, name, applied_at) VALUES (3, 'alerts', 1795871038791);
INSERT INTO schema_migrations (version, name, applied_at) VALUES (4, 'the start of an attempt', 1795871038832);
INSERT INTO schema_migrations (version, name, applied_at) VALUES (5, 'the time-zone data of an instance', 1795871038874);
INSERT INTO job_state (name, definition, first_seen, watermark, paused, paused_at, paused_by, paused_reason, override_expr, override_zone, override_by, last_run_id, last_duration_ms, last_status, last_error, runs, failures, generation) VALUES ('sync', '*/5 * * * *', 1795856400000, 1795856400000, 1, 1795856400000, 'ada', 'maintenance', '', '', '', '', 0, '', '', 0, 0, 1);
INSERT INTO job_state (name, definition, first_seen, watermark, paused, paused_by, paused_reason, override_expr, override_zone, override_by, last_run, last_run_id, last_slot, last_duration_ms, last_status, last_error, last_success, runs, failures, generation) VALUES ('report', '0 * * * *', 1795856400000, 1795856400000, 0, '', '', '', '', '', 1795856400000, '01a22241-5df0-71ba-b05f-7b0d68a51427', 1795867200000, 1500, 'succeeded', '', 1795856401500, 3, 1, 1);
INSERT INTO job_groups (name) VALUES ('');
INSERT INTO job_groups (name) VALUES ('reports');
INSERT INTO job_runs (seq, id, job, slot, token, status, reason, triggered_by, attempt, attempts, error, stack, actor, instance, run_group, queued_at, started_at, ended_at, cancel_reason, cancel_by, lease_until) VALUES (1, '01a22241-5dd8-7092-bd99-2531fcdbfa8c', 'report', 1795860000000, 8492514336064249924, 'succeeded', '', 'schedule', 1, '[{"attempt":1,"instance":"","started_at":"0001-01-01T00:00:00Z","ended_at":null}]', '', '', '', '0193b0c0-0000-7000-8000-000000000001', 'reports', 1795856400000, 1795856400000, 1795856401500, '', '', 1795871038937);
INSERT INTO job_runs (seq, id, job, slot, token, status, reason, triggered_by, attempt, attempts, error, stack, actor, instance, run_group, queued_at, started_at, ended_at, cancel_reason, cancel_by, lease_until) VALUES (2, '01a22241-5de5-703b-8569-7f0922e19831', 'report', 1795863600000, 2889696240682967808, 'failed', '', 'schedule', 1, '[{"attempt":1,"instance":"","started_at":"0001-01-01T00:00:00Z","ended_at":null}]', 'it didn''t work', '', '', '0193b0c0-0000-7000-8000-000000000001', 'reports', 1795856400000, 1795856400000, 1795856401500, '', '', 1795871038950);
INSERT INTO job_runs (seq, id, job, slot, token, status, reason, triggered_by, attempt, attempts, error, stack, actor, instance, run_group, queued_at, started_at, ended_at, cancel_reason, cancel_by, lease_until) VALUES (3, '01a22241-5df0-71ba-b05f-7b0d68a51427', 'report', 1795867200000, 8790054475942474181, 'succeeded', '', 'schedule', 1, '[{"attempt":1,"instance":"","started_at":"0001-01-01T00:00:00Z","ended_at":null}]', '', '', '', '0193b0c0-0000-7000-8000-000000000001', 'reports', 1795856400000, 1795856400000, 1795856401500, '', '', 1795871038961);
INSERT INTO job_runs (seq, id, job, slot, token, status, reason, triggered_by, attempt, error, stack, actor, instance, run_group, queued_at, started_at, cancel_reason, cancel_by, lease_until) VALUES (4, '01a22241-5dfa-7c06-a490-3f873200186f', 'sync', 1795860000000, 1097514520293187243, 'running', '', 'schedule', 1, '', '', '', '0193b0c0-0000-7000-8000-000000000001', '', 1795856400000, 1795856400000, '', '', 1795871038973);
INSERT INTO job_runs (seq, id, job, token, status, reason, triggered_by, attempt, error, stack, args, request_key, actor, instance, run_group, queued_at, cancel_reason, cancel_by, lease_until) VALUES (5, '01a22241-5e04-728f-9e01-78c051277f21', 'sync', 5518034633698237165, 'queued', '', 'manual', 0, '', '', '{"n":1}', 'order-7', 'ada', '0193b0c0-0000-7000-8000-000000000001', '', 1795856400000, '', '', 1795871038984);
INSERT INTO run_logs (run_id, seq, at, attempt, level, message) VALUES ('01a22241-5dd8-7092-bd99-2531fcdbfa8c', 2, 1795856400000, 0, 'WARN', 'ünïcode');
INSERT INTO run_logs (run_id, seq, at, attempt, level, message) VALUES ('01a22241-5de5-703b-8569-7f0922e19831', 2, 1795856400000, 0, 'WARN', 'ünïcode');
INSERT INTO run_logs (run_id, seq, at, attempt, level, message) VALUES ('01a22241-5df0-71ba-b05f-7b0d68a51427', 2, 1795856400000, 0, 'WARN', 'ünïcode');
INSERT INTO run_logs (run_id, seq, at, attempt, level, message, attrs) VALUES ('01a22241-5dd8-7092-bd99-2531fcdbfa8c', 1, 1795856400000, 0, 'INFO', 'it''s a line; with a semicolon', '{"a":1}');
INSERT INTO run_logs (run_id, seq, at, attempt, level, message, attrs) VALUES ('01a22241-5de5-703b-8569-7f0922e19831', 1, 1795856400000, 0, 'INFO', 'it''s a line; with a semicolon', '{"a":1}');
INSERT INTO run_logs (run_id, seq, at, attempt, level, message, attrs) VALUES ('01a22241-5df0-71ba-b05f-7b0d68a51427', 1, 1795856400000, 0, 'INFO', 'it''s a line; with a semicolon', '{"a":1}');
INSERT INTO instances (id, host, pid, version, started_at, seen_at, generation, tzdata) VALUES ('0193b0c0-0000-7000-8000-000000000001', 'alpha', 101, 'v1.2.3', 1795856400000, 1795856400000, 1, '2026a');
INSERT INTO instances (id, host, pid, version, started_at, seen_at, stopped_at, generation, tzdata) VALUES ('0193b0c0-0000-7000-8000-000000000002', 'beta', 7, 'v1.2.3', 1795856400000, 1795856460000, 1795856460000, 0, '2026a');
INSERT INTO audit_entries (id, at, actor, action, target, `before`, `after`, origin, request_id) VALUES (1, 1795856400000, 'ada', 'pause', 'sync', '{"paused":false}', '{"paused":true}', 'cli', 'r1');
INSERT INTO audit_entries (id, at, actor, action, target, origin, request_id) VALUES (2, 1795856400000, 'bob', 'run', 'report', '', '');
INSERT INTO program_versions (print, generation, seen_at) VALUES ('p1', 1, 1795871038912);
INSERT INTO alerts (id, job, kind, dedup, open_key, run_id, at, raised_at, status, message, silence, detail, error, number) VALUES ('al-1', 'report', 'failed', 'failed:report:1', 'failed:report', '', 1795856400000, 1795871039014, 'pending', '01a22241-5e31-7e12-84a2-4c896c8525b8', '', 'it failed', 'it didn''t work', 1);
INSERT INTO alerts (id, job, kind, dedup, run_id, at, raised_at, status, message, silence, detail, error, number) VALUES ('al-2', 'sync', 'late', 'late:sync:1', '', 1795856400000, 1795871039014, 'pending', '01a22241-5e31-7e12-84a2-4c896c8525b8', '', 'late', '', 0);
INSERT INTO alert_deliveries (id, message, channel, status, alerts, attempts, created_at, next_at, lease_until, token, error) VALUES ('01a22241-5e31-7e17-b9a1-c7bf2e22ac4a', '01a22241-5e31-7e12-84a2-4c896c8525b8', 'webhook', 'pending', 2, 0, 1795871039026, 1795871039026, 0, 0, '');
INSERT INTO alert_deliveries (id, message, channel, status, alerts, attempts, created_at, next_at, lease_until, token, error) VALUES ('01a22241-5e31-7e18-a76d-9c3a9a5e7432', '01a22241-5e31-7e12-84a2-4c896c8525b8', 'slack', 'pending', 2, 0, 1795871039026, 1795871039026, 0, 0, '');
INSERT INTO silences (id, job, until_at, reason, actor, created_at, ended_by) VALUES ('si-1', 'sync', 1799456400000, 'quiet', 'ada', 1795856400000, '');

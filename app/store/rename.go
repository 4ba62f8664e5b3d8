package store

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"fibercrons/app/store/row"
)

// Releases before prefixStep had names that are other programs', too. Their tables are renamed here before any further
// step is taken. On SQLite and Postgres that is one transaction. MySQL commits each statement by itself, so there it
// goes on wherever it was broken off: the row of prefixStep in the old table of versions, which is written first, says
// that it was begun, and the rows of the new table, which are written last and at once, that it is done.
//
// The old table of versions stays, with that row: a program of before finds it, takes the database for a newer release's
// and changes nothing. It may be dropped once none is left.

// prefixStep is the step by which all tables begin with job_.
const prefixStep = "tables that begin with job_"

// oldTables are the tables of before it, with columns that tell them from those of others.
var oldTables = []struct{ old, now, columns string }{
	{"job_state", "job_state", "name definition first_seen watermark removed_at paused_until last_run_id last_duration_ms"},
	{"job_runs", "job_runs", "seq id job slot data_slot token status triggered_by request_key run_group lease_until"},
	{"job_groups", "job_groups", "name"},
	{"run_logs", "job_run_logs", "run_id seq at attempt level message attrs"},
	{"instances", "job_instances", "id host pid version started_at seen_at stopped_at"},
	{"audit_entries", "job_audit", "id at actor action target before after origin request_id"},
	{"program_versions", "job_versions", "print generation seen_at"},
	{"store_identity", "job_identity", "id"},
	{"alerts", "job_alerts", "id job kind dedup open_key run_id slot at raised_at status message silence detail error number"},
	{"alert_deliveries", "job_alert_deliveries", "id message channel status alerts attempts created_at next_at lease_until token sent_at error"},
	{"silences", "job_silences", "id job until_at reason actor created_at ended_at ended_by"},
}

// telling says whether the columns of a table of this name tell whose it is.
func telling(name string) bool {
	for _, t := range oldTables {
		if name == t.old {
			return true
		}
	}
	return name == versionTable || name == oldVersionTable || name == "job_instances"
}

// renamed says whether the name of a table or index is new with prefixStep.
func renamed(name string) bool {
	for _, t := range oldTables {
		if t.old != t.now && (name == t.now || strings.HasPrefix(name, t.now+"_")) {
			return true
		}
	}
	return false
}

// lookForOld finds the tables of a release before prefixStep. Its table of versions is told from that of others by its
// columns and its rows.
func (v *survey) lookForOld(ctx context.Context, d dialect, q querier, take func(name string)) error {
	table := v.relations[oldVersionTable]
	if !table.is(versionColumns) || len(table.columns) != len(strings.Fields(versionColumns)) {
		return nil
	}
	rows, err := versionRows(ctx, q, oldVersionTable)
	if err != nil || len(rows) == 0 {
		return err
	}
	moving := rows[len(rows)-1].name == prefixStep
	if moving {
		rows = rows[:len(rows)-1]
	}
	if !match(rows, d.migrations()) {
		return nil
	}
	if _, there := v.relations["job_state"]; moving && !there { // somebody has dropped them all, to begin anew
		return nil
	}
	v.moving = moving
	v.old, v.steps = true, rows
	v.count(len(d.migrations()))
	for _, t := range oldTables[:2] {
		r, there := v.relations[t.now]
		switch {
		case !there:
			return d.sentence(nil, "has no table %s, although its %s says that this program made it: restore a backup, or drop %[2]s to begin anew", t.now, oldVersionTable)
		case !r.is(t.columns):
			take(t.now)
		}
	}
	return nil
}

// rename gives the tables of before prefixStep their names, in the transaction of a migration.
func (s *Store) rename(ctx context.Context, tx step, v survey) error {
	if err := s.deserted(ctx, tx, v); err != nil {
		return err
	}
	steps := s.db.migrations()
	made := makers(steps)
	prefix := slices.IndexFunc(steps, func(m migration) bool { return m.name == prefixStep }) + 1
	if !v.moving {
		version := versionRow{prefix, prefixStep, int64(row.MillisOf(time.Now()))}
		if err := s.enter(ctx, tx, oldVersionTable, version); err != nil {
			return err
		}
	}
	most := v.have
	if s.db.piecemeal() { // the next step may have made some of its tables
		most++
	}
	var from, to []string
	var again []string // that are not there, or are another program's: an old release took what it found on MySQL
	for _, t := range oldTables {
		_, there := v.relations[t.now]
		switch {
		case t.old == t.now || made[t.now] == 0 || made[t.now] > most:
		case !there && v.relations[t.old].is(t.columns):
			from, to = append(from, t.old), append(to, t.now)
		case made[t.now] <= v.have:
			again = append(again, t.now)
		}
	}
	if len(from) > 0 {
		if err := s.db.rename(ctx, tx, from, to, steps[:v.have]); err != nil {
			return fmt.Errorf("rename tables: %w", err)
		}
	}
	for _, table := range again {
		about := regexp.MustCompile(`^((CREATE|ALTER) TABLE|CREATE (UNIQUE )?INDEX \w+ ON) ` + table + `\b`)
		for _, m := range steps[:v.have] {
			for _, q := range m.sql {
				if !about.MatchString(q) {
					continue
				}
				if err := s.carryOut(ctx, tx, q, v.moving); err != nil {
					return fmt.Errorf("create %s: %w", table, err)
				}
			}
		}
	}
	if err := s.createVersions(ctx, tx, v); err != nil {
		return err
	}
	rows := v.steps
	if s.db.piecemeal() && v.have < prefix-1 {
		rows = append(rows, versionRow{v.have + 1, steps[v.have].name, 0})
	}
	return s.enter(ctx, tx, versionTable, rows...)
}

// deserted refuses to rename the tables of processes that live. An old release that has started already does not look at
// the version again: its jobs would go on without heartbeats.
func (s *Store) deserted(ctx context.Context, tx querier, v survey) error {
	table := "instances"
	if _, there := v.relations["job_instances"]; there {
		table = "job_instances"
	}
	if !v.relations[table].is("id host pid version seen_at stopped_at") {
		return nil
	}
	now, err := s.db.now(ctx, tx)
	if err != nil {
		return err
	}
	alive := 2 * s.opts.Lease
	rows, err := tx.QueryContext(ctx, s.db.sql().bound("SELECT host, pid, version, id, seen_at FROM "+table+" WHERE stopped_at IS NULL AND seen_at > ? ORDER BY host, pid"), now-alive.Milliseconds())
	if err != nil {
		return err
	}
	defer rows.Close()
	var all []string
	var last int64
	for rows.Next() {
		var host, pid, version, id string
		var seen int64
		if err := rows.Scan(&host, &pid, &version, &id, &seen); err != nil {
			return err
		}
		all = append(all, fmt.Sprintf("process %s on %s (%s, instance %s)", pid, host, version, id))
		last = max(last, seen)
	}
	if err := rows.Err(); err != nil || len(all) == 0 {
		return err
	}
	wait := (time.Duration(last-now)*time.Millisecond + alive).Round(time.Second)
	return s.db.sentence(nil, "is in use by an older release, whose tables have other names: %s; nothing was changed: stop all of its processes, "+
		"then start this release (a rolling update cannot do that); one that was killed counts as alive for another %s", strings.Join(all, ", "), max(wait, time.Second))
}

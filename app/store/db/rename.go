package db

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"fibercrons/app/store/row"
)

// Releases before PrefixStep had names that are other programs', too. Their tables are renamed here before any further
// step is taken. On SQLite and Postgres that is one transaction. MySQL commits each statement by itself, so there it
// resumes where it was broken off: the row of PrefixStep in the old table of versions, which is written first, says
// that it has begun, and the rows of the new table, which are written last and in one statement, that it is done.
//
// The old table of versions stays, with that row: a release before PrefixStep finds it, takes the database for a newer
// release's and changes nothing. The table may be dropped once no such release is left.

// renameOldTables gives the tables of releases before PrefixStep their names, in the transaction of a migration.
func renameOldTables(ctx context.Context, d Dialect, tx Step, v survey, lease time.Duration) error {
	if err := checkNoneAlive(ctx, d, tx, v, lease); err != nil {
		return err
	}
	steps := d.Migrations()
	made := makers(steps)
	prefix := slices.IndexFunc(steps, func(m Migration) bool { return m.Name == PrefixStep }) + 1
	if !v.moving {
		version := versionRow{prefix, PrefixStep, int64(row.MillisOf(time.Now()))}
		if err := insertVersions(ctx, d, tx, oldVersionTable, version); err != nil {
			return err
		}
	}
	most := v.have
	if d.Piecemeal() { // the next step may have made some of its tables
		most++
	}
	var from, to []string
	var again []string // missing, or another program's: an old release took what it found on MySQL
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
		if err := d.Rename(ctx, tx, from, to, steps[:v.have]); err != nil {
			return fmt.Errorf("rename tables: %w", err)
		}
	}
	for _, table := range again {
		about := regexp.MustCompile(`^((CREATE|ALTER) TABLE|CREATE (UNIQUE )?INDEX \w+ ON) ` + table + `\b`)
		for _, m := range steps[:v.have] {
			for _, q := range m.SQL {
				if !about.MatchString(q) {
					continue
				}
				if err := carryOut(ctx, d, tx, q, v.moving); err != nil {
					return fmt.Errorf("create %s: %w", table, err)
				}
			}
		}
	}
	if _, there := v.relations[versionTable]; !there {
		if err := createVersions(ctx, tx); err != nil {
			return err
		}
	}
	rows := v.steps
	if d.Piecemeal() && v.have < prefix-1 {
		rows = append(rows, versionRow{v.have + 1, steps[v.have].Name, 0})
	}
	return insertVersions(ctx, d, tx, versionTable, rows...)
}

// checkNoneAlive refuses to rename the tables of live processes. A process of an old release does not check the version
// again after its start: its jobs would run without heartbeats.
func checkNoneAlive(ctx context.Context, d Dialect, tx Querier, v survey, lease time.Duration) error {
	table := "instances"
	if _, there := v.relations["job_instances"]; there {
		table = "job_instances"
	}
	if !v.relations[table].is("id host pid version seen_at stopped_at") {
		return nil
	}
	now, err := d.Now(ctx, tx)
	if err != nil {
		return err
	}
	alive := 2 * lease
	rows, err := tx.QueryContext(ctx, d.Statements().bound("SELECT host, pid, version, id, seen_at FROM "+table+" WHERE stopped_at IS NULL AND seen_at > ? ORDER BY host, pid"), now-alive.Milliseconds())
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
	return d.Sentence(nil, "is in use by an older release, whose tables have other names: %s; nothing was changed: stop all of its processes, "+
		"then start this release (a rolling update cannot do that); one that was killed counts as alive for another %s", strings.Join(all, ", "), max(wait, time.Second))
}

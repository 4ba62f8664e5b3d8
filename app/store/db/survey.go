package db

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// PrefixStep is the step since which all tables begin with job_. rename.go carries it out.
const PrefixStep = "tables that begin with job_"

// oldVersionTable is the table of versions of releases before PrefixStep. Others have a table of this name, too: Rails,
// golang-migrate, dbmate.
const oldVersionTable = "schema_migrations"

// oldTables are the tables of releases before PrefixStep, with columns that tell them from those of others.
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

// Recognizable reports whether the columns of a table of this name show which program made it.
func Recognizable(name string) bool {
	for _, t := range oldTables {
		if name == t.old {
			return true
		}
	}
	return name == versionTable || name == oldVersionTable || name == "job_instances"
}

// renamed reports whether the name of a table or index is new with PrefixStep.
func renamed(name string) bool {
	for _, t := range oldTables {
		if t.old != t.now && (name == t.now || strings.HasPrefix(name, t.now+"_")) {
			return true
		}
	}
	return false
}

// survey is what a database has of the tables of this package.
type survey struct {
	have  int  // steps that were carried out
	begun bool // the next one was begun; see dialect.piecemeal
	// old means that the tables still have their names from before PrefixStep, and moving that they are being renamed.
	old, moving bool
	steps       []versionRow
	relations   map[string]Relation
}

// CheckTables returns an error if a table or an index of another program, or of a newer release, has a name that this
// one needs. It changes nothing.
func CheckTables(ctx context.Context, d Dialect, q Querier) error {
	_, err := look(ctx, d, q)
	return err
}

// look reads which tables there are, and who made them. What has one of this package's names and was not made by it is
// an error, and nothing may be changed beside it.
func look(ctx context.Context, d Dialect, q Querier) (survey, error) {
	steps := d.Migrations()
	made := makers(steps)
	made[versionTable] = 0
	names := append(slices.Collect(maps.Keys(made)), oldVersionTable)
	for _, t := range oldTables {
		names = append(names, t.old)
	}
	slices.Sort(names)
	var v survey
	var err error
	if v.relations, err = d.Relations(ctx, q, slices.Compact(names)); err != nil {
		return v, err
	}
	var strange []string
	take := func(name string) { strange = append(strange, v.relations[name].Kind+" "+name) }
	if table, there := v.relations[versionTable]; there {
		if table.is(versionColumns) {
			if v.steps, err = versionRows(ctx, q, versionTable); err != nil {
				return v, err
			}
		}
		if !table.is(versionColumns) || !match(v.steps, steps) {
			take(versionTable)
		}
	}
	v.count(len(steps))
	if len(v.steps) == 0 {
		if err := v.lookForOld(ctx, d, q, take); err != nil {
			return v, err
		}
	}
	ours := v.have
	if v.begun || v.moving {
		ours++
	}
	for _, name := range slices.Sorted(maps.Keys(made)) {
		_, there := v.relations[name]
		if there && (made[name] > ours || v.old && !v.moving && renamed(name)) {
			take(name)
		}
	}
	if len(strange) > 0 {
		return v, takenNames(d, strange)
	}
	return v, nil
}

// count derives have and begun from the rows. A step of a newer release counts when it was begun.
func (v *survey) count(known int) {
	for _, r := range v.steps {
		if r.at != 0 || r.version > known {
			v.have = max(v.have, r.version)
		}
	}
	for _, r := range v.steps {
		v.begun = v.begun || r.at == 0 && r.version == v.have+1
	}
}

// lookForOld finds the tables of a release before PrefixStep. Its table of versions is told from that of others by its
// columns and its rows.
func (v *survey) lookForOld(ctx context.Context, d Dialect, q Querier, take func(name string)) error {
	table := v.relations[oldVersionTable]
	if !table.is(versionColumns) || len(table.Columns) != len(strings.Fields(versionColumns)) {
		return nil
	}
	rows, err := versionRows(ctx, q, oldVersionTable)
	if err != nil || len(rows) == 0 {
		return err
	}
	moving := rows[len(rows)-1].name == PrefixStep
	if moving {
		rows = rows[:len(rows)-1]
	}
	if !match(rows, d.Migrations()) {
		return nil
	}
	if _, there := v.relations["job_state"]; moving && !there { // somebody has dropped them all, to start over
		return nil
	}
	v.moving = moving
	v.old, v.steps = true, rows
	v.count(len(d.Migrations()))
	for _, t := range oldTables[:2] {
		r, there := v.relations[t.now]
		switch {
		case !there:
			return d.Sentence(nil, "has no table %s, although its %s says that this program made it: restore a backup, or drop %[2]s to begin anew", t.now, oldVersionTable)
		case !r.is(t.columns):
			take(t.now)
		}
	}
	return nil
}

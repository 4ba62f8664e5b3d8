package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	versionTable = "job_migrations"
	// Others have a table of this name, too: Rails, golang-migrate, dbmate.
	oldVersionTable = "schema_migrations"
	versionColumns  = "version name applied_at"
)

// relation is what has a name among the tables of a database.
type relation struct {
	kind    string // table, view, index and so on
	columns []string
}

// is says whether it is a table with at least these columns.
func (r relation) is(columns string) bool {
	for c := range strings.FieldsSeq(columns) {
		if !slices.Contains(r.columns, c) {
			return false
		}
	}
	return r.kind == "table"
}

// survey is what a database has of the tables of this package.
type survey struct {
	have  int  // steps that were carried out
	begun bool // the next one was begun; see dialect.piecemeal
	// old says that the tables still have their names from before they all began with job_, and moving that
	// they are being renamed.
	old, moving bool
	steps       []versionRow
	relations   map[string]relation
}

// versionRow is a row of the table of versions. A step that was only begun was applied at 0.
type versionRow struct {
	version int
	name    string
	at      int64
}

// look reads which tables there are and whose. What has one of this package's names and was not made by it is an error,
// and nothing may be changed beside it.
func (s *Store) look(ctx context.Context, q querier) (survey, error) { return lookAt(ctx, s.db, q) }

func lookAt(ctx context.Context, d dialect, q querier) (survey, error) {
	steps := d.migrations()
	made := makers(steps)
	made[versionTable] = 0
	names := append(slices.Collect(maps.Keys(made)), oldVersionTable)
	for _, t := range oldTables {
		names = append(names, t.old)
	}
	var v survey
	var err error
	if v.relations, err = d.relations(ctx, q, unique(names)); err != nil {
		return v, err
	}
	var strange []string
	take := func(name string) { strange = append(strange, v.relations[name].kind+" "+name) }
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
		return v, d.strange(strange)
	}
	return v, nil
}

// count says what the rows amount to. A step of a newer release counts when it was begun.
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

var creates = regexp.MustCompile(`^CREATE (?:UNIQUE )?(?:TABLE|INDEX) (\w+)`)

// created is the name of the table or index that a statement creates; empty: it creates none.
func created(statement string) string {
	if m := creates.FindStringSubmatch(statement); m != nil {
		return m[1]
	}
	return ""
}

// makers says which step, from 1, creates each table and index.
func makers(steps []migration) map[string]int {
	made := map[string]int{}
	for i, m := range steps {
		for _, statement := range m.sql {
			if name := created(statement); name != "" && made[name] == 0 {
				made[name] = i + 1
			}
		}
	}
	return made
}

// versionRows reads a table of versions, which may be another program's. What is no number there is -1.
func versionRows(ctx context.Context, q querier, table string) ([]versionRow, error) {
	rows, err := q.QueryContext(ctx, "SELECT version, name, applied_at FROM "+table+" ORDER BY version LIMIT 1000")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	number := func(s sql.NullString) int64 {
		n, err := strconv.ParseInt(s.String, 10, 64)
		if err != nil {
			return -1
		}
		return n
	}
	var all []versionRow
	for rows.Next() {
		var version, name, at sql.NullString
		if err := rows.Scan(&version, &name, &at); err != nil {
			return nil, err
		}
		all = append(all, versionRow{int(number(version)), name.String, number(at)})
	}
	return all, rows.Err()
}

// match says whether the rows are about these steps. Further ones are a newer release's.
func match(rows []versionRow, steps []migration) bool {
	for i, r := range rows {
		if r.at < 0 || i < len(steps) && (r.version != i+1 || r.name != steps[i].name) {
			return false
		}
	}
	return true
}

// tables reads rows of name, kind and column, the last of which may be NULL.
func tables(ctx context.Context, q querier, key func(string) string, query string, args ...any) (map[string]relation, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]relation{}
	for rows.Next() {
		var name, kind string
		var column *string
		if err := rows.Scan(&name, &kind, &column); err != nil {
			return nil, err
		}
		r := all[key(name)]
		r.kind = kind
		if column != nil {
			r.columns = append(r.columns, key(*column))
		}
		all[key(name)] = r
	}
	return all, rows.Err()
}

// foreign is what to tell of names that are taken.
func foreign(things []string, instead string) string {
	what := "has the " + things[0]
	if len(things) > 1 {
		what = fmt.Sprintf("has names that this program needs (%s)", strings.Join(things, ", "))
	}
	return what + ", which this program did not make; nothing was changed: rename it, or " + instead
}

package db

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// The table of versions has a row for each step that was carried out.
const (
	versionTable   = "job_migrations"
	versionColumns = "version name applied_at"
)

// versionRow is a row of the table of versions. A step that has only begun was applied at 0.
type versionRow struct {
	version int
	name    string
	at      int64
}

// versionRows reads a table of versions, which may be another program's. What is no number there is -1.
func versionRows(ctx context.Context, q Querier, table string) ([]versionRow, error) {
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

// match reports whether the rows are about these steps. Further ones are a newer release's.
func match(rows []versionRow, steps []Migration) bool {
	for i, r := range rows {
		if r.at < 0 || i < len(steps) && (r.version != i+1 || r.name != steps[i].Name) {
			return false
		}
	}
	return true
}

func createVersions(ctx context.Context, tx Step) error {
	_, err := tx.ExecContext(ctx, "CREATE TABLE "+versionTable+" (version BIGINT NOT NULL PRIMARY KEY, name VARCHAR(200) NOT NULL, applied_at BIGINT NOT NULL)")
	return err
}

func insertVersions(ctx context.Context, d Dialect, tx Step, table string, rows ...versionRow) error {
	var args []any
	for _, r := range rows {
		args = append(args, r.version, r.name, r.at)
	}
	_, err := tx.ExecContext(ctx, d.Statements().bound("INSERT INTO "+table+" (version, name, applied_at) VALUES "+List(Tuple(3), len(rows))), args...)
	return err
}

// carryOut executes a statement of a step. With again, the step was begun before, and may have got this far.
func carryOut(ctx context.Context, d Dialect, tx Step, q string, again bool) error {
	_, err := tx.ExecContext(ctx, q)
	if again && d.Done(err) {
		return nil
	}
	return err
}

var creates = regexp.MustCompile(`^CREATE (?:UNIQUE )?(?:TABLE|INDEX) (\w+)`)

// Created is the name of the table or index that a statement creates; empty: it creates none.
func Created(statement string) string {
	if m := creates.FindStringSubmatch(statement); m != nil {
		return m[1]
	}
	return ""
}

// makers maps each table and index to the number, from 1, of the step that creates it.
func makers(steps []Migration) map[string]int {
	made := map[string]int{}
	for i, m := range steps {
		for _, statement := range m.SQL {
			if name := Created(statement); name != "" && made[name] == 0 {
				made[name] = i + 1
			}
		}
	}
	return made
}

// takenNames says which names are taken, and what to do about it.
func takenNames(d Dialect, things []string) error {
	what := "has the " + things[0]
	if len(things) > 1 {
		what = fmt.Sprintf("has names that this program needs (%s)", strings.Join(things, ", "))
	}
	return d.Sentence(nil, "%s, which this program did not make; nothing was changed: rename it, or %s", what, d.Elsewhere())
}

// VersionsSQL is the step that adds versions; text is the type of a key, and table
// what follows the columns of a table.
func VersionsSQL(text, table string) []string {
	return []string{
		"CREATE TABLE job_versions (print " + text + " NOT NULL PRIMARY KEY, generation BIGINT NOT NULL, seen_at BIGINT NOT NULL)" + table,
		"ALTER TABLE job_instances ADD COLUMN generation BIGINT NOT NULL DEFAULT 0",
		"ALTER TABLE job_state ADD COLUMN generation BIGINT NOT NULL DEFAULT 0",
	}
}

// Troubled is the condition of runs that may need an alert and have not been checked. It is the condition
// of a partial index too, which is used only by statements that contain it word for word.
const Troubled = "looked_at IS NULL AND (status IN ('failed', 'interrupted') OR (status = 'skipped' AND reason IN ('missed', 'superseded', 'late')))"

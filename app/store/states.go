package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	"fibercrons/app/contract"
	"fibercrons/app/store/db"
	"fibercrons/app/store/row"
)

// The statements read job_state and count the active runs by an index. Each column of each row
// takes time, unless it is NULL, and a page of a thousand jobs waits for the outline. So it has
// only columns that a list shows, and what few jobs have comes as one JSON array.
const (
	rareColumns = "CASE WHEN s.paused OR s.removed_at IS NOT NULL OR s.override_at IS NOT NULL THEN json_array(" +
		"s.removed_at, CASE WHEN s.paused THEN 1 ELSE 0 END, s.paused_at, s.paused_until, s.paused_by, s.paused_reason, " +
		"s.override_expr, s.override_zone, s.override_by, s.override_at) END, "
	activeColumn = "(SELECT COUNT(*) FROM job_runs r WHERE r.job = s.name AND r.ended_at IS NULL AND r.due_at IS NULL)"

	stateSQL = "SELECT s.name, s.definition, s.first_seen, s.watermark, " +
		"s.last_run, NULLIF(s.last_run_id, ''), s.last_slot, s.last_duration_ms, NULLIF(s.last_status, ''), NULLIF(s.last_error, ''), " +
		"s.last_success, s.runs, s.failures, " + rareColumns + activeColumn + " FROM job_state s"
	outlineSQL = "SELECT s.name, s.last_run, NULLIF(s.last_duration_ms, 0), NULLIF(s.last_status, ''), NULLIF(s.last_error, ''), " +
		"NULLIF(s.runs, 0), NULLIF(s.failures, 0), " + rareColumns + "NULL FROM job_state s " +
		// Few jobs have active runs: rows of their own cost less than a search for each job.
		"UNION ALL SELECT job, NULL, NULL, NULL, NULL, NULL, NULL, NULL, COUNT(*) FROM job_runs WHERE " + activeRuns + " GROUP BY job"
)

// States implements [contract.Admin], by one statement.
func (s *Store) States(ctx context.Context, names ...string) (map[string]contract.State, error) {
	out := make(map[string]contract.State, len(names))
	err := eachState(s.db.Statements(), s.db.Read(ctx), names, func(st contract.State) { out[st.Name] = st })
	if err != nil {
		return nil, fmt.Errorf("read job states: %w", s.db.Explain(err))
	}
	return out, nil
}

// Outline implements [contract.Admin], by one statement.
func (s *Store) Outline(ctx context.Context) (map[string]contract.State, error) {
	out, active := make(map[string]contract.State, s.outlined.Load()), map[string]int{}
	err := readStates(s.db.Read(ctx).Raw(s.db.Statements().JSON(outlineSQL)), func(rows *sql.Rows, st *contract.State) error {
		var rare sql.RawBytes
		var runs, failures, took, active number
		err := rows.Scan(&st.Name, (*instant)(&st.LastRun), &took, (*text)(&st.LastStatus), (*text)(&st.LastError),
			&runs, &failures, &rare, &active)
		st.LastDurationMS, st.Runs, st.Failures, st.Active = int64(took), int64(runs), int64(failures), int(active)
		return scanRare(rare, st, err)
	}, func(st contract.State) {
		if st.Active > 0 {
			active[st.Name] = st.Active
		} else {
			out[st.Name] = st
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read job states: %w", s.db.Explain(err))
	}
	for name, n := range active {
		if st, known := out[name]; known {
			st.Active = n
			out[name] = st
		}
	}
	s.outlined.Store(int64(len(out)))
	return out, nil
}

// eachState reads the states of the jobs named, or of all.
func eachState(q *db.Statements, db *gorm.DB, names []string, each func(contract.State)) error {
	if len(names) == 0 {
		return readStates(db.Raw(q.JSON(stateSQL)), scanState, each)
	}
	var err error
	chunks(names, func(some []string) {
		if err == nil {
			err = readStates(db.Raw(q.JSON(stateSQL)+" WHERE s.name IN ?", some), scanState, each)
		}
	})
	return err
}

func readStates(db *gorm.DB, scan func(*sql.Rows, *contract.State) error, each func(contract.State)) error {
	rows, err := db.Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var st contract.State
		if err := scan(rows, &st); err != nil {
			return err
		}
		each(st)
	}
	return rows.Err()
}

func scanState(rows *sql.Rows, st *contract.State) error {
	var rare sql.RawBytes
	err := rows.Scan(&st.Name, &st.Definition, (*instant)(&st.FirstSeen), (*instant)(&st.Watermark),
		(*instant)(&st.LastRun), (*text)(&st.LastRunID), (*instant)(&st.LastSlot), &st.LastDurationMS, (*text)(&st.LastStatus), (*text)(&st.LastError),
		(*instant)(&st.LastSuccess), &st.Runs, &st.Failures, &rare, &st.Active)
	return scanRare(rare, st, err)
}

// scanRare reads what few jobs have.
func scanRare(rare []byte, st *contract.State, err error) error {
	if err != nil || rare == nil {
		return err
	}
	var removed, pausedAt, pausedUntil, overrideAt row.Millis
	var paused int
	list := []any{
		&removed, &paused, &pausedAt, &pausedUntil, &st.PausedBy, &st.PausedReason,
		&st.Override.Expr, &st.Override.Zone, &st.Override.Actor, &overrideAt,
	}
	if err := json.Unmarshal(rare, &list); err != nil {
		return err
	}
	st.RemovedAt, st.Paused, st.PausedAt, st.PausedUntil = removed.Time(), paused != 0, pausedAt.Time(), pausedUntil.Time()
	if overrideAt != 0 {
		st.Override.Job, st.Override.At = st.Name, overrideAt.Time()
	}
	return nil
}

// number reads NULL as 0.
type number int64

func (n *number) Scan(src any) error {
	v, _ := src.(int64)
	*n = number(v)
	return nil
}

// instant reads UTC milliseconds; zero and NULL are the zero time.
type instant time.Time

func (i *instant) Scan(src any) error {
	*i = instant{}
	if ms, _ := src.(int64); ms != 0 {
		*i = instant(time.UnixMilli(ms).UTC())
	}
	return nil
}

// text reads NULL as empty.
type text string

func (t *text) Scan(src any) error {
	switch v := src.(type) {
	case string:
		*t = text(v)
	case []byte:
		*t = text(v)
	default:
		*t = ""
	}
	return nil
}

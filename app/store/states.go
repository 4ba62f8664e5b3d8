package store

import (
	"database/sql"
	"encoding/json"
	"time"

	"gorm.io/gorm"

	"fibercrons/app/cron"
	"fibercrons/models"
)

// stateSQL reads job_state and counts the active runs by their index. What few jobs have comes
// as one JSON array, NULL for the rest: each column of each row has its price, and a page of a
// thousand jobs waits for this statement.
const stateSQL = "SELECT s.name, s.definition, s.first_seen, s.watermark, " +
	"s.last_run, NULLIF(s.last_run_id, ''), s.last_slot, s.last_duration_ms, NULLIF(s.last_status, ''), NULLIF(s.last_error, ''), " +
	"s.last_success, s.runs, s.failures, " +
	"CASE WHEN s.paused OR s.removed_at IS NOT NULL OR s.override_at IS NOT NULL THEN json_array(" +
	"s.removed_at, s.paused, s.paused_at, s.paused_until, s.paused_by, s.paused_reason, " +
	"s.override_expr, s.override_zone, s.override_by, s.override_at) END, " +
	"(SELECT COUNT(*) FROM job_runs r WHERE r.job = s.name AND r.ended_at IS NULL) FROM job_state s"

// eachState reads the states of the jobs named, or of all.
func eachState(db *gorm.DB, names []string, each func(cron.State)) error {
	if len(names) == 0 {
		return readStates(db.Raw(stateSQL), each)
	}
	var err error
	chunks(names, func(some []string) {
		if err == nil {
			err = readStates(db.Raw(stateSQL+" WHERE s.name IN ?", some), each)
		}
	})
	return err
}

func readStates(db *gorm.DB, each func(cron.State)) error {
	rows, err := db.Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		st, err := scanState(rows)
		if err != nil {
			return err
		}
		each(st)
	}
	return rows.Err()
}

func scanState(rows *sql.Rows) (cron.State, error) {
	var st cron.State
	var rare sql.RawBytes
	err := rows.Scan(&st.Name, &st.Definition, (*instant)(&st.FirstSeen), (*instant)(&st.Watermark),
		(*instant)(&st.LastRun), (*text)(&st.LastRunID), (*instant)(&st.LastSlot), &st.LastDurationMS, (*text)(&st.LastStatus), (*text)(&st.LastError),
		(*instant)(&st.LastSuccess), &st.Runs, &st.Failures, &rare, &st.Active)
	if err != nil || rare == nil {
		return st, err
	}
	var removed, pausedAt, pausedUntil, overrideAt models.Millis
	var paused int
	list := []any{
		&removed, &paused, &pausedAt, &pausedUntil, &st.PausedBy, &st.PausedReason,
		&st.Override.Expr, &st.Override.Zone, &st.Override.Actor, &overrideAt,
	}
	if err := json.Unmarshal(rare, &list); err != nil {
		return st, err
	}
	st.RemovedAt, st.Paused, st.PausedAt, st.PausedUntil = removed.Time(), paused != 0, pausedAt.Time(), pausedUntil.Time()
	if overrideAt != 0 {
		st.Override.Job, st.Override.At = st.Name, overrideAt.Time()
	}
	return st, nil
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

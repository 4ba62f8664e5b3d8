package schedules

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"fibercrons/app/contract"
	"fibercrons/app/store/db"
	"fibercrons/app/store/row"
)

const fromRows = "SELECT " + db.ScheduleRow + " FROM job_schedules s"

// StoredSchedules implements [contract.ScheduleReader]. What the database cannot decide as Go does is decided here, of
// rows that it has found.
func (s *Store) StoredSchedules(ctx context.Context, q contract.ScheduleQuery) ([]contract.Schedule, error) {
	if q.Limit <= 0 {
		q.Limit = 50
	}
	var now int64
	var err error
	if q.Paused != nil {
		now, err = s.db.Now(ctx)
	}
	var out []contract.Schedule
	for more := true; more && err == nil && len(out) < q.Limit; {
		read := 0
		query, args := selection(&q, now, s.db.Read(ctx).Name() == "sqlite")
		most := q.Limit - len(out)
		if sifts(&q) {
			most = max(most, siftRows)
		}
		err = s.each(ctx, query+" ORDER BY s.id LIMIT ?", append(args, most), func(g contract.Schedule) {
			read++
			q.After = g.ID
			if len(out) < q.Limit && matches(&q, &g) {
				out = append(out, g)
			}
		})
		more = read == most
	}
	if err != nil {
		return nil, fmt.Errorf("read schedules: %w", s.db.Explain(err))
	}
	return out, nil
}

// siftRows is how many rows are read at a time of which not all may match.
const siftRows = 500

func sifts(q *contract.ScheduleQuery) bool { return q.Search != "" || len(q.Meta) > 0 }

// selection is the statement for a query, without order and limit. It may find rows that do not match. Folds says that
// LIKE disregards case.
func selection(q *contract.ScheduleQuery, now int64, folds bool) (query string, args []any) {
	var where []string
	add := func(condition string, with ...any) {
		where = append(where, condition)
		args = append(args, with...)
	}
	if q.After != "" {
		add("s.id > ?", q.After)
	}
	if len(q.IDs) > 0 {
		add("s.id IN ?", q.IDs)
	}
	if q.Job != "" {
		add("s.job = ?", q.Job)
	}
	if q.Paused != nil && *q.Paused {
		add("s.paused AND (s.paused_until IS NULL OR s.paused_until > ?)", now)
	}
	if q.Paused != nil && !*q.Paused {
		add("(NOT s.paused OR s.paused_until <= ?)", now)
	}
	if !q.DueAfter.IsZero() {
		add("s.next_slot >= ?", row.MillisOf(q.DueAfter))
	}
	if !q.DueBefore.IsZero() {
		add("s.next_slot IS NOT NULL AND s.next_slot < ?", row.MillisOf(q.DueBefore))
	}
	if q.Search != "" && plain(q.Search) {
		part := like(strings.ToLower(q.Search))
		condition := "(LOWER(s.id) LIKE ? ESCAPE '!' OR LOWER(s.meta) LIKE ? ESCAPE '!')"
		if folds {
			condition = "(s.id LIKE ? ESCAPE '!' OR s.meta LIKE ? ESCAPE '!')"
		}
		add(condition, part, part)
	}
	for key, value := range q.Meta {
		if pair := strings.Trim(string(metaJSON(map[string]string{key: value})), "{}"); plain(key) && plain(value) {
			add("s.meta LIKE ? ESCAPE '!'", like(pair))
		}
	}
	if len(where) == 0 {
		return fromRows, nil
	}
	return fromRows + " WHERE " + strings.Join(where, " AND "), args
}

// plain reports whether every database compares a text as Go does, and JSON has it as it is.
func plain(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f || r == '"' || r == '\\' })
}

// like is the pattern of what holds a text. Its escapes are exclamation marks.
func like(text string) string {
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(text) + "%"
}

// matches decides about what was selected roughly.
func matches(q *contract.ScheduleQuery, g *contract.Schedule) bool {
	for key, want := range q.Meta {
		if value, ok := g.Meta[key]; !ok || value != want {
			return false
		}
	}
	text := strings.ToLower(q.Search)
	if text == "" || strings.Contains(strings.ToLower(g.ID), text) {
		return true
	}
	for _, value := range g.Meta {
		if strings.Contains(strings.ToLower(value), text) {
			return true
		}
	}
	return false
}

// DueSchedules implements [contract.ScheduleReader].
func (s *Store) DueSchedules(ctx context.Context, until time.Time, except []string, limit int) ([]contract.Schedule, error) {
	query, args := dueSQL, []any{row.MillisOf(until)}
	if len(except) > 0 {
		query, args = query+" AND s.job NOT IN ?", append(args, except)
	}
	var out []contract.Schedule
	err := s.each(ctx, query+" ORDER BY s.next_slot LIMIT ?", append(args, limit), func(g contract.Schedule) { out = append(out, g) })
	if err != nil {
		return nil, fmt.Errorf("read due schedules: %w", s.db.Explain(err))
	}
	return out, nil
}

const (
	dueSQL = fromRows + " WHERE s.next_slot IS NOT NULL AND s.next_slot <= ?"

	upcomingSQL = "SELECT COALESCE((SELECT MIN(next_slot) FROM job_schedules WHERE next_slot IS NOT NULL), 0), " +
		"COALESCE((SELECT MIN(due_at) FROM job_runs WHERE ended_at IS NULL AND due_at > 0), 0)"
)

// Upcoming implements [contract.ScheduleReader].
func (s *Store) Upcoming(ctx context.Context) (contract.Upcoming, error) {
	var schedule, run row.Millis
	if err := s.db.Read(ctx).Raw(upcomingSQL).Row().Scan(&schedule, &run); err != nil {
		return contract.Upcoming{}, fmt.Errorf("look what comes next: %w", s.db.Explain(err))
	}
	return contract.Upcoming{Schedule: schedule.Time(), Run: run.Time()}, nil
}

func (s *Store) each(ctx context.Context, query string, args []any, found func(contract.Schedule)) error {
	rows, err := s.db.Read(ctx).Session(&gorm.Session{}).Raw(query, args...).Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		g, err := scan(rows)
		if err != nil {
			return err
		}
		found(g)
	}
	return rows.Err()
}

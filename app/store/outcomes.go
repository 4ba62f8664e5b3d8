package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/store/db"
	"fibercrons/app/store/row"
)

// outcomeColumns leave out what is long: arguments, results, stacks.
const outcomeColumns = "job, schedule, seq, id, status, reason, triggered_by, attempt, substr(error, 1, 400) AS error, slot, queued_at, started_at, ended_at"

// recentJobs is how many jobs one statement asks for; SQLite takes 500 terms in a compound one.
const recentJobs = 100

// recentOfJob reads the end of a job's history backwards, by the index of histories.
const recentOfJob = "SELECT * FROM (SELECT " + outcomeColumns + " FROM job_runs WHERE job = ? ORDER BY seq DESC LIMIT ?) AS r"

// Recent returns the newest runs of each of the jobs, newest first, at most each of a job, without
// what is long in them. It asks once per hundred jobs, whatever the length of their histories.
func (s *Store) Recent(ctx context.Context, jobs []string, each int) (map[string][]cron.Record, error) {
	out := make(map[string][]cron.Record, len(jobs))
	for len(jobs) > 0 {
		some := jobs[:min(len(jobs), recentJobs)]
		jobs = jobs[len(some):]
		args := make([]any, 0, 2*len(some))
		for _, job := range some {
			args = append(args, job, each)
		}
		var rows []row.JobRun
		if err := s.db.Read(ctx).Raw(recentSQL(len(some)), args...).Scan(&rows).Error; err != nil {
			return nil, fmt.Errorf("read recent runs: %w", s.db.Explain(err))
		}
		for i := range rows {
			job := rows[i].Job
			out[job] = append(out[job], record(&rows[i]))
		}
	}
	return out, nil
}

func recentSQL(jobs int) string {
	return strings.TrimSuffix(strings.Repeat(recentOfJob+" UNION ALL ", jobs), " UNION ALL ")
}

const tallySQL = "SELECT (queued_at - ?) / ? AS bucket, status, COUNT(*) AS runs FROM job_runs WHERE queued_at >= ? AND queued_at < ? GROUP BY 1, 2"

// Tally counts runs by status in n stretches of time, each as long as step, from since on. A run
// counts where it was queued.
func (s *Store) Tally(ctx context.Context, since time.Time, step time.Duration, n int) (map[cron.Status][]int, error) {
	from := since.UnixMilli()
	var rows []struct {
		Bucket int
		Status cron.Status
		Runs   int
	}
	query := s.db.Statements().Divide(tallySQL)
	err := s.db.Read(ctx).Raw(query, from, step.Milliseconds(), from, since.Add(time.Duration(n)*step).UnixMilli()).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("count runs: %w", s.db.Explain(err))
	}
	out := make(map[cron.Status][]int)
	for _, group := range rows {
		if group.Bucket < 0 || group.Bucket >= n {
			continue
		}
		if out[group.Status] == nil {
			out[group.Status] = make([]int, n)
		}
		out[group.Status][group.Bucket] += group.Runs
	}
	return out, nil
}

// Spans returns when the runs queued between from and to were running, and nothing else of them, the newest
// first and at most limit.
func (s *Store) Spans(ctx context.Context, from, to time.Time, limit int) ([]contract.TimelineRun, error) {
	// Thousands of rows: they are read one by one into their fields, without reflection.
	rows, err := s.db.Read(ctx).Raw(spansSQL, from.UnixMilli(), to.UnixMilli(), limit).Rows()
	if err != nil {
		return nil, fmt.Errorf("read when runs went on: %w", s.db.Explain(err))
	}
	defer rows.Close()
	var out []contract.TimelineRun
	for rows.Next() {
		var r contract.TimelineRun
		var slot sql.NullInt64
		var queued, started, ended row.Millis
		if err := rows.Scan(&r.ID, &r.Job, &r.Status, &r.Reason, &slot, &queued, &started, &ended); err != nil {
			return nil, fmt.Errorf("read when runs went on: %w", err)
		}
		r.StartedAt, r.EndedAt = started.Pointer(), ended.Pointer()
		if slot.Valid {
			at := time.UnixMilli(slot.Int64).UTC()
			r.Slot = &at
		} else if started == 0 {
			r.Slot = queued.Pointer()
		}
		out = append(out, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read when runs went on: %w", s.db.Explain(err))
	}
	return out, nil
}

const spansSQL = "SELECT id, job, status, reason, slot, queued_at, started_at, ended_at FROM job_runs WHERE queued_at >= ? AND queued_at < ? ORDER BY queued_at DESC, seq DESC LIMIT ?"

// The statements that find runs which may need an alert.
const (
	troubledSQL = "SELECT " + outcomeColumns + " FROM job_runs WHERE " + db.Troubled + " AND ended_at >= ? ORDER BY ended_at, seq LIMIT ?"
	unendedSQL  = "SELECT job, schedule, id, status, triggered_by, slot, started_at FROM job_runs WHERE " + activeRuns + " ORDER BY seq + 0 DESC LIMIT ?"
	lateRunsSQL = "SELECT " + outcomeColumns + " FROM job_runs WHERE queued_at >= ? AND slot IS NOT NULL AND started_at > slot + ? ORDER BY queued_at LIMIT ?"
)

// Troubled implements [alert.Sights].
func (s *Store) Troubled(ctx context.Context, since time.Time, limit int) ([]cron.Record, error) {
	return s.outline(ctx, "look for runs that went wrong", troubledSQL, int64(row.MillisOf(since)), limit)
}

// Active implements [alert.Sights].
func (s *Store) Active(ctx context.Context, limit int) ([]cron.Record, error) {
	return s.outline(ctx, "look for runs that go on", unendedSQL, limit)
}

// StartedLate implements [alert.Sights].
func (s *Store) StartedLate(ctx context.Context, since time.Time, by time.Duration, limit int) ([]cron.Record, error) {
	return s.outline(ctx, "look for runs that started late", lateRunsSQL, int64(row.MillisOf(since)), by.Milliseconds(), limit)
}

func (s *Store) outline(ctx context.Context, what, query string, args ...any) ([]cron.Record, error) {
	var rows []row.JobRun
	if err := s.db.Read(ctx).Raw(query, args...).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("%s: %w", what, s.db.Explain(err))
	}
	return records(rows), nil
}

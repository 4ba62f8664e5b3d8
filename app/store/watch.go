package store

import (
	"context"
	"database/sql"
	"fmt"
	"sync"

	"gorm.io/gorm"

	"fibercrons/app/cron"
	"fibercrons/models"
)

// stamper is a dialect that can tell cheaply whether anything was committed.
type stamper interface {
	// version returns a number that changes with every commit of any other connection.
	version(ctx context.Context, conn querier) (int64, error)
}

// watcher is a stamper whose versions are comparable on one connection only.
type watcher interface {
	stamper
	// watchPool opens that connection, which does nothing else.
	watchPool() (*sql.DB, error)
}

// stamps counts the states that the database was seen in.
type stamps struct {
	mu      sync.Mutex
	pool    *sql.DB
	conn    *sql.Conn
	version int64
	count   int64
}

// Stamp implements [cron.Watch]. On a database without a cheap way to tell, it counts its calls.
func (s *Store) Stamp(ctx context.Context) (int64, error) {
	st := &s.stamps
	st.mu.Lock()
	defer st.mu.Unlock()
	d, ok := s.db.(stamper)
	if !ok || s.absent {
		st.count++
		return st.count, nil
	}
	var q querier = s.readPool
	if w, ok := d.(watcher); ok {
		if st.conn == nil {
			if err := st.connect(ctx, w); err != nil {
				return 0, fmt.Errorf("watch store: %w", s.db.explain(err))
			}
			st.version = -1 // of another connection
		}
		q = st.conn
	}
	v, err := d.version(ctx, q)
	if err != nil {
		if ctx.Err() == nil {
			st.disconnect()
		}
		return 0, fmt.Errorf("watch store: %w", s.db.explain(err))
	}
	if v != st.version {
		st.version = v
		st.count++
	}
	return st.count, nil
}

func (st *stamps) connect(ctx context.Context, d watcher) (err error) {
	if st.pool == nil {
		if st.pool, err = d.watchPool(); err != nil {
			return err
		}
	}
	st.conn, err = st.pool.Conn(ctx)
	return err
}

func (st *stamps) disconnect() {
	if st.conn != nil {
		_ = st.conn.Close() // of no more use, whatever it says
	}
	if st.pool != nil {
		_ = st.pool.Close()
	}
	st.conn, st.pool = nil, nil
}

func (st *stamps) close() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.disconnect()
}

// The statements of a glance. Each goes by an index, and what it reads is what is new or active; but
// for the jobs, of which there are few beside the runs.
const (
	newestSQL   = "SELECT seq, id FROM job_runs WHERE seq = (SELECT MAX(seq) FROM job_runs)"
	insertedSQL = "SELECT seq, id, status, attempt, cancel_at IS NOT NULL FROM job_runs WHERE seq >= ? ORDER BY seq LIMIT ?"
	activeSQL   = "SELECT r.id, r.status, r.attempt, r.cancel_at IS NOT NULL, " +
		"COALESCE((SELECT MAX(l.seq) FROM run_logs l WHERE l.run_id = r.id), 0), COALESCE(r.progress, '') " +
		"FROM job_runs r WHERE r.ended_at IS NULL"
	lastAuditSQL = "SELECT COALESCE(MAX(id), 0) FROM audit_entries"
	toldSQL      = "SELECT target, action = 'pause' FROM audit_entries WHERE id > ? AND action IN ('pause', 'resume') ORDER BY id"
	switchSQL    = "SELECT name, paused, paused_at, paused_until, override_at FROM job_state WHERE paused OR override_at IS NOT NULL"
)

// Glance implements [cron.Watch], in one read transaction. The marked run is read along with those
// after it: when it is not there any more, its number may have been given to another run.
func (s *Store) Glance(ctx context.Context, after cron.Mark, limit int) (cron.Glance, error) {
	var g cron.Glance
	err := s.reads.WithContext(ctx).Transaction(func(db *gorm.DB) error {
		g = cron.Glance{}
		marked := after.Number == 0
		at := make(map[string]int)
		read := func(query string, args []any, each func(*sql.Rows) error) error {
			rows, err := db.Raw(query, args...).Rows()
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				if err := each(rows); err != nil {
					return err
				}
			}
			return rows.Err()
		}
		err := read(newestSQL, nil, func(rows *sql.Rows) error { return rows.Scan(&g.Newest.Number, &g.Newest.ID) })
		if err != nil {
			return err
		}
		inserted := 0
		err = read(insertedSQL, []any{after.Number, limit + 2}, func(rows *sql.Rows) error {
			var number int64
			var r cron.Sight
			if err := rows.Scan(&number, &r.ID, &r.Status, &r.Attempt, &r.Cancelled); err != nil {
				return err
			}
			if number == after.Number && r.ID == after.ID {
				marked = true
				return nil
			}
			inserted++
			at[r.ID] = len(g.Runs)
			g.Runs = append(g.Runs, r)
			return nil
		})
		if err != nil {
			return err
		}
		g.Missed = !marked || inserted > limit
		err = read(activeSQL, nil, func(rows *sql.Rows) error {
			var r cron.Sight
			if err := rows.Scan(&r.ID, &r.Status, &r.Attempt, &r.Cancelled, &r.LastLine, &r.Progress); err != nil {
				return err
			}
			if i, there := at[r.ID]; there {
				g.Runs[i] = r
			} else {
				g.Runs = append(g.Runs, r)
			}
			return nil
		})
		if err != nil {
			return err
		}
		err = read(lastAuditSQL, nil, func(rows *sql.Rows) error { return rows.Scan(&g.Newest.Audit) })
		if err != nil {
			return err
		}
		err = read(toldSQL, []any{after.Audit}, func(rows *sql.Rows) error {
			var t cron.Told
			err := rows.Scan(&t.Job, &t.Paused)
			g.Told = append(g.Told, t)
			return err
		})
		if err != nil {
			return err
		}
		return read(switchSQL, nil, func(rows *sql.Rows) error {
			var w cron.Switch
			var pausedAt, pausedUntil, overrideAt models.Millis
			if err := rows.Scan(&w.Job, &w.Paused, &pausedAt, &pausedUntil, &overrideAt); err != nil {
				return err
			}
			w.PausedAt, w.PausedUntil, w.OverrideAt = pausedAt.Time(), pausedUntil.Time(), overrideAt.Time()
			g.Jobs = append(g.Jobs, w)
			return nil
		})
	}, s.db.sql().look)
	if err != nil {
		return cron.Glance{}, fmt.Errorf("look for changes: %w", s.db.explain(err))
	}
	return g, nil
}

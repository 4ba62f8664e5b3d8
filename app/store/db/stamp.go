package db

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
)

// stamps counts the states that a database was seen in.
type stamps struct {
	mu      sync.Mutex
	pool    *sql.DB
	conn    *sql.Conn
	version int64
	count   int64
}

// stamp returns a number that changes with every commit of any process. Of a database without a cheap way to tell, it
// counts the calls.
func (s *stamps) stamp(ctx context.Context, d Dialect, reads *sql.DB, absent bool) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from, ok := d.(Stamper)
	if !ok || absent {
		s.count++
		return s.count, nil
	}
	var q Querier = reads
	if w, ok := from.(Watcher); ok {
		if s.conn == nil {
			if err := s.connect(ctx, w); err != nil {
				return 0, fmt.Errorf("watch store: %w", d.Explain(err))
			}
			s.version = -1 // of another connection
		}
		q = s.conn
	}
	v, err := from.Version(ctx, q)
	if err != nil {
		if ctx.Err() == nil {
			s.disconnect()
		}
		return 0, fmt.Errorf("watch store: %w", d.Explain(err))
	}
	if v != s.version {
		s.version = v
		s.count++
	}
	return s.count, nil
}

func (s *stamps) connect(ctx context.Context, d Watcher) (err error) {
	if s.pool == nil {
		if s.pool, err = d.WatchPool(); err != nil {
			return err
		}
	}
	s.conn, err = s.pool.Conn(ctx)
	return err
}

func (s *stamps) disconnect() {
	if s.conn != nil {
		_ = s.conn.Close() // of no more use, whatever it says
	}
	if s.pool != nil {
		_ = s.pool.Close()
	}
	s.conn, s.pool = nil, nil
}

func (s *stamps) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.disconnect()
}

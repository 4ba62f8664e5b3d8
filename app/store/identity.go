package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"
)

// Identity is a UUID that this database was given when it was first asked for, the same for every
// process that opens it. It tells replicas apart that have an SQLite file each; a copy of a file has the
// identity of its original until the row is deleted. Read-only it may be empty: nobody has asked yet.
func (s *Store) Identity(ctx context.Context) (string, error) {
	if !s.opts.ReadOnly {
		// By a connection that waits for others who write: nobody tries this again.
		err := s.users.WithContext(ctx).Exec(
			"INSERT INTO job_identity (id) SELECT ? WHERE NOT EXISTS (SELECT 1 FROM job_identity)", uuid.NewString()).Error
		if err != nil {
			return "", fmt.Errorf("name the database: %w", s.db.explain(err))
		}
	}
	var id string
	if err := s.reads.WithContext(ctx).Raw("SELECT id FROM job_identity").Scan(&id).Error; err != nil {
		return "", fmt.Errorf("read the database's identity: %w", s.db.explain(err))
	}
	return id, nil
}

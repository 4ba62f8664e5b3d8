package schedules

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"

	"gorm.io/gorm"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/store/db"
)

// Database is what the store gives to this package.
type Database interface {
	// Read returns a handle for one read.
	Read(ctx context.Context) *gorm.DB
	// Now is the clock of leases, in UTC milliseconds.
	Now(ctx context.Context) (int64, error)
	// Explain turns an error of the driver into a sentence with a remedy.
	Explain(err error) error
	// Write has run called in a transaction that has locked the schedules, together with other writes. A transaction that
	// did not commit is carried out again from the start.
	Write(ctx context.Context, kind string, ids []string, run func(Tx) error) error
}

// Tx is a transaction of [Database.Write]. After its first failed statement it does nothing.
type Tx interface {
	Statements() *db.Statements
	// Now is the clock of leases, in UTC milliseconds.
	Now() int64
	// Each has each row read that there is for the list of IDs.
	Each(v *db.Values, ids []string, read func(Row) error)
	// Put writes rows, of width parameters each.
	Put(v *db.Values, flat []any, width int)
	// Delete deletes a schedule.
	Delete(id string)
	// Changed tells later claims of the transaction how a schedule is now; nil: it was deleted.
	Changed(id string, g *contract.Schedule)
	// Err is the first error.
	Err() error
}

// Row is a row of a result.
type Row interface{ Scan(dest ...any) error }

// Store keeps stored schedules.
type Store struct {
	db     Database
	latest *atomic.Int64 // the revision that was given last
}

// New returns a Store on the database.
func New(db Database) *Store { return &Store{db, new(atomic.Int64)} }

// On returns the Store of the same process on a transaction.
func (s *Store) On(db Database) *Store { return &Store{db, s.latest} }

// PutSchedules implements [contract.Schedules].
func (s *Store) PutSchedules(ctx context.Context, puts []contract.PutSchedule) ([]contract.PutResult, error) {
	ids := make([]string, len(puts))
	for i := range puts {
		p := &puts[i]
		if p.ID == "" || p.Job == "" || p.After == nil {
			return nil, fmt.Errorf("put schedule %q: it needs an ID, a job and slots", p.ID)
		}
		ids[i] = p.ID
	}
	e := edit{latest: s.latest, want: make([]change, len(puts))}
	for i := range puts {
		e.want[i] = change{id: ids[i], match: puts[i].Match, after: puts[i].After, keepPaused: puts[i].KeepPaused, at: puts[i].At, by: puts[i].UpdatedBy, put: &puts[i]}
	}
	if err := s.db.Write(ctx, "schedules", ids, e.run); err != nil {
		return nil, fmt.Errorf("put schedules: %w", s.db.Explain(err))
	}
	return e.out, nil
}

// PauseSchedule implements [contract.Schedules].
func (s *Store) PauseSchedule(ctx context.Context, p contract.PauseSchedule) (contract.PutResult, error) {
	e := edit{latest: s.latest, want: []change{{id: p.ID, match: p.Match, after: p.After, keepPaused: p.KeepPaused, at: p.At, by: p.Actor, pause: &p}}}
	return s.one(ctx, "pause", &e)
}

// DeleteSchedule implements [contract.Schedules].
func (s *Store) DeleteSchedule(ctx context.Context, id string, match int64) (contract.PutResult, error) {
	return s.one(ctx, "delete", &edit{latest: s.latest, want: []change{{id: id, match: match}}})
}

func (s *Store) one(ctx context.Context, what string, e *edit) (contract.PutResult, error) {
	id := e.want[0].id
	if err := s.db.Write(ctx, "schedule", []string{id}, e.run); err != nil {
		return contract.PutResult{}, fmt.Errorf("%s schedule %q: %w", what, id, s.db.Explain(err))
	}
	if e.out[0].Outcome == "" {
		return contract.PutResult{}, fmt.Errorf("schedule %q: %w", id, cron.ErrNotFound)
	}
	return e.out[0], nil
}

// newRevision returns a number that is greater than was, that no other change in this process has, and that hardly any
// change in another process has.
func (e *edit) newRevision(was, now int64) int64 {
	for {
		last := e.latest.Load()
		next := max(now*1000+rand.Int64N(1000), was+1, last+1)
		if e.latest.CompareAndSwap(last, next) {
			return next
		}
	}
}

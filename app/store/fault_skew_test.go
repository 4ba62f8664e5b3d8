//go:build unix

package store_test

import (
	"context"
	"reflect"
	"sync"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/plan"
)

// skewed makes a process one whose clock is off. Its clock cannot be set, but nothing that a process
// tells the database or hears from it is more than a difference to its clock: so every instant that goes
// out is moved by as much as the clock is ahead, and every one that comes in is moved back. The process
// then does and says what one does that is up at another time, to a database whose clock is right. Its
// schedules are the same to both as long as the skew is a multiple of their periods.
type skewed struct {
	contract.Store
	by time.Duration // negative: behind
}

var timeType = reflect.TypeFor[time.Time]()

// moved returns a copy of what is told, with every instant in it moved.
func moved[T any](told T, by time.Duration) T {
	v := reflect.ValueOf(&told).Elem()
	move(v, by)
	return told
}

func move(v reflect.Value, by time.Duration) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == timeType {
			if at := v.Interface().(time.Time); !at.IsZero() {
				v.Set(reflect.ValueOf(at.Add(by)))
			}
			return
		}
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() {
				move(f, by)
			}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			other := reflect.New(v.Type().Elem())
			other.Elem().Set(v.Elem())
			move(other.Elem(), by)
			v.Set(other)
		}
	case reflect.Slice:
		if v.IsNil() || v.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		other := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(other, v)
		for i := range other.Len() {
			move(other.Index(i), by)
		}
		v.Set(other)
	case reflect.Map:
		if v.IsNil() {
			return
		}
		other := reflect.MakeMapWithSize(v.Type(), v.Len())
		for key, value := range v.Seq2() {
			e := reflect.New(v.Type().Elem()).Elem()
			e.Set(value)
			move(e, by)
			other.SetMapIndex(key, e)
		}
		v.Set(other)
	default:
	}
}

func (s *skewed) Sync(ctx context.Context, p contract.Program) (contract.Synced, error) {
	out, err := s.Store.Sync(ctx, moved(p, s.by))
	return moved(out, -s.by), err
}

func (s *skewed) Claim(ctx context.Context, claims []contract.Claim) ([]contract.Claimed, error) {
	out, err := s.Store.Claim(ctx, moved(claims, s.by))
	return moved(out, -s.by), err
}

func (s *skewed) Start(ctx context.Context, start contract.Start) (contract.StartOutcome, error) {
	return s.Store.Start(ctx, moved(start, s.by))
}

func (s *skewed) Finish(ctx context.Context, f contract.Finish) error {
	return s.Store.Finish(ctx, moved(f, s.by))
}

func (s *skewed) Beat(ctx context.Context, b contract.Beat) ([]contract.LeasedRun, error) {
	out, err := s.Store.Beat(ctx, moved(b, s.by))
	return moved(out, -s.by), err
}

func (s *skewed) Expired(ctx context.Context, limit int) ([]cron.Record, error) {
	out, err := s.Store.Expired(ctx, limit)
	return moved(out, -s.by), err
}

func (s *skewed) Take(ctx context.Context, takes []contract.Take) ([]bool, error) {
	return s.Store.Take(ctx, moved(takes, s.by))
}

func (s *skewed) Note(ctx context.Context, notes []contract.Note) error {
	return s.Store.Note(ctx, moved(notes, s.by))
}

func (s *skewed) Prune(ctx context.Context, p contract.Prune) (int, error) {
	p.Cutoff = moved(p.Cutoff, s.by)
	return s.Store.Prune(ctx, p)
}

func (s *skewed) States(ctx context.Context, names ...string) (map[string]contract.State, error) {
	out, err := s.Store.States(ctx, names...)
	return moved(out, -s.by), err
}

func (s *skewed) Outline(ctx context.Context) (map[string]contract.State, error) {
	out, err := s.Store.Outline(ctx)
	return moved(out, -s.by), err
}

func (s *skewed) Runs(ctx context.Context, q contract.Query) ([]cron.Record, error) {
	out, err := s.Store.Runs(ctx, moved(q, s.by))
	return moved(out, -s.by), err
}

func (s *skewed) Run(ctx context.Context, id string) (cron.Record, error) {
	out, err := s.Store.Run(ctx, id)
	return moved(out, -s.by), err
}

func (s *skewed) Overrides(ctx context.Context) ([]plan.Override, error) {
	out, err := s.Store.Overrides(ctx)
	return moved(out, -s.by), err
}

func (s *skewed) Upcoming(ctx context.Context) (contract.Upcoming, error) {
	out, err := s.Store.Upcoming(ctx)
	return moved(out, -s.by), err
}

// DueSchedules tells the process of other expressions, so that its slots are those of the others. One whose clock is off
// by parts of a second leaves stored schedules to the others: there is no such expression.
func (s *skewed) DueSchedules(ctx context.Context, until time.Time, except []string, limit int) ([]contract.Schedule, error) {
	if s.by%time.Second != 0 {
		return nil, nil
	}
	out, err := s.Store.DueSchedules(ctx, moved(until, s.by), except, limit)
	out = moved(out, -s.by)
	for i := range out {
		out[i].Expr = movedExpr(out[i].Expr, -s.by)
	}
	return out, err
}

func (s *skewed) DueRuns(ctx context.Context, until time.Time, except []string, limit int) ([]cron.Record, error) {
	out, err := s.Store.DueRuns(ctx, moved(until, s.by), except, limit)
	return moved(out, -s.by), err
}

// telling marks that the database has answered, and when a process has made its jobs known.
type telling struct {
	contract.Store
	marker *marker
	mu     sync.Mutex
	told   time.Time
}

func (s *telling) Sync(ctx context.Context, p contract.Program) (contract.Synced, error) {
	s.marker.write(mark{Kind: "asked"})
	out, err := s.Store.Sync(ctx, p)
	if err == nil {
		s.marker.write(mark{Kind: "known"})
	}
	return out, err
}

func (s *telling) Claim(ctx context.Context, claims []contract.Claim) ([]contract.Claimed, error) {
	out, err := s.Store.Claim(ctx, claims)
	s.well(err)
	return out, err
}

func (s *telling) Beat(ctx context.Context, b contract.Beat) ([]contract.LeasedRun, error) {
	out, err := s.Store.Beat(ctx, b)
	s.well(err)
	return out, err
}

// well marks that the database was reached, not all too often.
func (s *telling) well(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); err == nil && now.Sub(s.told) >= 20*time.Millisecond {
		s.told = now
		s.marker.write(mark{Kind: "well"})
	}
}

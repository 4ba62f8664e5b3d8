package schedule

import (
	"iter"
	"time"
)

// Options are the settings that an expression may leave open.
type Options struct {
	// Location is the zone of an expression without a TZ= or CRON_TZ= prefix.
	//
	// Optional. Default: UTC
	Location *time.Location

	// Seed is what H hashes: the job's name.
	//
	// Optional. Default: ""
	Seed string
}

// Schedule is a parsed expression: a function from an instant to the next slot. It is a pointer to immutable data,
// cheap to copy and safe for concurrent use. The zero Schedule never fires.
type Schedule struct{ p *plan }

// kind is the form of an expression.
type kind uint8

const (
	kindCron     kind = iota // five or six fields, or a macro that stands for five
	kindEvery                // @every
	kindAt                   // @at
	kindOnDemand             // @ondemand
)

// plan is a parsed expression.
type plan struct {
	kind kind
	loc  *time.Location
	seed string

	calendar           // kindCron
	fields   [6]string // kindCron: the fields as written; fields[0] is "" when there were five
	memo     memo      // kindCron: the segment last used

	millis int64 // kindEvery: the interval; kindAt: the instant since the Unix epoch
}

// Next returns the first slot strictly after the given instant, in the zone of Location. It returns false if there is
// none. It does not allocate.
//
// Next is exact for instants from 1970 to 2199, as far as the tz database is. Outside that span, between the years 1
// and 9999, it applies the same rules to what the database has: local mean time before the first zone rule, the
// last rule from then on. An earlier instant counts as the start of year 1. There is no slot after 9999, the last year
// of RFC 3339.
func (s Schedule) Next(after time.Time) (time.Time, bool) {
	if s.p == nil {
		return time.Time{}, false
	}
	switch s.p.kind {
	case kindEvery:
		return s.p.nextEvery(after)
	case kindAt:
		return s.p.nextAt(after)
	case kindOnDemand:
		return time.Time{}, false
	}
	return s.p.nextCron(after)
}

// OnDemand is the expression of no slots at all.
const OnDemand = "@ondemand"

// OnDemand reports whether s has no slots by its own expression, @ondemand.
func (s Schedule) OnDemand() bool { return s.p != nil && s.p.kind == kindOnDemand }

// Between yields the slots in (after, until], in order.
func (s Schedule) Between(after, until time.Time) iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		for t, ok := s.Next(after); ok && !t.After(until); t, ok = s.Next(t) {
			if !yield(t) {
				return
			}
		}
	}
}

// Location is the zone of the expression; UTC for the zero Schedule.
func (s Schedule) Location() *time.Location {
	if s.p == nil {
		return time.UTC
	}
	return s.p.loc
}

// IsZero reports whether s is the zero Schedule, which never fires.
func (s Schedule) IsZero() bool { return s.p == nil }

// Next returns the first slot of any of the schedules after t, or false if there is none.
func Next(schedules []Schedule, t time.Time) (next time.Time, ok bool) {
	if len(schedules) == 1 {
		return schedules[0].Next(t)
	}
	for _, s := range schedules {
		if n, fires := s.Next(t); fires && (!ok || n.Before(next)) {
			next, ok = n, true
		}
	}
	return next, ok
}

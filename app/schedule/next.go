package schedule

import "time"

const (
	// Debian's cron 3.0pl1 takes a clock that has moved by more than its limit of
	// three hours for a correction: its loop compares the minute it wakes in with
	// the minute it expected to be the last, so that a clock set forward by
	// exactly three hours is beyond the limit, and one set back by as much is not.
	maxForward = 3*hour - 1
	maxBack    = 3 * hour

	// No zone is further from UTC than this: POSIX has 24:59:59 as its limit.
	maxOffset = 26 * hour
)

// nextCron finds the first instant after the given one at which the calendar
// matches, by Debian's rules where the clock on the wall is moved.
func (p *plan) nextCron(after time.Time) (time.Time, bool) {
	t := max(after.Unix(), minWall-maxOffset) + 1
	if t > maxWall+maxOffset {
		return time.Time{}, false
	}
	if p.loc == time.UTC {
		w, ok := p.search(max(t, minWall))
		if !ok {
			return time.Time{}, false
		}
		return time.Unix(w, 0).UTC(), true
	}
	for {
		seg := p.memo.segmentAt(p.loc, t)
		w := max(t+seg.offset, minWall)
		if t-seg.start <= maxBack {
			var fires bool
			if w, fires = p.afterChange(seg, t, w); fires {
				return time.Unix(t, 0).In(p.loc), true
			}
		}
		found, ok := p.search(w)
		if !ok {
			return time.Time{}, false
		}
		if found-seg.offset < seg.end {
			return time.Unix(found-seg.offset, 0).In(p.loc), true
		}
		// Nothing matches from w to found. Segments that show only such walls,
		// whatever their offset, need no look.
		if t = seg.end; t > w+maxOffset {
			t = max(t, found-maxOffset)
		}
	}
}

// afterChange applies the rules for an instant t, wall w, that lies at or soon
// after a change of the clock: whether t is itself a slot because of it, and
// else from which wall on to search.
func (p *plan) afterChange(seg segment, t, w int64) (from int64, fires bool) {
	at, before, ok := seg.change(p.loc, t-maxBack)
	if !ok {
		return w, false
	}
	old, now := at+before, at+seg.offset // the walls that met at the change
	switch {
	case p.wild:
		// The minute in which the clock arrived has begun, even if its first
		// second never was: Liberia, 1972, 44 minutes and 30 seconds.
		if t == at && p.seconds == 1 && floorDiv(now, minute) != floorDiv(old-1, minute) {
			return w, p.matches(now - now%minute)
		}
		return w, false
	case now > old && now-old <= maxForward:
		if t == at {
			// A fixed time in the gap is due now.
			if skipped, ok := p.search(old); ok && skipped < now {
				return w, true
			}
		}
	case now < old && old-now <= maxBack:
		// Fixed times wait until the clock shows something new.
		return max(w, old), false
	}
	return w, false
}

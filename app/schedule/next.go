package schedule

import "time"

const (
	// Debian's cron 3.0pl1 takes a change beyond three hours for a correction. Its loop compares the current minute
	// with the minute it expected last: exactly three hours forward is beyond the limit, three hours back is not.
	maxForward = 3*hour - 1
	maxBack    = 3 * hour

	// No zone is further from UTC: the limit of POSIX is 24:59:59.
	maxOffset = 26 * hour
)

// nextCron finds the first instant after the given one at which the calendar matches. It applies Debian's rules at
// clock changes.
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
		// Nothing matches from w to found. Skip segments that lie in between at any offset.
		if t = seg.end; t > w+maxOffset {
			t = max(t, found-maxOffset)
		}
	}
}

// afterChange applies the rules for an instant t, wall time w, at or soon after a clock change. It reports whether t is
// a slot because of the change, and otherwise the wall time from which to search.
func (p *plan) afterChange(seg segment, t, w int64) (from int64, fires bool) {
	at, before, ok := seg.change(p.loc, t-maxBack)
	if !ok {
		return w, false
	}
	old, now := at+before, at+seg.offset // the walls that met at the change
	switch {
	case p.wild:
		// The minute at which the clock arrived has begun, even if its first second never existed: Liberia, 1972, 44
		// minutes and 30 seconds.
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
		// Fixed times wait until the clock has passed its old reading.
		return max(w, old), false
	}
	return w, false
}

package schedule

import (
	"math"
	"sync/atomic"
	"time"
)

// segment is a span of time in which the UTC offset of a zone is constant.
type segment struct {
	start, end int64 // [start, end)
	offset     int64 // wall = instant + offset
}

// segmentAt returns the segment around an instant. It may be too short (a change of name only, a false bound at New
// Year), never too long.
func segmentAt(loc *time.Location, t int64) segment {
	at := time.Unix(t, 0).In(loc)
	_, offset := at.Zone()
	seg := segment{start: math.MinInt64 / 2, end: math.MaxInt64 / 2, offset: int64(offset)}
	start, end := at.ZoneBounds()
	if !start.IsZero() {
		seg.start = start.Unix()
	}
	if !end.IsZero() {
		seg.end = end.Unix()
	}
	// On 31 December of a leap year the end may lie before t (golang/go 81583). Use hourly bounds then.
	if seg.end <= t {
		seg.end = floorDiv(t, hour)*hour + hour
	}
	if seg.start > t {
		seg.start = floorDiv(t, hour) * hour
	}
	// In the year in which a zone's table ends and its rule begins, the start may lie before the table's last entry.
	// The previous segment's end is the true start.
	for !start.IsZero() {
		_, end := time.Unix(seg.start, 0).In(loc).ZoneBounds()
		if end.IsZero() || end.Unix() <= seg.start || end.Unix() > t {
			break
		}
		seg.start = end.Unix()
	}
	return seg
}

// change returns the instant of the last change to this segment's offset, and the offset before it. It returns false if
// that was before since.
func (seg segment) change(loc *time.Location, since int64) (at, before int64, ok bool) {
	for at = seg.start; at >= since; {
		prev := segmentAt(loc, at-1)
		if prev.offset != seg.offset {
			return at, prev.offset, true
		}
		at = prev.start
	}
	return 0, 0, false
}

// memo caches one segment, because consecutive calls nearly always need the same one and a lookup in a zone's rule
// takes 100 ns. It is a sequence lock: readers never wait, and a read during a write is a miss. The zero memo is empty.
type memo struct {
	version            atomic.Uint64 // odd while being written
	start, end, offset atomic.Int64
}

func (m *memo) segmentAt(loc *time.Location, t int64) segment {
	version := m.version.Load()
	seg := segment{m.start.Load(), m.end.Load(), m.offset.Load()}
	if seg.start <= t && t < seg.end && version&1 == 0 && m.version.Load() == version {
		return seg
	}
	seg = segmentAt(loc, t)
	if version&1 == 0 && m.version.CompareAndSwap(version, version+1) {
		m.start.Store(seg.start)
		m.end.Store(seg.end)
		m.offset.Store(seg.offset)
		m.version.Store(version + 2)
	}
	return seg
}

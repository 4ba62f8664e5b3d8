package schedule

import (
	"fmt"
	"time"
)

// NoteKind is the effect of a clock change on a run.
type NoteKind string

// The kinds of note.
const (
	Moved    NoteKind = "moved"    // a fixed time that does not exist that day is run right after the gap
	Dropped  NoteKind = "dropped"  // a time that does not exist that day is not run
	Repeated NoteKind = "repeated" // a time that comes twice is run both times
	Once     NoteKind = "once"     // a fixed time that comes twice is run the first time only
)

// Note describes the effect of one clock change on a schedule.
type Note struct {
	At   time.Time // the instant of the change, in the schedule's zone
	Kind NoteKind
	Text string // one sentence in plain English, with its full stop
}

// String returns the text.
func (n Note) String() string { return n.Text }

// Notes returns the effects of clock changes in (from, until] on runs, in order, at most one per change. A run that
// follows elapsed time has none unless the change drops or moves it: every five minutes stays every five minutes.
func (s Schedule) Notes(from, until time.Time) []Note {
	if s.p == nil || s.p.kind != kindCron || s.p.loc == time.UTC {
		return nil
	}
	var notes []Note
	last := min(until.Unix(), maxWall)
	seg := segmentAt(s.p.loc, max(from.Unix(), minWall))
	for seg.end <= last {
		at, before := seg.end, seg.offset
		seg = segmentAt(s.p.loc, at)
		if note, ok := s.p.note(at, at+before, at+seg.offset); ok {
			notes = append(notes, note)
		}
	}
	return notes
}

// note describes one change, at which the wall time went from old to now.
func (p *plan) note(at, old, now int64) (Note, bool) {
	shift := now - old
	var walls []int64
	for w, ok := p.search(min(old, now)); ok && w < max(old, now); w, ok = p.search(w + 1) {
		// In elapsed time, the run that w would have been is at w+shift. If that exists, the change drops and adds
		// nothing.
		if p.wild && p.matches(w+shift) {
			continue
		}
		walls = append(walls, w)
	}
	if len(walls) == 0 {
		return Note{}, false
	}
	var kind NoteKind
	var verb, outcome string
	one := len(walls) == 1
	switch {
	case shift > 0 && shift <= maxForward && !p.wild:
		kind, verb = Moved, pick(one, "does not exist", "do not exist")
		outcome = pick(one, "the job runs at "+reading(now)+" instead", "one run at "+reading(now)+" stands for them")
	case shift > 0:
		kind, verb = Dropped, pick(one, "does not exist", "do not exist")
		outcome = pick(one, "that run is dropped", "those runs are dropped")
	case shift >= -maxBack && !p.wild:
		kind, verb = Once, pick(one, "comes twice", "come twice")
		outcome = "the job runs the first time only"
	default:
		kind, verb = Repeated, pick(one, "comes twice", "come twice")
		outcome = "the job runs both times"
	}
	day := time.Unix(walls[0], 0).UTC().Format("Monday 2 January 2006")
	text := fmt.Sprintf("%s %s on %s in %s, when the clock goes %s from %s to %s: %s.",
		readings(walls), verb, day, p.loc, pick(shift > 0, "forward", "back"), turn(old, shift), turn(now, shift), outcome)
	return Note{At: time.Unix(at, 0).In(p.loc), Kind: kind, Text: text}, true
}

func pick(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// reading formats the time of day of a wall time.
func reading(w int64) string {
	layout := "15:04"
	if w%minute != 0 {
		layout = "15:04:05"
	}
	return time.Unix(w, 0).UTC().Format(layout)
}

// turn formats the wall time of a change, with its date if the date changes.
func turn(w, shift int64) string {
	if max(shift, -shift) < 12*hour {
		return reading(w)
	}
	return reading(w) + time.Unix(w, 0).UTC().Format(" on 2 January")
}

// readings lists wall times, only the first two if there are more than three.
func readings(walls []int64) string {
	var parts []string
	for i, w := range walls {
		if i == 2 && len(walls) > 3 {
			parts = append(parts, fmt.Sprintf("%d more times", len(walls)-i))
			break
		}
		parts = append(parts, reading(w))
	}
	return list(parts)
}

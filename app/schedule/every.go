package schedule

import (
	"strings"
	"time"
)

// minEvery is the shortest interval of @every. Below it, a scheduler would do little but keep time.
const minEvery = 10 * time.Millisecond

// parseEvery reads the interval of @every. Its slots are multiples of the interval since the Unix epoch, the same in
// every process and after every restart.
func (p *plan) parseEvery(text string) *Error {
	const field = "interval"
	d, err := time.ParseDuration(text)
	switch {
	case text == "":
		return wrong(field, text, "@every needs an interval").hint("@every 5m")
	case err != nil:
		e := wrong(field, text, "interval %q is not a duration like 90s, 5m or 1h30m", text)
		if n, ok := strings.CutSuffix(text, "d"); ok {
			if days, ok := number(n); ok && days > 0 {
				return e.hint("hours are the largest unit: @every %dh", 24*days)
			}
		}
		if n, ok := number(text); ok && n > 0 {
			return e.hint("add a unit, as in @every %ss or @every %sm", text, text)
		}
		if joined := strings.ReplaceAll(text, " ", ""); joined != text {
			if _, err := time.ParseDuration(joined); err == nil {
				return e.didYouMean("@every " + joined)
			}
		}
		return e
	case d < minEvery:
		return wrong(field, text, "interval %s is shorter than the smallest, %s", text, minEvery)
	case d%time.Millisecond != 0:
		return wrong(field, text, "interval %s is not a whole number of milliseconds", text)
	}
	p.kind, p.millis = kindEvery, d.Milliseconds()
	return nil
}

// parseAt reads the instant of @at.
func (p *plan) parseAt(text string) *Error {
	const field = "instant"
	at, err := time.Parse(time.RFC3339Nano, text)
	switch {
	case text == "":
		return wrong(field, text, "@at needs an instant").hint("@at 2027-01-01T00:00:00Z")
	case err != nil:
		e := wrong(field, text, "instant %q is not in RFC 3339 form, like 2027-01-01T00:00:00Z", text)
		for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
			if at, err := time.ParseInLocation(layout, text, p.loc); err == nil {
				return e.didYouMean("@at " + at.Format(time.RFC3339))
			}
		}
		return e
	case at.Year() < 1970:
		return wrong(field, text, "instant %s is before 1970", text)
	case at.Nanosecond()%int(time.Millisecond) != 0:
		return wrong(field, text, "instant %s is finer than a millisecond", text)
	}
	p.kind, p.millis = kindAt, at.UnixMilli()
	return nil
}

func (p *plan) nextEvery(after time.Time) (time.Time, bool) {
	s := after.Unix()
	if s < minWall {
		after = time.Unix(minWall, 0)
	}
	next := floorDiv(after.UnixMilli(), p.millis)*p.millis + p.millis
	if s > maxWall || next > maxWall*1000+999 {
		return time.Time{}, false
	}
	return time.UnixMilli(next).In(p.loc), true
}

func (p *plan) nextAt(after time.Time) (time.Time, bool) {
	at := time.UnixMilli(p.millis)
	if !at.After(after) {
		return time.Time{}, false
	}
	return at.In(p.loc), true
}

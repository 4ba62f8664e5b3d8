package schedule

import (
	"strconv"
	"strings"
	"time"
)

// String returns the canonical text. Parsed with the same seed, it fires at the same instants and has the same text.
// Names become numbers, macros become fields, Sunday is 0, H stays H; a zone other than UTC is a CRON_TZ= prefix. (A
// zone from elsewhere, such as time.FixedZone, has a name that Parse cannot load.) The zero Schedule is "".
func (s Schedule) String() string {
	if s.p == nil {
		return ""
	}
	b := make([]byte, 0, 64)
	if s.p.loc != time.UTC {
		b = append(append(append(b, "CRON_TZ="...), s.p.loc.String()...), ' ')
	}
	switch s.p.kind {
	case kindEvery:
		return string(append(append(b, "@every "...), (time.Duration(s.p.millis) * time.Millisecond).String()...))
	case kindOnDemand:
		return string(append(b, OnDemand...))
	case kindAt:
		return string(time.UnixMilli(s.p.millis).UTC().AppendFormat(append(b, "@at "...), time.RFC3339Nano))
	}
	for i, text := range s.p.fields {
		if text == "" {
			continue
		}
		// Parse has accepted the field, so this cannot fail.
		_ = fields[i].items(text, func(it item) { b = append(it.append(b), ',') })
		b[len(b)-1] = ' '
	}
	return string(b[:len(b)-1])
}

// append writes an item in its canonical form.
func (it item) append(b []byte) []byte {
	num := func(n int) { b = strconv.AppendInt(b, int64(n), 10) }
	span := func() {
		num(it.lo)
		b = append(b, '-')
		num(it.hi)
	}
	step := it.step
	switch it.form {
	case formAny:
		if it.question {
			return append(b, '?')
		}
		b = append(b, '*')
	case formRange:
		if it.lo == it.hi {
			num(it.lo)
			return b
		}
		span()
	case formFrom:
		num(it.lo)
		b = append(b, '/')
		num(it.step)
		return b
	case formHash:
		b = append(b, 'H')
		if it.bounded {
			b = append(b, '(')
			span()
			b = append(b, ')')
		}
		if step == 1 { // H/1 is every value, H only one
			step = 0
			b = append(b, "/1"...)
		}
	case formLast, formLastWeekday:
		b = append(b, 'L')
		if it.lo > 0 {
			b = append(b, '-')
			num(it.lo)
		}
		if it.form == formLastWeekday {
			b = append(b, 'W')
		}
		return b
	case formNearest:
		num(it.lo)
		return append(b, 'W')
	case formWorkdays:
		return append(b, 'W')
	case formLastNamed:
		num(it.lo)
		return append(b, 'L')
	case formNth:
		num(it.lo)
		b = append(b, '#')
		num(it.hi)
		return b
	}
	if step > 1 {
		b = append(b, '/')
		num(step)
	}
	return b
}

// Key is equal for schedules with the same values, day rule and zone name, after H, names and macros are resolved. Jobs
// with equal keys can share one trigger. (Different keys may still fire at the same instants, as */30 and @every 30m
// do.) The zero Schedule's key is "".
func (s Schedule) Key() string {
	if s.p == nil {
		return ""
	}
	b := make([]byte, 0, 96)
	part := func(n uint64) { b = strconv.AppendUint(append(b, ' '), n, 16) }
	flag := func(set bool, c byte) {
		if set {
			b = append(b, ' ', c)
		}
	}
	switch s.p.kind {
	case kindEvery:
		return "every " + strconv.FormatInt(s.p.millis, 10)
	case kindOnDemand:
		return "ondemand"
	case kindAt:
		return "at " + strconv.FormatInt(s.p.millis, 10)
	}
	c, d := &s.p.calendar, &s.p.days
	b = append(b, "cron"...)
	for _, mask := range []uint64{c.seconds, c.minutes, uint64(c.hours), uint64(d.dates), uint64(c.months), uint64(d.weekdays)} {
		part(mask)
	}
	if *d != (days{dates: d.dates, weekdays: d.weekdays, either: d.either}) {
		for _, mask := range []uint64{uint64(d.beforeLast), uint64(d.nearest), uint64(d.nearestLast), uint64(d.lastOf)} {
			part(mask)
		}
		for _, set := range d.nth {
			part(uint64(set))
		}
		flag(d.workdays, 'w')
	}
	flag(d.either, '|')
	if s.p.loc == time.UTC {
		return string(b)
	}
	// Following elapsed time matters only in zones with clock changes. Custom zones may share a name, so their offset
	// is added.
	flag(c.wild, '*')
	b = append(append(b, ' '), s.p.loc.String()...)
	if _, offset := time.Unix(0, 0).In(s.p.loc).Zone(); !strings.Contains(s.p.loc.String(), "/") {
		b = strconv.AppendInt(append(b, ' '), int64(offset), 10)
	}
	return string(b)
}

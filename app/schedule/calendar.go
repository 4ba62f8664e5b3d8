package schedule

import "math/bits"

// calendar holds the matching wall times. A wall time is a date and time of day without a zone, counted in seconds as
// if it were UTC since 1970, so that calendar arithmetic is integer arithmetic. nextCron applies the zone.
type calendar struct {
	seconds, minutes uint64
	hours            uint32
	months           uint16 // bit 1 is January
	days             days
	first            int64 // the first matching second of a day
	wild             bool  // hour or minute starts with *: follows elapsed time
}

// days is the rule for the two day fields.
type days struct {
	dates       uint32   // day of month: bit 1 is the 1st
	beforeLast  uint32   // L-n: bit n
	nearest     uint32   // nW: bit n
	nearestLast uint32   // L-nW: bit n
	workdays    bool     // W
	weekdays    uint8    // day of week: bit 0 is Sunday
	lastOf      uint8    // nL: bit n
	nth         [5]uint8 // n#i: bit n of nth[i-1]
	either      bool     // both fields are restricted: one that matches is enough
}

const (
	everyDate    = 1<<32 - 2
	everyWeekday = 1<<7 - 1
	workdays     = 1<<6 - 2

	minute = 60
	hour   = 60 * minute
	day    = 24 * hour

	maxYear = 9999
	minWall = -62135596800 // 0001-01-01T00:00:00
	maxWall = 253402300799 // 9999-12-31T23:59:59
)

// simplify makes equal values of the most common rules that match the same days.
func (d *days) simplify() {
	if d.dates == everyDate {
		d.beforeLast, d.nearest, d.nearestLast, d.workdays = 0, 0, 0, false
	}
	if d.weekdays == everyWeekday {
		d.lastOf, d.nth = 0, [5]uint8{}
	}
	if d.either && (d.dates == everyDate || d.weekdays == everyWeekday) {
		*d = days{dates: everyDate, weekdays: everyWeekday}
	}
}

// search returns the first matching wall time at or after w, or false if there is none up to the end of the year 9999.
func (c *calendar) search(w int64) (int64, bool) {
	today := floorDiv(w, day)
	year, month, date := civil(today)
	if year > maxYear {
		return 0, false
	}
	if c.months>>month&1 != 0 {
		first := today - int64(date-1)
		match := c.days.in(year, month, weekday(first)) >> date
		if match&1 != 0 {
			if s, ok := c.timeAt(int(w - today*day)); ok {
				return today*day + s, true
			}
		}
		if match >>= 1; match != 0 {
			return (today+1+int64(bits.TrailingZeros32(match)))*day + c.first, true
		}
	}
	for {
		if later := c.months >> (month + 1); later != 0 {
			month += 1 + bits.TrailingZeros16(later)
		} else {
			if year++; year > maxYear {
				return 0, false
			}
			month = bits.TrailingZeros16(c.months)
		}
		first := daysTo(year, month)
		if match := c.days.in(year, month, weekday(first)); match != 0 {
			return (first+int64(bits.TrailingZeros32(match))-1)*day + c.first, true
		}
	}
}

// matches reports whether the wall w itself matches.
func (c *calendar) matches(w int64) bool {
	m, ok := c.search(w)
	return ok && m == w
}

// timeAt returns the first matching second of a day at or after s.
func (c *calendar) timeAt(s int) (int64, bool) {
	h, m, s := s/hour, s/minute%60, s%60
	if c.hours>>h&1 != 0 {
		if c.minutes>>m&1 != 0 {
			if rest := c.seconds >> s; rest != 0 {
				return int64(h*hour + m*minute + s + bits.TrailingZeros64(rest)), true
			}
		}
		if rest := c.minutes >> (m + 1); rest != 0 {
			m += 1 + bits.TrailingZeros64(rest)
			return int64(h*hour + m*minute + bits.TrailingZeros64(c.seconds)), true
		}
	}
	rest := c.hours >> (h + 1)
	if rest == 0 {
		return 0, false
	}
	h += 1 + bits.TrailingZeros32(rest)
	return int64(h*hour + bits.TrailingZeros64(c.minutes)*minute + bits.TrailingZeros64(c.seconds)), true
}

// in returns the matching dates of a month that starts on weekday first. Bit 1 is the 1st.
func (d *days) in(year, month, first int) uint32 {
	length := monthLength(year, month)
	exist := uint32(1)<<(length+1) - 2
	if d.dates == everyDate && d.weekdays == everyWeekday {
		return exist
	}
	dates, named := d.dates, everyMonthWeek(d.weekdays, first)
	if d.beforeLast|d.nearest|d.nearestLast != 0 || d.workdays {
		dates |= d.special(length, first)
	}
	if d.lastOf != 0 || d.nth != [5]uint8{} {
		named |= d.specialNamed(length, first)
	}
	if d.either {
		return (dates | named) & exist
	}
	return dates & named & exist
}

// everyMonthWeek repeats a set of weekdays over a month that starts on first.
func everyMonthWeek(set uint8, first int) uint32 {
	week := uint32(set) | uint32(set)<<7
	week = week >> first & everyWeekday
	return (week | week<<7 | week<<14 | week<<21 | week<<28) << 1
}

// special resolves W, L-n, nW and L-nW in a month.
func (d *days) special(length, first int) uint32 {
	var m uint32
	if d.workdays {
		m = everyMonthWeek(workdays, first)
	}
	for set := d.beforeLast; set != 0; set &= set - 1 {
		if date := length - bits.TrailingZeros32(set); date >= 1 {
			m |= 1 << date
		}
	}
	for set := d.nearest; set != 0; set &= set - 1 {
		if date := bits.TrailingZeros32(set); date <= length {
			m |= 1 << nearestWorkday(date, length, first)
		}
	}
	for set := d.nearestLast; set != 0; set &= set - 1 {
		if date := length - bits.TrailingZeros32(set); date >= 1 {
			m |= 1 << nearestWorkday(date, length, first)
		}
	}
	return m
}

// nearestWorkday moves a Saturday to Friday and a Sunday to Monday within the month: Saturday the 1st moves to the 3rd,
// a Sunday at the end to the Friday before it.
func nearestWorkday(date, length, first int) int {
	switch (first + date - 1) % 7 {
	case 6: // Saturday
		if date == 1 {
			return 3
		}
		return date - 1
	case 0: // Sunday
		if date == length {
			return date - 2
		}
		return date + 1
	}
	return date
}

// specialNamed resolves n#i and nL in a month.
func (d *days) specialNamed(length, first int) uint32 {
	var m uint32
	for i, set := range d.nth {
		m |= everyMonthWeek(set, first) & (everyWeekday << (7*i + 1))
	}
	return m | everyMonthWeek(d.lastOf, first)&(everyWeekday<<(length-6))
}

// weekday returns the weekday of a day counted from 1 January 1970, a Thursday.
func weekday(n int64) int {
	return int(n - floorDiv(n+4, 7)*7 + 4)
}

func monthLength(year, month int) int {
	if month == 2 {
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 30 + (month+month>>3)&1
}

// civil converts days since 1970 to a date, and daysTo the first of a month to days since 1970, in the proleptic
// Gregorian calendar. Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
func civil(n int64) (year, month, date int) {
	n += 719468
	era := floorDiv(n, 146097)
	doe := n - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	year, month, date = int(yoe+era*400), int(mp+3), int(doy-(153*mp+2)/5+1)
	if month > 12 {
		return year + 1, month - 12, date
	}
	return year, month, date
}

func daysTo(year, month int) int64 {
	y, m := int64(year), int64(month)
	if m <= 2 {
		y--
		m += 12
	}
	era := floorDiv(y, 400)
	yoe := y - era*400
	doy := (153*(m-3) + 2) / 5
	return era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

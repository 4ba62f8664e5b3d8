package schedule

import "strings"

// special parses items that depend on the month: L, L-3, LW, L-3W, 15W and W in day of month, 5L and 5#2 in day of
// week. It returns false if s is none of them.
func (f *field) special(s, base string, stepped bool) (item, bool, *Error) {
	var it item
	var ok bool
	var err *Error
	switch f {
	case &fields[fieldDay]:
		it, ok, err = f.specialDay(s, base)
	case &fields[fieldWeekday]:
		it, ok, err = f.specialWeekday(s, base)
	default:
		if last := base[max(0, len(base)-1):]; base == "L" || base == "l" || base == "W" || base == "w" || strings.Contains(base, "#") ||
			(last == "L" || last == "W") && len(f.names) == 0 && len(base) > 1 && base[0] <= '9' {
			return item{}, false, f.wrong(s, "L, W and # stand only in day of month and day of week")
		}
	}
	if ok && stepped {
		return item{}, false, f.wrong(s, "%s takes no step", base)
	}
	return it, ok, err
}

func (f *field) specialDay(s, base string) (item, bool, *Error) {
	body, weekday := cutLetter(base, 'W')
	switch {
	case weekday && body == "":
		return item{form: formWorkdays, step: 1}, true, nil
	case body == "L" || body == "l" || strings.HasPrefix(body, "L-") || strings.HasPrefix(body, "l-"):
		it := item{form: formLast, step: 1}
		if weekday {
			it.form = formLastWeekday
		}
		if len(body) > 1 {
			n, ok := number(body[2:])
			if !ok || n > 30 {
				return item{}, false, f.wrong(s, "L-n counts 0 to 30 days back from the last day of the month")
			}
			it.lo = n
		}
		return it, true, nil
	case weekday:
		day, err := f.value(s, body)
		if err != nil {
			if strings.Contains(body, "-") {
				err = f.wrong(s, "W takes one day, not a range").hint("15W is the weekday nearest the 15th")
			}
			return item{}, false, err
		}
		return item{form: formNearest, lo: day, step: 1}, true, nil
	case strings.Contains(base, "#"):
		return item{}, false, f.wrong(s, "# stands only in day of week")
	}
	return item{}, false, nil
}

func (f *field) specialWeekday(s, base string) (item, bool, *Error) {
	if day, nth, ok := strings.Cut(base, "#"); ok {
		v, err := f.value(s, day)
		if err != nil {
			return item{}, false, err
		}
		n, ok := number(nth)
		if !ok || n < 1 || n > 5 {
			return item{}, false, f.wrong(s, "# counts weeks 1-5, not %q", nth)
		}
		return item{form: formNth, lo: v % 7, hi: n, step: 1}, true, nil
	}
	day, last := cutLetter(base, 'L')
	switch {
	case last && day == "":
		return item{}, false, f.wrong(s, "L alone stands only in day of month").hint("5L is the last Friday of the month")
	case last:
		v, err := f.value(s, day)
		if err != nil {
			return item{}, false, err
		}
		return item{form: formLastNamed, lo: v % 7, step: 1}, true, nil
	}
	if day, ok := cutLetter(base, 'W'); ok {
		if _, isNumber := number(day); isNumber || day == "" || day == "L" {
			return item{}, false, f.wrong(s, "W stands only in day of month").hint("Monday to Friday is MON-FRI")
		}
	}
	return item{}, false, nil
}

// cutLetter removes a capital letter, in either case, from the end of s.
func cutLetter(s string, letter byte) (string, bool) {
	if s == "" || s[len(s)-1]&^0x20 != letter {
		return s, false
	}
	return s[:len(s)-1], true
}

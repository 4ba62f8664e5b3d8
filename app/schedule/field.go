package schedule

import (
	"fmt"
	"strconv"
	"strings"
)

// field is one of the six positions of an expression.
type field struct {
	name     string // in errors
	label    string // what its values are called in "unknown ..."
	min, max int
	hashMax  int      // the last value H takes: day 28 comes in every month
	names    []string // names[i] stands for min+i
}

// The positions, in the order of a six-field expression.
const (
	fieldSecond = iota
	fieldMinute
	fieldHour
	fieldDay
	fieldMonth
	fieldWeekday
)

var fields = [6]field{
	{name: "second", label: "second", min: 0, max: 59, hashMax: 59},
	{name: "minute", label: "minute", min: 0, max: 59, hashMax: 59},
	{name: "hour", label: "hour", min: 0, max: 23, hashMax: 23},
	{name: "day of month", label: "day of month", min: 1, max: 31, hashMax: 28},
	{name: "month", label: "month", min: 1, max: 12, hashMax: 12,
		names: []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}},
	{name: "day of week", label: "day", min: 0, max: 6, hashMax: 6,
		names: []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}},
}

// form is the shape of one item of a field's list.
type form uint8

const (
	formAny         form = iota // * and ?, optionally with a step
	formRange                   // 5, 5-9, 5-9/2
	formFrom                    // 5/2: from 5 to the field's end
	formHash                    // H, H(5-9), H/2
	formLast                    // L, L-lo: day of month
	formLastWeekday             // LW, L-loW: day of month
	formNearest                 // loW: day of month
	formWorkdays                // W: day of month
	formLastNamed               // loL: day of week
	formNth                     // lo#hi: day of week
)

// item is one element of a field's list. lo to hi may wrap around (hi < lo); step is at least 1.
type item struct {
	form         form
	lo, hi, step int
	bounded      bool // formHash: lo and hi were given
	question     bool // formAny: written ?
}

// items calls do for every item of a field's text.
func (f *field) items(text string, do func(item)) *Error {
	for rest, more := text, true; more; {
		var part string
		part, rest, more = strings.Cut(rest, ",")
		if part == "" {
			return f.wrong(text, "a value is missing beside a comma")
		}
		it, err := f.item(part)
		if err != nil {
			return err
		}
		do(it)
	}
	return nil
}

// wrong builds the error `minute "5-x": ...`.
func (f *field) wrong(s, format string, args ...any) *Error {
	return wrong(f.name, s, "%s %q: %s", f.name, s, fmt.Sprintf(format, args...))
}

// item parses one element of a list.
func (f *field) item(s string) (item, *Error) {
	base, stepText, stepped := strings.Cut(s, "/")
	it := item{step: 1}
	var err *Error
	if stepped {
		if it.step, err = f.step(s, stepText); err != nil {
			return item{}, err
		}
	}
	switch {
	case base == "*":
		it.form, it.lo, it.hi = formAny, f.min, f.max
		return it, nil
	case base == "?":
		if f != &fields[fieldDay] && f != &fields[fieldWeekday] {
			return item{}, f.wrong(s, "? stands only in day of month and day of week").didYouMeanPart(s, "*"+strings.TrimPrefix(s, "?"))
		}
		it.form, it.lo, it.hi, it.question = formAny, f.min, f.max, true
		if stepped {
			return item{}, f.wrong(s, "? takes no step").didYouMeanPart(s, "*/"+stepText)
		}
		return it, nil
	case base[:min(1, len(base))] == "H" || base[:min(1, len(base))] == "h":
		return f.hash(it, s, base, stepped)
	}
	if it, ok, err := f.special(s, base, stepped); ok || err != nil {
		return it, err
	}
	return f.span(it, s, base, stepped)
}

// step parses what follows the slash: 1 to the number of values of the field.
func (f *field) step(s, text string) (int, *Error) {
	values := f.max - f.min + 1
	n, ok := number(text)
	switch {
	case !ok:
		return 0, f.wrong(s, "step %q is not a whole number", text)
	case n == 0:
		return 0, f.wrong(s, "step 0 is out of range 1-%d", values)
	case n > values:
		err := f.wrong(s, "step %d is out of range 1-%d", n, values)
		switch f {
		case &fields[fieldSecond]:
			return 0, err.didYouMean("@every " + text + "s").ifOthersOpen()
		case &fields[fieldMinute]:
			return 0, err.didYouMean("@every " + text + "m").ifOthersOpen()
		case &fields[fieldHour]:
			return 0, err.didYouMean("@every " + text + "h").ifOthersOpen()
		}
		return 0, err
	}
	return n, nil
}

// span parses 5, 5-9, 5-9/2 and 5/2, by number or name.
func (f *field) span(it item, s, base string, stepped bool) (item, *Error) {
	if base == "" {
		return item{}, f.wrong(s, "a value is missing").didYouMeanPart(s, "*"+s)
	}
	loText, hiText, ranged := strings.Cut(base, "-")
	lo, err := f.value(s, loText)
	if err != nil {
		return item{}, err
	}
	it.form = formRange
	it.lo, it.hi = lo, lo
	if ranged {
		if it.hi, err = f.value(s, hiText); err != nil {
			return item{}, err
		}
	} else if stepped {
		it.form, it.hi = formFrom, f.max
	}
	if f == &fields[fieldWeekday] {
		it.lo, it.hi = foldSunday(it.lo, it.hi)
	}
	return it, nil
}

// foldSunday replaces 7 by 0 without changing the days from lo to hi: 5-7 wraps, 0-7 is the whole week.
func foldSunday(lo, hi int) (int, int) {
	switch {
	case lo == 7 && hi == 7:
		return 0, 0
	case lo == 7:
		return 0, hi
	case lo == 0 && hi == 7:
		return 0, 6
	case hi == 7:
		return lo, 0
	}
	return lo, hi
}

// value parses one number or name and checks its range.
func (f *field) value(s, text string) (int, *Error) {
	if n, ok := number(text); ok {
		top := f.max
		if f == &fields[fieldWeekday] {
			top = 7
		}
		if n < f.min || n > top {
			return 0, f.outOfRange(s, text, n, top)
		}
		return n, nil
	}
	for i, name := range f.names {
		if strings.EqualFold(text, name) {
			return f.min + i, nil
		}
	}
	return 0, f.unknown(s, text)
}

func (f *field) outOfRange(s, text string, n, top int) *Error {
	err := wrong(f.name, text, "%s %d is out of range %d-%d", f.name, n, f.min, top)
	switch {
	case n == f.max+1 && f.min == 0 && f != &fields[fieldWeekday]: // minute 60, hour 24
		return f.afterLast(err, s, text)
	case n == 0 && f == &fields[fieldMonth]:
		return err.hint("January is 1")
	case n == 0 && f == &fields[fieldDay]:
		return err.hint("the first day is 1, and L is the last")
	case n > 7 && f == &fields[fieldWeekday]:
		return err.hint("Sunday is 0 or 7, Saturday is 6")
	}
	return err
}

// afterLast suggests a value for minute 60 and hour 24. Alone it means 0 of the next larger unit, which is right only
// if that unit is any. After 0- it means the whole field.
func (f *field) afterLast(err *Error, s, text string) *Error {
	switch {
	case s == text:
		return err.didYouMeanPart(text, "0").ifOthersOpen()
	case strings.HasPrefix(s, "0-"+text), strings.HasPrefix(strings.ToUpper(s), "H(0-"+text):
		return err.didYouMeanPart(text, strconv.Itoa(f.max))
	}
	return err
}

func (f *field) unknown(s, text string) *Error {
	switch {
	case text == "":
		return f.wrong(s, "a value is missing")
	case len(f.names) == 0:
		err := f.wrong(s, "%q is not a %s (%d-%d)", text, f.label, f.min, f.max)
		for i := range fields {
			for _, name := range fields[i].names {
				if strings.EqualFold(text, name) {
					return err.hint("%s is a %s: the order is minute, hour, day of month, month, day of week", name, fields[i].name)
				}
			}
		}
		return err
	}
	err := f.wrong(s, "unknown %s %q", f.label, text)
	for _, name := range f.names {
		if len(text) > 3 && strings.EqualFold(text[:3], name) { // MONDAY, september
			return err.didYouMeanPart(text, name)
		}
	}
	for i := range fields { // SUN is no slip for JUN
		for _, name := range fields[i].names {
			if strings.EqualFold(text, name) {
				return err.hint("%s is a %s: the order is minute, hour, day of month, month, day of week", name, fields[i].name)
			}
		}
	}
	return err.didYouMeanPart(text, nearest(text, f.names))
}

// number parses one to four digits: enough for any value and any useful error.
func number(s string) (int, bool) {
	if s == "" || len(s) > 4 {
		return 0, false
	}
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}

// mask returns the values of an item of numbers as bits.
func (f *field) mask(it item) uint64 {
	count := it.hi - it.lo
	span := f.max - f.min + 1
	if count < 0 {
		count += span
	}
	var m uint64
	for i := 0; i <= count; i += it.step {
		v := it.lo + i
		if v > f.max {
			v -= span
		}
		m |= 1 << v
	}
	return m
}

package schedule

import (
	"fmt"
	"math/bits"
	"time"
)

// describeDays describes the days: "on Monday to Friday in January". "" is every day.
func (c *calendar) describeDays() string {
	const everyMonth = 1<<13 - 2
	d := &c.days
	months := list(monthNames(c.months))
	everyDay := d.dates == everyDate
	everyName := d.weekdays == everyWeekday

	of, in := "the month", ""
	if c.months != everyMonth {
		in = " in " + months
		if everyDay && everyName {
			return "every day" + in
		}
		// "on the 1st of January", "on the last Friday of January", but "on Friday in January".
		if !d.workdays && (everyName || d.weekdays == 0 && (everyDay || d.either)) {
			of, in = months, ""
		}
	}
	switch {
	case everyDay && everyName:
		return ""
	case everyDay:
		return "on " + list(d.nameWords(of)) + in
	case everyName:
		return "on " + list(d.dateWords(of)) + in
	case d.either:
		if d.weekdays == 0 {
			return "on " + list(d.dateWords(of)) + " and on " + list(d.nameWords(of)) + in
		}
		if in != "" {
			return "on " + list(d.dateWords(months)) + " and on every " + list(d.nameWords(of)) + in
		}
		return "on " + list(d.dateWords(of)) + " and on every " + list(d.nameWords(of))
	}
	return "on " + list(d.dateWords(of)) + " if that is " + article(d) + join(d.nameWords(of), "or") + in
}

// article returns the article for a day of the week: "if that is a Monday".
func article(d *days) string {
	if d.lastOf == 0 && d.nth == [5]uint8{} && bits.OnesCount8(d.weekdays) == 1 {
		return "a "
	}
	return ""
}

// dateWords returns phrases for the days of the month. of is the month or months they belong to.
func (d *days) dateWords(of string) []string {
	var words []string
	v := set(uint64(d.dates>>1), 30, false)
	switch {
	case d.dates == 0:
	case v.step > 1 && v.len() > 3:
		words = append(words, fmt.Sprintf("every %s day from the %s to the %s", ordinal(v.step), ordinal(v.from+1), ordinal(v.to+1)))
	default:
		words = v.spans(func(n int) string { return ordinal(n + 1) })
		words[0] = "the " + words[0]
	}
	if d.workdays {
		words = append(words, "every weekday (Monday to Friday)")
	}
	each(d.nearest, func(n int) { words = append(words, "the weekday nearest the "+ordinal(n)) })
	each(d.nearestLast, func(n int) {
		if n == 0 {
			words = append(words, "the last weekday (Monday to Friday)")
		} else {
			words = append(words, "the weekday nearest "+beforeLast(n))
		}
	})
	each(d.beforeLast, func(n int) { words = append(words, beforeLast(n)) })
	if d.workdays && len(words) == 1 {
		return words
	}
	words[len(words)-1] += " of " + of
	return words
}

func beforeLast(n int) string {
	switch n {
	case 0:
		return "the last day"
	case 1:
		return "the day before the last"
	}
	return fmt.Sprintf("the %s day before the last", ordinal(n))
}

// nameWords returns phrases for the days of the week.
func (d *days) nameWords(of string) []string {
	var words []string
	// Monday first, as people list days.
	v := set(rotate(uint64(d.weekdays), 1, 7), 6, true)
	if d.weekdays != 0 {
		words = v.spans(func(n int) string { return time.Weekday((n + 1) % 7).String() })
	}
	for i, set := range d.nth {
		each(uint32(set), func(n int) {
			words = append(words, fmt.Sprintf("the %s %s", [5]string{"first", "second", "third", "fourth", "fifth"}[i], time.Weekday(n)))
		})
	}
	each(uint32(d.lastOf), func(n int) { words = append(words, "the last "+time.Weekday(n).String()) })
	if d.lastOf != 0 || d.nth != [5]uint8{} {
		words[len(words)-1] += " of " + of
	}
	return words
}

// monthNames lists months, three or more neighbours as "June to August".
func monthNames(months uint16) []string {
	return set(uint64(months>>1), 11, true).spans(func(n int) string { return time.Month(n + 1).String() })
}

// each calls do for the bits of a set.
func each(set uint32, do func(int)) {
	for ; set != 0; set &= set - 1 {
		do(bits.TrailingZeros32(set))
	}
}

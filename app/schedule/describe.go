package schedule

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// Describe says in plain English when the schedule fires: "At 09:30 on Monday to Friday, Europe/Berlin". H is resolved,
// and the zone is named unless it is UTC. Notes describes the effects of clock changes.
func (s Schedule) Describe() string {
	if s.p == nil {
		return "Never"
	}
	p := s.p
	zone := ""
	if p.loc != time.UTC {
		zone = ", " + p.loc.String()
	}
	switch p.kind {
	case kindOnDemand:
		return "On demand"
	case kindEvery:
		return "Every " + interval(p.millis) // the same in every zone
	case kindAt:
		at := time.UnixMilli(p.millis).In(p.loc)
		layout := "15:04"
		if p.millis%1000 != 0 {
			layout = "15:04:05.000"
		} else if at.Second() != 0 {
			layout = "15:04:05"
		}
		return "Once, at " + at.Format(layout+" on Monday 2 January 2006") + zone
	}
	text, daily := p.describeTime()
	on := p.describeDays()
	if on == "" && daily {
		on = "every day"
	} else if !daily {
		on = strings.TrimPrefix(on, "every day ")
	}
	switch {
	case on != "" && strings.HasSuffix(text, withinMinute):
		text += ", " + on
	case on != "":
		text += " " + on
	}
	return text + zone
}

// maxTimes is the largest number of times of day that are listed one by one.
const maxTimes = 6

// describeTime describes the times of day. daily is false for schedules that run around the clock, where "every day"
// adds nothing.
func (c *calendar) describeTime() (text string, daily bool) {
	// 22:00 to 04:00 is one range only if every day matches.
	nights := c.describeDays() == ""
	h, m, s := set(uint64(c.hours), 23, nights), set(c.minutes, 59, false), set(c.seconds, 59, false)
	if c.seconds == 1 {
		return describeMinutes(h, m)
	}
	times := h.len() * m.len() * s.len()
	switch {
	case times <= maxTimes:
		return "At " + list(clock(h, m, s)), true
	case h.full() && m.full() && s.full():
		return "Every second", false
	case h.full() && m.full() && s.whole() && s.from == 0:
		return fmt.Sprintf("Every %d seconds", s.step), false
	case h.full() && m.full():
		return s.past("second") + " of every minute", false
	case s.whole() && (m.full() && h.step == 1 || m.step == 1 && h.len() == 1 || h.len() == 1 && m.len() == 1):
		return fmt.Sprintf("Every %s from %02d:%02d:%02d to %02d:%02d:%02d", units(s.step, "second"),
			h.from, m.from, s.from, h.to, m.to, s.to), true
	}
	text, daily = describeMinutes(h, m)
	within := s.past("second")
	if within, ok := strings.CutPrefix(within, "At "); ok {
		return text + " at " + within, daily
	}
	return text + ", e" + within[1:] + withinMinute, daily
}

// withinMinute ends a parenthetical phrase, which a comma has to follow.
const withinMinute = " of that minute"

// describeMinutes describes the times of day of a schedule without seconds.
func describeMinutes(h, m values) (text string, daily bool) {
	switch {
	case h.full() && m.full():
		return "Every minute", false
	case h.full() && m.whole() && m.from == 0:
		return "Every " + units(m.step, "minute"), false
	case h.full() && m.bits == 1:
		return "Every hour on the hour", false
	case h.full():
		return m.past("minute") + " of every hour", false
	case h.len()*m.len() <= maxTimes:
		return "At " + list(clock(h, m, values{bits: 1})), true
	}
	from, to := fmt.Sprintf("%02d:%02d", h.from, m.from), fmt.Sprintf("%02d:%02d", h.to, m.to)
	switch {
	case m.len() == 1 && h.step > 0:
		return fmt.Sprintf("Every %s from %s to %s", units(h.step, "hour"), from, to), true
	case m.whole() && h.step == 1, m.step > 0 && h.len() == 1:
		return fmt.Sprintf("Every %s from %s to %s", units(m.step, "minute"), from, to), true
	}
	return m.past("minute") + " of " + h.during(), true
}

// values is a set of minutes, hours or other numbers of a clock, and its regularity.
type values struct {
	bits     uint64
	max      int
	from, to int // the first and the last; to < from when a run wraps around
	step     int // the distance between neighbours, 0 if that varies
}

// set finds the regularity of a set of numbers from 0 to last. If round is set, a range may wrap around the end: 22 to
// 2.
func set(mask uint64, last int, round bool) values {
	v := values{bits: mask, max: last, from: bits.TrailingZeros64(mask), to: bits.Len64(mask) - 1}
	if v.step = v.stride(); v.step != 0 || v.len() == 1 || !round {
		return v
	}
	cycle := last + 1
	for start := range cycle {
		if contiguous(rotate(mask, start, cycle)) {
			v.from, v.to, v.step = start, (start+v.len()-1)%cycle, 1
		}
	}
	return v
}

// stride is the common distance of the set's neighbours, or 0.
func (v values) stride() int {
	step, prev := 0, v.from
	for rest := v.bits & (v.bits - 1); rest != 0; rest &= rest - 1 {
		n := bits.TrailingZeros64(rest)
		if step != 0 && n-prev != step {
			return 0
		}
		step, prev = n-prev, n
	}
	return step
}

func rotate(mask uint64, by, cycle int) uint64 {
	return (mask>>by | mask<<(cycle-by)) & (1<<cycle - 1)
}

func contiguous(mask uint64) bool { return mask&(mask+1) == 0 }

func (v values) len() int   { return bits.OnesCount64(v.bits) }
func (v values) full() bool { return v.len() == v.max+1 }

// whole reports whether the set has one stride all around its clock.
func (v values) whole() bool {
	return v.step > 0 && (v.max+1)%v.step == 0 && v.len() == (v.max+1)/v.step
}

// spans lists the set from its first number on, three or more neighbours as "3 to 5".
func (v values) spans(name func(int) string) []string {
	var out []string
	cycle := v.max + 1
	for i := 0; i < cycle; i++ {
		n := (v.from + i) % cycle
		if v.bits>>n&1 == 0 {
			continue
		}
		run := 1
		for i+run < cycle && v.bits>>((n+run)%cycle)&1 != 0 {
			run++
		}
		if run < 3 {
			out = append(out, name(n))
			continue
		}
		out = append(out, name(n)+" to "+name((n+run-1)%cycle))
		i += run - 1
	}
	return out
}

// past describes minutes of an hour or seconds of a minute: "At minute 5", "At minutes 5, 17 and 40", "Every 5 minutes
// from minute 10 to minute 40".
func (v values) past(unit string) string {
	switch {
	case v.len() == 1:
		return fmt.Sprintf("At %s %d", unit, v.from)
	case v.full():
		return "Every " + unit
	case v.whole() && v.from == 0:
		return "Every " + units(v.step, unit)
	case v.step > 0 && v.len() > 3:
		return fmt.Sprintf("Every %s from %s %d to %s %d", units(v.step, unit), unit, v.from, unit, v.to)
	}
	return fmt.Sprintf("At %ss %s", unit, list(v.spans(strconv.Itoa)))
}

// during describes a set of hours that is not the whole day.
func (v values) during() string {
	switch {
	case v.len() == 1:
		return fmt.Sprintf("hour %02d", v.from)
	case v.step == 1 && v.len() > 2:
		return fmt.Sprintf("every hour from %02d to %02d", v.from, v.to)
	case v.step > 1 && v.len() > 3:
		return fmt.Sprintf("every %s hour from %02d to %02d", ordinal(v.step), v.from, v.to)
	}
	return "hours " + list(v.spans(func(n int) string { return fmt.Sprintf("%02d", n) }))
}

// clock lists the times of day of three sets.
func clock(h, m, s values) []string {
	var out []string
	for _, hh := range h.ordered() {
		for _, mm := range m.ordered() {
			if s.bits == 1 {
				out = append(out, fmt.Sprintf("%02d:%02d", hh, mm))
				continue
			}
			for _, ss := range s.ordered() {
				out = append(out, fmt.Sprintf("%02d:%02d:%02d", hh, mm, ss))
			}
		}
	}
	return out
}

// ordered lists the set in rising order.
func (v values) ordered() []int {
	var out []int
	for set := v.bits; set != 0; set &= set - 1 {
		out = append(out, bits.TrailingZeros64(set))
	}
	return out
}

// interval writes milliseconds in the largest unit that divides them.
func interval(ms int64) string {
	for _, u := range []struct {
		ms   int64
		name string
	}{{hour * 1000, "hour"}, {minute * 1000, "minute"}, {1000, "second"}} {
		if ms%u.ms == 0 {
			return units(int(ms/u.ms), u.name)
		}
	}
	if ms > 1000 {
		return strconv.FormatFloat(float64(ms)/1000, 'f', -1, 64) + " seconds"
	}
	return units(int(ms), "millisecond")
}

// units returns "minute" for 1 and "5 minutes" for 5, to follow "every".
func units(n int, name string) string {
	if n == 1 {
		return name
	}
	return fmt.Sprintf("%d %ss", n, name)
}

func ordinal(n int) string {
	suffix := "th"
	if n/10%10 != 1 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return strconv.Itoa(n) + suffix
}

// list joins with commas and a final "and", join with another final word.
func list(parts []string) string { return join(parts, "and") }

func join(parts []string, last string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " " + last + " " + parts[len(parts)-1]
}

package schedule_test

import (
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// This file is a model of the main loop of Debian's cron 3.0pl1 (cron.c: main,
// find_jobs, set_time), run over a clock that is only looked at. It shares no
// code with the package, reads an expression in its own slow way, and finds out
// about zones by asking for the offset at one instant after the other.
//
// What cron does not have is modelled as little more than a reading aid:
// L, W and # are questions to a calendar, H is the number that the package
// comment says it is, ? is *, and a sixth field lets the loop tick in seconds
// (unless it is plain 0, which is the five-field expression).

// modelJob is an entry of a crontab.
type modelJob struct {
	unit                         int64 // 60 or 1 seconds a tick
	second, minute, hour, months []bool
	dom, dow                     func(date time.Time) bool
	domStar, dowStar, timeStar   bool
	expr                         string
}

func newModelJob(t testing.TB, expr, seed string) *modelJob {
	t.Helper()
	text := strings.Fields(expr)
	if len(text) == 5 {
		text = append([]string{"0"}, text...)
	}
	if len(text) != 6 {
		t.Fatalf("model: %q has %d fields", expr, len(text))
	}
	j := &modelJob{unit: 60, expr: expr}
	j.second = modelSet(t, text[0], 0, 59, 59, nil, seed, "second")
	j.minute = modelSet(t, text[1], 0, 59, 59, nil, seed, "minute")
	j.hour = modelSet(t, text[2], 0, 23, 23, nil, seed, "hour")
	j.months = modelSet(t, text[4], 1, 12, 12, modelMonths, seed, "month")
	if slices.Contains(j.second[1:], true) {
		j.unit = 1
	}
	j.timeStar = text[1][0] == '*' || text[2][0] == '*'
	j.domStar = text[3][0] == '*' || text[3][0] == '?'
	j.dowStar = text[5][0] == '*' || text[5][0] == '?'
	j.dom = modelDOM(t, text[3], seed)
	j.dow = modelDOW(t, text[5], seed)
	return j
}

var (
	modelMonths = strings.Fields("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC")
	modelDays   = strings.Fields("SUN MON TUE WED THU FRI SAT")
)

// modelSet evaluates a field of plain items: index v is set when v matches.
func modelSet(t testing.TB, text string, low, high, hashHigh int, names []string, seed, field string) []bool {
	t.Helper()
	set := make([]bool, high+1)
	value := func(s string) int {
		if i := slices.Index(names, strings.ToUpper(s)); i >= 0 {
			return i + low
		}
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("model: %q: %v", text, err)
		}
		return n
	}
	for _, part := range strings.Split(text, ",") {
		base, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			step = value(stepText)
		}
		var lo, hi int
		switch a, b, ranged := strings.Cut(base, "-"); {
		case base == "*" || base == "?":
			lo, hi = low, high
		case base[0] == 'H':
			lo, hi = low, hashHigh
			if ranged {
				lo, hi = value(strings.TrimPrefix(a, "H(")), value(strings.TrimSuffix(b, ")"))
			}
			h := modelHash(seed, field)
			if stepped {
				lo += int(h % uint64(step))
			} else {
				lo += int(h % uint64(hi-lo+1))
				hi = lo
			}
		case ranged:
			lo, hi = value(a), value(b)
		case stepped:
			lo, hi = value(base), high
		default:
			lo = value(base)
			hi = lo
		}
		if hi < lo {
			hi += high - low + 1
		}
		for v := lo; v <= hi; v += step {
			w := v
			if w > high {
				w -= high - low + 1
			}
			set[w] = true
		}
	}
	return set
}

func modelHash(seed, field string) uint64 {
	f := fnv.New64a()
	f.Write([]byte(seed + "\x00" + field))
	h := f.Sum64()
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

func lastOfMonth(d time.Time) int {
	return time.Date(d.Year(), d.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

func isWeekday(d time.Time) bool { return d.Weekday() != time.Saturday && d.Weekday() != time.Sunday }

// nearestIs reports whether d is the weekday nearest the given day of its month.
func nearestIs(d time.Time, day int) bool {
	if day < 1 || day > lastOfMonth(d) || !isWeekday(d) {
		return false
	}
	for distance := range 3 {
		for _, sign := range []int{-1, 1} {
			c := time.Date(d.Year(), d.Month(), day+sign*distance, 0, 0, 0, 0, time.UTC)
			if c.Month() == d.Month() && isWeekday(c) {
				return c.Day() == d.Day()
			}
		}
	}
	return false
}

func modelDOM(t testing.TB, text, seed string) func(time.Time) bool {
	t.Helper()
	var any []func(time.Time) bool
	for _, part := range strings.Split(text, ",") {
		number := func(s string) int {
			n, _ := strconv.Atoi(s)
			return n
		}
		switch {
		case part == "W":
			any = append(any, isWeekday)
		case part[0] == 'L':
			back, weekday := strings.CutSuffix(strings.TrimPrefix(part, "L"), "W")
			n := number(strings.TrimPrefix(back, "-"))
			any = append(any, func(d time.Time) bool {
				if weekday {
					return nearestIs(d, lastOfMonth(d)-n)
				}
				return d.Day() == lastOfMonth(d)-n
			})
		case strings.HasSuffix(part, "W"):
			n := number(strings.TrimSuffix(part, "W"))
			any = append(any, func(d time.Time) bool { return nearestIs(d, n) })
		default:
			set := modelSet(t, part, 1, 31, 28, nil, seed, "day of month")
			any = append(any, func(d time.Time) bool { return set[d.Day()] })
		}
	}
	return func(d time.Time) bool {
		return slices.ContainsFunc(any, func(f func(time.Time) bool) bool { return f(d) })
	}
}

func modelDOW(t testing.TB, text, seed string) func(time.Time) bool {
	t.Helper()
	var any []func(time.Time) bool
	day := func(s string) time.Weekday {
		if i := slices.Index(modelDays, s); i >= 0 {
			return time.Weekday(i)
		}
		n, _ := strconv.Atoi(s)
		return time.Weekday(n % 7)
	}
	for _, part := range strings.Split(text, ",") {
		name, nth, isNth := strings.Cut(part, "#")
		switch {
		case isNth:
			n, _ := strconv.Atoi(nth)
			any = append(any, func(d time.Time) bool { return d.Weekday() == day(name) && (d.Day()+6)/7 == n })
		case strings.HasSuffix(part, "L"):
			name = strings.TrimSuffix(part, "L")
			any = append(any, func(d time.Time) bool { return d.Weekday() == day(name) && d.Day()+7 > lastOfMonth(d) })
		default:
			// Sunday as 7 ends a range; 5/2 ends on Saturday.
			high := 6
			if strings.Contains(part, "7") && strings.Contains(part, "-") {
				high = 7
			}
			if base, _, _ := strings.Cut(part, "/"); base == "7" {
				part = "0" + strings.TrimPrefix(part, "7")
			}
			set := modelSet(t, part, 0, high, 6, modelDays, seed, "day of week")
			any = append(any, func(d time.Time) bool {
				return set[d.Weekday()] || d.Weekday() == 0 && high == 7 && set[7]
			})
		}
	}
	return func(d time.Time) bool {
		return slices.ContainsFunc(any, func(f func(time.Time) bool) bool { return f(d) })
	}
}

// onDay is the condition on the date in find_jobs.
func (j *modelJob) onDay(d time.Time) bool {
	if !j.months[d.Month()] {
		return false
	}
	if j.domStar || j.dowStar {
		return j.dom(d) && j.dow(d)
	}
	return j.dom(d) || j.dow(d)
}

// modelClock is a stretch of time as cron lives it: the instants at which it
// wakes, which are those where the local clock shows a new tick, and that tick.
type modelClock struct {
	unit  int64
	start int64 // what the clock shows, in ticks, when cron is started
	wakes []modelWake
	low   int64 // the lowest tick shown
	parts []modelParts
	dates []time.Time // the dates shown
}

type modelWake struct{ instant, tick int64 }

// modelParts is a tick taken apart, as gmtime does.
type modelParts struct{ second, minute, hour, date int16 }

func offsetAt(t int64, loc *time.Location) int64 {
	_, offset := time.Unix(t, 0).In(loc).Zone()
	return int64(offset)
}

func floor(a, b int64) int64 {
	if a%b < 0 {
		return a/b - 1
	}
	return a / b
}

// newModelClock looks at a zone's clock from one instant to another.
func newModelClock(loc *time.Location, from, until, unit int64) *modelClock {
	tickAt := func(t int64) int64 { return floor(t+offsetAt(t, loc), unit) }
	c := &modelClock{unit: unit, start: tickAt(from)}
	low, high := c.start, c.start
	for t, tick := from, c.start; ; {
		// The next tick, if nobody touches the clock until then.
		offset := offsetAt(t, loc)
		next := (tick+1)*unit - offset
		if next > until {
			break
		}
		if offsetAt(next, loc) != offset { // somebody does: look at every second
			for next = t + 1; tickAt(next) == tick; next++ {
			}
		}
		t, tick = next, tickAt(next)
		c.wakes = append(c.wakes, modelWake{t, tick})
		low, high = min(low, tick), max(high, tick)
	}
	c.low = low - 1
	var last time.Time
	for tick := c.low; tick <= high; tick++ {
		at := time.Unix(tick*unit, 0).UTC()
		if date := at.Truncate(24 * time.Hour); len(c.dates) == 0 || date != last {
			c.dates = append(c.dates, date)
			last = date
		}
		c.parts = append(c.parts, modelParts{int16(at.Second()), int16(at.Minute()), int16(at.Hour()), int16(len(c.dates) - 1)})
	}
	return c
}

// run is cron's main loop: it returns the instants at which the job is started.
// Several starts at one instant are one slot.
func (j *modelJob) run(c *modelClock) []int64 {
	if j.unit != c.unit {
		panic("model: the clock ticks in another unit than the job")
	}
	days := make([]bool, len(c.dates))
	for i, d := range c.dates {
		days[i] = j.onDay(d)
	}
	var fired []int64
	// As find_jobs does, with two flags for the kinds of job to start.
	parts, low, minute, hour, second, star := c.parts, c.low, j.minute, j.hour, j.second, j.timeStar
	findJobs := func(now, vtime int64, doWild, doNonWild bool) {
		p := &parts[vtime-low]
		if !minute[p.minute] || !hour[p.hour] || !second[p.second] || !days[p.date] {
			return
		}
		if (doNonWild && !star) || (doWild && star) {
			if len(fired) == 0 || fired[len(fired)-1] != now {
				fired = append(fired, now)
			}
		}
	}
	threeHours := 3 * 3600 / c.unit
	fiveMinutes := 5 * 60 / c.unit
	virtualTime := c.start
	for _, wake := range c.wakes {
		timeRunning := wake.tick
		timeDiff := timeRunning - virtualTime
		if timeDiff == 1 {
			virtualTime = timeRunning
			findJobs(wake.instant, virtualTime, true, true)
			continue
		}
		wakeupKind := -1
		if timeDiff > -threeHours {
			wakeupKind = 0
		}
		if timeDiff > 0 {
			wakeupKind = 1
		}
		if timeDiff > fiveMinutes {
			wakeupKind = 2
		}
		if timeDiff > threeHours {
			wakeupKind = 3
		}
		switch wakeupKind {
		case 1: // late: run jobs for each virtual minute until caught up
			for virtualTime < timeRunning {
				virtualTime++
				findJobs(wake.instant, virtualTime, true, true)
			}
		case 2: // forward: wildcard jobs once, then the fixed-time jobs of each minute missed
			findJobs(wake.instant, timeRunning, true, false)
			for virtualTime < timeRunning {
				virtualTime++
				findJobs(wake.instant, virtualTime, false, true)
			}
		case 0: // back: wildcard jobs only; virtual time waits until it is caught up with
			findJobs(wake.instant, timeRunning, true, false)
		default: // a correction
			virtualTime = timeRunning
			findJobs(wake.instant, timeRunning, true, true)
		}
	}
	return fired
}

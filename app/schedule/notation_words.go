package schedule

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

const systemdPart = `[0-9*,./]+`

var (
	systemd = regexp.MustCompile(`(?i)^(?:((?:[a-z]{3,9}(?:\.\.[a-z]{3,9})?,?)+)\s+)?` +
		`(?:(\*)-(` + systemdPart + `)-(` + systemdPart + `)(?:[ T]|$))?` +
		`(?:(` + systemdPart + `):(` + systemdPart + `)(?::(` + systemdPart + `))?)?$`)
	leadingZero = regexp.MustCompile(`\b0+([0-9])`)
)

// onCalendar reads OnCalendar of systemd.time(7): days, date and time, all of which must match.
func onCalendar(text string) (expr, why string) {
	why = "a calendar event of systemd is written in fields"
	switch strings.ToLower(text) {
	case "minutely":
		return "* * * * *", why
	case "quarterly":
		return "0 0 1 1,4,7,10 *", why
	case "semiannually":
		return "0 0 1 1,7 *", why
	}
	m := systemd.FindStringSubmatch(text)
	if len(m) == 0 || m[2] == "" && m[5] == "" {
		return "", ""
	}
	field := func(s, missing string) string {
		if s == "" {
			return missing
		}
		return leadingZero.ReplaceAllString(strings.ReplaceAll(s, "..", "-"), "$1")
	}
	days := "*"
	if m[1] != "" {
		var ok bool
		if days, ok = weekdays(strings.Split(strings.TrimSuffix(m[1], ","), ","), ".."); !ok {
			return "", ""
		}
	}
	w := []string{field(m[7], "0"), field(m[6], "0"), field(m[5], "0"), field(m[4], "*"), field(m[3], "*"), days}
	if restricted(w[3]) && restricted(w[5]) {
		return "", "" // either would match here
	}
	return written(w), why
}

// weekdays turns full and short names of days, and ranges of them, into a field.
func weekdays(parts []string, dash string) (string, bool) {
	var out []string
	for _, part := range parts {
		lo, hi, ranged := strings.Cut(part, dash)
		first, ok := dayNamed(lo)
		if !ok {
			return "", false
		}
		if ranged {
			last, ok := dayNamed(hi)
			if !ok {
				return "", false
			}
			first += "-" + last
		}
		out = append(out, first)
	}
	return strings.Join(out, ","), len(out) > 0
}

// dayNamed takes Mon, mon., monday and mondays.
func dayNamed(word string) (string, bool) {
	word = strings.ToLower(strings.TrimSuffix(word, "."))
	for d := time.Sunday; d <= time.Saturday; d++ {
		full := strings.ToLower(d.String())
		if word == full || word == full+"s" || word == full[:3] || word == "tues" && d == time.Tuesday || word == "thurs" && d == time.Thursday {
			return strings.ToUpper(full[:3]), true
		}
	}
	return "", false
}

var (
	everyN    = regexp.MustCompile(`^every (?:([0-9]{1,4}|[a-z]+) )?(second|sec|minute|min|hour|hr|day|week|month|year)s?$`)
	dayAtTime = regexp.MustCompile(`^(.*?)(?:,? at (.+))?$`)
	atTimeDay = regexp.MustCompile(`^at (.+?),? (daily|every .+|each .+|on .+)$`)
	clockTime = regexp.MustCompile(`^([0-9]{1,2})(?:[:.]([0-9]{2}))?(?: ?(am|pm|a\.m\.?|p\.m\.?|o'clockTime|h))?$`)
	numerals  = []string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"}
)

// english reads unambiguous sentences.
func english(text string) (expr, why string) {
	text = strings.TrimSuffix(strings.Join(strings.Fields(strings.ToLower(text)), " "), ".")
	for _, begin := range []string{"run ", "runs ", "once "} {
		text = strings.TrimPrefix(text, begin)
	}
	text = strings.ReplaceAll(text, "each ", "every ")
	if text == "every half hour" || text == "every half an hour" {
		return "*/30 * * * *", ""
	}
	if m := everyN.FindStringSubmatch(text); m != nil {
		return frequency(m[1], m[2]), ""
	}
	m := dayAtTime.FindStringSubmatch(text)
	days, at := m[1], m[2]
	if m := atTimeDay.FindStringSubmatch(text); m != nil {
		days, at = m[2], m[1]
	}
	field, ok := dayWords(days, at != "")
	if !ok {
		return "", ""
	}
	hour, minute := 0, 0
	if at != "" {
		if hour, minute, ok = timeOfDay(at); !ok {
			return "", ""
		}
	}
	return fmt.Sprintf("%d %d * * %s", minute, hour, field), ""
}

// frequency reads "every 5 minutes". An interval that does not divide the hour or the day cannot be written as fields,
// and a number of days has no time of day.
func frequency(number, unit string) string {
	n := 1
	if number != "" {
		if n = slices.Index(numerals, number); n < 0 {
			var ok bool
			if n, ok = count(number); !ok {
				return ""
			}
		}
	}
	switch {
	case n == 0:
		return ""
	case strings.HasPrefix(unit, "sec"):
		return fmt.Sprintf("@every %ds", n)
	case strings.HasPrefix(unit, "min") && n == 1:
		return "* * * * *"
	case strings.HasPrefix(unit, "min") && n < 60 && 60%n == 0:
		return fmt.Sprintf("*/%d * * * *", n)
	case strings.HasPrefix(unit, "min"):
		return fmt.Sprintf("@every %dm", n)
	case unit[0] == 'h' && n == 1:
		return "@hourly"
	case unit[0] == 'h' && n < 24 && 24%n == 0:
		return fmt.Sprintf("0 */%d * * *", n)
	case unit[0] == 'h':
		return fmt.Sprintf("@every %dh", n)
	case n > 1:
		return ""
	case unit == "day":
		return "@daily"
	}
	return "@" + unit + "ly"
}

// dayWords turns the days of a sentence into a field. A single day counts as weekly only if a time follows.
func dayWords(text string, timed bool) (string, bool) {
	words, every := strings.CutPrefix(text, "every ")
	if !every {
		words, every = strings.CutPrefix(text, "on ")
	}
	switch words {
	case "day":
		return "*", every
	case "daily", "everyday":
		return "*", timed
	case "weekday", "working day", "workday", "weekdays", "workdays", "working days":
		return "MON-FRI", every || strings.HasSuffix(words, "s")
	case "weekends":
		return "SAT,SUN", true
	}
	words = strings.NewReplacer(", and ", ",", " and ", ",", ", ", ",", " to ", "-", " through ", "-").Replace(words)
	if !every && !timed && !strings.HasSuffix(words, "s") {
		return "", false
	}
	return weekdays(strings.Split(words, ","), "-")
}

// timeOfDay reads 9, 9am, 9:30 pm, 21:30, noon and midnight.
func timeOfDay(text string) (hour, minute int, ok bool) {
	switch text {
	case "noon", "midday":
		return 12, 0, true
	case "midnight":
		return 0, 0, true
	}
	m := clockTime.FindStringSubmatch(text)
	if m == nil {
		return 0, 0, false
	}
	hour, _ = number(m[1])
	if m[2] != "" {
		minute, _ = number(m[2])
	}
	if half := m[3]; half != "" && (half[0] == 'a' || half[0] == 'p') {
		if hour < 1 || hour > 12 {
			return 0, 0, false
		}
		hour %= 12
		if half[0] == 'p' {
			hour += 12
		}
	}
	return hour, minute, hour < 24 && minute < 60
}

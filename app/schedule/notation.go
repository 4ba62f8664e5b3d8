package schedule

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// A notation converts the syntax of another program, or plain English, to an expression. expr is "" if the meaning is
// not certain; why says what is different here.
type notation func(text string) (expr, why string)

// notations are tried in this order; see [plan.meant].
var notations = []notation{
	command, quartz, eventBridge, randomRange, misplaced, onCalendar, isoDuration, english,
}

// meant returns the expression that an invalid text certainly stands for, or "", and what is different here. The
// returned expression has been parsed.
func (p *plan) meant(text string) (why, expr string) {
	plain := asciiPunctuation(text)
	if plain != text && p.parses(plain) {
		return "a dash, a quote or a space is not an ASCII character", plain
	}
	if bare, why := comment(plain); bare != "" {
		if p.parses(bare) {
			return why, bare
		}
		plain = bare
	}
	for _, read := range notations {
		if expr, why := read(plain); expr != "" && p.parses(expr) {
			return why, expr
		}
	}
	return "", ""
}

// suggest writes a hint that makes a suggestion.
func suggest(why, expr string) string {
	if why == "" {
		return "did you mean " + expr + "?"
	}
	return why + ": did you mean " + expr + "?"
}

// parses reports whether expr, which names no zone, can be parsed.
func (p *plan) parses(expr string) bool {
	q := &plan{loc: p.loc, seed: p.seed}
	return len(expr) <= maxLength && q.parse(expr) == nil
}

var typewriter = strings.NewReplacer(
	"\u2010", "-", "\u2011", "-", "\u2012", "-", "\u2013", "-", "\u2014", "-", "\u2015", "-", "\u2212", "-", "\uff0d", "-",
	"\u2217", "*", "\uff0a", "*", "\u2731", "*", "\uff0c", ",", "\uff1a", ":", "\u2026", "..",
	"\u2018", "'", "\u2019", "'", "\u201c", `"`, "\u201d", `"`, "\u201e", `"`, "\u00ab", `"`, "\u00bb", `"`,
	"\u200b", "", "\u200c", "", "\u200d", "", "\u2060", "", "\ufeff", "",
)

// asciiPunctuation replaces typographic dashes, quotes and spaces, and removes quotes around the whole.
func asciiPunctuation(text string) string {
	text = typewriter.Replace(text)
	text = strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII && unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, text)
	text = strings.TrimSpace(text)
	for _, q := range []string{`"`, "'", "`"} {
		if len(text) > 1 && strings.HasPrefix(text, q) && strings.HasSuffix(text, q) {
			return strings.TrimSpace(text[1 : len(text)-1])
		}
	}
	return text
}

// comment removes "# nightly", and comment lines as in Jenkins.
func comment(text string) (expr, why string) {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if i := strings.IndexByte(line, '#'); i > 0 && space(line[i-1]) {
			line = strings.TrimSpace(line[:i])
		}
		lines = append(lines, line)
	}
	if len(lines) != 1 || lines[0] == text {
		return "", ""
	}
	return lines[0], "an expression has no comment"
}

// command removes the command of a crontab line, and the user before it.
func command(text string) (expr, why string) {
	words := strings.Fields(text)
	why = "an expression has no command"
	if len(words) > 1 && words[0][0] == '@' && strings.HasPrefix(words[1], "/") {
		return words[0], why
	}
	for n := 5; n <= 6; n++ {
		if len(words) > n && !fieldLike.MatchString(words[n]) {
			return strings.Join(words[:n], " "), why
		}
	}
	return "", ""
}

const (
	dayName   = `(?:SUN|MON|TUE|WED|THU|FRI|SAT)`
	monthName = `(?:JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)`
)

var (
	fieldLike = regexp.MustCompile(`(?i)^(?:[0-9*?,/()~HLW-]|` + dayName + `|` + monthName + `)(?:[0-9*?,/()~#HLW-]|` + dayName + `|` + monthName + `)*$`)
	isDays    = regexp.MustCompile(`(?i)^` + dayName + `(?:[-,]` + dayName + `)*$`)
	isMonths  = regexp.MustCompile(`(?i)^` + monthName + `(?:[-,]` + monthName + `)*$`)
)

// quartz reads seven fields, seconds first and the year last. With a ? in a day field they are Quartz's, where Sunday
// is 1; otherwise Sunday is 0.
func quartz(text string) (expr, why string) {
	w := strings.Fields(text)
	if len(w) != 7 || w[6] != "*" && w[6] != "?" {
		return "", "" // without the year it would fire every year
	}
	if w[3] == "?" || w[5] == "?" {
		return sundayFirst(w[:6])
	}
	if strings.ContainsAny(w[5], "123456789") {
		return "", ""
	}
	return written(w[:6]), "there is no field for the year"
}

// sundayFirst returns six fields from fields whose days of the week count from 1.
func sundayFirst(w []string) (expr, why string) {
	days, ok := shifted(w[5])
	if !ok || restricted(w[3]) && restricted(w[5]) {
		return "", ""
	}
	why = "there is no field for the year"
	if !strings.EqualFold(days, w[5]) {
		why += ", and Sunday is 0 here, not 1"
	}
	return written([]string{w[0], w[1], w[2], w[3], w[4], days}), why
}

func restricted(word string) bool { return word != "*" && word != "?" }

// written joins six fields, or five if the second is 0, with * for ?.
func written(w []string) string {
	w = append([]string(nil), w...)
	for i := range w {
		if w[i] == "?" {
			w[i] = "*"
		}
	}
	if w[0] == "0" || w[0] == "00" {
		w = w[1:]
	}
	return strings.Join(w, " ")
}

var countedDay = regexp.MustCompile(`^([1-7])(?:-([1-7]))?(L|#[1-5]|/[1-7])?$`)

// shifted replaces days of the week counted from Sunday as 1 by names.
func shifted(text string) (string, bool) {
	day := func(digit string) string { return fields[fieldWeekday].names[digit[0]-'1'] }
	parts := strings.Split(strings.ToUpper(text), ",")
	for i, part := range parts {
		m := countedDay.FindStringSubmatch(part)
		switch {
		case m == nil && part == "L":
			parts[i] = "SAT"
		case m == nil && strings.ContainsAny(strings.SplitN(strings.SplitN(part, "/", 2)[0], "#", 2)[0], "0123456789"):
			return "", false
		case m == nil:
		case m[2] != "" && m[3] != "" && m[3][0] != '/':
			return "", false
		case m[3] == "L":
			parts[i] = string(m[1][0]-1) + "L"
		case m[2] != "":
			parts[i] = day(m[1]) + "-" + day(m[2]) + m[3]
		default:
			parts[i] = day(m[1]) + m[3]
		}
	}
	return strings.Join(parts, ","), true
}

var bridge = regexp.MustCompile(`(?i)^(cron|rate|at)\s*\((.*)\)$`)

// eventBridge reads cron(...), rate(...) and at(...) of Amazon EventBridge.
func eventBridge(text string) (expr, why string) {
	m := bridge.FindStringSubmatch(text)
	if m == nil {
		return "", ""
	}
	inner := strings.TrimSpace(m[2])
	switch strings.ToLower(m[1]) {
	case "rate":
		number, unit, _ := strings.Cut(inner, " ")
		n, ok := count(number)
		if !ok {
			return "", ""
		}
		switch strings.TrimSuffix(strings.ToLower(strings.TrimSpace(unit)), "s") {
		case "minute":
			return fmt.Sprintf("@every %dm", n), "rate(...) is written @every"
		case "hour":
			return fmt.Sprintf("@every %dh", n), "rate(...) is written @every"
		case "day":
			return fmt.Sprintf("@every %dh", 24*n), "rate(...) is written @every"
		}
	case "cron":
		w := strings.Fields(inner)
		switch {
		case len(w) == 5:
			return inner, "without cron(...)"
		case len(w) == 6 && (w[5] == "*" || w[5] == "?"):
			return sundayFirst(append([]string{"0"}, w[:5]...))
		}
	}
	return "", ""
}

var tilde = regexp.MustCompile(`^([0-9]*)~([0-9]*)$`)

// randomRange reads 0~59 of cronie and OpenBSD, a value that is chosen once.
func randomRange(text string) (expr, why string) {
	w := strings.Fields(text)
	if len(w) != 5 || !strings.Contains(text, "~") {
		return "", ""
	}
	for i := range w {
		parts := strings.Split(w[i], ",")
		for j, part := range parts {
			m := tilde.FindStringSubmatch(part)
			switch {
			case m == nil:
				continue
			case m[1] == "" && m[2] == "":
				parts[j] = "H"
				continue
			case m[1] == "":
				m[1] = strconv.Itoa(fields[i+1].min)
			case m[2] == "":
				m[2] = strconv.Itoa(fields[i+1].max)
			}
			parts[j] = "H(" + m[1] + "-" + m[2] + ")"
		}
		w[i] = strings.Join(parts, ",")
	}
	return strings.Join(w, " "), "a value that differs from job to job is H"
}

// misplaced moves names of days and months to their own field if that is free, and fills in fields that were left out
// before the day of the week.
func misplaced(text string) (expr, why string) {
	w := strings.Fields(text)
	if len(w) > 6 || len(w) < 3 {
		return "", ""
	}
	at := fieldDay - 1
	if len(w) == 6 {
		at = fieldDay
	}
	for len(w) < 5 {
		w = append(w, "*")
	}
	day, month, weekday := &w[at], &w[at+1], &w[at+2]
	swap := func(from, to *string) bool {
		if restricted(*to) {
			return false
		}
		*from, *to = "*", *from
		return true
	}
	var ok bool
	switch {
	case isDays.MatchString(*day):
		ok = swap(day, weekday)
	case isDays.MatchString(*month):
		ok = swap(month, weekday)
	case isMonths.MatchString(*day):
		ok = swap(day, month)
	case isMonths.MatchString(*weekday):
		ok = swap(weekday, month)
	}
	if !ok {
		return "", ""
	}
	return strings.Join(w, " "), "the order is minute, hour, day of month, month, day of week"
}

var (
	iso       = regexp.MustCompile(`^(?:R/)?P(?:([0-9]{1,4})W)?(?:([0-9]{1,4})D)?(?:T(?:([0-9]{1,4})H)?(?:([0-9]{1,4})M)?(?:([0-9]{1,4})S)?)?$`)
	isoFormat = []time.Duration{7 * 24 * time.Hour, 24 * time.Hour, time.Hour, time.Minute, time.Second}
)

// isoDuration reads PT5M of ISO 8601. A month and a year have no length.
func isoDuration(text string) (expr, why string) {
	m := iso.FindStringSubmatch(strings.ToUpper(text))
	if m == nil {
		return "", ""
	}
	var d time.Duration
	for i, unit := range isoFormat {
		n, _ := strconv.Atoi(m[i+1])
		d += time.Duration(n) * unit
	}
	if d == 0 {
		return "", ""
	}
	return "@every " + short(d), "an interval is written @every"
}

// short writes 5m, not 5m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// count reads a number of one to four digits that is not 0.
func count(text string) (int, bool) {
	n, ok := number(text)
	return n, ok && n > 0
}

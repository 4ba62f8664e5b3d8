package schedule

import (
	"strings"
	"time"
)

// wrongCount explains an expression with neither five nor six fields.
func wrongCount(n int, words []string, expr string) *Error {
	names := []string{"minute", "hour", "day of month", "month", "day of week"}
	field, value := "expression", strings.TrimSpace(expr)
	switch {
	case n == 0:
		return wrong(field, value, "the expression is empty").hint("expected five fields: %s", strings.Join(names, ", "))
	case n == 1 || !startsFields(words[0]):
		return notFields(value, words)
	case n < 5:
		missing := strings.Join(names[n:], ", ")
		verb := " is missing"
		if n < 4 {
			verb = " are missing"
		}
		return wrong(field, value, "%q has %d fields, not 5 (%s): %s%s", value, n, strings.Join(names, ", "), missing, verb).
			didYouMean(strings.Join(words, " ") + strings.Repeat(" *", 5-n))
	case n == 7:
		return wrong("year", words[6], "%q has 7 fields: the seventh, a Quartz year, is not supported", value).
			hint("without it the expression fires in every year")
	}
	return wrong(field, value, "%q has %d fields, not 5 (%s) or 6 (second first)", value, n, strings.Join(names, ", "))
}

// startsFields reports whether a word could be the first field of an expression.
func startsFields(word string) bool {
	return strings.ContainsRune("0123456789*?Hh", rune(word[0])) && strings.Trim(word, "0123456789*?Hh/-,()") == ""
}

// notFields explains words in place of fields: "5m", "every 5m", "hourly".
func notFields(value string, words []string) *Error {
	err := wrong("expression", value, "%q is not a cron expression", value)
	if len(words) == 2 && strings.EqualFold(words[0], "every") {
		words = words[1:]
	}
	if len(words) == 1 {
		if _, e := time.ParseDuration(words[0]); e == nil {
			return err.didYouMean("@every " + words[0])
		}
		for _, m := range macros {
			if strings.EqualFold("@"+words[0], m.name) && m.expr != "" {
				return err.didYouMean(m.name)
			}
		}
		if _, e := time.Parse(time.RFC3339Nano, words[0]); e == nil {
			return err.didYouMean("@at " + words[0])
		}
	}
	if strings.EqualFold(words[0], "every") || strings.EqualFold(words[0], "at") {
		return err.didYouMean("@" + strings.ToLower(words[0]) + strings.TrimPrefix(value, words[0]))
	}
	return err.hint("expected five fields, as in 30 9 * * MON-FRI, or a macro, as in @daily")
}

// neverMatches explains an expression with valid fields and no existing date.
func (p *plan) neverMatches() *Error {
	date, weekday := p.fields[fieldDay], p.fields[fieldWeekday]
	months := list(monthNames(p.months))
	if p.days.weekdays != everyWeekday {
		return wrong("day of week", weekday, "the expression never fires: no date in %s has day of month %s and day of week %s", months, date, weekday)
	}
	err := wrong("day of month", date, "the expression never fires: there is no day of month %s in %s", date, months)
	if len(date) == 2 { // 30 or 31
		return err.hint("L is the last day of a month")
	}
	return err
}

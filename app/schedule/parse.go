package schedule

import (
	"slices"
	"strings"
	"time"
)

// maxLength bounds an expression, far above any sensible one.
const maxLength = 1000

// macros are the names of crontab(5) for common expressions.
var macros = []struct{ name, expr string }{
	{"@yearly", "0 0 1 1 *"},
	{"@annually", "0 0 1 1 *"},
	{"@monthly", "0 0 1 * *"},
	{"@weekly", "0 0 * * 0"},
	{"@daily", "0 0 * * *"},
	{"@midnight", "0 0 * * *"},
	{"@hourly", "0 * * * *"},
	{"@every", ""},
	{"@at", ""},
	{OnDemand, ""},
}

// Parse reads an expression: five or six fields, a macro, @every, @at or @ondemand, with an optional TZ= or CRON_TZ= prefix. The
// package comment has the grammar. The error is an *Error; an expression that never fires is an error, unless it is @ondemand.
func Parse(expr string, o Options) (Schedule, error) {
	p := &plan{loc: o.Location, seed: o.Seed}
	if err := p.parse(expr); err != nil {
		err.Expr = expr
		p.checkHint(err, o)
		return Schedule{}, err
	}
	return Schedule{p}, nil
}

func (p *plan) parse(expr string) *Error {
	if len(expr) > maxLength {
		return wrong("expression", expr[:20]+"...", "an expression of %d bytes is longer than the limit of %d", len(expr), maxLength)
	}
	words, n := split(expr)
	if name, ok := zonePrefix(words[0]); ok {
		loc, err := loadLocation(name)
		if err != nil {
			return err
		}
		p.loc = loc
		_, expr, _ = strings.Cut(expr, words[0])
		words, n = split(expr)
	}
	switch {
	case p.loc == nil:
		p.loc = time.UTC
	case p.loc == time.Local:
		return refuseLocal()
	}
	if n > 0 && words[0][0] == '@' {
		_, argument, _ := strings.Cut(expr, words[0])
		return p.parseMacro(words[0], strings.TrimSpace(argument))
	}
	switch n {
	case 5:
		copy(p.fields[1:], words[:5])
	case 6:
		copy(p.fields[:], words[:6])
	default:
		return wrongCount(n, words[:min(n, len(words))], expr)
	}
	return p.parseFields()
}

// checkHint removes a suggestion that cannot be parsed or would lose the expression's zone. If the text is in another
// notation, that becomes the hint instead.
func (p *plan) checkHint(err *Error, o Options) {
	if err.Field == fieldZone || len(err.Expr) > maxLength {
		return
	}
	text := err.Expr
	prefix := ""
	if words, _ := split(text); words[0] != "" {
		if name, ok := zonePrefix(words[0]); ok {
			_, text, _ = strings.Cut(text, words[0])
			if o.Location == nil && p.loc != time.UTC || o.Location != nil && o.Location.String() != name {
				prefix = words[0] + " "
			}
		}
	}
	zoned := func(expr string) string {
		if strings.HasPrefix(expr, "@at") || strings.HasPrefix(expr, "@every") {
			return expr
		}
		return prefix + expr
	}
	if why, expr := p.meant(strings.TrimSpace(text)); expr != "" {
		err.Hint, err.meant, err.fault = suggest(why, zoned(expr)), expr, ""
		return
	}
	switch {
	case err.meant == "":
	case err.fault != "" && !p.fits(err), err.fault == "" && !p.parses(err.meant), err.any && !p.open(err):
		err.Hint = ""
	case err.fault == "":
		err.Hint = suggest("", zoned(err.meant))
	}
}

// fits reports whether the field can be parsed once its fault is replaced. Other fields may still be wrong.
func (p *plan) fits(err *Error) bool {
	i := fieldIndex(err.Field)
	q := &plan{loc: p.loc, seed: p.seed, fields: [6]string{"0", "*", "*", "*", "*", "*"}}
	q.fields[i] = strings.Replace(p.fields[i], err.fault, err.meant, 1)
	return q.parseFields() == nil
}

// open reports whether the larger fields are any, the smaller ones 0, and the fault is the whole field.
func (p *plan) open(err *Error) bool {
	at := fieldIndex(err.Field)
	for i, text := range p.fields {
		switch {
		case i < at && strings.Trim(text, "0") != "",
			i > at && restricted(text),
			i == at && strings.Contains(text, ","):
			return false
		}
	}
	return true
}

func fieldIndex(name string) int {
	return slices.IndexFunc(fields[:], func(f field) bool { return f.name == name })
}

// split cuts an expression into words at white space; n counts all of them.
func split(expr string) (words [8]string, n int) {
	for i := 0; i < len(expr); {
		if space(expr[i]) {
			i++
			continue
		}
		start := i
		for i < len(expr) && !space(expr[i]) {
			i++
		}
		if n < len(words) {
			words[n] = expr[start:i]
		}
		n++
	}
	return words, n
}

func space(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func zonePrefix(word string) (string, bool) {
	if name, ok := strings.CutPrefix(word, "CRON_TZ="); ok {
		return name, true
	}
	return strings.CutPrefix(word, "TZ=")
}

// parseMacro reads what starts with @.
func (p *plan) parseMacro(name, argument string) *Error {
	for _, m := range macros {
		if !strings.EqualFold(name, m.name) {
			continue
		}
		switch {
		case m.name == "@every":
			return p.parseEvery(argument)
		case m.name == "@at":
			return p.parseAt(argument)
		case argument != "":
			return wrong("expression", argument, "%s stands alone, without %q", m.name, argument)
		case m.name == OnDemand:
			p.kind = kindOnDemand
			return nil
		}
		words, _ := split(m.expr)
		copy(p.fields[1:], words[:5])
		return p.parseFields()
	}
	if strings.EqualFold(name, "@reboot") {
		return wrong("expression", name, "@reboot names no instant, so it has no slot").hint("call the function at start-up instead")
	}
	err := wrong("expression", name, "unknown macro %q", name)
	names := make([]string, len(macros))
	for i, m := range macros {
		names[i] = m.name
	}
	if near := nearest(name, names); near != "" {
		return err.didYouMean(strings.TrimSpace(near + " " + argument))
	}
	return err.hint("known are %s", strings.Join(names, ", "))
}

// parseFields turns the fields into masks.
func (p *plan) parseFields() *Error {
	p.seconds = 1
	p.wild = star(p.fields[fieldHour]) || star(p.fields[fieldMinute])
	p.days.either = !unrestricted(p.fields[fieldDay]) && !unrestricted(p.fields[fieldWeekday])
	if p.fields[fieldSecond] != "" {
		p.seconds = 0
	}
	for i := range fields {
		if p.fields[i] == "" {
			continue
		}
		if err := fields[i].items(p.fields[i], func(it item) { p.add(i, it) }); err != nil {
			return err
		}
	}
	p.days.simplify()
	first, _ := p.timeAt(0)
	p.first = first
	const year2000 = 946684800
	if _, ok := p.search(year2000); !ok {
		return p.neverMatches()
	}
	return nil
}

// star is the rule of crontab(5) and of cron's source: only the first character counts.
func star(text string) bool { return text[0] == '*' }

// unrestricted is star for a day field, where ? equals *.
func unrestricted(text string) bool { return text[0] == '*' || text[0] == '?' }

// add sets the bits of an item of field i.
func (p *plan) add(i int, it item) {
	f := &fields[i]
	d := &p.days
	switch it.form {
	case formLast:
		d.beforeLast |= 1 << it.lo
		return
	case formLastWeekday:
		d.nearestLast |= 1 << it.lo
		return
	case formNearest:
		d.nearest |= 1 << it.lo
		return
	case formWorkdays:
		d.workdays = true
		return
	case formLastNamed:
		d.lastOf |= 1 << it.lo
		return
	case formNth:
		d.nth[it.hi-1] |= 1 << it.lo
		return
	case formHash:
		it = f.resolve(it, p.seed)
	}
	m := f.mask(it)
	switch i {
	case fieldSecond:
		p.seconds |= m
	case fieldMinute:
		p.minutes |= m
	case fieldHour:
		p.hours |= uint32(m) //nolint:gosec // 24 bits
	case fieldDay:
		d.dates |= uint32(m) //nolint:gosec // 32 bits
	case fieldMonth:
		p.months |= uint16(m) //nolint:gosec // 13 bits
	case fieldWeekday:
		d.weekdays |= uint8(m) //nolint:gosec // 7 bits
	}
}

package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"fibercrons/app/schedule"
)

// fieldSense is one field of an expression.
type fieldSense struct {
	Field   string `json:"field"`
	Value   string `json:"value"`
	Meaning string `json:"meaning"`
}

// restricted is crontab(5)'s word: a field that starts with * or ? is not.
func (f fieldSense) restricted() bool { return f.Value[0] != '*' && f.Value[0] != '?' }

// field describes a place in an expression of six. Within span of the epoch it takes all of its values, while the fields
// before it have their first.
type field struct {
	name  string
	span  time.Duration
	value func(time.Time) int
	names []string
	all   int
}

var places = []field{
	{"second", time.Minute, time.Time.Second, nil, 60},
	{"minute", time.Hour, time.Time.Minute, nil, 60},
	{"hour", 24 * time.Hour, time.Time.Hour, nil, 24},
	{"day of month", 31 * 24 * time.Hour, time.Time.Day, nil, 31},
	{"month", 365 * 24 * time.Hour, func(t time.Time) int { return int(t.Month()) }, []string{
		"", "January", "February", "March", "April", "May", "June", "July",
		"August", "September", "October", "November", "December",
	}, 12},
	{"day of week", 7 * 24 * time.Hour, func(t time.Time) int { return int(t.Weekday()) }, []string{
		"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
	}, 7},
}

// senses explains each field of an expression. It asks package schedule what a field alone matches, so it cannot
// disagree with what will happen.
func senses(expr, canonical, seed string) []fieldSense {
	values := strings.Fields(withoutZone(expr))
	if len(values) == 0 || values[0][0] == '@' {
		values = strings.Fields(withoutZone(canonical)) // a macro, unless it is @every or @at
	}
	first := len(places) - len(values)
	if first < 0 || first > 1 || values[0][0] == '@' {
		return []fieldSense{}
	}
	list := make([]fieldSense, len(values))
	for i, value := range values {
		f := places[first+i]
		list[i] = fieldSense{Field: f.name, Value: value, Meaning: f.sense(first+i, value, seed)}
	}
	return list
}

func withoutZone(expr string) string {
	expr = strings.TrimSpace(expr)
	if strings.HasPrefix(expr, "TZ=") || strings.HasPrefix(expr, "CRON_TZ=") {
		_, expr, _ = strings.Cut(expr, " ")
	}
	return expr
}

func (f field) sense(place int, value, seed string) string {
	alone := []string{"0", "0", "0", "1", "*", "*"}
	switch f.name {
	case "second", "minute", "hour":
		for i := place + 1; i < len(alone); i++ {
			alone[i] = "*"
		}
	case "day of week", "day of month":
		alone[3] = "*"
	}
	alone[place] = value
	s, err := schedule.Parse(strings.Join(alone, " "), schedule.Options{Seed: seed})
	if err != nil {
		return value // alone it never fires
	}
	if strings.ContainsAny(strings.TrimPrefix(strings.ToUpper(f.digits(value)), "H"), "LW#") {
		return strings.TrimPrefix(strings.TrimPrefix(s.Describe(), "At 00:00 "), "on ")
	}
	var values []int
	for t := range s.Between(time.Unix(0, -1), time.Unix(0, 0).Add(f.span-1)) {
		values = append(values, f.value(t.UTC()))
	}
	if f.name == "day of week" {
		slices.Sort(values) // the epoch is a Thursday
	}
	return f.words(values)
}

// digits is value without the names of months and days, which contain an L or a W.
func (f field) digits(value string) string {
	value = strings.ToUpper(value)
	for _, name := range f.names {
		if len(name) >= 3 {
			value = strings.ReplaceAll(value, strings.ToUpper(name[:3]), "0")
		}
	}
	return value
}

// words writes a set of values: "every minute", "9 to 17", "0, 5, 10, ... 55", "Monday to Friday".
func (f field) words(values []int) string {
	if len(values) == f.all {
		switch f.name {
		case "day of month", "day of week":
			return "every day"
		}
		return "every " + f.name
	}
	if step, ok := evenly(values); ok && step > 1 && len(values) > 4 {
		return fmt.Sprintf("%s, %s, %s, … %s", f.word(values[0]), f.word(values[1]), f.word(values[2]), f.word(values[len(values)-1]))
	}
	var parts []string
	for i := 0; i < len(values); {
		end := i
		for end+1 < len(values) && values[end+1] == values[end]+1 {
			end++
		}
		if end-i >= 2 {
			parts = append(parts, f.word(values[i])+" to "+f.word(values[end]))
			i = end + 1
			continue
		}
		parts = append(parts, f.word(values[i]))
		i++
	}
	return strings.Join(parts, ", ")
}

func (f field) word(value int) string {
	if f.names != nil {
		return f.names[value]
	}
	return strconv.Itoa(value)
}

func evenly(values []int) (step int, ok bool) {
	for i := 1; i < len(values); i++ {
		if d := values[i] - values[i-1]; step == 0 {
			step = d
		} else if d != step {
			return 0, false
		}
	}
	return step, step > 0
}

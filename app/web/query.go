package web

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"
)

// query reads the parameters of a request one by one and collects every mistake. What has not been
// asked for when [query.err] is called is unknown, and a mistake too: a misspelt filter must not
// answer with everything.
type query struct {
	values map[string][]string
	known  []string
	bad    []invalid
}

func queryOf(c *fiber.Ctx) *query {
	q := &query{values: map[string][]string{}}
	for key, value := range c.Context().QueryArgs().All() {
		q.values[string(key)] = append(q.values[string(key)], string(value))
	}
	return q
}

// noQuery is for paths without parameters.
func noQuery(c *fiber.Ctx) error { return queryOf(c).err() }

func (q *query) err() error {
	for name := range q.values {
		if !slices.Contains(q.known, name) {
			detail := "is unknown; this path takes no parameters"
			if len(q.known) > 0 {
				detail = "is unknown; this path takes " + strings.Join(q.known, ", ")
			}
			q.wrong(shorten(name), detail)
		}
	}
	if len(q.bad) == 0 {
		return nil
	}
	slices.SortFunc(q.bad, func(a, b invalid) int { return strings.Compare(a.Field, b.Field) })
	return badRequest(q.bad...)
}

func (q *query) wrong(name, detail string) {
	q.bad = append(q.bad, invalid{In: "query", Field: name, Detail: detail})
}

// text is the one value of name; empty when it was not given.
func (q *query) text(name string, longest int) string {
	q.known = append(q.known, name)
	values := q.values[name]
	switch {
	case len(values) == 0:
		return ""
	case len(values) > 1:
		q.wrong(name, "is given more than once")
	case !utf8.ValidString(values[0]):
		q.wrong(name, "is not UTF-8")
	case utf8.RuneCountInString(values[0]) > longest:
		q.wrong(name, "is longer than "+strconv.Itoa(longest)+" characters")
	default:
		return values[0]
	}
	return ""
}

// number is absent when name was not given.
func (q *query) number(name string, least, most, absent int64) int64 {
	text := q.text(name, 20)
	if text == "" {
		return absent
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least || n > most {
		q.wrong(name, "must be a whole number from "+strconv.FormatInt(least, 10)+" to "+strconv.FormatInt(most, 10))
		return absent
	}
	return n
}

// instant is the zero time when name was not given.
func (q *query) instant(name string) time.Time {
	text := q.text(name, 64)
	if text == "" {
		return time.Time{}
	}
	// A plus sign that was not escaped arrives as a space, and stands in many offsets.
	t, err := time.Parse(time.RFC3339, strings.ReplaceAll(text, " ", "+"))
	if err != nil {
		q.wrong(name, "must be an instant as in 2027-01-31T12:00:00Z (RFC 3339)")
		return time.Time{}
	}
	return t.UTC()
}

// duration is 0 when name was not given.
func (q *query) duration(name string, most time.Duration) time.Duration {
	text := q.text(name, 20)
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > most {
		q.wrong(name, "must be a duration such as 30s, at most "+most.String())
		return 0
	}
	return d
}

// anyOf is the value of name, which must be one of choices.
func anyOf[T ~string](q *query, name string, choices ...T) T {
	text := T(q.text(name, 100))
	if text == "" || slices.Contains(choices, text) {
		return text
	}
	q.wrong(name, "must be one of "+joined(choices))
	return ""
}

// someOf is a list of choices with commas between, or of repeated parameters.
func someOf[T ~string](q *query, name string, choices ...T) (list []T) {
	q.known = append(q.known, name)
	for _, value := range q.values[name] {
		for one := range strings.SplitSeq(value, ",") {
			if !slices.Contains(choices, T(one)) {
				q.wrong(name, "must be of "+joined(choices)+", with commas between")
				return nil
			}
			if !slices.Contains(list, T(one)) {
				list = append(list, T(one))
			}
		}
	}
	return list
}

func joined[T ~string](choices []T) string {
	var b strings.Builder
	for i, choice := range choices {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(choice))
	}
	return b.String()
}

// shorten keeps what a caller sent short enough to be repeated to him.
func shorten(text string) string {
	const most = 100
	text = strings.ToValidUTF8(text, "\uFFFD")
	if utf8.RuneCountInString(text) > most {
		return string([]rune(text)[:most]) + "…"
	}
	return text
}

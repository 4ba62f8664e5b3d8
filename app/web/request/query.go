package request

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/alert"
	"fibercrons/app/cron"
	"fibercrons/app/web/reply"
)

// Query reads the parameters of a request one by one and collects every mistake.
type Query struct {
	values map[string][]string
	known  []string
	bad    []reply.Invalid
}

// QueryOf returns the parameters of the request.
func QueryOf(c *fiber.Ctx) *Query {
	q := &Query{values: map[string][]string{}}
	for key, value := range c.Context().QueryArgs().All() {
		q.values[string(key)] = append(q.values[string(key)], string(value))
	}
	return q
}

// NoQuery refuses parameters.
func NoQuery(c *fiber.Ctx) error { return QueryOf(c).Err() }

// Err returns all mistakes. A parameter that no method has read is unknown and a mistake too: a misspelt filter
// must not answer with everything.
func (q *Query) Err() error {
	for name := range q.values {
		if !slices.Contains(q.known, name) {
			detail := "is unknown; this path takes no parameters"
			if len(q.known) > 0 {
				detail = "is unknown; this path takes " + strings.Join(q.known, ", ")
			}
			q.Wrong(shorten(name), detail)
		}
	}
	slices.SortFunc(q.bad, func(a, b reply.Invalid) int { return strings.Compare(a.Field, b.Field) })
	return q.Mistakes()
}

// Mistakes returns those in the parameters that were read, and ignores unknown ones: the address of a page may
// come from another version.
func (q *Query) Mistakes() error {
	if len(q.bad) == 0 {
		return nil
	}
	return reply.BadRequest(q.bad...)
}

// Wrong adds a mistake.
func (q *Query) Wrong(name, detail string) {
	q.bad = append(q.bad, reply.Invalid{In: "query", Field: name, Detail: detail})
}

// Text is the one value of name; empty when it is absent.
func (q *Query) Text(name string, longest int) string {
	q.known = append(q.known, name)
	values := q.values[name]
	switch {
	case len(values) == 0:
		return ""
	case len(values) > 1:
		q.Wrong(name, "is given more than once")
	case !utf8.ValidString(values[0]):
		q.Wrong(name, "is not UTF-8")
	case utf8.RuneCountInString(values[0]) > longest:
		q.Wrong(name, "is longer than "+strconv.Itoa(longest)+" characters")
	default:
		return values[0]
	}
	return ""
}

// Stored is [Query.Text] for a value that is compared with what a database holds: some cannot hold a NUL character.
func (q *Query) Stored(name string, longest int) string {
	text := q.Text(name, longest)
	if strings.Contains(text, "\x00") {
		q.Wrong(name, "holds a NUL character")
		return ""
	}
	return text
}

// Number is absent when name is.
func (q *Query) Number(name string, least, most, absent int64) int64 {
	text := q.Text(name, 20)
	if text == "" {
		return absent
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least || n > most {
		q.Wrong(name, "must be a whole number from "+strconv.FormatInt(least, 10)+" to "+strconv.FormatInt(most, 10))
		return absent
	}
	return n
}

// Instant is the zero time when name is absent.
func (q *Query) Instant(name string) time.Time {
	text := q.Text(name, 64)
	if text == "" {
		return time.Time{}
	}
	// An unescaped plus sign, as in many offsets, arrives as a space.
	t, err := time.Parse(time.RFC3339, strings.ReplaceAll(text, " ", "+"))
	if err != nil {
		q.Wrong(name, "must be an instant as in 2027-01-31T12:00:00Z (RFC 3339)")
		return time.Time{}
	}
	return t.UTC()
}

// Duration is 0 when name is absent.
func (q *Query) Duration(name string, most time.Duration) time.Duration {
	text := q.Text(name, 20)
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > most {
		q.Wrong(name, "must be a duration such as 30s, at most "+most.String())
		return 0
	}
	return d
}

// Pairs are the values of name, each a key and a value with a colon between; nil when it is absent.
func (q *Query) Pairs(name string, longest int) map[string]string {
	q.known = append(q.known, name)
	var pairs map[string]string
	for _, text := range q.values[name] {
		key, value, found := strings.Cut(text, ":")
		_, twice := pairs[key]
		switch {
		case !utf8.ValidString(text):
			q.Wrong(name, "is not UTF-8")
		case strings.Contains(text, "\x00"):
			q.Wrong(name, "holds a NUL character")
		case utf8.RuneCountInString(text) > longest:
			q.Wrong(name, "is longer than "+strconv.Itoa(longest)+" characters")
		case !found || key == "":
			q.Wrong(name, "must be a key and a value with a colon between, as in plan:pro")
		case twice:
			q.Wrong(name, "has the key "+shorten(key)+" more than once")
		default:
			if pairs == nil {
				pairs = map[string]string{}
			}
			pairs[key] = value
			continue
		}
		return nil
	}
	return pairs
}

// AnyOf is the value of name, which must be one of choices.
func AnyOf[T ~string](q *Query, name string, choices ...T) T {
	text := T(q.Text(name, 100))
	if text == "" || slices.Contains(choices, text) {
		return text
	}
	q.Wrong(name, "must be one of "+joined(choices))
	return ""
}

// SomeOf is a list of choices, separated by commas or in repeated parameters.
func SomeOf[T ~string](q *Query, name string, choices ...T) (list []T) {
	q.known = append(q.known, name)
	for _, value := range q.values[name] {
		for one := range strings.SplitSeq(value, ",") {
			if !slices.Contains(choices, T(one)) {
				q.Wrong(name, "must be of "+joined(choices)+", with commas between")
				return nil
			}
			if !slices.Contains(list, T(one)) {
				list = append(list, T(one))
			}
		}
	}
	return list
}

// Status is the status of a run in a query.
func Status(q *Query) cron.Status { return AnyOf(q, "status", statuses()...) }

// Statuses is a list of them.
func Statuses(q *Query) []cron.Status { return SomeOf(q, "status", statuses()...) }

func statuses() []cron.Status {
	return []cron.Status{cron.Queued, cron.Running, cron.Succeeded, cron.Failed, cron.Cancelled, cron.Skipped, cron.Interrupted}
}

// Alerts are the filters of a list of alerts.
func Alerts(q *Query, limit int64) alert.Query {
	return alert.Query{
		Job:    q.Text("job", 100),
		Status: AnyOf(q, "status", alert.Pending, alert.Sent, alert.Failed, alert.Silenced),
		Limit:  int(q.Number("limit", 1, 500, limit)),
		Offset: int(q.Number("offset", 0, 1_000_000_000, 0)),
	}
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

// shorten bounds what a caller sent, so that an answer can repeat it.
func shorten(text string) string {
	const most = 100
	text = strings.ToValidUTF8(text, "\uFFFD")
	if utf8.RuneCountInString(text) > most {
		return string([]rune(text)[:most]) + "…"
	}
	return text
}

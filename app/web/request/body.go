package request

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"time"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/web/reply"
)

// deepest is how far JSON in a body may nest. Arguments are stored, shown and decoded many times by
// others, some of which recurse.
const deepest = 64

// Member is one member of a body's object, and where its value goes.
type Member struct {
	name string
	into any
}

// Into stores the member called name in into: a *string, *bool, *time.Time or *json.RawMessage.
func Into(name string, into any) Member { return Member{name, into} }

// OnlyBody is [Body] for paths without parameters.
func OnlyBody(c *fiber.Ctx, takes ...Member) error {
	if err := NoQuery(c); err != nil {
		return err
	}
	return Body(c, takes...)
}

// Body reads the JSON object of a request; an empty body is an empty object. Names are exact, unknown and
// repeated ones are mistakes, null leaves the value unchanged, and all mistakes are reported together.
// The guard has checked the content type.
func Body(c *fiber.Ctx, takes ...Member) error {
	// Not c.Body, which would decompress by Content-Encoding, past the limit of the body's size.
	body := c.BodyRaw()
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if !utf8.Valid(body) {
		return reply.BadBody("", "the body is not UTF-8")
	}
	if err := CheckDepth(body); err != nil {
		return err
	}
	members, err := readMembers(body)
	if err != nil {
		return err
	}
	var bad []reply.Invalid
	seen := map[string]bool{}
	for _, m := range members {
		into, detail := find(takes, m.name), ""
		switch {
		case into == nil:
			detail = "is unknown; this path takes " + names(takes)
		case seen[m.name]:
			detail = "is given more than once"
		case string(m.value) != "null":
			detail = assign(into, m.value)
		}
		if detail != "" {
			bad = append(bad, reply.Invalid{In: "body", Field: pointer(m.name), Detail: detail})
		}
		seen[m.name] = true
	}
	if len(bad) > 0 {
		return reply.BadRequest(bad...)
	}
	return nil
}

type rawMember struct {
	name  string
	value json.RawMessage
}

// readMembers reads an object name by name: encoding/json into a struct would match names in any
// case and stop at the first mistake.
func readMembers(body []byte) ([]rawMember, error) {
	notJSON := reply.BadBody("", "the body is not JSON")
	d := json.NewDecoder(bytes.NewReader(body))
	open, err := d.Token()
	if err != nil {
		return nil, notJSON
	}
	if open != json.Delim('{') {
		return nil, reply.BadBody("", "the body must be a JSON object")
	}
	var members []rawMember
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, notJSON
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, notJSON
		}
		members = append(members, rawMember{name.(string), value}) // a name in an object is always a string
	}
	if _, err := d.Token(); err != nil {
		return nil, notJSON
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, notJSON
	}
	return members, nil
}

func assign(into any, value json.RawMessage) (mistake string) {
	switch into := into.(type) {
	case *json.RawMessage:
		*into = value
		return ""
	case *string:
		if json.Unmarshal(value, into) != nil {
			return "must be a text"
		}
	case *bool:
		if json.Unmarshal(value, into) != nil {
			return "must be true or false"
		}
	case *time.Time:
		var text string
		err := json.Unmarshal(value, &text)
		t, parseErr := time.Parse(time.RFC3339, text)
		if err != nil || parseErr != nil {
			return "must be an instant as in 2027-01-31T12:00:00Z (RFC 3339)"
		}
		*into = t.UTC()
	default:
		panic("request: Body cannot read this type")
	}
	return ""
}

// CheckDepth refuses JSON that nests too deep.
func CheckDepth(body []byte) error {
	if depth(body) > deepest {
		return reply.BadBody("", "the JSON is nested more than 64 deep")
	}
	return nil
}

// depth is how far brackets nest, whether or not the rest is JSON. It does not recurse.
func depth(body []byte) (most int) {
	open, quoted, escaped := 0, false, false
	for _, b := range body {
		switch {
		case escaped:
			escaped = false
		case quoted:
			escaped = b == '\\'
			quoted = b != '"'
		case b == '"':
			quoted = true
		case b == '{' || b == '[':
			open++
			most = max(most, open)
		case b == '}' || b == ']':
			open--
		}
	}
	return most
}

func find(takes []Member, name string) any {
	for _, m := range takes {
		if m.name == name {
			return m.into
		}
	}
	return nil
}

func names(takes []Member) string {
	if len(takes) == 0 {
		return "no body"
	}
	list := make([]string, len(takes))
	for i, m := range takes {
		list[i] = m.name
	}
	return joined(list)
}

// pointer is the JSON pointer (RFC 6901) of a member of the outermost object.
func pointer(name string) string {
	var b []byte
	for _, ch := range []byte(shorten(name)) {
		switch ch {
		case '~':
			b = append(b, "~0"...)
		case '/':
			b = append(b, "~1"...)
		default:
			b = append(b, ch)
		}
	}
	return "/" + string(b)
}

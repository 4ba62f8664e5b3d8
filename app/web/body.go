package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"time"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"
)

// deepest is how far JSON in a body may nest. Arguments are kept, shown and decoded many times by
// others, some of which recurse.
const deepest = 64

// field is one member of a body's object, and where its value goes: a *string, *bool, *time.Time or
// *json.RawMessage.
type field struct {
	name string
	into any
}

// readBody reads the JSON object of a request; no body stands for an empty object. Names are exact,
// unknown and repeated ones are mistakes, null leaves the value as it is, and all mistakes are
// reported together. The guard has seen to the content type.
func readBody(c *fiber.Ctx, fields ...field) error {
	// Not c.Body, which would unpack what Content-Encoding says, past the limit of the body's size.
	body := c.BodyRaw()
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if !utf8.Valid(body) {
		return badRequest(invalid{In: "body", Detail: "the body is not UTF-8"})
	}
	if depth(body) > deepest {
		return badRequest(invalid{In: "body", Detail: "the JSON is nested more than 64 deep"})
	}
	members, err := readMembers(body)
	if err != nil {
		return err
	}
	var bad []invalid
	seen := map[string]bool{}
	for _, m := range members {
		into := find(fields, m.name)
		switch {
		case into == nil:
			bad = append(bad, invalid{"body", pointer(m.name), "is unknown; this path takes " + names(fields)})
		case seen[m.name]:
			bad = append(bad, invalid{"body", pointer(m.name), "is given more than once"})
		case string(m.value) != "null":
			if detail := assign(into, m.value); detail != "" {
				bad = append(bad, invalid{"body", pointer(m.name), detail})
			}
		}
		seen[m.name] = true
	}
	if len(bad) > 0 {
		return badRequest(bad...)
	}
	return nil
}

type member struct {
	name  string
	value json.RawMessage
}

// readMembers reads an object name by name: encoding/json into a struct would match names in any
// case and stop at the first mistake.
func readMembers(body []byte) ([]member, error) {
	notJSON := badRequest(invalid{In: "body", Detail: "the body is not JSON"})
	d := json.NewDecoder(bytes.NewReader(body))
	open, err := d.Token()
	if err != nil {
		return nil, notJSON
	}
	if open != json.Delim('{') {
		return nil, badRequest(invalid{In: "body", Detail: "the body must be a JSON object"})
	}
	var members []member
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, notJSON
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, notJSON
		}
		members = append(members, member{name.(string), value}) // a name in an object is always a string
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
		panic("web: a body's field has a type that is not read")
	}
	return ""
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

func find(fields []field, name string) any {
	for _, f := range fields {
		if f.name == name {
			return f.into
		}
	}
	return nil
}

func names(fields []field) string {
	if len(fields) == 0 {
		return "no body"
	}
	list := make([]string, len(fields))
	for i, f := range fields {
		list[i] = f.name
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

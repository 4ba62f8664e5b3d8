package request

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/internal/members"
	"fibercrons/app/web/reply"
)

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
	list, err := members.Read(body)
	if err != nil {
		return reply.BadBody("", "the body "+err.Error())
	}
	var bad []reply.Invalid
	seen := map[string]bool{}
	for _, m := range list {
		into, detail := find(takes, m.Name), ""
		switch {
		case into == nil:
			detail = "is unknown; this path takes " + names(takes)
		case seen[m.Name]:
			detail = "is given more than once"
		case string(m.Value) != "null":
			detail = assign(into, m.Value)
		}
		if detail != "" {
			bad = append(bad, reply.Invalid{In: "body", Field: members.Pointer(shorten(m.Name)), Detail: detail})
		}
		seen[m.Name] = true
	}
	if len(bad) > 0 {
		return reply.BadRequest(bad...)
	}
	return nil
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
	if members.TooDeep(body) {
		return reply.BadBody("", "the JSON "+members.ErrTooDeep.Error())
	}
	return nil
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

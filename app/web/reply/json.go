package reply

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/web/access"
)

// JSON answers with v.
func JSON(c *fiber.Ctx, status int, v any) error {
	body, err := encode(v)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return c.Status(status).Send(body)
}

// Tagged answers with v and its ETag.
func Tagged(c *fiber.Ctx, v any) error {
	d, err := NewDocument(v)
	if err != nil {
		return err
	}
	return d.Send(c)
}

// Document is an encoded response. It is immutable, so many responses can share it.
type Document struct {
	Body []byte
	etag string
}

// NewDocument encodes v.
func NewDocument(v any) (Document, error) {
	body, err := encode(v)
	if err != nil {
		return Document{}, err
	}
	sum := sha256.Sum256(body)
	return Document{Body: body, etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`}, nil
}

// Send answers with the document, or with 304 when the caller has it already.
func (d Document) Send(c *fiber.Ctx) error {
	c.Set(fiber.HeaderETag, d.etag)
	if matchesETag(c.Get(fiber.HeaderIfNoneMatch), d.etag) {
		return c.SendStatus(fiber.StatusNotModified)
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return c.Send(d.Body)
}

// matchesETag compares as in RFC 9110, section 13.1.2: a list, weak tags equal to strong ones.
func matchesETag(header, etag string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
		if tag == etag || tag == "*" {
			return true
		}
	}
	return false
}

// Page returns the first limit elements of list. The query asked for one more, which shows whether there
// is a next page. The page is never nil: JSON shows an empty list, not null.
func Page[T any](list []T, limit int) (page []T, more bool) {
	if len(list) > limit {
		return list[:limit], true
	}
	if list == nil {
		list = []T{}
	}
	return list, false
}

// Next names the next page in a Link header (RFC 8288).
func Next(c *fiber.Ctx, v url.Values) {
	c.Set(fiber.HeaderLink, "<"+access.Path(c)+"?"+v.Encode()+`>; rel="next"`)
}

// encode writes v as JSON that is inert wherever it is shown: encoding/json escapes <, > and & and
// the control characters below space, [EscapeControls] the others that a terminal obeys.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		return nil, err
	}
	return EscapeControls(b.Bytes()), nil
}

// EscapeControls escapes DEL and the C1 controls, where U+009B begins an escape sequence, in JSON.
// They can only stand inside strings, so this needs no parser.
func EscapeControls(b []byte) []byte {
	if bytes.IndexByte(b, 0x7f) < 0 && bytes.IndexByte(b, 0xc2) < 0 {
		return b
	}
	const hex = "0123456789abcdef"
	out := make([]byte, 0, len(b)+64)
	for i := 0; i < len(b); i++ {
		ch := b[i]
		switch {
		case ch == 0x7f:
		case ch == 0xc2 && i+1 < len(b) && b[i+1] >= 0x80 && b[i+1] < 0xa0:
			i++
			ch = b[i]
		default:
			out = append(out, ch)
			continue
		}
		out = append(out, '\\', 'u', '0', '0', hex[ch>>4], hex[ch&15])
	}
	return out
}

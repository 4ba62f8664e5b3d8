package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// encode writes v as JSON that is inert wherever it is shown: encoding/json escapes <, > and & and
// the control characters below space, and the rest of those a terminal obeys (DEL, and the C1 set,
// where U+009B begins an escape sequence) is escaped here.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		return nil, err
	}
	return escapeControls(b.Bytes()), nil
}

// escapeControls rewrites controls that encoding/json leaves as they are. They can only stand inside
// strings, so the rewriting needs no parser.
func escapeControls(b []byte) []byte {
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

// document is a rendered answer. It is not changed any more, so that many responses can share it.
type document struct {
	body  []byte
	etag  string
	total int // X-Total-Count
}

func newDocument(v any) (document, error) {
	body, err := encode(v)
	if err != nil {
		return document{}, err
	}
	sum := sha256.Sum256(body)
	return document{body: body, etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`}, nil
}

// send answers with the document, or with 304 when the caller has it already.
func (d document) send(c *fiber.Ctx) error {
	c.Set(fiber.HeaderETag, d.etag)
	if matchesETag(c.Get(fiber.HeaderIfNoneMatch), d.etag) {
		return c.SendStatus(fiber.StatusNotModified)
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return c.Send(d.body)
}

// matchesETag compares as RFC 9110 section 13.1.2 has it: a list, weak tags equal to strong ones.
func matchesETag(header, etag string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
		if tag == etag || tag == "*" {
			return true
		}
	}
	return false
}

// sendJSON answers with v and status.
func sendJSON(c *fiber.Ctx, status int, v any) error {
	body, err := encode(v)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return c.Status(status).Send(body)
}

// sendTagged answers with v and its ETag.
func sendTagged(c *fiber.Ctx, v any) error {
	d, err := newDocument(v)
	if err != nil {
		return err
	}
	return d.send(c)
}

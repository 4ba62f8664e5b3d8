package reply

import (
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// Versioned answers with v, whose revision its ETag carries; see [Revisions].
func Versioned(c *fiber.Ctx, status int, revision int64, v any) error {
	d, err := NewDocument(v)
	if err != nil {
		return err
	}
	// The rest of the tag changes with what is not edited, such as the next run.
	d.etag = `"` + strconv.FormatInt(revision, 10) + "-" + d.etag[1:]
	if status == fiber.StatusOK && (c.Method() == fiber.MethodGet || c.Method() == fiber.MethodHead) {
		return d.Send(c)
	}
	c.Set(fiber.HeaderETag, d.etag)
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return c.Status(status).Send(d.Body)
}

// Revisions are those that the If-Match header of a request names; any: it takes every one. Without the header both are
// empty. A tag that is not of [Versioned] names a revision that does not exist.
//
// Any tag of a revision matches it, and a weak one, too, although RFC 9110, section 13.1.1, compares strongly: only an
// edit can be lost, and a proxy that compresses answers makes their tags weak.
func Revisions(c *fiber.Ctx) (list []int64, any bool) {
	header := strings.TrimSpace(c.Get(fiber.HeaderIfMatch))
	if header == "" || header == "*" {
		return nil, header == "*"
	}
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.Trim(strings.TrimPrefix(strings.TrimSpace(tag), "W/"), `"`)
		number, _, _ := strings.Cut(tag, "-")
		revision, err := strconv.ParseInt(number, 10, 64)
		if err != nil || revision < 1 {
			revision = 1<<63 - 1
		}
		list = append(list, revision)
	}
	return list, false
}

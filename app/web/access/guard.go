package access

import (
	"io"
	"mime"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// Guard refuses what a browser was tricked into sending, whoever is logged in there: requests under a foreign name (DNS
// rebinding), writes from foreign pages, and writes in content types that a foreign page can send without a CORS
// preflight. The error is a [*Refusal].
func (a *Control) Guard(c *fiber.Ctx, row Route) error {
	if !a.hosts.allow(c) && !a.scraped(c) {
		return refuse(fiber.StatusForbidden, "this server is not called by the name in the Host header; if it should be, add the name to CRON_ALLOWED_HOSTS")
	}
	if !row.Lines {
		if err := checkSize(c); err != nil {
			return err
		}
	}
	if IsRead(c) {
		return nil
	}
	if !a.hosts.sameOrigin(c, a.proxies.forwarded(c, fiber.HeaderXForwardedHost)) {
		return refuse(fiber.StatusForbidden, "this request comes from a page of another origin")
	}
	return checkContent(c, row)
}

// largestBody is in bytes. The program around the routes may take larger ones.
const largestBody = 1 << 20

// checkSize refuses a body that is too large, and reads one that the server has left on the connection.
func checkSize(c *fiber.Ctx) error {
	req, large := c.Request(), refuse(fiber.StatusRequestEntityTooLarge, "the body is larger than 1 MiB")
	if !req.IsBodyStream() {
		if len(req.Body()) > largestBody {
			return large
		}
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(req.BodyStream(), largestBody+1))
	switch {
	case err != nil:
		return refuse(fiber.StatusBadRequest, "the body is not whole")
	case len(body) > largestBody:
		c.Context().SetConnectionClose() // the rest is not read
		return large
	}
	req.SetBody(body)
	return nil
}

// scraped says whether the request has an IP address in Host and a valid token, as from a Prometheus that scrapes pods.
// DNS rebinding needs a name, and no browser adds a bearer token unasked.
func (a *Control) scraped(c *fiber.Ctx) bool {
	secret, ok := bearer(c)
	return ok && isAddress(string(c.Request().Header.Host())) && isAddress(string(c.Request().URI().Host())) && a.tokens.Role(secret) != Nobody
}

// lines are the content types of JSON lines. Of these, too, a foreign page cannot send any without a preflight.
var lines = []string{"application/x-ndjson", "application/jsonl", fiber.MIMEApplicationJSON}

// checkContent requires JSON, which a foreign page can send only after a CORS preflight, and no preflight succeeds here.
// The login and the dashboard's forms may be form-encoded; those of the dashboard only from a browser that names their
// origin, which the guard has checked.
func checkContent(c *fiber.Ctx, row Route) error {
	if !c.Request().IsBodyStream() && len(c.Request().Body()) == 0 {
		return nil
	}
	if c.Get(fiber.HeaderContentEncoding) != "" {
		return refuse(fiber.StatusUnsupportedMediaType, "the body must not be compressed")
	}
	kind, params, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType))
	charset := strings.ToLower(params["charset"])
	if row.Lines {
		if err == nil && (charset == "" || charset == "utf-8") && slices.Contains(lines, kind) {
			return nil
		}
		return refuse(fiber.StatusUnsupportedMediaType, "the body must be application/x-ndjson, in UTF-8")
	}
	forms := row.Forms
	if err == nil && (charset == "" || charset == "utf-8") {
		if kind == fiber.MIMEApplicationJSON || kind == fiber.MIMEApplicationForm && (forms == AnyForms || forms == BrowserForms && fromBrowser(c)) {
			return nil
		}
	}
	return refuse(fiber.StatusUnsupportedMediaType, "the body must be application/json, in UTF-8")
}

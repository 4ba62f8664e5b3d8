package pages

import (
	"bytes"
	"compress/gzip"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/dashboard"
	"fibercrons/app/web/access"
	"fibercrons/app/web/reply"
	"fibercrons/app/web/request"
)

// show answers with a page, or with its main part when a script asks.
func (p *Pages) show(c *fiber.Ctx, status int, page dashboard.Page) error {
	who, script := access.SenderOf(c), c.Get("HX-Request") != ""
	page.Base, page.Actor, page.Change = base(c), who.Name, who.Role >= access.Operator
	page.Login, page.Session = p.access.Logins(), who.Login
	if page.Now.IsZero() {
		page.Now = time.Now().UTC()
	}
	page.Self = ownAddress(c)
	render := page.RenderMain
	if !script {
		if c.Method() == fiber.MethodGet {
			page.Flash = dashboard.Flash{Did: c.Query("did"), Count: c.QueryInt("n"), Refused: c.QueryInt("refused")}
		}
		render = page.Render
	}
	var b bytes.Buffer
	if err := render(&b); err != nil {
		return err
	}
	return send(c.Status(status), fiber.MIMETextHTMLCharsetUTF8, b.Bytes())
}

// Finish turns the error of a page into a page. A script would follow a redirect to the login unseen; for it, Finish
// makes one that the browser follows.
func (p *Pages) Finish(c *fiber.Ctx, err error) error {
	if err == nil {
		if isRedirect(c.Response().StatusCode()) && c.Get("HX-Request") != "" {
			c.Set("HX-Redirect", string(c.Response().Header.Peek(fiber.HeaderLocation)))
			c.Response().Header.Del(fiber.HeaderLocation)
			c.Status(fiber.StatusOK)
		}
		return nil
	}
	problem := reply.ProblemOf(err)
	if problem.Status >= 500 {
		p.app.Log.LogAttrs(c.UserContext(), slog.LevelError, "a page could not be made",
			slog.String("request_id", request.ID(c)), slog.String("path", access.Inert(c.Path())), slog.String("error", err.Error()))
	}
	body := dashboard.ErrorPage{
		Status: problem.Status, Title: http.StatusText(problem.Status), Detail: sentence(problem.Detail), ID: request.ID(c), Back: cameFrom(c),
	}
	switch problem.Status {
	case fiber.StatusNotFound:
		body.Title = "Not here"
	case fiber.StatusConflict:
		body.Title = "Not now"
	case fiber.StatusUnauthorized:
		body.Title = "Log in to do that"
		if body.Login = p.access.Logins(); body.Login {
			body.Detail = "You can view this page; changes require the operator token."
		}
	case fiber.StatusForbidden:
		body.Title = "Not allowed"
	case fiber.StatusBadRequest:
		body.Title = "Something is wrong with that"
	}
	for _, e := range problem.Errors {
		body.Fields = append(body.Fields, dashboard.FieldError{Field: strings.TrimPrefix(e.Field, "/args"), Detail: e.Detail})
	}
	if len(body.Fields) > 0 {
		body.Detail = "Please go back, correct the following and resubmit:"
	}
	return p.show(c, problem.Status, dashboard.Page{Title: body.Title, Body: body})
}

// isRedirect says whether a status sends the browser elsewhere.
func isRedirect(status int) bool {
	return status >= 300 && status < 400 && status != fiber.StatusNotModified
}

func base(c *fiber.Ctx) dashboard.Base { return dashboard.Base(access.Base(c)) }

// sentence begins with a capital and ends with a full stop.
func sentence(text string) string {
	if text == "" {
		return "Nothing more is known."
	}
	text = strings.ToUpper(text[:1]) + text[1:]
	if strings.HasSuffix(text, ".") || strings.HasSuffix(text, "?") {
		return text
	}
	return text + "."
}

// send compresses what is worth it. The length of a page gives nothing away: no page holds a secret.
func send(c *fiber.Ctx, kind string, body []byte) error {
	body = withoutControls(body)
	c.Set(fiber.HeaderContentType, kind)
	c.Vary(fiber.HeaderAcceptEncoding)
	if len(body) < 1400 || !strings.Contains(c.Get(fiber.HeaderAcceptEncoding), "gzip") {
		return c.Send(body)
	}
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		return err
	}
	if _, err := w.Write(body); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	c.Set(fiber.HeaderContentEncoding, "gzip")
	return c.Send(b.Bytes())
}

// withoutControls replaces what a terminal obeys and no reader sees: people fetch pages with curl, and save them.
func withoutControls(body []byte) []byte {
	control := func(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r >= 0x7f && r < 0xa0 }
	if bytes.IndexFunc(body, control) < 0 {
		return body
	}
	return bytes.Map(func(r rune) rune {
		if control(r) {
			return '\uFFFD'
		}
		return r
	}, body)
}

package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/dashboard"
	"fibercrons/app/web/access"

	"github.com/gofiber/fiber/v2"
)

// history is what the pages ask of the store beyond what the scheduler tells: for many jobs at once.
type history interface {
	Recent(ctx context.Context, jobs []string, each int) (map[string][]cron.Record, error)
	Tally(ctx context.Context, since time.Time, step time.Duration, n int) (map[cron.Status][]int, error)
	Spans(ctx context.Context, from, to time.Time, limit int) ([]contract.TimelineRun, error)
	LogEnd(ctx context.Context, run string) (int64, error)
}

// dashboardRoutes is everything under /crons/dashboard: files that hold nothing of anybody, pages, and
// their forms.
func (s *Server) dashboardRoutes() []route {
	list := []route{
		{method: "GET", path: "/", role: access.Viewer, handler: s.overviewPage},
		{method: "GET", path: "/jobs", role: access.Viewer, handler: s.jobsPage},
		{method: "GET", path: "/jobs/:name", role: access.Viewer, handler: s.jobPage},
		{method: "GET", path: "/jobs/:name/preview", role: access.Viewer, handler: s.previewPart},
		{method: "GET", path: "/runs/:id", role: access.Viewer, handler: s.runPage},
		{method: "GET", path: "/runs/:id/log", role: access.Viewer, handler: s.logPart},
		{method: "GET", path: "/runs/:id/log.txt", role: access.Viewer, handler: s.logFile},
		{method: "GET", path: "/timeline", role: access.Viewer, handler: s.timelinePage},
		{method: "GET", path: "/instances", role: access.Viewer, handler: s.instancesPage},
		{method: "GET", path: "/audit", role: access.Viewer, handler: s.auditPage},
		{method: "GET", path: "/settings", role: access.Viewer, handler: s.settingsPage},
		{method: "GET", path: "/alerts", role: access.Viewer, handler: s.alertsPage},

		{method: "POST", path: "/bulk", role: access.Operator, handler: s.bulkForm},
		{method: "POST", path: "/jobs/:name/run", role: access.Operator, handler: s.runForm},
		{method: "POST", path: "/jobs/:name/pause", role: access.Operator, handler: s.pauseForm},
		{method: "POST", path: "/jobs/:name/resume", role: access.Operator, handler: s.resumeForm},
		{method: "POST", path: "/jobs/:name/schedule", role: access.Operator, handler: s.scheduleForm},
		{method: "POST", path: "/jobs/:name/unschedule", role: access.Operator, handler: s.unscheduleForm},
		{method: "POST", path: "/jobs/:name/backfill", role: access.Operator, handler: s.backfillForm},
		{method: "POST", path: "/runs/:id/cancel", role: access.Operator, handler: s.cancelForm},
		{method: "POST", path: "/runs/:id/retry", role: access.Operator, handler: s.retryForm},
		{method: "POST", path: "/alerts/test", role: access.Operator, handler: s.testAlertsForm},
		{method: "POST", path: "/silences", role: access.Operator, handler: s.silenceForm},
		{method: "POST", path: "/silences/:id/end", role: access.Operator, handler: s.unsilenceForm},
	}
	for i := range list {
		list[i].path, list[i].forms, list[i].page = dashboard.Root+list[i].path, access.BrowserForms, true
	}
	for name, asset := range dashboard.Assets() {
		list = append(list, route{method: "GET", path: dashboard.Root + "/static/" + name, role: access.Nobody, handler: sendAsset(asset)})
	}
	return list
}

// sendAsset answers with a file whose name holds its checksum: it never changes.
func sendAsset(a *dashboard.Asset) fiber.Handler {
	return func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, a.Type)
		c.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
		c.Vary(fiber.HeaderAcceptEncoding)
		if strings.Contains(c.Get(fiber.HeaderAcceptEncoding), "gzip") {
			c.Set(fiber.HeaderContentEncoding, "gzip")
			return c.Send(a.Gzip)
		}
		return c.Send(a.Body)
	}
}

// show answers with a page, or with its main part when the page that is there already asks.
func (s *Server) show(c *fiber.Ctx, status int, p dashboard.Page) error {
	who := access.CallerOf(c)
	p.Actor, p.Change = who.Name, who.Role >= access.Operator
	p.Login = !s.access.Off()
	p.Session = who.LoggedIn()
	p.Events = s.streaming
	if p.Now.IsZero() {
		p.Now = time.Now().UTC()
	}
	p.Self = pageAddress(c)
	if c.Method() == fiber.MethodGet && c.Get("HX-Request") == "" {
		p.Flash = dashboard.Flash{Did: c.Query("did"), Count: c.QueryInt("n"), Refused: c.QueryInt("refused")}
	}
	var b bytes.Buffer
	render := p.Render
	if c.Get("HX-Request") != "" {
		render = p.RenderMain
	}
	if err := render(&b); err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	return sendPacked(c.Status(status), b.Bytes())
}

// pageAddress is the page's own address, without what was said once.
func pageAddress(c *fiber.Ctx) string {
	v, err := url.ParseQuery(string(c.Context().QueryArgs().QueryString()))
	if err != nil {
		v = url.Values{}
	}
	for _, once := range []string{"did", "n", "refused"} {
		v.Del(once)
	}
	if len(v) == 0 {
		return c.Path()
	}
	return c.Path() + "?" + v.Encode()
}

// sendPacked compresses what is worth it. The pages hold no secret that a guess could be matched
// with by its length.
func sendPacked(c *fiber.Ctx, body []byte) error {
	body = withoutControls(body)
	c.Vary(fiber.HeaderAcceptEncoding)
	if len(body) < 1400 || !strings.Contains(c.Get(fiber.HeaderAcceptEncoding), "gzip") {
		return c.Send(body)
	}
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, bytes.NewReader(body)); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	c.Set(fiber.HeaderContentEncoding, "gzip")
	return c.Send(b.Bytes())
}

// withoutControls replaces what a terminal obeys and no reader sees: pages are looked at with curl,
// and saved.
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

// asPage turns the error of a page into a page, and a redirect to the login that a script would follow
// unseen into one that the browser follows.
func (s *Server) asPage(c *fiber.Ctx, err error) error {
	if err == nil {
		if c.Response().StatusCode() == fiber.StatusSeeOther && c.Get("HX-Request") != "" {
			c.Set("HX-Redirect", string(c.Response().Header.Peek(fiber.HeaderLocation)))
			c.Response().Header.Del(fiber.HeaderLocation)
			c.Status(fiber.StatusOK)
		}
		return nil
	}
	p := problemOf(err)
	if p.Status >= 500 {
		s.app.Log.LogAttrs(c.UserContext(), slog.LevelError, "a page could not be made",
			slog.String("request_id", requestID(c)), slog.String("path", access.Inert(c.Path())), slog.String("error", err.Error()))
	}
	body := dashboard.ErrorPage{Status: p.Status, Title: http.StatusText(p.Status), Detail: sentence(p.Detail), ID: requestID(c), Back: s.back(c)}
	switch p.Status {
	case fiber.StatusNotFound:
		body.Title = "Not here"
	case fiber.StatusConflict:
		body.Title = "Not now"
	case fiber.StatusUnauthorized:
		body.Title, body.Detail = "Log in to do that", "You can view this page; changes require the operator token."
		body.Login = true
	case fiber.StatusForbidden:
		body.Title = "Not allowed"
	case fiber.StatusBadRequest:
		body.Title = "Something is wrong with that"
	}
	for _, e := range p.Errors {
		body.Fields = append(body.Fields, dashboard.FieldError{Field: strings.TrimPrefix(e.Field, "/args"), Detail: e.Detail})
	}
	if len(body.Fields) > 0 {
		body.Detail = "Please go back, correct the following and resubmit:"
	}
	return s.show(c, p.Status, dashboard.Page{Title: body.Title, Body: body})
}

// sentence begins with a capital and ends with a stop.
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

// back is the page of the dashboard that the reader came from.
func (s *Server) back(c *fiber.Ctx) string {
	u, err := url.Parse(c.Get(fiber.HeaderReferer))
	if err != nil || !strings.HasPrefix(u.Path, dashboard.Root) || u.Path == c.Path() {
		return ""
	}
	u.Scheme, u.Host, u.User, u.Fragment = "", "", nil, ""
	return u.String()
}

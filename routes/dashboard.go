package routes

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

	"fibercrons/app/cron"
	"fibercrons/app/dashboard"

	"github.com/gofiber/fiber/v2"
)

// history is what the pages ask of the store beyond what the scheduler tells: for many jobs at once.
type history interface {
	Recent(ctx context.Context, jobs []string, each int) (map[string][]cron.Record, error)
	Tally(ctx context.Context, since time.Time, step time.Duration, n int) (map[cron.Status][]int, error)
	Spans(ctx context.Context, from, to time.Time, limit int) ([]cron.TimelineRun, error)
	LogEnd(ctx context.Context, run string) (int64, error)
}

// mountDashboardOpen stands before admit: files that hold nothing of anybody, and what turns errors
// into pages.
func (s *Server) mountDashboardOpen(web fiber.Router) {
	for name, asset := range dashboard.Assets() {
		web.Get(dashboard.Root+"/static/"+name, sendAsset(asset))
	}
	web.Use(dashboard.Root, under(dashboard.Root, s.pageErrors))
}

// mountDashboard is the list of everything under /crons/dashboard.
func (s *Server) mountDashboard(web fiber.Router) {
	pages := web.Group(dashboard.Root)
	pages.Get("/", s.overviewPage)
	pages.Get("/jobs", s.jobsPage)
	pages.Get("/jobs/:name", s.jobPage)
	pages.Get("/jobs/:name/preview", s.previewPart)
	pages.Get("/runs/:id", s.runPage)
	pages.Get("/runs/:id/log", s.logPart)
	pages.Get("/runs/:id/log.txt", s.logFile)
	pages.Get("/timeline", s.timelinePage)
	pages.Get("/instances", s.instancesPage)
	pages.Get("/audit", s.auditPage)
	pages.Get("/settings", s.settingsPage)
	s.mountAlertPages(pages)

	pages.Post("/bulk", s.bulkForm)
	pages.Post("/jobs/:name/run", s.runForm)
	pages.Post("/jobs/:name/pause", s.pauseForm)
	pages.Post("/jobs/:name/resume", s.resumeForm)
	pages.Post("/jobs/:name/schedule", s.scheduleForm)
	pages.Post("/jobs/:name/unschedule", s.unscheduleForm)
	pages.Post("/jobs/:name/backfill", s.backfillForm)
	pages.Post("/runs/:id/cancel", s.cancelForm)
	pages.Post("/runs/:id/retry", s.retryForm)

	// Whatever else would be taken for the job named dashboard.
	pages.All("/*", func(*fiber.Ctx) error { return refuse(fiber.StatusNotFound, "there is no such page") })
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
	who := callerOf(c)
	p.Actor, p.Change = who.name, who.role >= operator
	p.Login = !s.access.off
	p.Session = who.name == viewer.String() || who.name == operator.String()
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

// pageErrors turns errors of pages into pages, and a way to the login that a script would follow
// unseen into one that the browser goes.
func (s *Server) pageErrors(c *fiber.Ctx) error {
	err := c.Next()
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
			slog.String("request_id", requestID(c)), slog.String("path", inert(c.Path())), slog.String("error", err.Error()))
	}
	body := dashboard.ErrorPage{Status: p.Status, Title: http.StatusText(p.Status), Detail: sentence(p.Detail), ID: requestID(c), Back: s.back(c)}
	switch p.Status {
	case fiber.StatusNotFound:
		body.Title = "Not here"
	case fiber.StatusConflict:
		body.Title = "Not now"
	case fiber.StatusUnauthorized:
		body.Title, body.Detail = "Log in to do that", "Looking is free here; what changes something needs the operator token."
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
		body.Detail = "Go back, mend it and send it again:"
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

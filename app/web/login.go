package web

import (
	"context"
	"embed"
	"errors"
	"html/template"
	"log/slog"
	"net/url"
	"strings"

	"fibercrons/app/web/access"

	"github.com/gofiber/fiber/v2"
)

//go:embed pages
var pages embed.FS

var loginPage = template.Must(template.ParseFS(pages, "pages/login.html"))

// The login is for people: it turns a token into a session's cookie. A token reaches it in the body
// of a POST, or in the fragment of a ready link (/crons/login#token=...), which a browser keeps to
// itself: it is in no request, hence in no log and no Referer. The page's script takes it out of the
// address bar and posts it.

func (s *Server) loginRoutes() []route {
	return []route{
		{method: "GET", path: "/crons/login", handler: s.loginForm},
		{method: "POST", path: "/crons/login", handler: s.login, forms: access.AnyForms},
		{method: "POST", path: "/crons/logout", handler: s.logout},
		{method: "GET", path: "/crons/login/login.js", handler: asset("login.js", "text/javascript; charset=utf-8")},
		{method: "GET", path: "/crons/login/icon.svg", handler: asset("icon.svg", "image/svg+xml")},
		{method: "GET", path: "/crons/login/page.css", handler: asset("page.css", "text/css; charset=utf-8")},
	}
}

type loginView struct {
	Next    string
	Message string
	Off     bool
}

func (s *Server) loginForm(c *fiber.Ctx) error {
	return s.showLogin(c, fiber.StatusOK, loginView{Next: s.localPath(c.Query("next"))})
}

func (s *Server) showLogin(c *fiber.Ctx, status int, view loginView) error {
	view.Off = s.access.Off()
	var b strings.Builder
	if err := loginPage.Execute(&b, view); err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	return c.Status(status).SendString(b.String())
}

func (s *Server) login(c *fiber.Ctx) error {
	var secret, next string
	form := strings.HasPrefix(c.Get(fiber.HeaderContentType), fiber.MIMEApplicationForm)
	if form {
		// Not FormValue, which would take a token from the query as well.
		secret, next = string(c.Context().PostArgs().Peek("token")), string(c.Context().PostArgs().Peek("next"))
	} else if err := readBody(c, field{"token", &secret}, field{"next", &next}); err != nil {
		return err
	}
	next = s.localPath(next)

	r, err := s.access.Login(c, secret)
	if refused := new(access.Refusal); errors.As(err, &refused) {
		s.app.Log.LogAttrs(context.Background(), slog.LevelWarn, "login refused", slog.String("request_id", requestID(c)), slog.String("from", s.access.Origin(c)))
		if form && refused.Status == fiber.StatusUnauthorized {
			return s.showLogin(c, fiber.StatusUnauthorized, loginView{Next: next, Message: "Invalid token."})
		}
		return err
	}
	s.app.Log.LogAttrs(context.Background(), slog.LevelInfo, "login", slog.String("request_id", requestID(c)), slog.String("role", r.String()), slog.String("from", s.access.Origin(c)))
	if form {
		return c.Redirect(next, fiber.StatusSeeOther)
	}
	return sendJSON(c, fiber.StatusOK, map[string]string{"role": r.String(), "next": next})
}

// logout ends the session of the cookie, if there is one.
func (s *Server) logout(c *fiber.Ctx) error {
	if err := noQuery(c); err != nil {
		return err
	}
	s.access.Logout(c)
	if strings.Contains(c.Get(fiber.HeaderAccept), fiber.MIMETextHTML) {
		return c.Redirect("/crons/login", fiber.StatusSeeOther)
	}
	return c.SendStatus(fiber.StatusNoContent)
}

// localPath is where to go after the login: one of our own pages, whatever was asked for.
func (s *Server) localPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Opaque != "" || strings.Contains(next, `\`) ||
		!strings.HasPrefix(u.EscapedPath(), "/crons/") || strings.HasPrefix(u.Path, "/crons/login") {
		return s.home
	}
	return u.EscapedPath()
}

// asset serves a file of the pages that need no login.
func asset(name, contentType string) fiber.Handler {
	body, err := pages.ReadFile("pages/" + name)
	if err != nil {
		panic(err) // it is embedded
	}
	return func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, contentType)
		return c.Send(body)
	}
}

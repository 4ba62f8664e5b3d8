package pages

import (
	"context"
	"embed"
	"errors"
	"html/template"
	"log/slog"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/web/access"
	"fibercrons/app/web/reply"
	"fibercrons/app/web/request"
)

//go:embed login
var files embed.FS

var loginPage = template.Must(template.ParseFS(files, "login/login.html"))

// The login is for people: it exchanges a token for a session's cookie. The token comes in the body of a POST, or in the
// fragment of a ready link (/crons/login#token=...). A browser does not send fragments, so no log and no Referer
// shows it. The page's script removes it from the address bar and posts it.

func (p *Pages) loginRoutes() []access.Route {
	list := []access.Route{
		{Method: "GET", Path: "/crons/login/login.js", Handler: file("login.js", "text/javascript; charset=utf-8")},
		{Method: "GET", Path: "/crons/login/icon.svg", Handler: file("icon.svg", "image/svg+xml")},
		{Method: "GET", Path: "/crons/login/page.css", Handler: file("page.css", "text/css; charset=utf-8")},
	}
	if p.access.Ruled() {
		return list // the API's page uses them too
	}
	return append(list,
		access.Route{Method: "GET", Path: "/crons/login", Handler: p.loginForm},
		access.Route{Method: "POST", Path: "/crons/login", Handler: p.login, Forms: access.AnyForms},
		access.Route{Method: "POST", Path: "/crons/logout", Handler: p.logout},
	)
}

type loginView struct {
	Base    string
	Next    string
	Message string
	Off     bool
}

func (p *Pages) loginForm(c *fiber.Ctx) error {
	return p.showLogin(c, fiber.StatusOK, loginView{Next: localPath(c, c.Query("next"))})
}

func (p *Pages) showLogin(c *fiber.Ctx, status int, view loginView) error {
	view.Base, view.Off = access.Base(c), p.access.Off()
	var b strings.Builder
	if err := loginPage.Execute(&b, view); err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	return c.Status(status).SendString(b.String())
}

func (p *Pages) login(c *fiber.Ctx) error {
	var secret, next string
	form := strings.HasPrefix(c.Get(fiber.HeaderContentType), fiber.MIMEApplicationForm)
	if form {
		// Not FormValue, which also reads the query.
		secret, next = string(c.Context().PostArgs().Peek("token")), string(c.Context().PostArgs().Peek("next"))
	} else if err := request.Body(c, request.Into("token", &secret), request.Into("next", &next)); err != nil {
		return err
	}
	next = localPath(c, next)

	r, err := p.access.Login(c, secret)
	if refused := new(access.Refusal); errors.As(err, &refused) {
		p.app.Log.LogAttrs(context.Background(), slog.LevelWarn, "login refused", slog.String("request_id", request.ID(c)), slog.String("from", p.access.Origin(c)))
		if form && refused.Status == fiber.StatusUnauthorized {
			return p.showLogin(c, fiber.StatusUnauthorized, loginView{Next: next, Message: "Invalid token."})
		}
		return err
	}
	p.app.Log.LogAttrs(context.Background(), slog.LevelInfo, "login", slog.String("request_id", request.ID(c)), slog.String("role", r.String()), slog.String("from", p.access.Origin(c)))
	if form {
		return c.Redirect(next, fiber.StatusSeeOther)
	}
	return reply.JSON(c, fiber.StatusOK, map[string]string{"role": r.String(), "next": next})
}

// logout ends the session of the cookie, if there is one.
func (p *Pages) logout(c *fiber.Ctx) error {
	if err := request.NoQuery(c); err != nil {
		return err
	}
	p.access.Logout(c)
	if strings.Contains(c.Get(fiber.HeaderAccept), fiber.MIMETextHTML) {
		return c.Redirect(access.Base(c)+"/crons/login", fiber.StatusSeeOther)
	}
	return c.SendStatus(fiber.StatusNoContent)
}

// localPath is the page after the login: always one of our own.
func localPath(c *fiber.Ctx, next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Opaque != "" || strings.Contains(next, `\`) ||
		!strings.HasPrefix(u.EscapedPath(), access.Base(c)+"/crons/") || strings.HasPrefix(u.Path, access.Base(c)+"/crons/login") {
		return rootPath(c)
	}
	return u.EscapedPath()
}

// file serves a public file of the login page.
func file(name, contentType string) fiber.Handler {
	body, err := files.ReadFile("login/" + name)
	if err != nil {
		panic(err) // it is embedded
	}
	return func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, contentType)
		return c.Send(body)
	}
}

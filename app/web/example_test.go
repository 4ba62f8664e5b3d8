package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/session"

	"fibercrons/app"
	"fibercrons/app/cron"
	"fibercrons/app/env"
	"fibercrons/app/web"
)

// A program with sessions of its own: whoever is logged in there may read, and admins may change.
func ExampleMount() {
	crons, err := app.New(context.Background(), env.Config{}, cron.Default)
	if err != nil {
		panic(err)
	}
	site, sessions := fiber.New(), session.New()
	web.Mount(site.Group("/admin"), crons, web.Options{Authorize: func(c *fiber.Ctx) (web.Caller, error) {
		s, err := sessions.Get(c)
		if err != nil {
			return web.Caller{}, err
		}
		user, _ := s.Get("user").(string)
		switch role, _ := s.Get("role").(string); {
		case user == "":
			return web.Caller{}, c.Redirect("/login", fiber.StatusSeeOther)
		case role == "admin":
			return web.Caller{Role: web.Operator, Name: user}, nil
		}
		return web.Caller{Role: web.Viewer, Name: user}, nil
	}})
}

// Single sign-on by a proxy in front, such as oauth2-proxy or Cloudflare Access, that logs people in and names them in a
// header. The header counts only when it comes from the proxy: anybody else could write it.
func ExampleOptions_singleSignOn() {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}
	operators := []string{"ada@example.com"}
	options := web.Options{Authorize: func(c *fiber.Ctx) (web.Caller, error) {
		from, _ := netip.AddrFromSlice(c.Context().RemoteIP())
		trusted := slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(from.Unmap()) })
		user := c.Get("X-Forwarded-Email") // Cf-Access-Authenticated-User-Email of Cloudflare Access
		switch {
		case !trusted || user == "":
			return web.Caller{}, nil
		case slices.Contains(operators, user):
			return web.Caller{Role: web.Operator, Name: user}, nil
		}
		return web.Caller{Role: web.Viewer, Name: user}, nil
	}}

	site := fiber.New()
	site.Get("/", func(c *fiber.Ctx) error {
		who, err := options.Authorize(c)
		fmt.Println(who.Role, err)
		return err
	})
	forged := httptest.NewRequest(http.MethodGet, "/", nil)
	forged.Header.Set("X-Forwarded-Email", "ada@example.com")
	resp, err := site.Test(forged) // not from the proxy
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	// Output: nobody <nil>
}

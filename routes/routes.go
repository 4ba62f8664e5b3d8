// Package routes is YOURS: what the server answers, and where.
package routes

import (
	"github.com/gofiber/fiber/v2"

	"fibercrons/app"
	"fibercrons/app/web"
)

// Mount says what is served where. Requests are tried against the routes in this order.
//
// Your own handlers are yours to protect; the tokens of the cron API guard /crons and /metrics only. What they
// return as an error is rendered as problem+json: fiber.NewError(404, "no such invoice") reaches the
// caller, any other error is a 500 whose text stays in the log. app.DB(c.UserContext()) is the database.
func Mount(r fiber.Router, a *app.App) {
	r.Get("/", hello)

	web.Health(r, a)               // GET /livez and /readyz
	web.Metrics(r, a)              // GET /metrics
	web.Mount(r, a, web.Options{}) // everything under /crons
}

// hello greets, and points on.
func hello(c *fiber.Ctx) error {
	if c.Accepts(fiber.MIMEApplicationJSON, fiber.MIMETextHTML) == fiber.MIMETextHTML {
		c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
		return c.SendString(`<!doctype html><html lang="en"><meta charset="utf-8"><title>fibercrons</title>` +
			`<h1>fibercrons</h1><p>A job is one file in <code>jobs/</code>.</p>` +
			`<ul><li><a href="crons/dashboard">the dashboard</a><li><a href="crons">jobs</a><li><a href="crons/docs">the API</a><li><a href="readyz">health</a></ul></html>`)
	}
	return c.JSON(fiber.Map{
		"message":   "fibercrons: a job is one file in jobs/",
		"jobs":      "/crons",
		"dashboard": "/crons/dashboard",
		"docs":      "/crons/docs",
		"health":    "/readyz",
	})
}

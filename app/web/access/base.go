package access

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/env"
)

type baseKey struct{}

// place is where a request was received.
type place struct {
	base  string // see Base
	mount string // the part of base that the server sees, too
}

// Locate finds out where the browser sees the routes, for [Base]. pattern is the path of the route that matched, below
// the prefix that it is mounted under.
func (a *Control) Locate(c *fiber.Ctx, pattern string) {
	at := place{mount: mountOf(c.Path(), strings.TrimSuffix(c.Route().Path, pattern))}
	stripped := strings.TrimRight(a.proxies.forwarded(c, "X-Forwarded-Prefix"), "/")
	if stripped == "" || !env.IsBasePath(stripped) {
		stripped = a.base
	}
	at.base = strings.Clone(stripped + at.mount)
	c.Locals(baseKey{}, at)
}

// mountOf is the beginning of path that prefix, which may have parameters, stands for.
func mountOf(path, prefix string) string {
	end := 0
	for range strings.Count(strings.TrimRight(prefix, "/"), "/") {
		next := strings.IndexByte(path[end+1:], '/')
		if next < 0 {
			return ""
		}
		end += 1 + next
	}
	if !env.IsBasePath(path[:end]) {
		return ""
	}
	return path[:end]
}

// Base is what precedes /crons in the addresses that the browser sees: what a proxy strips, by X-Forwarded-Prefix of a
// trusted one or by CRON_BASE_PATH, and the prefix that the routes are mounted under. It is empty, or begins with a
// slash and does not end with one.
func Base(c *fiber.Ctx) string {
	at, _ := c.Locals(baseKey{}).(place)
	return at.base
}

// Path is the path of the request as the browser sees it.
func Path(c *fiber.Ctx) string {
	at, _ := c.Locals(baseKey{}).(place)
	return at.base + strings.TrimPrefix(c.Path(), at.mount)
}

package site

import (
	"log/slog"
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/web/access"
	"fibercrons/app/web/request"
)

// observe is the outermost wrapper of every request: it gives it an ID and a context, turns errors and panics into
// responses, and logs one line, without body, query and headers, which may hold secrets.
func (s *Site) observe() fiber.Handler {
	next := request.Answered(s.app.Log, s.app.Context, func(c *fiber.Ctx) error { return c.Next() })
	return func(c *fiber.Ctx) error {
		start := time.Now()
		if err := next(c); err != nil {
			return err
		}
		took := time.Since(start)
		s.count(c, took)
		s.log(c, took)
		return nil
	}
}

func (s *Site) log(c *fiber.Ctx, took time.Duration) {
	ctx, status := c.UserContext(), c.Response().StatusCode()
	level := slog.LevelInfo
	switch {
	case status >= 500:
		level = slog.LevelError
	case c.Path() == "/livez" || c.Path() == "/readyz" || c.Path() == "/metrics":
		level = slog.LevelDebug
	}
	if !s.app.Log.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("request_id", request.ID(c)),
		slog.String("method", c.Method()),
		slog.String("path", access.Inert(c.Path())),
		slog.Int("status", status),
		slog.Duration("took", took),
		slog.String("from", s.access.Origin(c)),
	}
	if who := access.SenderOf(c); who.Name != "" {
		attrs = append(attrs, slog.String("caller", who.Name))
	}
	s.app.Log.LogAttrs(ctx, level, "request", attrs...)
}

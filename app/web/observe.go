package web

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/web/access"
	"fibercrons/app/web/reply"
	"fibercrons/app/web/request"
)

// observe is the outermost wrapper of every request: it gives it an ID and a context, turns errors and panics into
// responses, and logs one line, without body, query and headers, which may hold secrets.
func (s *Server) observe(c *fiber.Ctx) error {
	start, id := time.Now(), request.ID(c)
	ctx, cancel := context.WithTimeout(s.app.Context(context.Background()), request.Patience)
	defer cancel()
	c.SetUserContext(ctx)

	err := s.isolate(c, id)
	if err != nil {
		if failErr := reply.Fail(c, id, err); failErr != nil {
			return failErr
		}
	}

	took := time.Since(start)
	s.count(c, took)
	status := c.Response().StatusCode()
	level := slog.LevelInfo
	switch {
	case status >= 500:
		level = slog.LevelError
	case c.Path() == "/livez" || c.Path() == "/readyz" || c.Path() == "/metrics":
		level = slog.LevelDebug
	}
	if !s.app.Log.Enabled(ctx, level) {
		return nil
	}
	attrs := []slog.Attr{
		slog.String("request_id", id),
		slog.String("method", c.Method()),
		slog.String("path", access.Inert(c.Path())),
		slog.Int("status", status),
		slog.Duration("took", took),
		slog.String("from", s.access.Origin(c)),
	}
	if who := access.CallerOf(c); who.Name != "" {
		attrs = append(attrs, slog.String("caller", who.Name))
	}
	if err != nil && status >= 500 {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	s.app.Log.LogAttrs(ctx, level, "request", attrs...)
	return nil
}

// isolate calls the handlers and turns a panic into an error. Without it the panic would end the process, and the
// jobs with it.
func (s *Server) isolate(c *fiber.Ctx, id string) (err error) {
	defer func() {
		if thrown := recover(); thrown != nil {
			s.app.Log.LogAttrs(context.Background(), slog.LevelError, "handler panicked",
				slog.String("request_id", id),
				slog.String("panic", fmt.Sprint(thrown)),
				slog.String("stack", string(debug.Stack())))
			c.Response().Reset() // nothing of an unfinished response
			c.Set(fiber.HeaderXRequestID, id)
			err = reply.Broken()
		}
	}()
	return c.Next()
}

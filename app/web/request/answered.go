package request

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/web/access"
	"fibercrons/app/web/reply"
)

// Answered is what surrounds handlers: a request gets an ID and a context, and whatever its handler returns or throws
// becomes an answer, so that a program's own error handler never sees it. inside adds the application to the context.
func Answered(log *slog.Logger, inside func(context.Context) context.Context, handler fiber.Handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		id, outer := ID(c), c.UserContext()
		ctx, cancel := context.WithTimeout(inside(outer), Patience)
		defer cancel()
		c.SetUserContext(ctx)
		defer c.SetUserContext(outer)
		err := isolate(c, log, id, handler)
		if err == nil {
			return nil
		}
		if problem := reply.ProblemOf(err); problem.Status >= fiber.StatusInternalServerError {
			log.LogAttrs(ctx, slog.LevelError, "request failed", slog.String("request_id", id), slog.String("method", c.Method()),
				slog.String("path", access.Inert(c.Path())), slog.Int("status", problem.Status), slog.String("error", err.Error()))
		}
		return reply.Fail(c, id, err)
	}
}

// isolate calls the handler and turns a panic into an error. Without it the panic would end the process, and the
// jobs with it.
func isolate(c *fiber.Ctx, log *slog.Logger, id string, handler fiber.Handler) (err error) {
	defer func() {
		if thrown := recover(); thrown != nil {
			log.LogAttrs(context.Background(), slog.LevelError, "handler panicked",
				slog.String("request_id", id),
				slog.String("panic", fmt.Sprint(thrown)),
				slog.String("stack", string(debug.Stack())))
			c.Response().Reset() // nothing of an unfinished response
			c.Set(fiber.HeaderXRequestID, id)
			err = reply.Broken()
		}
	}()
	return handler(c)
}

package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/cron"
	"fibercrons/app/ops"
	"fibercrons/app/web/reply"
	"fibercrons/app/web/request"
)

// importPatience is how long an import waits for more of its body, and for its sender to read the answers.
const importPatience = 30 * time.Second

// importSchedules puts the schedules of a body of JSON lines, and answers with a line for each. The answers to a
// thousand lines are sent before the next thousand are read, so neither body nor answers are ever whole in memory. A
// program around the routes that does not stream bodies (fiber.Config.StreamRequestBody) reads the whole body before,
// up to its own limit.
func (a *API) importSchedules(c *fiber.Ctx) error {
	if err := request.NoQuery(c); err != nil {
		return err
	}
	var body io.Reader
	if body = c.Request().BodyStream(); body == nil {
		body = bytes.NewReader(c.BodyRaw())
	}
	in := &importing{ctx: request.Serving(c), conn: c.Context(), body: body, log: a.app.Log, id: request.ID(c)}
	in.lines = a.app.Crons.By(request.Caller(c)).Import(in)
	c.Set(fiber.HeaderContentType, "application/x-ndjson")
	c.Set("X-Accel-Buffering", "no") // nginx would hold answers back
	c.Context().SetBodyStream(answers{in}, -1)
	return nil
}

// deadlines are those of a connection; fasthttp sets its own again after the response.
type deadlines interface {
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
}

// importing is an import. fasthttp reads its answers in the goroutine of the connection, after the handler has
// returned; so the body is read then, too.
type importing struct {
	ctx   context.Context // ends with the server
	conn  deadlines
	body  io.Reader
	lines *ops.Import
	log   *slog.Logger
	id    string // of the request

	rest []byte // encoded and not yet read
	done bool
}

// Read reads the body. The server's limit of time counts from the first byte of a request, and a body may be long.
func (i *importing) Read(into []byte) (int, error) {
	if err := i.conn.SetReadDeadline(time.Now().Add(importPatience)); err != nil {
		return 0, err
	}
	return i.body.Read(into)
}

// answers is the body of the response.
type answers struct{ *importing }

// Read imports more lines when all answers so far were read.
func (a answers) Read(into []byte) (n int, err error) {
	i := a.importing
	defer func() {
		if thrown := recover(); thrown != nil {
			i.log.LogAttrs(context.Background(), slog.LevelError, "import panicked", slog.String("request_id", i.id),
				slog.String("panic", fmt.Sprint(thrown)), slog.String("stack", string(debug.Stack())))
			n, err = 0, errBroken // closes the connection
		}
	}()
	for len(i.rest) == 0 {
		if i.done {
			return 0, io.EOF
		}
		if i.rest, err = i.more(); err != nil {
			return 0, err
		}
	}
	if err := i.conn.SetWriteDeadline(time.Now().Add(importPatience)); err != nil {
		return 0, err
	}
	n = copy(into, i.rest)
	i.rest = i.rest[n:]
	return n, nil
}

// Close is called by fasthttp when the answers have ended, or their reader is gone.
func (a answers) Close() error {
	if i := a.importing; !i.done {
		i.done = true
		i.log.LogAttrs(context.Background(), slog.LevelWarn, "import ended before its end: the sender is gone, or does not read the answers",
			slog.String("request_id", i.id), slog.Int("lines", i.lines.Lines()))
	}
	return nil
}

// more is the next piece of the answer.
func (i *importing) more() ([]byte, error) {
	ctx, cancel := context.WithTimeout(i.ctx, request.Patience)
	defer cancel()
	list, err := i.lines.Next(ctx)
	if err != nil {
		i.done = true
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		list = []ops.ImportLine{i.broken(err)}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	for n := range list {
		if err := enc.Encode(&list[n]); err != nil {
			return nil, err
		}
	}
	return reply.EscapeControls(b.Bytes()), nil
}

// broken is the last answer of an import that has not come to its end. Only the log may name the cause.
func (i *importing) broken(err error) ops.ImportLine {
	last := ops.ImportLine{Line: i.lines.Lines() + 1}
	detail := "the body broke off here; what came before is stored"
	var unstored *ops.ImportError
	if errors.As(err, &unstored) {
		last.Line = unstored.First
		detail = fmt.Sprintf("lines %d to %d, and those after them, were not stored; the log says why, under %s. Send them again", unstored.First, unstored.Last, i.id)
	}
	i.log.LogAttrs(context.Background(), slog.LevelError, "import broke off", slog.String("request_id", i.id), slog.String("error", err.Error()))
	last.Errors = []cron.FieldError{{Detail: detail}}
	return last
}

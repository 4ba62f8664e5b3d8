package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/feed"
	"fibercrons/app/web/reply"
	"fibercrons/app/web/request"
)

// streamLimits bound event streams.
type streamLimits struct {
	Open      int           // clients at one time
	Heartbeat time.Duration // between two comments while nothing happens
	Write     time.Duration // for one write
}

const (
	// streamLife is when a stream ends and its client has to reconnect, with a token that is still valid.
	streamLife = time.Hour
	// busyFor is when a client that was refused may ask again.
	busyFor = 10 * time.Second
)

// subscription is the source of a stream's events: a [*feed.Subscription].
type subscription interface {
	Next(ctx context.Context) ([]feed.Change, error)
	At() string
	Close()
}

// streams serves the event streams of all clients.
type streams struct {
	subscribe func(ctx context.Context, after string) (subscription, error)
	limits    streamLimits
	log       *slog.Logger
	open      atomic.Int64
}

// handle answers with what happens from now on, as server-sent events (the HTML standard, 9.2).
func (s *streams) handle(c *fiber.Ctx) error {
	if err := request.NoQuery(c); err != nil {
		return err
	}
	after := strings.Clone(c.Get("Last-Event-ID"))
	if len(after) > request.LongestID {
		after = "unknown" // the stream begins with a reset
	}
	c.Set(fiber.HeaderContentType, "text/event-stream; charset=utf-8")
	c.Set("X-Accel-Buffering", "no") // nginx would hold events back
	if c.Method() == fiber.MethodHead {
		return nil
	}
	serving := request.Serving(c)
	if serving.Err() != nil || s.open.Add(1) > int64(s.limits.Open) {
		s.open.Add(-1)
		p := reply.Refuse(fiber.StatusServiceUnavailable, "too many open event streams; try again later")
		p.RetryAfter = busyFor
		return p
	}
	events, err := s.subscribe(c.UserContext(), after)
	if err != nil {
		s.open.Add(-1)
		return err
	}
	ctx, cancel := context.WithTimeout(serving, streamLife)
	// fasthttp reads the stream after the handler has returned, and reuses the request.
	c.Context().SetBodyStream(&eventStream{
		events: events, ctx: ctx, cancel: cancel, conn: c.Context().Conn(), limits: s.limits,
		log: s.log, id: request.ID(c), open: &s.open,
	}, -1)
	return nil
}

// eventStream is the body of a response that does not end. fasthttp reads it in the goroutine of its
// connection and writes what it gets at once, so nothing is buffered here. A client that takes too long
// for one write is disconnected.
type eventStream struct {
	events subscription
	ctx    context.Context // ends with the server, or after streamLife
	cancel context.CancelFunc
	conn   net.Conn
	limits streamLimits
	log    *slog.Logger
	id     string // of the request
	open   *atomic.Int64

	rest    []byte // encoded and not yet read
	greeted bool
	closed  bool
}

// Read waits for events, or until the next heartbeat is due.
func (e *eventStream) Read(into []byte) (n int, err error) {
	defer func() {
		if thrown := recover(); thrown != nil {
			e.log.LogAttrs(context.Background(), slog.LevelError, "event stream panicked", slog.String("request_id", e.id),
				slog.String("panic", fmt.Sprint(thrown)), slog.String("stack", string(debug.Stack())))
			n, err = 0, errBroken // closes the connection, and the client reconnects
		}
	}()
	if len(e.rest) == 0 {
		if e.rest, err = e.more(); err != nil {
			return 0, err
		}
	}
	// The server's limit counts from the start of a response, and this one does not end.
	if err := e.conn.SetWriteDeadline(time.Now().Add(e.limits.Write)); err != nil {
		return 0, err
	}
	n = copy(into, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// more is the next piece of the stream.
func (e *eventStream) more() ([]byte, error) {
	if !e.greeted {
		// The ID alone is no event; the client reconnects with it if none follows.
		e.greeted = true
		return fmt.Appendf(nil, "retry: 2000\nid: %s\n\n", e.events.At()), nil
	}
	ctx, cancel := context.WithTimeout(e.ctx, e.limits.Heartbeat)
	defer cancel()
	changes, err := e.events.Next(ctx)
	switch {
	case e.ctx.Err() != nil:
		return nil, io.EOF
	case errors.Is(err, context.DeadlineExceeded):
		return []byte(": still here\n\n"), nil
	case err != nil:
		return nil, err
	}
	var b bytes.Buffer
	for _, c := range changes {
		fmt.Fprintf(&b, "id: %s\nevent: %s\ndata: ", c.ID, c.Kind)
		b.Write(reply.EscapeControls(c.Data)) // JSON in one line: encoding/json escapes line ends
		b.WriteString("\n\n")
	}
	return b.Bytes(), nil
}

// Close is called by fasthttp when the stream or its client has ended.
func (e *eventStream) Close() error {
	if !e.closed {
		e.closed = true
		e.cancel()
		e.events.Close()
		e.open.Add(-1)
	}
	return nil
}

package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/feed"
)

// subscription is where a stream gets its events from: a [*feed.Subscription].
type subscription interface {
	Next(ctx context.Context) ([]feed.Change, error)
	At() string
	Close()
}

func (s *Server) subscribe(ctx context.Context, after string) (subscription, error) {
	return s.app.Feed.Subscribe(ctx, after)
}

// streamEvents answers with what happens from now on, as server-sent events (the HTML standard, 9.2).
func (s *Server) streamEvents(c *fiber.Ctx) error {
	q := queryOf(c)
	if err := q.err(); err != nil {
		return err
	}
	after := c.Get("Last-Event-ID")
	if len(after) > longestID {
		after = "unknown" // the stream begins with a reset
	}
	c.Set(fiber.HeaderContentType, "text/event-stream; charset=utf-8")
	c.Set("X-Accel-Buffering", "no") // nginx would hold events back
	if c.Method() == fiber.MethodHead {
		return nil
	}
	if s.closing.Err() != nil || s.streams.Add(1) > int64(s.limits.Streams) {
		s.streams.Add(-1)
		p := refuse(fiber.StatusServiceUnavailable, "too many open event streams; try again later")
		p.retryAfter = busyFor
		return p
	}
	events, err := s.listen(c.UserContext(), after)
	if err != nil {
		s.streams.Add(-1)
		return err
	}
	ctx, cancel := context.WithTimeout(s.closing, streamLife)
	// From here on the request is left behind: fasthttp reads the stream when the handler is through,
	// and uses the request again.
	c.Context().SetBodyStream(&eventStream{
		events: events, ctx: ctx, cancel: cancel, conn: c.Context().Conn(), limits: s.limits,
		log: s.app.Log, id: requestID(c), open: &s.streams,
	}, -1)
	return nil
}

const (
	// streamLife is when a stream ends and its client has to come again, with a token that is still good.
	streamLife = time.Hour
	// busyFor is when a client that was one too many may ask again.
	busyFor = 10 * time.Second
)

// eventStream is the body of an answer that does not end. fasthttp reads it in the goroutine of its
// connection and writes what it gets at once; so nothing is buffered here, and a client that takes
// too long for one write is cut off.
type eventStream struct {
	events subscription
	ctx    context.Context // ends with the server, or when the stream has lived long enough
	cancel context.CancelFunc
	conn   net.Conn
	limits Limits
	log    *slog.Logger
	id     string // of the request
	open   *atomic.Int64

	rest    []byte // written already, in our own terms
	greeted bool
	closed  bool
}

// Read waits for events, or until it is time for a sign of life.
func (e *eventStream) Read(into []byte) (n int, err error) {
	defer func() {
		if thrown := recover(); thrown != nil {
			e.log.LogAttrs(context.Background(), slog.LevelError, "event stream panicked", slog.String("request_id", e.id),
				slog.String("panic", fmt.Sprint(thrown)), slog.String("stack", string(debug.Stack())))
			n, err = 0, errBroken // the connection is cut, and the client comes again
		}
	}()
	if len(e.rest) == 0 {
		if e.rest, err = e.more(); err != nil {
			return 0, err
		}
	}
	// The server's limit counts from the beginning of an answer, and this one goes on.
	if err := e.conn.SetWriteDeadline(time.Now().Add(e.limits.Write)); err != nil {
		return 0, err
	}
	n = copy(into, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// more is what is to be written next.
func (e *eventStream) more() ([]byte, error) {
	if !e.greeted {
		// The ID alone is no event; it is what the client comes again with if none follows.
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
		b.Write(escapeControls(c.Data)) // JSON in one line: encoding/json escapes line ends
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

package site

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"fibercrons/app/web/access"
	"fibercrons/app/web/reply"
	"fibercrons/app/web/request"
)

// screen runs before Fiber. It answers to unknown methods, which Fiber would do in plain text, refuses requests that
// give their length twice, and reads the bodies.
func (s *Site) screen(next fasthttp.RequestHandler) fasthttp.RequestHandler {
	known := map[string]bool{}
	for _, method := range s.fiber.Config().RequestMethods {
		known[method] = true
	}
	return func(ctx *fasthttp.RequestCtx) {
		var p error
		switch {
		case twoLengths(ctx.Request.Header.RawHeaders()):
			ctx.SetConnectionClose()
			p = reply.Refuse(fiber.StatusBadRequest, "the request has both Content-Length and Transfer-Encoding")
		case !known[string(ctx.Method())]:
			p = reply.Refuse(fiber.StatusNotImplemented, "this server does not know this method")
		default:
			if p = s.readBody(ctx); p == nil {
				next(ctx)
				return
			}
		}
		c := s.fiber.AcquireCtx(ctx)
		defer s.fiber.ReleaseCtx(c)
		if err := s.unreadable(c, p); err != nil {
			ctx.SetStatusCode(fiber.StatusBadRequest)
		}
	}
}

// readBody reads a body of at most Limits.Body, so that handlers have it whole, as without streams. An import reads its
// own.
func (s *Site) readBody(ctx *fasthttp.RequestCtx) error {
	body := ctx.RequestBodyStream()
	if body == nil || ctx.IsPost() && strings.HasSuffix(string(ctx.Path()), access.ImportPath) {
		return nil
	}
	length := ctx.Request.Header.ContentLength()
	if length > s.limits.Body {
		ctx.SetConnectionClose()
		return fiber.ErrRequestEntityTooLarge
	}
	var whole bytes.Buffer
	whole.Grow(max(length, 0))
	n, err := whole.ReadFrom(io.LimitReader(body, int64(s.limits.Body)+1))
	var network net.Error
	switch {
	case errors.As(err, &network) && network.Timeout():
		ctx.SetConnectionClose()
		return fiber.ErrRequestTimeout
	case err != nil || length > int(n):
		ctx.SetConnectionClose()
		return fiber.ErrBadRequest
	case int(n) > s.limits.Body:
		ctx.SetConnectionClose()
		return fiber.ErrRequestEntityTooLarge
	}
	ctx.Request.SetBodyRaw(whole.Bytes())
	return nil
}

// twoLengths says whether a proxy and this server could disagree on where the request ends, one by Content-Length
// and the other by Transfer-Encoding: a second request could hide in between. fasthttp accepts such a request and only
// closes the connection after it (RFC 9112, section 6.3, allows either).
func twoLengths(headers []byte) bool {
	var length, coding bool
	for line := range bytes.Lines(headers) {
		name, _, _ := bytes.Cut(line, []byte{':'})
		name = bytes.TrimSpace(name)
		length = length || bytes.EqualFold(name, []byte(fiber.HeaderContentLength))
		coding = coding || bytes.EqualFold(name, []byte(fiber.HeaderTransferEncoding))
	}
	return length && coding
}

// unreadable is Fiber's error handler. observe turns all errors of handlers into responses, so what is left are
// requests that Fiber could not read.
func (s *Site) unreadable(c *fiber.Ctx, err error) error {
	var web *fiber.Error
	var ours *reply.Problem
	if errors.As(err, &ours) {
		return reply.Fail(c, request.ID(c), err)
	}
	if !errors.As(err, &web) || web.Code == fiber.StatusBadRequest || web.Code == fiber.StatusBadGateway {
		// The text of the parser repeats what was sent.
		err = reply.Refuse(fiber.StatusBadRequest, "the request is not whole, or not HTTP")
	} else if web.Code == fiber.StatusRequestEntityTooLarge {
		discard(c.Context().Conn())
	}
	return reply.Fail(c, request.ID(c), err)
}

// discard reads and discards some more of a body that is too large. Closing a connection with unread bytes resets it,
// and then most senders never see the response.
func discard(conn net.Conn) {
	const (
		most    = 16 << 20
		longest = 2 * time.Second
		pause   = 200 * time.Millisecond // a sender that is silent for so long waits for the response
	)
	end, buffer := time.Now().Add(longest), make([]byte, 64<<10)
	for taken := 0; taken < most && time.Now().Before(end); {
		if conn.SetReadDeadline(time.Now().Add(pause)) != nil {
			return
		}
		n, err := conn.Read(buffer)
		if err != nil {
			return
		}
		taken += n
	}
}

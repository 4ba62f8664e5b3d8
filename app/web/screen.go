package web

import (
	"bytes"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// screen stands before Fiber. It answers to methods Fiber has never heard of, which Fiber would do in
// plain text, and refuses requests whose length is said twice.
func (s *Server) screen(next fasthttp.RequestHandler) fasthttp.RequestHandler {
	known := map[string]bool{}
	for _, method := range s.fiber.Config().RequestMethods {
		known[method] = true
	}
	return func(ctx *fasthttp.RequestCtx) {
		var p *problem
		switch {
		case twoLengths(ctx.Request.Header.RawHeaders()):
			ctx.SetConnectionClose()
			p = refuse(fiber.StatusBadRequest, "the request has both Content-Length and Transfer-Encoding")
		case !known[string(ctx.Method())]:
			p = refuse(fiber.StatusNotImplemented, "this server does not know this method")
		default:
			next(ctx)
			return
		}
		c := s.fiber.AcquireCtx(ctx)
		defer s.fiber.ReleaseCtx(c)
		if err := s.fail(c, p); err != nil {
			ctx.SetStatusCode(p.Status)
		}
	}
}

// twoLengths says whether two servers in a row could disagree on where the request ends, one going by
// Content-Length and the other by Transfer-Encoding: a second request could hide between. fasthttp
// takes such a request and only closes the connection after it (RFC 9112 section 6.3 allows either).
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

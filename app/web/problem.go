package web

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/scheduler"
	"fibercrons/app/web/access"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/utils"
)

// problem is an answer that is not what was asked for, as RFC 9457 writes it. Handlers return it as
// an error, and fail renders it.
type problem struct {
	Type     string         `json:"type"`
	Title    string         `json:"title"`
	Status   int            `json:"status"`
	Detail   string         `json:"detail,omitempty"`
	Instance string         `json:"instance"` // the request's ID, as it stands in the log and in X-Request-ID
	Reason   cron.Reason    `json:"reason,omitempty"`
	Part     scheduler.Part `json:"part,omitempty"` // of the machinery, which is not ready
	Errors   []invalid      `json:"errors,omitempty"`

	retryAfter time.Duration
}

// invalid is one wrong part of a request.
type invalid struct {
	In     string `json:"in"`    // query or body
	Field  string `json:"field"` // a parameter's name, or a JSON pointer (RFC 6901) into the body
	Detail string `json:"detail"`
}

func (p *problem) Error() string { return strconv.Itoa(p.Status) + " " + p.Detail }

func refuse(status int, detail string) *problem { return &problem{Status: status, Detail: detail} }

func badRequest(errs ...invalid) *problem {
	p := refuse(fiber.StatusBadRequest, "the request is not understood")
	if len(errs) > 0 {
		p.Detail = errs[0].Field + ": " + errs[0].Detail
		if errs[0].Field == "" {
			p.Detail = errs[0].Detail
		}
	}
	p.Errors = errs
	return p
}

const brokeHere = "something went wrong here; the log says what, under this instance"

// problemOf translates what the layers below answer. Only texts written for the caller pass: an
// unknown error may hold a path, a statement or a secret, and becomes a bare 500.
func problemOf(err error) *problem {
	var (
		denied  *access.Refusal
		own     *problem
		web     *fiber.Error
		noJob   *cron.NoJobError
		refused *contract.RefusedError
		badArgs *cron.ArgsError
	)
	switch {
	case errors.As(err, &denied):
		p := refuse(denied.Status, denied.Detail)
		p.retryAfter = denied.RetryAfter
		return p
	case errors.As(err, &own):
		copied := *own
		return &copied
	case errors.As(err, &noJob):
		return refuse(fiber.StatusNotFound, noJob.Error())
	case errors.Is(err, cron.ErrNotFound):
		return refuse(fiber.StatusNotFound, "there is no such run")
	case errors.As(err, &refused):
		p := refuse(fiber.StatusConflict, refused.Error())
		p.Reason = refused.Reason
		if refused.Reason == cron.ReasonShutdown {
			p.Status = fiber.StatusServiceUnavailable
		}
		return p
	case errors.As(err, &badArgs):
		if badArgs.Request {
			return badFields(badArgs, "")
		}
		return badFields(badArgs, "/args")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return refuse(fiber.StatusServiceUnavailable, "the answer took too long; try again")
	case errors.As(err, &web):
		return webProblem(web)
	}
	return refuse(fiber.StatusInternalServerError, brokeHere)
}

func badFields(err *cron.ArgsError, under string) *problem {
	p := badRequest()
	p.Detail = err.Error()
	for _, f := range err.Fields {
		p.Errors = append(p.Errors, invalid{In: "body", Field: under + f.Field, Detail: f.Detail})
	}
	return p
}

// webProblem words Fiber's own errors. The text of a user's fiber.NewError is meant for the caller
// up to 499, and is kept to the log from 500 on.
func webProblem(err *fiber.Error) *problem {
	switch {
	case err.Code < 400 || err.Code > 599:
		return refuse(fiber.StatusInternalServerError, brokeHere)
	case err.Code >= 500:
		return refuse(err.Code, brokeHere)
	case err.Code == fiber.StatusNotFound && strings.HasPrefix(err.Message, "Cannot "):
		return refuse(err.Code, "nothing is served at this path")
	case err.Message != utils.StatusMessage(err.Code):
		return refuse(err.Code, err.Message)
	}
	return refuse(err.Code, map[int]string{
		fiber.StatusMethodNotAllowed:            "this path does not take this method; the Allow header lists those it takes",
		fiber.StatusRequestEntityTooLarge:       "the body is larger than this server takes",
		fiber.StatusRequestHeaderFieldsTooLarge: "the headers are larger than this server takes",
		fiber.StatusRequestTimeout:              "the request did not arrive in time",
	}[err.Code])
}

// brokenOff is Fiber's error handler. As observe turns all errors of handlers into responses, it is
// left with requests that no handler has seen, because they could not be read.
func (s *Server) brokenOff(c *fiber.Ctx, err error) error {
	var web *fiber.Error
	if !errors.As(err, &web) || web.Code == fiber.StatusBadRequest || web.Code == fiber.StatusBadGateway {
		// Not in the words of the parser, which repeat what was sent.
		err = refuse(fiber.StatusBadRequest, "the request is not whole, or not HTTP")
	} else if web.Code == fiber.StatusRequestEntityTooLarge {
		drain(c.Context().Conn())
	}
	return s.fail(c, err)
}

// drain takes some more of a body that is too large and throws it away. A connection that is closed
// on unread bytes is reset, and then most senders never see the answer.
func drain(conn net.Conn) {
	const (
		most    = 16 << 20
		longest = 2 * time.Second
		pause   = 200 * time.Millisecond // whoever sends nothing for so long waits for the answer
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

// fail is the one place where an error becomes a response.
func (s *Server) fail(c *fiber.Ctx, err error) error {
	p := problemOf(err)
	p.Type, p.Title, p.Instance = "about:blank", http.StatusText(p.Status), requestID(c)
	secureHeaders(c)
	if p.retryAfter > 0 {
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(int((p.retryAfter+time.Second-1)/time.Second)))
	}
	body, encodeErr := encode(p)
	if encodeErr != nil {
		return encodeErr
	}
	c.Set(fiber.HeaderContentType, "application/problem+json")
	return c.Status(p.Status).Send(body)
}

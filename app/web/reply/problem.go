package reply

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/utils"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/scheduler"
	"fibercrons/app/web/access"
)

// Problem is an error response (RFC 9457). Handlers return it as an error, and [Fail] writes it.
type Problem struct {
	Type     string         `json:"type"`
	Title    string         `json:"title"`
	Status   int            `json:"status"`
	Detail   string         `json:"detail,omitempty"`
	Instance string         `json:"instance"` // the request's ID, as in the log and in X-Request-ID
	Reason   cron.Reason    `json:"reason,omitempty"`
	Part     scheduler.Part `json:"part,omitempty"` // the part that is not ready
	Errors   []Invalid      `json:"errors,omitempty"`

	RetryAfter time.Duration `json:"-"` // not 0: sent as the header
}

// Invalid is one wrong part of a request.
type Invalid struct {
	In     string `json:"in"`    // query or body
	Field  string `json:"field"` // a parameter's name, or a JSON pointer (RFC 6901) into the body
	Detail string `json:"detail"`
}

func (p *Problem) Error() string { return strconv.Itoa(p.Status) + " " + p.Detail }

// Refuse is a problem whose detail is written for the caller.
func Refuse(status int, detail string) *Problem { return &Problem{Status: status, Detail: detail} }

// BadRequest lists what is wrong with a request.
func BadRequest(errs ...Invalid) *Problem {
	p := Refuse(fiber.StatusBadRequest, "the request is not understood")
	if len(errs) > 0 {
		p.Detail = errs[0].Field + ": " + errs[0].Detail
		if errs[0].Field == "" {
			p.Detail = errs[0].Detail
		}
	}
	p.Errors = errs
	return p
}

// BadBody says what is wrong with one member of the body; with the body itself when pointer is empty.
func BadBody(pointer, detail string) *Problem {
	return BadRequest(Invalid{In: "body", Field: pointer, Detail: detail})
}

// Broken is the problem of a failure whose cause only the log may name.
func Broken() *Problem {
	return Refuse(fiber.StatusInternalServerError, brokeHere)
}

const brokeHere = "something went wrong here; the log says what, under this instance"

// ProblemOf translates the errors of the layers below. Only texts written for the caller pass: an
// unknown error may hold a path, a statement or a secret, and becomes a bare 500.
func ProblemOf(err error) *Problem {
	var (
		denied  *access.Refusal
		own     *Problem
		web     *fiber.Error
		noJob   *cron.NoJobError
		refused *contract.RefusedError
		badArgs *cron.ArgsError
	)
	switch {
	case errors.As(err, &denied):
		p := Refuse(denied.Status, denied.Detail)
		p.RetryAfter = denied.RetryAfter
		return p
	case errors.As(err, &own):
		copied := *own
		return &copied
	case errors.As(err, &noJob):
		return Refuse(fiber.StatusNotFound, noJob.Error())
	case errors.Is(err, cron.ErrNotFound):
		return Refuse(fiber.StatusNotFound, "there is no such run")
	case errors.As(err, &refused):
		p := Refuse(fiber.StatusConflict, refused.Error())
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
		return Refuse(fiber.StatusServiceUnavailable, "the answer took too long; try again")
	case errors.As(err, &web):
		return webProblem(web)
	}
	return Broken()
}

func badFields(err *cron.ArgsError, under string) *Problem {
	p := BadRequest()
	p.Detail = err.Error()
	for _, f := range err.Fields {
		p.Errors = append(p.Errors, Invalid{In: "body", Field: under + f.Field, Detail: f.Detail})
	}
	return p
}

const nothing = "nothing is served at this path"

// webProblem words Fiber's own errors. The text of a user's fiber.NewError is for the caller up to
// 499; from 500 on it stays in the log.
func webProblem(err *fiber.Error) *Problem {
	switch {
	case err.Code < 400 || err.Code > 599:
		return Broken()
	case err.Code >= 500:
		return Refuse(err.Code, brokeHere)
	case err.Code == fiber.StatusNotFound && strings.HasPrefix(err.Message, "Cannot "):
		return Refuse(err.Code, nothing)
	case err.Message != utils.StatusMessage(err.Code):
		return Refuse(err.Code, err.Message)
	}
	return Refuse(err.Code, map[int]string{
		fiber.StatusNotFound:                    nothing,
		fiber.StatusMethodNotAllowed:            "this path does not take this method; the Allow header lists those it takes",
		fiber.StatusRequestEntityTooLarge:       "the body is larger than this server takes",
		fiber.StatusRequestHeaderFieldsTooLarge: "the headers are larger than this server takes",
		fiber.StatusRequestTimeout:              "the request did not arrive in time",
	}[err.Code])
}

// Fail is the one place where an error becomes a response. id is the request's.
func Fail(c *fiber.Ctx, id string, err error) error {
	p := ProblemOf(err)
	p.Type, p.Title, p.Instance = "about:blank", http.StatusText(p.Status), id
	Secure(c)
	if p.RetryAfter > 0 {
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(int((p.RetryAfter+time.Second-1)/time.Second)))
	}
	body, encodeErr := encode(p)
	if encodeErr != nil {
		return encodeErr
	}
	c.Set(fiber.HeaderContentType, "application/problem+json")
	return c.Status(p.Status).Send(body)
}

// Secure sets the security headers of every response under /crons, pages included: nothing from
// elsewhere, no frames, no caching. There are no CORS headers, so no other origin can read a response.
func Secure(c *fiber.Ctx) {
	c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderXFrameOptions, "DENY")
	// Not no-referrer: under it a browser sends "Origin: null" with our own forms.
	c.Set(fiber.HeaderReferrerPolicy, "same-origin")
	c.Set("Cross-Origin-Opener-Policy", "same-origin")
	c.Set("Cross-Origin-Resource-Policy", "same-origin")
	c.Set(fiber.HeaderCacheControl, "no-store")
}

// Package request reads requests: parameters, JSON bodies, names in the path, and who sent them.
//
// What it returns may be kept: no string is the request's own memory, which the server reuses unless it is
// configured as Immutable.
//
// Parameters and bodies are read strictly: whatever is unknown, repeated or malformed is refused, and all mistakes
// are reported together as one [reply.Problem].
//
// # Files, in reading order
//
//	request.go   the ID, the caller, names in the path; how long the server serves
//	answered.go  what surrounds handlers
//	query.go     parameters
//	body.go      JSON objects
package request

import (
	"context"
	"crypto/rand"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/web/access"
)

const (
	// Patience is how long a handler may work on an answer before its context ends. Waiting for a run to end
	// does not count.
	Patience = 30 * time.Second
	// LongestID is the limit in bytes for IDs of runs and events.
	LongestID = 64
)

type idKey struct{}

var goodID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// ID is the caller's ID for the request, if it is fit to be logged, or a fresh one.
func ID(c *fiber.Ctx) string {
	if id, ok := c.Locals(idKey{}).(string); ok {
		return id
	}
	id := strings.Clone(c.Get(fiber.HeaderXRequestID))
	if !goodID.MatchString(id) {
		id = rand.Text()
	}
	c.Locals(idKey{}, id)
	c.Set(fiber.HeaderXRequestID, id)
	return id
}

// Caller is who sent the request, for the audit log. [access.Control.Admit] has admitted them.
func Caller(c *fiber.Ctx) contract.Caller {
	who := access.SenderOf(c)
	return contract.Caller{Actor: who.Name, Origin: who.Origin, RequestID: ID(c)}
}

// JobName is the name in the path. No name of a job needs an escape there, so none is decoded: an escaped
// name matches no job.
func JobName(c *fiber.Ctx) string { return shorten(strings.Clone(c.Params("name"))) }

// RunID is the ID in the path. [cron.ErrNotFound] says that it cannot be one.
func RunID(c *fiber.Ctx) (string, error) {
	id := strings.Clone(c.Params("id"))
	if len(id) > LongestID || strings.ContainsFunc(id, func(r rune) bool {
		return r != '-' && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r))
	}) {
		return "", cron.ErrNotFound
	}
	return id, nil
}

// Serving returns a context that ends when the server stops. It holds nothing of the request, so it may outlive it.
func Serving(c *fiber.Ctx) context.Context { return serving{context.Background(), c.Context().Done()} }

type serving struct {
	context.Context
	done <-chan struct{}
}

func (s serving) Done() <-chan struct{} { return s.done }

func (s serving) Err() error {
	select {
	case <-s.done:
		return context.Canceled
	default:
		return nil
	}
}

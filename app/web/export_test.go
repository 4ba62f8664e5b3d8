package web

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/feed"
	"fibercrons/app/web/access"
)

// Web is the Fiber application.
func (s *Server) Web() *fiber.App { return s.fiber }

// Row is a row of the table of what is served.
type Row struct {
	Method, Path string
	Open, Reads  bool // for nobody; for viewers
	Page         bool
}

// Table is everything that is served under /crons.
func (s *Server) Table() (rows []Row) {
	for _, list := range [][]route{s.loginRoutes(), s.dashboardRoutes(), s.apiRoutes()} {
		for _, r := range list {
			rows = append(rows, Row{r.method, r.path, r.role == access.Nobody, r.role == access.Viewer, r.page})
		}
	}
	return rows
}

// Fail turns an error into an answer.
func (s *Server) Fail(c *fiber.Ctx, err error) error { return s.fail(c, err) }

// All serves everything there is, and a route of the user's.
func All(r fiber.Router, s *Server) {
	r.Get("/", func(c *fiber.Ctx) error { return c.SendString("mine") })
	s.MountHealth(r)
	s.MountMetrics(r)
	s.MountCrons(r)
}

// Subscription is where a stream gets its events from.
type Subscription = subscription

// ListenTo puts another stream in the place of the scheduler's.
func (s *Server) ListenTo(f func(ctx context.Context, after string) (Subscription, error)) {
	s.listen = f
}

// Streams is how many streams are open.
func (s *Server) Streams() int64 { return s.streams.Load() }

var _ Subscription = (*feed.Subscription)(nil)

// Fresh is fresh for answers that are texts.
type Fresh struct{ *fresh }

// NewFresh is newFresh.
func NewFresh(stamp func(context.Context) (int64, error)) Fresh { return Fresh{newFresh(stamp)} }

// Do is do.
func (f Fresh) Do(ctx context.Context, key string, create func(context.Context) (string, time.Time, error)) (string, error) {
	doc, err := f.do(ctx, key, func(ctx context.Context) (document, time.Time, error) {
		body, until, err := create(ctx)
		return document{body: []byte(body)}, until, err
	})
	return string(doc.body), err
}

// Changed is changed.
func (f Fresh) Changed() { f.changed() }

// Close is close.
func (f Fresh) Close() { f.close() }

package routes

import (
	"context"
	"time"

	"fibercrons/app/cron"
)

// Feed is where a stream gets its events from.
type Feed = feed

// ListenTo puts another feed in the place of the scheduler's.
func (s *Server) ListenTo(f func(ctx context.Context, after string) (Feed, error)) { s.listen = f }

// Streams is how many streams are open.
func (s *Server) Streams() int64 { return s.streams.Load() }

var _ Feed = (*cron.Subscription)(nil)

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

package routes

import (
	"context"

	"fibercrons/app/cron"
)

// Feed is where a stream gets its events from.
type Feed = feed

// ListenTo puts another feed in the place of the scheduler's.
func (s *Server) ListenTo(f func(ctx context.Context, after string) (Feed, error)) { s.listen = f }

// Streams is how many streams are open.
func (s *Server) Streams() int64 { return s.streams.Load() }

var _ Feed = (*cron.Subscription)(nil)

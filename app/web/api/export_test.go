package api

import (
	"context"
	"log/slog"
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/web/reply"
)

// Subscription is the source of a stream's events.
type Subscription = subscription

// Streams are event streams with a source of the test's.
type Streams struct{ *streams }

// StreamLimits are the limits of streams.
type StreamLimits = streamLimits

// NewStreams makes them.
func NewStreams(limits StreamLimits, log *slog.Logger, source Subscription) Streams {
	subscribe := func(context.Context, string) (Subscription, error) { return source, nil }
	return Streams{&streams{subscribe: subscribe, limits: limits, log: log}}
}

// Handle is handle.
func (s Streams) Handle(c *fiber.Ctx) error { return s.handle(c) }

// Open is how many streams are open.
func (s Streams) Open() int64 { return s.open.Load() }

// Cache is cache for answers that are texts.
type Cache struct{ *cache }

// NewCache is newCache.
func NewCache(stamp func(context.Context) (int64, error), background func(func(context.Context)) bool) Cache {
	return Cache{newCache(stamp, background)}
}

// Do is do.
func (c Cache) Do(ctx context.Context, key string, create func() (string, time.Time)) (string, error) {
	answer, err := c.do(ctx, key, func(context.Context) (list, time.Time, error) {
		body, until := create()
		return list{Document: reply.Document{Body: []byte(body)}}, until, nil
	})
	return string(answer.Body), err
}

// Changed is changed.
func (c Cache) Changed() { c.changed() }

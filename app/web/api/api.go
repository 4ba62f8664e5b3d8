package api

import (
	"context"
	"sync"

	"fibercrons/app"
	"fibercrons/app/web/openapi"
	"fibercrons/app/web/reply"
)

// API is the handlers of an application's API.
type API struct {
	app     *app.App
	lists   *cache
	streams *streams
	closing context.Context // the parent of waits
	spec    func() (reply.Document, error)
	docs    func() ([]byte, error)
}

// New returns the API of a. Waits and streams end with closing.
func New(closing context.Context, a *app.App, limits StreamLimits) *API {
	return &API{
		app:   a,
		lists: newCache(a.Store.Stamp),
		streams: &streams{
			subscribe: func(ctx context.Context, after string) (subscription, error) { return a.Feed.Subscribe(ctx, after) },
			closing:   closing, limits: limits, log: a.Log,
		},
		closing: closing,
		// Made on first use, to keep the start short.
		spec: sync.OnceValues(func() (reply.Document, error) {
			v, err := openapi.JSON()
			if err != nil {
				return reply.Document{}, err
			}
			return reply.NewDocument(v)
		}),
		docs: sync.OnceValues(openapi.Page),
	}
}

// Changed is called after every request of an operator: whoever changes a job sees the change in the next list.
func (a *API) Changed() { a.lists.changed() }

// Close waits for lists that are being renewed in the background.
func (a *API) Close() { a.lists.close() }
